"""What a study file may say of a timelines input beside its columns, checked."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osler.core.duration import duration
from osler.core.errors import StudyError, did_you_mean
from osler.modalities.timelines.read.source import KINDS
from osler.modalities.timelines.read.times import CLOCKS
from osler.modalities.timelines.read.zone import zone_of

OWN = ("source", "kind", "names", "clock", "zone", "after", "window", "limits", "units")
ORDERS = ("dmy", "mdy")
PARTS = ("subject", "time", "code", "value", "unit", "text")  # columns that a long table has


@dataclass(frozen=True, slots=True)
class Options:
    """The options of an input, read: `after` and `window` in microseconds, None where not given; `limits` None for those that
    are built in, else by code (low, high), or "none"; `units` by code; `more` belongs to the kind of source."""

    source: str | None = None
    kind: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    clock: str | None = None
    zone: str = "UTC"
    after: int | None = None
    window: int | None = None
    limits: Mapping[str, tuple[float, float]] | str | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def checked(options: Mapping[str, Any], *, more: Sequence[str] = ()) -> Options:
    """Return the options read; raises StudyError with all faults. `more` are names that kinds of source know."""
    faults: list[str] = []
    known = (*OWN, *more)
    faults += [f"no option '{name}' of a timelines input{did_you_mean(name, known)}" for name in options if name not in known]
    given = {name: value for name, value in options.items() if value is not None}
    read: dict[str, Any] = {name: given[name] for name in more if name in given}
    found = Options(
        source=_text(given, "source", faults),
        kind=_among(given, "kind", KINDS, faults),
        names=_names(given.get("names", {}), faults),
        clock=_among(given, "clock", CLOCKS, faults),
        zone=_zone(given.get("zone", "UTC"), faults),
        after=_duration(given, "after", faults),
        window=_duration(given, "window", faults),
        limits=_limits(given.get("limits"), faults),
        units=_units(given.get("units", {}), faults),
        more=read,
    )
    _among(given, "order", ORDERS, faults)
    if found.window == 0:
        faults.append("window: a window of no length holds no event; give a longer one, or leave it out to look at all")
    if faults:
        raise StudyError(faults)
    return found


def _text(given: Mapping[str, Any], name: str, faults: list[str]) -> str | None:
    value = given.get(name)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    faults.append(f"{name}: wanted the path of a file or folder, or the address of a database; it is a {type(value).__name__}")
    return None


def _among(given: Mapping[str, Any], name: str, known: Collection[str], faults: list[str]) -> str | None:
    value = given.get(name)
    if value is None or (isinstance(value, str) and value in known):
        return value
    faults.append(f"{name}: '{value}' is none of those that there are{did_you_mean(str(value), known)}")
    return None


def _names(value: Any, faults: list[str]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        faults.append(f"names: wanted columns by part, such as {{code: itemid}}; it is a {type(value).__name__}")
        return {}
    for part, column in value.items():
        if part not in PARTS:
            faults.append(f"names: an event has no '{part}'{did_you_mean(str(part), PARTS)}")
        elif not isinstance(column, str):
            faults.append(f"names: '{part}' must be the name of a column; it is a {type(column).__name__}, put it in quotes")
    return {p: c for p, c in value.items() if p in PARTS and isinstance(c, str)}


def _zone(value: Any, faults: list[str]) -> str:
    try:
        return zone_of(value).key
    except StudyError as error:
        faults.extend(error.faults)
        return "UTC"


def _duration(given: Mapping[str, Any], name: str, faults: list[str]) -> int | None:
    if name not in given or given[name] in ("", "all"):
        return None
    try:
        return duration(given[name], of=name)
    except StudyError as error:
        faults.extend(error.faults)
        return None


def _limits(value: Any, faults: list[str]) -> Mapping[str, tuple[float, float]] | str | None:
    if value is None or value == "none":
        return value
    wanted = "wanted 'none', or by code the lowest and the highest value, such as {pH: [6.5, 8]}"
    if not isinstance(value, Mapping):
        faults.append(f"limits: {wanted}; it is a {type(value).__name__}")
        return None
    found = {}
    for code, pair in value.items():
        bounds = _bounds(pair)
        if bounds is None:
            faults.append(f"limits: '{code}' must have a lower and a higher number; {wanted}")
        else:
            found[str(code)] = bounds
    return found


def _bounds(pair: Any) -> tuple[float, float] | None:
    """Return two ascending numbers, None where they are none; a bound may be null, for there is none."""
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        return None
    if not all(v is None or (isinstance(v, (int, float)) and not isinstance(v, bool)) for v in pair):
        return None
    low, high = (end if v is None else float(v) for v, end in zip(pair, (-math.inf, math.inf), strict=True))
    return (low, high) if low < high else None


def _units(value: Any, faults: list[str]) -> Mapping[str, str]:
    if isinstance(value, Mapping) and all(isinstance(unit, str) and unit for unit in value.values()):
        return {str(code): unit for code, unit in value.items()}
    faults.append("units: wanted by code the unit that its values are brought to, such as {Glucose: mmol/L}")
    return {}
