"""Who trains, who tunes, who calibrates, who tests: by group, stratified, official or by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.core.errors import PlanError, StudyError
from osler.core.plan import Decision, Plan
from osler.core.split import Fold, Split

FEW_ON_GRIDS = 20  # groups with a target on a grid, below which members are cross-fitted
SMALL = 1000  # groups below which members are cross-fitted whatever the budget
EACH_MINUTE = 600  # groups, those of the test among them, that are cross-fitted for each minute of two processors
FEWEST = 3  # groups beside the test: one each to train, to stop by and to calibrate on
PARTS = {
    "training": ("train", "training", "tr", "development", "dev_train", "fit"),
    "tune": ("val", "valid", "validation", "dev", "tune", "tuning"),
    "calibrate": ("calibrate", "calibration", "cal"),
    "test": ("test", "testing", "holdout", "hold-out", "hold_out", "held_out", "te"),
}


@dataclass(frozen=True, slots=True)
class Cases:
    """What the split looks at: the usable `rows`; for all n cases `groups` and `strata` (n,) int64; `official` (n,) object
    of text or None; `times` (n,) float64, NaN where unknown. The last two are None where the study has no such column."""

    rows: np.ndarray
    groups: np.ndarray
    strata: np.ndarray
    official: np.ndarray | None = None
    times: np.ndarray | None = None


def split_rules(
    *, groups: int, budget: float = 0.0, small: int = SMALL, grid: bool = False, keys: Sequence[str] = ()
) -> tuple[Decision, ...]:
    """Return the decisions on how to divide `groups` groups, with `budget` minutes of two processors: below `small` groups members may be cross-fitted
    where there is time. A target on a `grid` has thousands of places in each case. `keys` name what may stay together, "group" among
    them; what the first of them says stays unless the user wants otherwise."""
    if keys:
        reason = f"cases of one {keys[0]} stay in one part"
        by = Decision("split.by", keys[0], reason, choices=tuple(keys))
        return (by, *split_rules(groups=groups, budget=budget, small=small, grid=grid))
    if grid:
        return _of_grids(groups)
    few = groups < SMALL
    crossfit = few or (groups < small and groups <= budget * EACH_MINUTE)
    reason = "fewer than 1,000 groups: members are cross-fitted, so that every case serves both to train and to calibrate"
    timely = (
        f"{groups:,} groups and {budget:g} minutes of two processors: there is time to cross-fit, so that every case serves both to train and to"
        " calibrate, and the mean of five is better than one (docs/lab.md)"
    )
    large = (
        "1,000 groups or more, and no time to train five times: tune and calibrate are cut off once, and each member trains once"
    )
    return (
        Decision("split.test", 0.2, "a fifth of the groups is kept for the one final test"),
        Decision("split.folds", 5 if crossfit else 1, reason if few else timely if crossfit else large),
        Decision("split.tune", 0.15 if crossfit else 0.1, "share of the groups that chooses when to stop, never calibrates"),
        Decision("split.calibrate", 0.1, "share of the groups that calibrates and sets thresholds (without cross-fitting)"),
    )


def _of_grids(groups: int) -> tuple[Decision, ...]:
    few = groups < FEW_ON_GRIDS
    why = (
        f"fewer than {FEW_ON_GRIDS} groups: members are cross-fitted, so that every case serves both to train and to calibrate"
        if few
        else "each case has thousands of places to calibrate by, and one network that trains five times as long is better than five"
    )
    return (
        Decision("split.test", 0.2, "a fifth of the groups is kept for the one final test"),
        Decision("split.folds", 5 if few else 1, why),
        Decision("split.tune", 0.15 if few else 0.05, "share of the groups that chooses when to stop, never calibrates"),
        Decision(
            "split.calibrate", 0.1, "share of the groups that calibrates and chooses what is left out (without cross-fitting)"
        ),
    )


def divide(cases: Cases, *, plan: Mapping[str, Any], seed: int) -> Split:
    """Return the split of the usable rows; raises StudyError where a part would be empty, PlanError for impossible shares.

    An official split wins, then time, then chance. Every group stays whole except where a given split column tears it
    apart, which the leak check then reports.
    """
    _check(plan)
    generator = np.random.default_rng([seed, 1])
    if cases.official is not None:
        development, tune, calibrate, test, how = _official(cases)
    elif cases.times is not None:
        development, test, how = _by_time(cases, share=plan["split.test"])
        tune = calibrate = np.empty(0, np.int64)
    else:
        development, test = _cut(cases, cases.rows, share=plan["split.test"], generator=generator, leave=FEWEST)
        tune = calibrate = np.empty(0, np.int64)
        how = "drawn by chance: groups kept whole, classes in equal shares"
    if len(test) == 0 or len(development) < 2:
        raise _one_part(cases, development, test)
    return _parted(cases, (development, tune, calibrate, test), plan=plan, generator=generator, how=how)


def together(groups: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return (n,) int64, equal for cases that share a group or a key (both (n,)), or are joined by others that do."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    left, right = (np.unique(part, return_inverse=True)[1] for part in (groups, keys))
    right = right + left.max(initial=0) + 1
    size = int(right.max(initial=0)) + 1
    joined = coo_matrix((np.ones(len(left), bool), (left, right)), shape=(size, size))
    numbers: np.ndarray = connected_components(joined, directed=False)[1]
    return numbers[left].astype(np.int64)


def around(cases: Cases, test: np.ndarray, *, plan: Mapping[str, Any], seed: int, how: str) -> Split:
    """Return the split of the usable rows that has `test` as its test: an outer fold, or, with no rows, a last training.

    Raises as `divide` does.
    """
    _check(plan)
    empty = np.empty(0, np.int64)
    parts = (np.setdiff1d(cases.rows, test), empty, empty, test)
    return _parted(cases, parts, plan=plan, generator=np.random.default_rng([seed, 1]), how=how)


def outer_tests(cases: Cases, *, folds: int, seed: int, repeat: int = 0) -> tuple[np.ndarray, ...]:
    """Return the test rows of each of `folds` outer folds: groups whole, strata in equal shares, every usable row in one.

    Raises StudyError where there are fewer groups than folds.
    """
    groups = len(np.unique(cases.groups[cases.rows]))
    if groups < folds:
        raise StudyError(
            f"{folds} folds need at least {folds} groups and there are {groups}; give fewer folds, or a group column with"
            " more values"
        )
    return tuple(_dealt(cases, cases.rows, folds, generator=np.random.default_rng([seed, 5, repeat])))


def _parted(
    cases: Cases, parts: tuple[np.ndarray, ...], *, plan: Mapping[str, Any], generator: np.random.Generator, how: str
) -> Split:
    """Return `parts` (development, tune, calibrate, test) as a split, cross-fitted where the plan says so."""
    if plan["split.folds"] > 1:
        whole = np.sort(np.concatenate(parts[:3]))
        return _crossfitted(cases, whole, parts[3], plan=plan, generator=generator, how=how)
    return _once(cases, parts, plan=plan, generator=generator, how=how)


def _check(plan: Mapping[str, Any]) -> None:
    shares = {name: plan[name] for name in ("split.test", "split.tune", "split.calibrate")}
    faults = [f"'{name}' is {value!r}; it is a share, above 0 and below 1" for name, value in shares.items() if not 0 < value < 1]
    if not faults and sum(shares.values()) >= 1:
        faults = [f"{', '.join(shares)} add up to {sum(shares.values()):.3g}; nothing is left to train on"]
    if plan["split.folds"] < 1:
        faults.append(f"'split.folds' is {plan['split.folds']!r}; it is at least 1, which means no cross-fitting")
    if faults:
        raise PlanError("\n".join(faults))


def _once(
    cases: Cases, parts: tuple[np.ndarray, ...], *, plan: Mapping[str, Any], generator: np.random.Generator, how: str
) -> Split:
    training, tune, calibrate, test = parts
    whole = len(training) + len(tune) + len(calibrate)
    if len(tune) and not len(calibrate):
        calibrate, tune = _cut(cases, tune, share=0.5, generator=generator)
    if not len(tune):
        training, tune = _cut(cases, training, share=plan["split.tune"] * whole / len(training), generator=generator, leave=2)
    if len(training) and not len(calibrate):
        training, calibrate = _cut(cases, training, share=plan["split.calibrate"] * whole / len(training), generator=generator)
    if not (len(training) and len(tune) and len(calibrate)):
        raise _too_few(cases, np.concatenate(parts[:3]))
    return Split(training, tune, calibrate, test, (Fold(training, tune, calibrate),), how)


def _crossfitted(
    cases: Cases,
    development: np.ndarray,
    test: np.ndarray,
    *,
    plan: Mapping[str, Any],
    generator: np.random.Generator,
    how: str,
) -> Split:
    count = min(plan["split.folds"], len(np.unique(cases.groups[development])))
    if count < min(plan["split.folds"], FEWEST):
        raise _too_few(cases, development, folds=plan["split.folds"])
    folds = []
    for held in _dealt(cases, development, count, generator=generator):
        others = np.setdiff1d(development, held)
        training, tune = _cut(cases, others, share=plan["split.tune"], generator=generator)
        if not (len(training) and len(tune)):
            raise _too_few(cases, development, folds=plan["split.folds"])
        folds.append(Fold(training, tune, held))
    empty = np.empty(0, np.int64)
    return Split(development, empty, empty, test, tuple(folds), f"{how}; development cross-fitted in {count} folds")


def _dealt(cases: Cases, rows: np.ndarray, count: int, *, generator: np.random.Generator) -> list[np.ndarray]:
    """Return `rows` in `count` parts of about equal size and strata, groups whole."""
    parts, rest = [], rows
    for left in range(count, 1, -1):
        rest, part = _cut(cases, rest, share=1 / left, generator=generator, leave=left - 1)
        parts.append(part)
    return [*parts, rest]


def _one_part(cases: Cases, development: np.ndarray, test: np.ndarray) -> StudyError:
    """Return the error of a split that leaves nothing to train or to test on."""
    groups = len(np.unique(cases.groups[cases.rows]))
    if cases.official is None and cases.times is None and groups <= FEWEST:
        return StudyError(
            f"{groups} group{'s' * (groups != 1)} cannot be divided: {FEWEST} are needed to train, to choose when to stop and to"
            " calibrate on, and at least one more for the test; give more groups, or a group column with more values"
        )
    return StudyError(
        f"the split leaves {len(development)} cases to train and {len(test)} to test; both are needed: give more groups"
        " (a group is never torn), another split or time column, or leave that column out"
    )


def _too_few(cases: Cases, development: np.ndarray, *, folds: int = 1) -> StudyError:
    found = len(np.unique(cases.groups[development]))
    said = f"{found} group{'s' * (found != 1)} beside the test"
    parts = "to train, to choose when to stop and to calibrate on"
    if found < FEWEST:
        return StudyError(
            f"{said}: {FEWEST} are needed {parts}, more are better; give more groups, or a group column with more values"
        )
    return StudyError(
        f"{said} are too few, or of too unequal sizes, for {max(folds, 1)} fold{'s' * (folds > 1)}, each with groups {parts}; give more"
        " groups, a group column with more values, or another split.folds"
    )


def _cut(
    cases: Cases, rows: np.ndarray, *, share: float, generator: np.random.Generator, leave: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Cut whole groups off, about `share` of the cases of each stratum; return (rest, cut), ascending.

    At least one group is cut off, and at least `leave` groups stay, where there are enough.
    """
    groups, place = np.unique(cases.groups[rows], return_inverse=True)
    sizes = np.bincount(place)
    # a group's stratum: its rarest class, so that few positives are dealt out evenly
    frequency = dict(zip(*np.unique(cases.strata[rows], return_counts=True), strict=True))
    rarity = np.array([frequency[s] for s in cases.strata[rows]])
    order = np.lexsort((rarity, place))
    stratum = cases.strata[rows][order][np.searchsorted(place[order], np.arange(len(groups)))]
    chosen = np.zeros(len(groups), bool)
    carry = 0.0
    for value in np.unique(stratum):
        members = generator.permutation(np.flatnonzero(stratum == value))
        wanted = share * sizes[members].sum() + carry
        filled = np.cumsum(sizes[members])
        take = int(np.searchsorted(filled - sizes[members] / 2, wanted))
        chosen[members[:take]] = True
        carry = wanted - (filled[take - 1] if take else 0)
    if not chosen.any() and len(groups) > leave:
        chosen[generator.integers(len(groups))] = True
    spare = int(chosen.sum()) - max(0, len(groups) - leave)
    if spare > 0:
        chosen[generator.permutation(np.flatnonzero(chosen))[:spare]] = False
    return np.sort(rows[~chosen[place]]), np.sort(rows[chosen[place]])


def _official(cases: Cases) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str]:
    assert cases.official is not None
    names = {name: part for part, known in PARTS.items() for name in known}
    parts = np.array([names.get(str(v).strip().casefold(), "") if v is not None else "" for v in cases.official[cases.rows]])
    if not (parts == "training").any() or not (parts == "test").any():
        raise StudyError(
            "the split column must name training and test cases, as in: train, val, test"
            f" (found {int((parts == 'training').sum())} training, {int((parts == 'test').sum())} test,"
            f" {int((parts == '').sum())} that say neither)"
        )
    found = [cases.rows[parts == part] for part in ("training", "tune", "calibrate", "test")]
    unnamed = int((parts == "").sum())
    how = "given by the split column" + (f"; {unnamed} cases name no part and are left out" if unnamed else "")
    return found[0], found[1], found[2], found[3], how


def _by_time(cases: Cases, *, share: float) -> tuple[np.ndarray, np.ndarray, str]:
    assert cases.times is not None
    times = cases.times[cases.rows]
    known = ~np.isnan(times)
    if not known.any():
        raise StudyError("the time column has no readable time; give ISO dates or numbers")
    rows, times = cases.rows[known], times[known]
    cut = np.quantile(times, 1 - share, method="higher")
    late = times >= cut
    groups = cases.groups[rows]
    early_groups = np.unique(groups[~late])
    torn = late & np.isin(groups, early_groups)
    how = "by time: the latest cases are the test"
    if torn.any():
        how += f"; {int(torn.sum())} late cases of groups already seen in training are left out"
    if not known.all():
        how += f"; {int((~known).sum())} cases without a time are left out"
    return np.sort(rows[~late]), np.sort(rows[late & ~torn]), how


def describe(split: Split) -> Plan:
    """Return the sizes of the parts as decisions, for the plan's reader."""
    sizes = {"training": split.training, "tune": split.tune, "calibrate": split.calibrate, "test": split.test}
    return Plan(Decision(f"split.cases.{k}", len(v), "number of cases", "measured") for k, v in sizes.items())
