"""What times mean that are written without a zone, or without a clock."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from osler.core.errors import StudyError, did_you_mean

UTC = ZoneInfo("UTC")
MACHINE = frozenset({"Factory", "localtime"})  # what a machine calls its own, or none: means something else on the next one


def zone(options: Mapping[str, Any]) -> ZoneInfo:
    """Return the option `zone`, UTC where there is none; raises StudyError with the near miss."""
    return zone_of(options.get("zone") or "UTC")


def zone_of(name: object) -> ZoneInfo:
    """Return the time zone `name`; raises StudyError with the near miss."""
    if isinstance(name, str) and name in _known():
        return ZoneInfo(name)
    near = did_you_mean(str(name), _known())
    raise StudyError(
        f"zone: there is no time zone '{name}'{near if 'mean' in near else ''}; wanted a name such as 'Europe/Paris'"
    )


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - MACHINE


def at_midnight(options: Mapping[str, Any]) -> bool:
    """Return whether, as the option `midnight` says, a time at midnight is a date without a clock; raises StudyError."""
    given = options.get("midnight", "clock")
    if not isinstance(given, str) or given not in {"clock", "date"}:
        raise StudyError(
            f"option 'midnight' is '{given}'{did_you_mean(str(given), ['clock', 'date'])}; 'date': a datetime at midnight is a day"
        )
    return bool(given == "date")
