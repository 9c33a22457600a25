"""`osler evaluate`: a bundle on new data, the same scores and report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.account import Account
from osler.core.drift import Drift
from osler.core.errors import OutputError, RequestError
from osler.core.question import Flow
from osler.core.scores import Scores
from osler.core.study import Input, Roles, Study
from osler.core.watch import SILENT, Watch
from osler.flows import importance, overlays
from osler.flows import recalibrate as recalibration
from osler.flows.adding import Judged, what_inputs_add
from osler.flows.cases import refused_counts
from osler.flows.cohorts import Derived, of_bundle, question_of
from osler.flows.freeze import versions
from osler.flows.gathering import Seen, gathered
from osler.flows.listing import list_new
from osler.flows.opening import default_cache
from osler.flows.planning import threads
from osler.flows.pooling import Together
from osler.flows.predictor import Predictor, load
from osler.flows.sources import NONE, Sources
from osler.language import words
from osler.spine import sample_size
from osler.spine.bundle import check_report_place
from osler.spine.evaluate import score_statistics, statistics_of
from osler.spine.evaluate.withheld import without_few
from osler.spine.fit import Source
from osler.spine.report import documents_of
from osler.spine.report.drift import drift_line

PAGE = "cases.html"
RESAMPLES = 400  # of the cases on which network and baseline are compared where there are very many
SAME = 1e-5  # raw outputs that differ by less do so by rounding alone
EQUAL = (
    "All cases got the same prediction: here the model tells no case from another. Look whether columns are empty, constant or of"
    " another kind than in training."
)
SECONDS = 8.0  # at most, for what moves predictions on the whole; a plan with none has none here


def evaluate(  # noqa: PLR0913  what a verb may be asked is its signature
    bundle: Path | str,
    table: Path | str,
    *,
    out: Path | str,
    subgroups: str | Sequence[str] = (),
    recalibrate: Path | str | None = None,
    despite_drift: bool = False,
    sources: Sources = NONE,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Scores:
    """Score the bundle on the rows of `table` and write scores.json, report.html, card.md and methods.md into the folder `out`.

    `subgroups` are columns by which the scores are told too, beside those of the study. `recalibrate` names a bundle to be
    written, whose outputs are fitted to these cases; its scores are cross-validated. Raises StudyError, after the report, where
    columns are in other units or hold other things than in training: a bundle fitted to these would fit no other, and it is
    written only with `despite_drift`. `sources` as in `load`. Scores of fewer than five cases or groups are withheld.
    """
    bundle, out = Path(bundle), Path(out)
    predictor = load(bundle, device=device, sources=sources)
    if recalibrate is not None and predictor.anchor is not None:
        raise RequestError("masks and tracks cannot be recalibrated on new cases; leave --recalibrate out")
    check_report_place(out)
    if recalibrate is not None:
        recalibration.check_places(bundle, out=out, recalibrated=Path(recalibrate))
    predictor, rows = of_bundle(predictor, table, purpose="score", cache=default_cache())
    flow = rows.flow if isinstance(rows, Derived) else None
    watch.stage("predicting")
    columns = (subgroups,) if isinstance(subgroups, str) else tuple(subgroups)
    seen = gathered(predictor, rows, watch, subgroups=columns, beside="some" if recalibrate is None else "all")
    watch.stage("scoring")
    scores, statistics = _scored(predictor, seen)
    watch.stage("explaining")
    if why := scores.origin.get("withheld"):
        watch.say(why)
        seen = replace(seen, drift=Drift({}, (), seen.drift.cases))
    else:
        scores = replace(scores, explanation=_overall(predictor, seen), inputs=_by_input(predictor, seen))
    watch.say(drift_line(seen.drift, words("en")))
    if predictor.anchor is None:
        list_new(out / PAGE, predictor, seen, table=rows, statistics=statistics, scores=scores)
    else:
        overlays.list_new(out / PAGE, predictor, seen, table=rows, statistics=statistics)
    if recalibrate is not None:
        _write(
            out, _account(predictor, seen, scores, flow=flow)
        )  # if these cases cannot be recalibrated on, they are scored none the less
        recalibration.check_cases(seen.drift, scores, despite_drift=despite_drift)
        scores = _recalibrated(predictor, seen, scores, bundle=bundle, out=Path(recalibrate), flow=flow, watch=watch)
    _write(out, _account(predictor, seen, scores, flow=flow))
    return scores


def _scored(predictor: Predictor, seen: Seen) -> tuple[Scores, np.ndarray]:
    """Return the scores, and the statistics (n, s) of what the bundle predicts with."""
    task, info = predictor.task, predictor.info
    states = {part: predictor.output(part) for part in (seen.raws or seen.lines)}
    whole = {part: raw for part, raw in seen.raws.items() if len(raw) == len(seen.target)}
    found = seen.lines or statistics_of(task, whole, seen.target, states=states, plan=predictor.contents.plan)
    views, seed = task.views(state=states["test"], info=info), predictor.contents.about["seed"]
    told = Together.of(task, found, seen.groups, info=info)
    scores = score_statistics(
        task, told.lines, info=info, groups=told.groups, seed=seed, views=views, subgroups=told.columns(seen.subgroups)
    )
    scores = replace(scores, notes=told.noted(scores.notes))
    if seen.compared is not None:
        scores = _compared(predictor, seen, scores)
    absent = [name for name in predictor.contents.about["roles"]["subgroups"] if name not in seen.subgroups]
    notes = [f"The table has no column '{name}': no subgroups of it are told." for name in absent]
    group = predictor.contents.about["roles"]["group"]
    notes += [f"The table has no column '{group}', which named the groups in training."] if group and seen.groups is None else []
    raw = seen.raws.get("test")
    notes += [EQUAL] if raw is not None and len(raw) > 1 and np.ptp(raw, axis=0).max() < SAME else []
    scores = replace(scores, notes=(*scores.notes, *notes), origin={"kind": "external"})
    return without_few(scores), found["test"]


def _compared(predictor: Predictor, seen: Seen, scores: Scores) -> Scores:
    """Return `scores` with the part that has no share, and its comparison with the other, on the cases drawn for it."""
    places = seen.compared
    assert places is not None
    task, few = predictor.task, len(places)
    raws = {part: raw if len(raw) == few else raw[places] for part, raw in seen.raws.items() if part != "test"}
    states = {part: predictor.output(part) for part in raws}
    found = statistics_of(task, raws, seen.target.take(places), states=states, plan=predictor.contents.plan)
    groups, seed = None if seen.groups is None else seen.groups[places], predictor.contents.about["seed"]
    own = score_statistics(task, found, info=predictor.info, groups=groups, seed=seed, resamples=RESAMPLES)
    note = f"The {{}} and its comparison with the {{}} rest on a random {few} of the cases."
    counts, verdict = {**scores.counts, "compared": few}, own.verdict
    if len(seen.raws["network"]) == few:
        return replace(scores, network=own.network, verdict=verdict, counts=counts,
                       notes=(*scores.notes, note.format("network", "baseline")))  # fmt: skip
    return replace(scores, baseline=own.baseline, verdict=verdict, counts=counts,
                   notes=(*scores.notes, note.format("baseline", "network")))  # fmt: skip


def _recalibrated(
    predictor: Predictor, seen: Seen, scores: Scores, *, bundle: Path, out: Path, flow: Flow | None, watch: Watch
) -> Scores:
    """Write the recalibrated bundle and return the scores before it, with what was done."""
    watch.stage("recalibrating")
    found = recalibration.recalibrate(predictor, seen, before=scores)
    recalibration.write(found, predictor, bundle=bundle, out=out, account=_account(predictor, seen, found.scores, flow=flow))
    watch.say(found.sentence)
    panel = found.scores.panels[-1]
    origin = {**scores.origin, "recalibration": found.scores.origin["update"]}
    return replace(scores, notes=(*scores.notes, found.sentence), panels=(*scores.panels, panel), origin=origin)


def _by_input(predictor: Predictor, seen: Seen) -> dict[str, Any]:
    """Return what each of several inputs adds, on a sample of the new cases."""
    plan, states = predictor.contents.plan, {part: predictor.output(part) for part in seen.raws}
    if len(predictor.modalities) < 2 or predictor.anchor is not None:
        return {}
    target, raws = seen.target.take(seen.places), {part: raw[seen.places] for part, raw in seen.raws.items()}
    source = Source(predictor.modalities, seen.sample, plan, device=predictor.device)
    judged = Judged(
        predictor.crews, predictor.blend, states, np.arange(len(seen.places)), target,
        None if seen.groups is None else seen.groups[seen.places],
        statistics_of(predictor.task, raws, target, states=states, plan=plan),
    )  # fmt: skip
    seconds = SECONDS if plan.get("explain.seconds", SECONDS) > 0 else 0.0
    seed = predictor.contents.about["seed"]
    return what_inputs_add(source, judged, task=predictor.task, seconds=seconds, seed=seed, counts=seen.inputs)


def _overall(predictor: Predictor, seen: Seen) -> dict[str, Any]:
    """Return what moves predictions on the whole, on a sample of the new cases."""
    if predictor.anchor is not None:
        return {}
    target = seen.target.take(seen.places)
    kept = np.flatnonzero(target.observed.any(axis=1))
    if not len(kept) or predictor.contents.plan.get("explain.seconds", SECONDS) <= 0:
        return {}
    plan, columns = predictor.contents.plan, {name: c.take(kept) for name, c in seen.sample.items()}
    with threads(plan):
        return importance.explanation(
            predictor.subject(Source(predictor.modalities, columns, plan, device=predictor.device)), target.take(kept),
            groups=None if seen.groups is None else seen.groups[seen.places[kept]], seconds=SECONDS,
            seed=predictor.contents.about["seed"],
        )  # fmt: skip


def _account(predictor: Predictor, seen: Seen, scores: Scores, *, flow: Flow | None) -> Account:
    about = predictor.contents.about
    inputs = tuple(Input(i["name"], i["modality"], tuple(i["columns"]), i["options"]) for i in about["inputs"])
    group = None if seen.groups is None else about["roles"]["group"]
    roles = Roles(id=about["roles"]["id"], group=group, subgroups=tuple(seen.subgroups))
    study = Study(
        Path(), Path(), tuple(about["targets"]), about["task"], inputs, roles, title=about["title"], language=about["language"],
        question=question_of(about), flow=flow,
    )  # fmt: skip
    counts = {"test": len(seen.target), "refused": len(seen.refusals), "cases": seen.cases}
    counts |= {"groups": len(np.unique(seen.groups))} if seen.groups is not None else {}
    now = predictor.task.facts(seen.target, np.arange(len(seen.target)))
    return Account(
        study, predictor.contents.plan, scores, predictor.info, predictor.facts,
        split="new data; whether training saw any of these cases is not known", counts=counts,
        refused=refused_counts(seen.refusals.values()), versions=versions(), drift=seen.drift,
        sample=sample_size.judged(before=None, now=now, values=scores.test, parameters=None) if scores.test else None,
        tested=now if scores.test else {},
    )  # fmt: skip


def _write(out: Path, account: Account) -> None:
    documents = documents_of(account)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            (out / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write into '{out.name}': {error.strerror}; choose another --out") from None
