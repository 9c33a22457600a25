"""Which of a case's events are drawn: one lane for each code that matters, and one for the rest together."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from osler.core.columns import Columns
from osler.core.state import State
from osler.modalities.timelines.case import CODES, IMPOSSIBLE, TIMES, VALUES
from osler.modalities.timelines.fit import places, ragged

MOST = 14  # lanes with a code of their own
POINTS = 160  # events of a lane
TALL = 2.5  # scales from the centre of training to the edge of a lane
_SHORT = 36  # letters of a name


@dataclass(frozen=True, slots=True)
class Lane:
    """Events of one code, or of all `others`: `times` (e,) float64 days, ascending; `heights` (e,) from -1 to 1, NaN where there is no value;
    `masked` (e,) bool, a value that cannot be; `adds` (e,) what each adds to the score. `band` where two thirds of the training
    values lie, as heights. `last` is the last value, None where there is none."""

    name: str
    times: np.ndarray
    heights: np.ndarray
    masked: np.ndarray
    adds: np.ndarray
    band: tuple[float, float] | None = None
    last: float | None = None
    others: int = 0


def lanes(columns: Columns, row: int, *, adds: np.ndarray | None, state: State | None) -> list[Lane]:
    """Return the lanes of a case, those first that speak most for or against, or without `adds` (e,) those with most events."""
    times, codes, values = (np.asarray(ragged(columns, name)[row]) for name in (TIMES, CODES, VALUES))
    times = np.minimum(times.astype(np.float64), 0.0)
    own = np.zeros(len(times)) if adds is None else aligned(adds, len(times))
    kinds, member = np.unique(codes, return_inverse=True)
    weight = np.bincount(member, minlength=len(kinds)) if adds is None else np.bincount(member, weights=np.abs(own))
    order = np.argsort(-weight, kind="stable")
    order = order[: MOST if len(order) > MOST + 1 else MOST + 1]
    found = []
    for kind in order:
        at = _thinned(np.flatnonzero(member == kind), own)
        scale = _scale(int(kinds[kind]), values[member == kind], state)
        found.append(_lane(_name(columns, int(kinds[kind]), state), times[at], values[at], adds=own[at], scale=scale))
    rest = _thinned(np.flatnonzero(~np.isin(member, order)), own)
    if len(rest):
        nothing = np.full(len(rest), np.nan)
        others = len(kinds) - len(order)
        found.append(Lane(f"+{others}", times[rest], nothing, np.zeros(len(rest), bool), own[rest], others=others))
    return found


def aligned(adds: np.ndarray, events: int) -> np.ndarray:
    """Return (events,) what each event adds from (e, …): summed, without padding behind the events; of an encoder that saw only
    the last events, zeros before them."""
    each = adds.reshape(len(adds), -1).sum(1)[:events].astype(np.float64)
    return np.concatenate([np.zeros(events - len(each)), each])


def _lane(name: str, times: np.ndarray, values: np.ndarray, *, adds: np.ndarray, scale: tuple[float, float] | None) -> Lane:
    masked = values.view(np.uint32) == IMPOSSIBLE
    known = values[np.isfinite(values)]
    if scale is None:
        return Lane(name, times, np.full(len(times), np.nan), masked, adds)
    center, spread = scale
    heights = np.clip((values.astype(np.float64) - center) / (TALL * spread), -1, 1)
    return Lane(name, times, heights, masked, adds, (-1 / TALL, 1 / TALL), float(known[-1]) if len(known) else None)


def _scale(code: int, values: np.ndarray, state: State | None) -> tuple[float, float] | None:
    """Return centre and spread of a code's values in training, or of this case's where training tells none; None without values."""
    known = values[np.isfinite(values)].astype(np.float64)
    if not len(known):
        return None
    if state is not None:
        at = int(places(np.array([code]), state)[0])
        if at < len(state.arrays["codes"]) and state.arrays["numeric"][at]:
            return float(state.arrays["center"][at]), float(state.arrays["scale"][at])
    return float((known.min() + known.max()) / 2), float(np.ptp(known)) or 1.0


def _thinned(at: np.ndarray, adds: np.ndarray) -> np.ndarray:
    """Return at most POINTS of the events `at`, ascending: a third those that add most, the others evenly spread."""
    if len(at) <= POINTS:
        return at
    strong = at[np.argsort(-np.abs(adds[at]), kind="stable")[: POINTS // 3]]
    spread = at[np.linspace(0, len(at) - 1, POINTS - len(strong)).astype(np.int64)]
    return np.union1d(strong, spread)


def _name(columns: Columns, code: int, state: State | None) -> str:
    """Return a code's name as one short line: what it holds is text from a file."""
    found = columns.words.text(code)
    if found is None and state is not None:
        at = int(places(np.array([code]), state)[0])
        found = state.values["names"][at] if at < len(state.arrays["codes"]) else None
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in found or "?").strip()
    return plain if len(plain) <= _SHORT else plain[: _SHORT - 1] + "…"
