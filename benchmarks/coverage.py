"""Do intervals, conformal sets and calibration keep their word? Simulated studies, whose truth is known from 100,000 more cases.

    python benchmarks/coverage.py [--studies 200] [--resamples 400] [--only PART] [--kind KIND]

Each study draws cases, fits plain linear models as Osler would train its members (five folds under 1,000 cases, else a part of
its own to calibrate on), settles and evaluates with Osler's own steps, and asks of every 95% interval whether it holds the value
of this very model on all cases there could be. PART is one of: sizes, groups, sets, rules, folds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, softmax
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from osler.core.plan import Brief, Plan
from osler.core.target import Target
from osler.spine.evaluate import evaluate
from osler.tasks import conformal
from osler.tasks.classification import Classification
from osler.tasks.regression import Regression

BINARY = {"kind": "binary", "names": ["y"], "classes": [["0", "1"]], "positive": "1"}
CLASSES = {"kind": "multiclass", "names": ["y"], "classes": [["a", "b", "c", "d"]]}
NUMBER = {"kind": "regression", "names": ["y"]}
KINDS = ("prevalence .3", "prevalence .1", "four classes", "number", "number, uneven errors")
LEVELS = (80, 90, 95)
TRUTH = 100_000


def drawn(kind: str, cases: int, generator, *, size: int = 1):
    """Return covariates (n, 5), the target, and groups of `size` cases that share a part of the outcome which no covariate has."""
    group = np.repeat(np.arange(cases // size), size)
    shared = 0.7 * generator.normal(size=cases // size)[group] if size > 1 else 0.0
    x = generator.normal(size=(cases, 5))
    score = x @ [1.0, 0.7, 0.5, 0.3, 0.0] + shared
    if kind == "four classes":
        slopes = np.array([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0], [0, 0, 1.0, 0, 0], [0, 0, 0, 1.0, 0]])
        y = (1.5 * x @ slopes.T + [0.5, 0, 0, -1.0] + generator.gumbel(size=(cases, 4))).argmax(axis=1).astype(float)
        return x, Target(y[:, None], np.ones((cases, 1), bool), CLASSES), group
    if kind.startswith("number"):
        spread = np.exp(0.4 * score) if kind == "number, uneven errors" else 1.0
        y = score + spread * generator.normal(size=cases)
        return x, Target(y[:, None], np.ones((cases, 1), bool), NUMBER), group
    start = -1.1 if kind == "prevalence .3" else -2.8
    y = (generator.random(cases) < expit(start + score)).astype(float)
    return x, Target(y[:, None], np.ones((cases, 1), bool), BINARY), group


def fitted(target: Target, x, rows, plan):
    """Return a function from covariates to raw outputs, trained on `rows`."""
    y = target.values[rows, 0]
    if target.info["kind"] == "regression":
        mean, scale = plan["target.mean"][0], plan["target.scale"][0]
        model = Ridge(1.0).fit(x[rows], (y - mean) / scale)
        return lambda new: model.predict(new)[:, None]
    model = LogisticRegression().fit(x[rows], y)
    return lambda new: model.decision_function(new).reshape(len(new), -1)


def task_of(target: Target):
    return Regression() if target.info["kind"] == "regression" else Classification()


def planned(target: Target, rows) -> Plan:
    task = task_of(target)
    facts = task.facts(target, rows)
    return Plan(task.rules(Brief({}, facts, task.name, "vector", "cpu", 1.0, len(rows), len(rows))))


def developed(x, target: Target, groups, generator):
    """Return plan, state and the model: crews by fold and their pooled out-of-fold outputs, or one crew and a part beside."""
    count = groups.max() + 1
    part = _dealt(target, generator) if count == len(x) else generator.permutation(count)[groups]
    folds = [part % 5 == k for k in range(5)] if count < 1000 else [part % 10 < 3]
    plan = planned(target, np.arange(len(x)) if len(folds) > 1 else np.flatnonzero(~folds[0]))
    crews = [fitted(target, x, np.flatnonzero(~held), plan) for held in folds]
    rows = np.concatenate([np.flatnonzero(held) for held in folds])
    raw = np.concatenate([crew(x[held]) for crew, held in zip(crews, folds, strict=True)])
    state = task_of(target).settle(raw, target.take(rows), np.arange(len(rows)), plan=plan, groups=groups[rows])
    return plan, state, lambda new: np.mean([crew(new) for crew in crews], axis=0)


def _dealt(target: Target, generator) -> np.ndarray:
    """Return a place (n,) for each case, dealt out class by class (tenth by tenth of a number), as Osler's own split is."""
    order = generator.permutation(len(target))
    order = order[np.argsort(task_of(target).stratum(target)[order], kind="stable")]
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places


def flat(measures, panels) -> dict:
    """Return the main measures and, by "panel level measure", those of the panels."""
    rows = {f"{panel} {label} {name}": value for panel, label, values in panels for name, value in values.items()}
    return {**measures, **rows}


def study(kind: str, cases: int, generator, *, seed: int, resamples: int, size: int = 1, test: int | None = None):
    """Return {name: (low, high, truth)} of one study and its state; an interval that is not given is None."""
    x, target, groups = drawn(kind, cases, generator, size=size)
    plan, state, model = developed(x, target, groups, generator)
    task = task_of(target)
    x, seen, groups = drawn(kind, test or cases, generator, size=size)
    groups = groups if size > 1 else None
    found = evaluate(
        task, {"test": model(x)}, seen, states={"test": state}, groups=groups, plan=plan, seed=seed, resamples=resamples
    )
    values = flat(found.test, [(p.name, row.label, row.values) for p in found.panels for row in p.rows])
    x, everyone, _ = drawn(kind, TRUTH, generator, size=size)
    lines, once = task.statistics(model(x), everyone, state=state, plan=plan), np.ones((1, TRUTH), np.uint8)
    own = [(v.panel, v.label, v.measures(lines, once)) for v in task.views(state=state, info=target.info)]
    truth = flat(task.measures(lines, once, info=target.info), own)
    return {name: (v.low, v.high, float(truth[name][0])) for name, v in values.items()}, state


def held(found: list[dict], name: str) -> float:
    """Return how often the interval of `name` held the truth, of the studies in which it was given."""
    given = [one[name] for one in found if name in one and one[name][0] is not None]
    return float(np.mean([low <= truth <= high for low, high, truth in given])) if given else float("nan")


def truth(found: list[dict], name: str) -> np.ndarray:
    return np.array([one[name][2] for one in found if name in one])


def sizes(studies: int, resamples: int, kinds: Sequence[str] = KINDS) -> None:
    print("| outcome, cases | measures | lowest | panels | lowest | slope | coverage 80 | 90 | 95 | set size or width 90 |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for kind in kinds:
        for cases in (500, 2000):
            began, generator = time.process_time(), np.random.default_rng([cases, KINDS.index(kind)])
            found = [study(kind, cases, generator, seed=n, resamples=resamples)[0] for n in range(studies)]
            names = sorted({name for one in found for name in one})
            main, own = ({n: held(found, n) for n in names if (" " in n) == panel} for panel in (False, True))
            own = {name: share for name, share in own.items() if np.isfinite(share)}
            worst = [min(part, key=part.get) for part in (main, own)]
            slope = truth(found, "calibration_slope")
            size = next(n for n in ("conformal 90% set_size", "conformal 90% width") if n in names)
            cells = [
                f"{kind}, {cases}", f"{np.mean(list(main.values())):.3f}", f"{main[worst[0]]:.3f} {worst[0]}",
                f"{np.mean(list(own.values())):.3f}", f"{own[worst[1]]:.3f} {worst[1]}",
                f"{slope.mean():.3f}" if len(slope) else "–",
                *(f"{truth(found, f'conformal {level}% coverage').mean():.3f}" for level in LEVELS),
                f"{truth(found, size).mean():.2f} ({time.process_time() - began:.0f} s)",
            ]  # fmt: skip
            print("| " + " | ".join(cells) + " |", flush=True)


def groups(studies: int, resamples: int) -> None:
    """Groups of 20 cases, in test and in calibration."""
    print("| groups of 20 | outcome | intervals hold the truth | lowest | if each case were its own group |")
    print("|---|---|---|---|---|")
    for count in (5, 10, 20, 40):
        for kind in ("prevalence .3", "number"):
            generator = np.random.default_rng([count, 7])
            found = [
                study(kind, 1000, generator, seed=n, resamples=resamples, size=20, test=20 * count)[0] for n in range(studies)
            ]
            main = {n: held(found, n) for n in found[0] if " " not in n}
            given = {n: v for n, v in main.items() if np.isfinite(v)}
            naive = np.nanmean(list(_ungrouped(kind, count, studies, resamples).values()))
            told = [f"{np.mean(list(given.values())):.3f}", f"{min(given.values()):.3f}"] if given else ["none given", "–"]
            print(f"| {count} | {kind} | {told[0]} | {told[1]} | {naive:.3f} |", flush=True)


def _ungrouped(kind: str, count: int, studies: int, resamples: int) -> dict[str, float]:
    """Return coverage by measure where groups are there but not known."""
    found, generator = [], np.random.default_rng([count, 7])
    for n in range(studies):
        x, target, group = drawn(kind, 1000, generator, size=20)
        plan, state, model = developed(x, target, group, generator)
        task = task_of(target)
        x, seen, _ = drawn(kind, 20 * count, generator, size=20)
        one = evaluate(
            task, {"test": model(x)}, seen, states={"test": state}, groups=None, plan=plan, seed=n, resamples=resamples
        )
        x, everyone, _ = drawn(kind, TRUTH, generator, size=20)
        lines = task.statistics(model(x), everyone, state=state, plan=plan)
        known = task.measures(lines, np.ones((1, TRUTH), np.uint8), info=target.info)
        found.append({name: (v.low, v.high, float(known[name][0])) for name, v in one.test.items()})
    return {name: held(found, name) for name in found[0]}


def sets(studies: int) -> None:
    """Conformal coverage where calibration has few groups of very different size."""
    print("| groups that calibrate | level | groups weigh the same | every case its own |")
    print("|---|---|---|---|")
    for count in (5, 10, 20, 40):
        generator = np.random.default_rng(count)
        rows = {(level, known): [] for level in LEVELS for known in (True, False)}
        for _ in range(5 * studies):
            sample = generator.integers(1, 40, size=count)
            group = np.repeat(np.arange(count), sample)
            scores = np.abs(generator.normal(size=count)[group] + generator.normal(size=len(group)))
            new = np.abs(generator.normal(size=5000) + generator.normal(size=5000))
            for level in LEVELS:
                for known in (True, False):
                    reach = conformal.quantile(scores, level, groups=group if known else None)
                    rows[level, known].append((new <= reach).mean() if np.isfinite(reach) else np.nan)
        for level in LEVELS:
            told = [rows[level, known] for known in (True, False)]
            shown = ["left out" if np.isnan(one).all() else f"{np.nanmean(one):.3f}" for one in told]
            print(f"| {count} | {level} | {shown[0]} | {shown[1]} |", flush=True)


def rules(studies: int) -> None:
    """Which classes enter a set: those that are likely enough (least ambiguous), or the likeliest until they reach a sum (APS)."""
    print("| classes, rule | coverage 90 | among the surest third | the least sure third | size | empty |")
    print("|---|---|---|---|---|---|")
    for classes, spread in ((2, 1.5), (4, 2.0), (10, 2.0)):
        generator = np.random.default_rng(classes)
        rows = {"least ambiguous": [], "APS": []}
        for _ in range(studies):
            logit = spread * generator.normal(size=(5500, classes))
            truth = (logit + generator.gumbel(size=logit.shape)).argmax(axis=1)
            chance = softmax(logit, axis=1)
            order = np.argsort(-chance, axis=1)
            upto = np.take_along_axis(np.cumsum(np.take_along_axis(chance, order, 1), 1), np.argsort(order, axis=1), 1)
            for name, doubt in (("least ambiguous", 1 - chance), ("APS", upto)):
                own = doubt[np.arange(len(truth)), truth]
                members = doubt[500:] <= conformal.quantile(own[:500], 90)
                held, third = members[np.arange(5000), truth[500:]], np.argsort(-chance[500:].max(axis=1)).reshape(-1)
                size = members.sum(axis=1)
                rows[name].append(
                    [held.mean(), held[third[:1667]].mean(), held[third[-1667:]].mean(), size.mean(), (size == 0).mean()]
                )
        for name, found in rows.items():
            print(f"| {classes}, {name} | " + " | ".join(f"{v:.3f}" for v in np.mean(found, axis=0)) + " |", flush=True)


MODELS = {
    "least squares": LinearRegression,
    "ridge": lambda: Ridge(10.0),
    "tree, leaves of 2": lambda: DecisionTreeRegressor(min_samples_leaf=2, random_state=0),
    "nearest neighbour": lambda: KNeighborsRegressor(1),
}


def folds(studies: int) -> None:
    """Five crews: pooled out-of-fold errors about the crews' mean, beside CV+ (Barber 2021), at 90%."""
    print("| model | cases × columns | pooled: coverage | width | CV+: coverage | width | one model of all cases |")
    print("|---|---|---|---|---|---|---|")
    for name, make in MODELS.items():
        for cases, columns in ((100, 5), (100, 40), (100, 75), (500, 20)):
            generator = np.random.default_rng([cases, columns])
            rows = np.mean([_crossed(make, cases, columns, generator) for _ in range(max(1, studies * 50 // cases))], axis=0)
            told = [f"{v:.3f}" if at in {0, 2, 4} else f"{v:.2f}" for at, v in enumerate(rows)]
            print(f"| {name} | {cases} × {columns} | " + " | ".join(told) + " |", flush=True)


def _crossed(make, cases: int, columns: int, generator) -> list[float]:
    x = generator.normal(size=(cases + 400, columns))
    y = x @ generator.normal(size=columns) / np.sqrt(columns) + generator.normal(size=len(x))
    fold = generator.permutation(cases) % 5
    crews = np.stack([make().fit(x[:cases][fold != k], y[:cases][fold != k]).predict(x) for k in range(5)])
    errors, new = np.abs(y[:cases] - crews[fold, np.arange(cases)]), crews[:, cases:]
    reach, seen = conformal.quantile(errors, 90), y[cases:]
    last = -(-(cases + 1) * 90 // 100) - 1
    high = np.sort(new[fold] + errors[:, None], axis=0)[last]
    low = -np.sort(-(new[fold] - errors[:, None]), axis=0)[last]
    whole = make().fit(x[:cases], y[:cases]).predict(x[cases:])
    inside = [np.abs(seen - new.mean(axis=0)) <= reach, (low <= seen) & (seen <= high), np.abs(seen - whole) <= reach]
    shares = [float(np.mean(one)) for one in inside]
    return [shares[0], 2 * reach, shares[1], float(np.mean(high - low)), shares[2]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=400)
    parser.add_argument("--only", choices=("sizes", "groups", "sets", "rules", "folds"))
    parser.add_argument("--kind", choices=KINDS, action="append", help="outcomes of the part sizes; all unless named")
    asked = parser.parse_args()
    warnings.simplefilter("error")
    wanted = (asked.studies, asked.resamples)
    parts = {
        "sizes": (sizes, (*wanted, asked.kind or KINDS)),
        "groups": (groups, wanted),
        "sets": (sets, wanted[:1]),
        "rules": (rules, wanted[:1]),
        "folds": (folds, wanted[:1]),
    }
    for name, (part, given) in parts.items():
        if asked.only in {None, name}:
            print(f"\n{name}")
            part(*given)


if __name__ == "__main__":
    main()
