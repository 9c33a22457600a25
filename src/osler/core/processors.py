"""How many processors this process may use."""

from __future__ import annotations

import os


def processors() -> int:
    """Return the processors that this process may run on, at least 1: those of a shared server that were lent to it, where the system
    tells, else all."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
