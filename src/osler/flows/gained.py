"""What networks gained that started from given weights: the same ones are trained from drawn weights, and tested on the same cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osler.core.panel import Panel, Row
from osler.core.scores import Scores
from osler.core.split import Split
from osler.flows import planning
from osler.flows.cases import Cases
from osler.flows.fitting import Fitted, Setting, Trained
from osler.flows.judging import statistics, unseen
from osler.flows.members import Work, train_network
from osler.flows.pooling import Together
from osler.spine.evaluate import compare_statistics
from osler.spine.evaluate.withheld import withheld
from osler.spine.output import Blend

GIVEN, DRAWN, DIFFERENCE = "Networks from the given weights", "Networks from drawn weights", "Difference"


def with_gain(scores: Scores, fitted: Fitted, cases: Cases, split: Split, *, setting: Setting) -> Scores:
    """Return `scores` with what the given first weights gained, in pairs on the test; as they are where none were given, where the
    plan leaves the comparison out, or where scores are withheld."""
    if not setting.starts or not fitted.plan.get("fit.compare_start", False) or withheld(scores.counts):
        return scores
    task, info = cases.task, cases.target.info
    with planning.threads(fitted.plan):
        plain = _from_drawn(fitted, cases, split, setting=setting)
        found = {name: _tested(fitted, one, cases, split) for name, one in ((GIVEN, fitted.trained), (DRAWN, plain))}
    told = Together.of(task, found, cases.groups[split.test] if cases.grouped else None, info=info)
    lines = told.lines[GIVEN], told.lines[DRAWN]
    pair = compare_statistics(task, lines, names=(GIVEN, DRAWN), info=info, groups=told.groups, seed=cases.study.seed)
    each = ((GIVEN, pair.first), (DRAWN, pair.second), (DIFFERENCE, pair.differences))
    rows = tuple(Row(name, pair.counts["cases"], values) for name, values in each)
    return replace(scores, panels=(*scores.panels, Panel("start", rows, (pair.verdict.sentence,))))


def _tested(fitted: Fitted, trained: Trained, cases: Cases, split: Split) -> np.ndarray:
    """Return the statistics (n, s) of the networks alone on the test."""
    states = dict.fromkeys(("test", "network", "baseline"), trained.states["network"])
    found = statistics(fitted.source, trained.crews, Blend(1.0), split.test, task=cases.task, states=states)
    return found["network"]


def _from_drawn(fitted: Fitted, cases: Cases, split: Split, *, setting: Setting) -> Trained:
    """Return the same crews with networks trained from drawn weights, by the same plan and seeds, and calibrated as the others are."""
    source, plan, seed, watch = fitted.source, fitted.plan, cases.study.seed, setting.watch
    watch.stage("training", total=len(split.folds) * plan["fit.members"] * plan["fit.epochs"])
    watch.say("the same networks are trained from drawn weights, to tell what the given ones gained")
    # as many epochs as the others had, whatever the clock says: `fitted.plan` tells
    source = replace(source, plan=plan)
    work = Work(cases.task, cases.groups, seed, setting.folder / "drawn", watch=watch, crossfitted=split.crossfitted)
    crews = []
    for number, (fold, crew) in enumerate(zip(split.folds, fitted.trained.crews, strict=True)):
        members = (number * plan["fit.members"] + turn for turn in range(plan["fit.members"]))
        networks = tuple(train_network(source, fold, states=crew.states, member=m, work=work) for m in members)
        crews.append(replace(crew, networks=networks))
    lines = unseen(source, split, tuple(crews), seed=seed)
    settler = lines if split.crossfitted else lines.of(split.calibrate)
    every, groups = np.arange(len(settler.rows)), cases.groups[settler.rows]
    state = cases.task.settle(settler.raws["network"], settler.target, every, plan=plan, groups=groups)
    return replace(fitted.trained, crews=tuple(crews), states={**fitted.trained.states, "network": state})
