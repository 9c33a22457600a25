"""A bundle's outputs fitted to new cases, its weights untouched: `osler evaluate --recalibrate`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.account import Account
from osler.core.drift import Drift
from osler.core.errors import OutputError, StudyError
from osler.core.panel import Panel, Row
from osler.core.scores import Scores, Value
from osler.core.state import State
from osler.flows.gathering import Seen
from osler.flows.planning import threads
from osler.flows.predictor import Predictor
from osler.language import words
from osler.spine.bundle import bundle_digest, check_place, write_bundle
from osler.spine.evaluate import score_statistics
from osler.spine.evaluate.pooled import Outside, Pooled
from osler.spine.recalibrate import Choice, Output, crossfitted, recalibrated
from osler.spine.report import documents_of
from osler.spine.report.drift import sentence

CHECKED = (
    "The scores of the recalibrated outputs are cross-validated. Each case is scored after an update that was chosen and learned"
    " without it and its group. Scored on the cases that taught it, the bundle would look better than it is."
)
BEFORE, AFTER = "before, on these cases", "after, on these cases (cross-validated)"
KEPT, LAST = "when it was trained", "when it was last recalibrated"
MOST_TOLD = 3  # columns in a message
_NOTE = "as the bundle told it"


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """What is written: the new `output`, the `choices` by part, honest `scores` of it."""

    output: Output
    choices: Mapping[str, Choice]
    scores: Scores

    @property
    def sentence(self) -> str:
        """Return which update was chosen for what the bundle predicts with, and why."""
        return f"recalibrated: {self.choices['test'].why}"


def check_places(bundle: Path, *, out: Path, recalibrated: Path) -> None:
    """Raise OutputError before the work where the new bundle cannot be written, or would take the place of something needed."""
    for name, other in (("the bundle itself", bundle), ("the folder of the evaluation", out)):
        if recalibrated.resolve() == other.resolve():
            raise OutputError(f"--recalibrate '{recalibrated.name}' is {name}; choose a folder of its own for the new bundle")
    check_place(recalibrated)


def check_cases(drift: Drift, scores: Scores, *, despite_drift: bool) -> None:
    """Raise StudyError where outputs must not be fitted to these cases: too few, or (unless `despite_drift`) other units."""
    if "withheld" in scores.origin:
        raise StudyError("these cases are too few to recalibrate on; the bundle stays as it is: give more")
    if drift.foreign and not despite_drift:
        told = [sentence(shift, words("en")) for shift in drift.foreign[:MOST_TOLD]]
        raise StudyError(
            "no bundle is recalibrated on these cases, for they are not what the model was trained on: " + " ".join(told)
            + " Bring the columns into the form of training, or say --despite-drift if every later table will come like this one"
        )  # fmt: skip


def recalibrate(predictor: Predictor, seen: Seen, *, before: Scores) -> Recalibrated:
    """Return the output that these cases call for, with scores from cross-validation by group beside those `before`."""
    task, plan, seed = predictor.task, predictor.contents.plan, predictor.contents.about["seed"]
    kept = np.flatnonzero(seen.target.observed.any(axis=1))
    raws, target = {part: raw[kept] for part, raw in seen.raws.items()}, seen.target.take(kept)
    groups = None if seen.groups is None else seen.groups[kept]
    columns = {name: values[kept] for name, values in seen.subgroups.items()}
    units = np.arange(len(target)) if groups is None else groups
    output = Output({part: predictor.output(part) for part in raws}, predictor.blend.network)
    with threads(plan):
        lines, parts = crossfitted(task, raws, target, output=output, groups=units, plan=plan, seed=seed)
        after, choices = recalibrated(task, raws, target, output=output, groups=units, plan=plan, seed=seed)
    info = predictor.info
    checked = Pooled(
        task,
        [
            Outside(held, 0, {part: line[held] for part, line in lines.items()}, task.views(state=state, info=info))
            for held, state in parts
        ],
    )
    views = checked.views(state=State(), info=info)
    pooled = {part: checked.statistics_of(part) for part in lines}
    scores = score_statistics(checked, pooled, info=info, groups=groups, seed=seed, views=views, subgroups=columns)
    found = Recalibrated(after, choices, scores)
    panel = recalibration_panel(predictor, before, scores)
    origin = {
        "kind": "recalibrated",
        "update": {part: _told(choice) for part, choice in choices.items()},
        "before": {name: value.to_dict() for name, value in before.test.items()},
        "parent": _first(bundle_scores(predictor)),
    }
    notes = (*scores.notes, found.sentence, CHECKED)
    return replace(found, scores=replace(scores, notes=notes, panels=(*scores.panels, panel), origin=origin))


def _first(scores: dict[str, Any]) -> dict[str, Any]:
    """Return what the bundle told when it was trained: through all recalibrations since."""
    parent = scores["origin"].get("parent")
    return parent if isinstance(parent, dict) and "test" in parent else scores


def recalibration_panel(predictor: Predictor, before: Scores, after: Scores) -> Panel:
    """Return what the bundle predicts with on its own test, then on the new cases before and after."""
    own = bundle_scores(predictor)
    rows = _told_rows(own, LAST if own["origin"].get("kind") == "recalibrated" else KEPT)
    rows = [*_told_rows(own["origin"].get("parent") or {}, KEPT), *rows]
    rows += [Row(BEFORE, before.counts["cases"], before.test), Row(AFTER, after.counts["cases"], after.test)]
    return Panel("recalibration", tuple(rows), (CHECKED,))


def _told_rows(scores: Mapping[str, Any], label: str) -> list[Row]:
    """Return the row of what a bundle told of itself, nothing where it told nothing."""
    told = scores.get("test") or {}
    values = {name: Value(_number(v), v.get("low"), v.get("high"), _NOTE) for name, v in told.items()}
    return [Row(label, int(scores["counts"].get("cases", 0)), values)] if values else []


def bundle_scores(predictor: Predictor) -> dict[str, Any]:
    """Return the test measures and counts that the bundle itself tells; nothing where it tells none that can be read."""
    try:
        told = json.loads(predictor.scores)
        return {"test": dict(told["test"]), "counts": dict(told["counts"]), "origin": dict(told.get("origin", {}))}
    except (KeyError, ValueError, TypeError):
        return {"test": {}, "counts": {}, "origin": {}}


def write(found: Recalibrated, predictor: Predictor, *, bundle: Path, out: Path, account: Account) -> None:
    """Write the bundle with the new output; `account` is what its report and card tell."""
    contents = predictor.contents
    choice = found.choices["test"]
    about = {
        **contents.about,
        "blend": {"network": found.output.network},
        "origin": {"kind": "recalibrated"},
        "recalibrated": {
            "parent": bundle_digest(bundle),
            "update": choice.update.name,
            "why": choice.why,
            "cases": found.scores.counts["cases"],
        },
    }
    output = State.joined({f"output.{part}": state for part, state in found.output.states.items()})
    state = State(
        {**_others(contents.state.arrays), **output.arrays},
        {**_others(contents.state.values), **output.values},
    )
    write_bundle(out, replace(contents, about=about, state=state, documents=documents_of(account)))


def _others(held: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in held.items() if not name.startswith("output.")}


def _told(choice: Choice) -> dict[str, Any]:
    return {"name": choice.update.name, "why": choice.why, "tests": [dict(test) for test in choice.tests]}


def _number(value: Mapping[str, Any]) -> float:
    return float("nan") if value["value"] is None else float(value["value"])
