"""The time zone of times that are written without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from osler.core.errors import StudyError

UTC = ZoneInfo("UTC")


def zone(options: Mapping[str, Any]) -> ZoneInfo:
    """Return the option `zone`, UTC where there is none; raises StudyError for what is no time zone."""
    name = options.get("zone") or "UTC"
    try:
        return UTC if name == "UTC" else ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise StudyError(f"option 'zone' is '{name}', which is no time zone; wanted a name such as 'Europe/Berlin'") from None
