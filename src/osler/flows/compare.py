"""`osler compare`: two bundles on the same cases."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from osler.core.comparison import Comparison
from osler.core.disk import telling, whole
from osler.core.errors import OutputError, RequestError, StudyError
from osler.core.watch import SILENT, Watch
from osler.flows.cohorts import of_bundle
from osler.flows.gathering import Seen, gathered
from osler.flows.opening import default_cache
from osler.flows.planning import threads
from osler.flows.pooling import Together
from osler.flows.predictor import Predictor, load
from osler.flows.sources import NONE, Sources, moved, place_of
from osler.spine.bundle import check_outside
from osler.spine.evaluate import compare_statistics
from osler.spine.evaluate.withheld import withheld

UNSEEN = "Whether a bundle was trained on rows of this table cannot be seen from here; where one was, the comparison favours it."
SEVERAL = "Intervals of several measures are not corrected for their number: the verdict rests on one alone."


def compare(
    first: Path | str,
    second: Path | str,
    table: Path | str,
    *,
    out: Path | str | None = None,
    sources: Sources = NONE,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Comparison:
    """Score both bundles on the rows of `table` that neither refuses, in pairs, and write the comparison to `out` where asked. `sources` as in `load`.

    Raises RequestError where the bundles predict different things.
    """
    predictors = _loaded(first, second, sources=sources, device=device)
    differences = _differences(*predictors)
    if differences:
        raise RequestError("the bundles predict different things and cannot be compared:\n" + "\n".join(differences))
    if out is not None:
        _check_place(Path(out), table=place_of(table))
    seen = []
    for predictor in predictors:
        watch.stage("predicting")
        reader, rows = of_bundle(predictor, table, purpose="score", cache=default_cache())
        seen.append(gathered(reader, rows, watch, beside="none"))
    watch.stage("scoring")
    found = _compared(predictors, seen)
    if out is not None:
        with whole(Path(out)) as temporary:
            temporary.write_text(json.dumps(found.to_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
    return found


def _loaded(*bundles: Path | str, sources: Sources, device: str | None) -> tuple[Predictor, ...]:
    """Return the predictors. A source moves the input of its name in each that has one: either may have other inputs."""
    found = [load(bundle, device=device) for bundle in bundles]
    moved(sources, {name: modality for one in found for name, modality in one.modalities.items()})
    own = [{name: place for name, place in sources.items() if name in one.modalities} for one in found]
    return tuple(replace(one, moved=moved(places, one.modalities)) for one, places in zip(found, own, strict=True))


def _check_place(out: Path, *, table: Path | str) -> None:
    """Raise before the work where the comparison could not be written after it; an older file stays as it is."""
    if isinstance(table, Path) and out.resolve() == table.resolve():
        raise OutputError(f"'{out.name}' is the table itself; choose another --out, or its rows would be lost")
    check_outside(out)
    if out.is_dir():
        raise OutputError(f"'{out.name}' is a folder; give --out the name of a file, for example comparison.json")
    with telling(out), tempfile.TemporaryFile(dir=out.parent):
        pass


def _compared(predictors: tuple[Predictor, ...], seen: list[Seen]) -> Comparison:
    rows = np.intersect1d(seen[0].rows, seen[1].rows)
    if not len(rows):
        raise StudyError("no row can be used by both bundles; 'osler evaluate' tells why each refuses")
    known = next((one.groups[np.searchsorted(one.rows, rows)] for one in seen if one.groups is not None), rows)
    if withheld({"cases": len(rows), "groups": len(np.unique(known))}):
        raise StudyError("fewer than 5 cases or groups can be used by both bundles: nothing can be compared on them; give more")
    statistics, groups = [], None
    for predictor, one in zip(predictors, seen, strict=True):
        place = np.searchsorted(one.rows, rows)
        statistics.append(_lines(predictor, one, place))
        groups = one.groups[place] if groups is None and one.groups is not None else groups
    task, info = predictors[0].task, predictors[0].info
    told = [Together.of(task, {"test": lines}, groups, info=info) for lines in statistics]
    statistics, groups = [one.lines["test"] for one in told], told[0].groups
    names = _names(predictors)
    # the same draws whichever bundle is named first
    found = compare_statistics(task, (statistics[0], statistics[1]), names=names, info=info, groups=groups, seed=0)
    alone = [seen[0].cases - len(seen[0].rows), seen[1].cases - len(seen[1].rows), seen[0].cases - len(rows)]
    counts = {**found.counts, "refused_first": alone[0], "refused_second": alone[1], "left_out": alone[2]}
    left_out = [f"{alone[2]} rows that either bundle refuses are left out."] if alone[2] else []
    return replace(found, counts=counts, notes=(*found.notes, *told[0].noted(()), SEVERAL, UNSEEN, *left_out))


def _lines(predictor: Predictor, seen: Seen, place: np.ndarray) -> np.ndarray:
    """Return the statistics of what a bundle predicts with, of the cases at `place`."""
    if seen.lines:
        return seen.lines["test"][place]
    plan = predictor.contents.plan
    with threads(plan):
        return predictor.task.statistics(
            seen.raws["test"][place], seen.target.take(place), state=predictor.output("test"), plan=plan
        )


def _names(predictors: tuple[Predictor, ...]) -> tuple[str, str]:
    names = predictors[0].name, predictors[1].name
    return names if names[0] != names[1] else (f"{names[0]} (first)", f"{names[1]} (second)")


def _differences(one: Predictor, other: Predictor) -> list[str]:
    """Return in sentences what the two bundles do not have in common and would need to."""
    pairs = {"task": (one.contents.about["task"], other.contents.about["task"])}
    pairs["targets"] = (one.contents.about["targets"], other.contents.about["targets"])
    pairs["question"] = (one.contents.about.get("question"), other.contents.about.get("question"))
    asked = ("kind", "classes", "positive", *(("names", "values") if one.anchor else ()))
    pairs |= {name: (one.info.get(name), other.info.get(name)) for name in asked}
    return [f"- {name}: {_shown(a)} in '{one.name}', {_shown(b)} in '{other.name}'" for name, (a, b) in pairs.items() if a != b]


def _shown(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_shown(v) if isinstance(v, list) else f"'{v}'" for v in value)
    return "none" if value is None else f"'{value}'"
