"""What can be said of unpaired translation: whether made images hold the intensities of real ones, and whether the way back leads home."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from osler.contract import Made
from osler.core.judgement import Judgement, Section
from osler.core.measure import Measure
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.generation.translation import baselines as base
from osler.generation.translation.inside import inside
from osler.generation.translation.lines import by_group, plain, valued
from osler.generation.translation.slices import Side, sides
from osler.generation.translation.told import (
    ABSENT,
    COLLAPSED,
    LIMITS,
    NAMES,
    NETWORK,
    REAL,
    SOURCELESS,
    UNMEASURED,
    UNPAIRED,
    WITHOUT_PAIRS,
)
from osler.generation.translation.translating import Translating
from osler.generation.translation.using import translating

GRID = np.linspace(0, 1, 257)
DISTANCE = Measure("intensity_distance", "lower", "log")
HOME = Measure("cycle_mae", "lower", "log")
FLAT = 0.1  # of the real range of grey inside the body: translated images that hold less show nothing of their sources


def unpaired_told(made: Made, by: Translating, baselines: base.Baselines, *, likeness: Judgement) -> Judgement:
    """Return the judgement of unpaired training: distances of intensities beside baselines and real images, the error there and back, and
    the `likeness` where the test has pairs."""
    source, target = sides(made.source.columns)
    tests = made.split.test
    ours, theirs = tests[source.present[tests]], tests[target.present[tests]]
    known = made.split.training[target.present[made.split.training]]
    wanted = _mean(_quantiles(by, target, int(row), share=_share(made)) for row in known)
    told, flat = _distances(made, by, baselines, source=source, rows=ours, wanted=wanted)
    real = [_away(_quantiles(by, target, int(row), share=_share(made)), wanted) for row in theirs]
    rows = [_row(name, np.array(each), made.groups[ours], made=made) for name, each in told.items() if each]
    rows += [_row(REAL, np.array(real), made.groups[theirs], made=made)] if real else []
    panels = [Panel("distances", tuple(rows))]
    home = _home(made, source, ours)
    panels += [Panel("home", (home,))] if home is not None else []
    section = Section("intensities", "Intensities, and the way back", (WITHOUT_PAIRS,), tuple(panels))
    values = {row.label: {name: value.to_dict() for name, value in row.values.items()} for row in rows}
    return Judgement(
        likeness.headline if likeness.sections else _headline(rows),
        (section, *likeness.sections),
        likeness.cases,
        (*((COLLAPSED,) if flat else ()), *_warnings(len(ours), len(theirs), paired=bool(likeness.sections))),
        (UNPAIRED, *(likeness.notes or LIMITS)),
        {**likeness.numbers, "distances": values, "home": home.values["cycle_mae"].to_dict() if home else None},
    )


def _share(made: Made) -> float:
    return float(made.plan["translation.inside"])


def _distances(
    made: Made, by: Translating, baselines: base.Baselines, *, source: Side, rows: np.ndarray, wanted: np.ndarray
) -> tuple[dict[str, list[float]], bool]:  # fmt: skip
    """Return by system how far the intensities of what it makes of each test source lie from those of the training targets, and whether
    translated images are nearly of one grey: the training collapsed."""
    ranges = []
    found: dict[str, list[float]] = {NETWORK: [], base.IDENTITY: [], base.MATCHED: []}
    for row in map(int, rows):
        raised = by.lifted(source.image(row))
        body = inside([raised], share=_share(made))
        images = {NETWORK: by.translated(raised), **baselines.each(raised)}
        held = {name: _held(by, image, body) for name, image in images.items()}
        ranges.append(_range(held[NETWORK]))
        for name, own in held.items():
            found[name].append(_away(own, wanted))
    return found, bool(ranges) and float(np.mean(ranges)) < FLAT * _range(wanted)


def _range(quantiles: np.ndarray) -> float:
    """Return from the 5th to the 95th percentile, of the mean channel."""
    at = np.searchsorted(GRID, (0.05, 0.95))
    return float(np.mean(quantiles[:, at[1]] - quantiles[:, at[0]]))


def _quantiles(by: Translating, side: Side, row: int, *, share: float) -> np.ndarray:
    raised = replace(by, scales=(by.scales[1], by.scales[1])).lifted(side.image(row))
    return _held(by, raised, inside([raised], share=share))


def _held(by: Translating, image: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Return quantiles (channels, len(GRID)) of an image inside the body, in the target's unit."""
    values = by.valued(image)
    own = values[:, body] if body.any() else values.reshape(len(values), -1)
    return np.quantile(own, GRID, axis=1).T


def _mean(each: Iterable[np.ndarray]) -> np.ndarray:
    """Return the mean of quantiles over cases: the middle of distributions in the sense of Wasserstein."""
    total, many = np.zeros(()), 0
    for one in each:
        total, many = total + one, many + 1
    return np.asarray(total / max(1, many))


def _away(own: np.ndarray, wanted: np.ndarray) -> float:
    """Return Wasserstein's distance between two distributions by their quantiles: the mean distance of equal ranks."""
    return float(np.abs(own - wanted).mean())


def _row(name: str, each: np.ndarray, groups: np.ndarray, *, made: Made) -> Row:
    return Row(NAMES[name], len(each), {DISTANCE.name: valued(DISTANCE, by_group(each, groups), seed=made.seed)})


def _home(made: Made, source: Side, rows: np.ndarray) -> Row | None:
    """Return the error of the way there and back inside the body, in the source's unit."""
    if not len(rows):
        return None
    there, back = _ways(made)
    each = [_lost(there, back, source.image(int(row)), share=_share(made)) for row in rows]
    return Row(NAMES[NETWORK], len(each), {HOME.name: valued(HOME, by_group(np.array(each), made.groups[rows]), seed=made.seed)})


def _ways(made: Made) -> tuple[Translating, Translating]:
    """Return the translators there and back; the way back sees one slice at a time."""
    there, back = (
        translating(made.objective, plan=made.plan, info=made.info, device=made.source.device, way=way)
        for way in ("forth", "back")
    )
    return there, replace(back, plan={**made.plan, "translation.neighbours": 0})


def _lost(there: Translating, back: Translating, image: np.ndarray, *, share: float) -> float:
    raised = there.lifted(image)
    body = inside([raised], share=share)
    home = back.translated(there.translated(raised))
    return (
        float(np.abs(there.scales[0].lowered(home) - there.scales[0].lowered(raised))[:, body].mean())
        if body.any()
        else float("nan")
    )


def _headline(rows: list[Row]) -> str:
    named = {row.label: row.values[DISTANCE.name] for row in rows}
    ours, plain, real = (named.get(NAMES[name]) for name in (NETWORK, base.IDENTITY, REAL))
    if ours is None or plain is None:
        return "No test case holds the source: nothing is measured."
    beside = "" if real is None else f", that of real ones {_shown(real)}"
    return (
        f"Without pairs likeness is not measured; the intensities of translated images lie {_shown(ours)} from those of the training"
        f" targets, those of the sources {_shown(plain)}{beside}."
    )


def _shown(value: Value) -> str:
    return plain(value.value)


def _warnings(ours: int, theirs: int, *, paired: bool) -> tuple[str, ...]:
    found = [] if paired else [UNMEASURED]
    if not theirs:
        found.append(ABSENT)
    return tuple(found if ours else [*found, SOURCELESS])
