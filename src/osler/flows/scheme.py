"""Which cases are tested in turn: the outer folds of cross-validation, or sites left out one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from osler.core.errors import StudyError
from osler.core.leak import Leak
from osler.core.plan import Decision, Plan
from osler.core.split import Split
from osler.flows.cases import Cases, plain_text
from osler.flows.divide import Again, leaks_of, seen, split_plan, without_columns, without_leaks
from osler.spine import leaks as leak_step
from osler.spine import split as split_step
from osler.spine.scan import column_values

FEWEST_OF_CLASS = 5  # cases of a class that a training must know before it is tested on that class
FEWEST_CASES = 5  # of a site: a smaller one would point at persons
MOST_SITES = 100  # each is a whole training


@dataclass(frozen=True, slots=True)
class Outer:
    """One whole training: `split.test` is scored with it. `label` is its number or its site."""

    label: str
    repeat: int
    split: Split


@dataclass(frozen=True, slots=True)
class Scheme:
    """All trainings of a resampled study: the `outer` ones that are scored, and the `last` on all cases, which predicts."""

    outer: tuple[Outer, ...]
    last: Split
    decisions: Plan
    leaks: tuple[Leak, ...]
    repeats: int = 1

    @property
    def trainings(self) -> int:
        """How many whole trainings share the budget."""
        return len(self.outer) + 1


def scheme_of(cases: Cases) -> Scheme:
    """Return the scheme, leaking development rows left out where the study asks for it.

    Raises StudyError where there are fewer groups than folds, one site only, or more sites than can be trained.
    """
    study = cases.study
    tests, how = _by_site(cases) if study.roles.leave_out else _by_chance(cases)
    plan, visible = split_plan(cases), seen(cases)
    tests, lacking = _learnable(cases, tests)
    how += "".join(f"; {one}" for one in lacking)
    outer, leaks = [], []
    for label, repeat, test, rows in tests:
        part = replace(visible, rows=rows)
        split = split_step.around(part, test, plan=plan, seed=study.seed, how=how)
        found = leaks_of(cases, split)
        leaks.append(found)
        outer.append(Outer(label, repeat, without_leaks(cases, split, found)))
    last = last_split(cases, plan, how=how)
    return Scheme(tuple(outer), last, last_decisions(plan, last), _merged(leaks), study.repeats)


def _learnable(cases: Cases, tests: list[Test]) -> tuple[list[Test], list[str]]:
    """Return the tests whose training has cases of every class that the test holds, and why others are not taken.

    Where nearly all cases of a class lie in one site, a model without it knows the class from next to nothing, and scores or a
    comparison on that site would judge nothing else. Raises StudyError for folds by chance, and where fewer than two sites are left.
    """
    kept, told, by_site = [], [], cases.study.roles.leave_out is not None
    for one in tests:
        label, _, test, rows = one
        lacking = _lacking(cases, test, np.setdiff1d(rows, test), least=FEWEST_OF_CLASS if by_site else 1)
        if lacking and not by_site:
            raise StudyError(f"{label}: {lacking}; give fewer folds, more cases or join classes")
        kept += [] if lacking else [one]
        told += [f"site '{label}' is not tested: {lacking}"] if lacking else []
    if len(kept) < 2:
        raise StudyError([*(f"leave_out: {one}" for one in told), "leave_out: two sites are needed that can be tested"])
    return kept, told


def _lacking(cases: Cases, test: np.ndarray, training: np.ndarray, *, least: int) -> str:
    now, before = (cases.task.facts(cases.target, rows) for rows in (test, training))
    for labels, new, old in zip(now.get("classes", ()), now.get("counts", ()), before.get("counts", ()), strict=False):
        for label, tested, known in zip(labels, new, old, strict=True):
            if tested and known < least:
                return f"fewer than {least} of the other cases have the class '{label}'"
    return ""


def scheme_and_drop(cases: Cases, *, again: Again) -> tuple[Cases, Scheme]:
    """Return the cases, without the columns that give the outcome away where the study asks to drop leaks, and their scheme."""
    told: dict[str, Leak] = {}
    while True:
        scheme = scheme_of(cases)
        names = leak_step.blamed(scheme.leaks)
        if cases.study.leaks != "drop" or not names:
            kept = (leak for leak in scheme.leaks if leak.column not in told)
            return cases, replace(scheme, leaks=(*told.values(), *kept))
        told |= {str(leak.column): leak for leak in scheme.leaks if leak.column in names}
        cases = again(without_columns(cases.study, names))


def last_split(cases: Cases, plan: Plan, *, how: str) -> Split:
    """Return the split of a training on all cases: it has no test, for its scores come from before it."""
    nothing = np.empty(0, np.int64)
    return split_step.around(seen(cases), nothing, plan=plan, seed=cases.study.seed, how=how)


def last_decisions(plan: Plan, last: Split) -> Plan:
    """Return the decisions on that split."""
    unused = "not used: the last training takes all cases, and the scores come from before it"
    test = Decision("split.test", plan["split.test"], unused)
    return plan.with_decisions([test, *split_step.describe(last).decisions])


def judge(scheme: Scheme, *, how: str) -> None:
    """Raise LeakError for leaks that stop a run."""
    leak_step.judge(scheme.leaks, how=how)


def with_budget(cases: Cases, *, trainings: int) -> Cases:
    """Return the cases with the share of the budget that one of `trainings` has."""
    return replace(cases, study=replace(cases.study, budget=cases.study.budget / trainings))


Test = tuple[str, int, np.ndarray, np.ndarray]  # label, repeat, test rows, all rows that the training may see


def _by_chance(cases: Cases) -> tuple[list[Test], str]:
    study = cases.study
    tests = [
        (f"repeat {repeat + 1}, fold {number + 1}", repeat, test, cases.usable)
        for repeat in range(study.repeats)
        for number, test in enumerate(split_step.outer_tests(seen(cases), folds=study.folds, seed=study.seed, repeat=repeat))
    ]
    times = f", repeated {study.repeats} times" if study.repeats > 1 else ""
    return tests, f"cross-validation in {study.folds} folds{times}: groups kept whole, classes in equal shares"


def _by_site(cases: Cases) -> tuple[list[Test], str]:
    column = cases.study.roles.leave_out
    assert column is not None
    names = np.array([plain_text(v) for v in column_values(cases.table, column)], object)[cases.usable]
    sizes = Counter(names)
    unnamed = sizes.pop("", 0)
    if len(sizes) < 2:
        found = "1 value" if sizes else "no value"
        raise StudyError(f"leave_out: column '{column}' has {found} among the usable cases; two sites are needed at least")
    large = sorted(name for name, size in sizes.items() if size >= FEWEST_CASES)
    if len(large) > MOST_SITES:
        raise StudyError(
            f"leave_out: column '{column}' has {len(sizes):,} values, and each left out is a whole training; at most"
            f" {MOST_SITES} can be. Name the column with --group and give --folds 10 instead"
        )
    small = [name for name in sizes if sizes[name] < FEWEST_CASES]
    pooled = sum(sizes[name] for name in small)
    chosen = [(name, cases.usable[names == name]) for name in large]
    if pooled >= FEWEST_CASES:
        chosen.append((f"{len(small)} small sites, pooled", cases.usable[np.isin(names, small)]))
    if len(chosen) < 2:
        raise StudyError(
            f"leave_out: column '{column}' has {len(sizes):,} values, and fewer than two sites of at least {FEWEST_CASES} cases"
            " can be made of them; name a column whose values cover more cases each"
        )
    how = [f"leave-one-site-out by column '{column}': {len(chosen)} sites, each predicted by a model that saw none of its cases"]
    how += [f"{unnamed} cases name no site: they are neither tested nor seen until the last training"] if unnamed else []
    how += [f"{pooled} cases of sites with fewer than {FEWEST_CASES} are not tested"] if 0 < pooled < FEWEST_CASES else []
    named = cases.usable[names != ""]
    return [(label, 0, rows, named) for label, rows in chosen], "; ".join(how)


def _merged(found: Iterable[tuple[Leak, ...]]) -> tuple[Leak, ...]:
    """Return one leak per kind and column, told by the fold that it touches most, with the rows of all."""
    folds = list(found)
    kinds: dict[tuple[str, str, str | None], list[Leak]] = {}
    for leak in (leak for fold in folds for leak in fold):
        kinds.setdefault((leak.kind, leak.severity, leak.column), []).append(leak)
    out = []
    for leaks in kinds.values():
        worst = max(leaks, key=lambda leak: len(leak.test_rows))
        rows = np.unique(np.concatenate([leak.rows for leak in leaks]))
        touched = np.unique(np.concatenate([leak.test_rows for leak in leaks]))
        sentence = f"in {len(leaks)} of {len(folds)} outer folds: {worst.sentence}"
        out.append(replace(worst, sentence=sentence, rows=rows, test_rows=touched))
    return tuple(out)
