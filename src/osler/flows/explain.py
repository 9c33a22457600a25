"""`osler explain`: what in a case speaks for its prediction."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.attribution import Answer
from osler.core.errors import OutputError, StudyError, did_you_mean
from osler.core.table import Table
from osler.core.watch import SILENT, Watch
from osler.flows.cases import plain_text
from osler.flows.cohorts import check_rows, of_bundle
from osler.flows.explaining import Parts, Subject, attributions, compared_with
from osler.flows.opening import default_cache, in_memory
from osler.flows.overlays import shown
from osler.flows.pictures import drawn, filed, separated
from osler.flows.planning import threads
from osler.flows.predictor import Predictor, load
from osler.flows.recurring import of_bundle as recurring_of_bundle
from osler.flows.screening import as_trained
from osler.flows.sources import NONE, Sources
from osler.language import words
from osler.spine.bundle import check_report_place
from osler.spine.fit import Source
from osler.spine.report import write_explanation
from osler.spine.scan import column_values

MOST = 50  # cases on one page
LOOKED = 20_000  # ids of a block among which one like an unknown one is looked for
PAGE, NUMBERS = "explanation.html", "explanation.json"
Several = str | int | Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cases, by id and by row number (from 1), and which targets and classes (by default the main ones); of sequences, a file of
    known `motifs` that name those that recur."""

    cases: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    targets: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    motifs: Path | None = None

    @classmethod
    def of(
        cls, *, case: Several = (), row: Several = (), target: Several = (), level: Several = (), motifs: Path | str | None = None
    ) -> Asked:
        """Return what is asked from single values or several."""
        try:
            rows = tuple(int(r) for r in _listed(row))
        except ValueError:
            raise StudyError("a row is a number, from 1") from None
        texts = (tuple(str(v) for v in _listed(one)) for one in (case, target, level))
        cases, targets, levels = texts
        return cls(cases, rows, targets, levels, None if motifs is None else Path(motifs))


def explain(
    bundle: Path | str,
    table: Any,
    *,
    out: Path | str,
    asked: Asked,
    language: str | None = None,
    sources: Sources = NONE,
    device: str | None = None,
    watch: Watch = SILENT,
) -> list[dict[str, Any]]:
    """Explain the cases that are `asked` for and write explanation.html and explanation.json into the folder `out`, and an SVG of
    each picture; what a file can hold of an attribution, in the geometry of the case's own, lies beside them. `sources` as in `load`.
    What recurs in the bundle's test cases is told too, with the names of what the file `asked.motifs` knows.

    All hold values of the cases: they are the user's own. Raises StudyError for a case, target or class that is not there, RequestError for
    a language that Osler has no words in; what fails writes nothing.
    """
    out = Path(out)
    predictor = load(bundle, device=device, sources=sources)
    about = predictor.contents.about
    spoken = words(language or about["language"]).language
    check_report_place(out)
    watch.stage("explaining")
    with tempfile.TemporaryDirectory(prefix="osler-") as held:
        patterns = recurring_of_bundle(
            json.loads(predictor.contents.documents["scores.json"]), predictor.modalities,
            motifs=asked.motifs, folder=Path(held),
        )  # fmt: skip
        found = explained(predictor, table, asked=asked, folder=Path(held))
        numbers, drawings = separated(found)
        bare = {"recurring": [{k: v for k, v in one.items() if k != "svg"} for one in patterns]} if patterns else {}
        documents = {
            PAGE: write_explanation(found, title=about["title"], language=spoken, recurring=patterns),
            NUMBERS: json.dumps({"bundle": predictor.name, "cases": numbers, **bare}, indent=1, ensure_ascii=False),
            **drawings,
        }
        _write(out, documents, files=sorted(Path(held).iterdir()))
    return found


def _write(out: Path, documents: Mapping[str, str], *, files: Sequence[Path]) -> None:
    """Write the documents and copies of the files into `out`; raises OutputError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in documents.items():
            (out / name).write_text(text, encoding="utf-8")
        for file in files:
            shutil.copyfile(file, out / file.name)
    except OSError as error:
        raise OutputError(f"cannot write into '{out.name}': {error.strerror}; choose another --out") from None


def explained(predictor: Predictor, table: Any, *, asked: Asked, folder: Path | None = None) -> list[dict[str, Any]]:
    """Return one entry per case, in the order of the table: what JSON can hold. Attributions that a file can hold in the geometry of the
    case's own are written into `folder`, if there is one."""
    if predictor.anchor is not None and (asked.targets or asked.levels):
        raise StudyError("of masks and tracks a case is shown as a whole; leave --target and --class out")
    if isinstance(table, (str, Path)):
        predictor, table = of_bundle(predictor, table, purpose="predict", cache=default_cache())
    else:
        check_rows(predictor)
    identity = predictor.contents.about["roles"]["id"]
    found = located(as_trained(in_memory(table), table, predictor=predictor), asked, identity=identity)
    if predictor.anchor is not None:
        return [_marked(predictor, one, identity=identity) for one in found]
    answers = chosen(predictor.task.answers(predictor.output("test"), info=predictor.info, plan=predictor.contents.plan), asked)
    with threads(predictor.contents.plan):
        return [_case(predictor, one, answers, identity=identity, folder=folder) for one in found]


def chosen(answers: Sequence[Answer], asked: Asked) -> list[Answer]:
    """Return the answers of the targets and classes that are asked for; raises StudyError for one that is not there.

    Where no class is asked for these are the main answers, and of a target without one all of its classes, of which a case
    takes its most probable.
    """
    targets, levels = list(dict.fromkeys(a.target for a in answers)), list(dict.fromkeys(a.level for a in answers if a.level))
    faults = [f"no target '{t}'{did_you_mean(t, targets)}" for t in asked.targets if t not in targets]
    faults += [f"no class '{v}'{did_you_mean(v, levels)}" for v in asked.levels if v not in levels]
    if faults:
        raise StudyError(faults)
    kept = [a for a in answers if not asked.targets or a.target in asked.targets]
    if asked.levels:
        kept = [replace(a, main=True) for a in kept if a.level in asked.levels]
        if not kept:
            raise StudyError(f"no target that is asked for has a class {' or '.join(repr(v) for v in asked.levels)}")
        return kept
    led = {a.target for a in kept if a.main}
    return [a for a in kept if a.main or a.target not in led]


def located(blocks: Iterable[Table], asked: Asked, *, identity: str | None) -> Iterator[Table]:
    """Yield each case of the `blocks` that is asked for as a table of one row; raises StudyError where one is not there."""
    _check(asked, identity)
    wanted, seen, rows, near = set(asked.cases), set(), 0, _Near(asked.cases)
    found = []
    for block in blocks:
        hits = {r - 1 - block.first for r in asked.rows if block.first < r <= block.first + len(block)}
        if wanted:
            ids = _texts(block, str(identity))
            places = [at for at, text in enumerate(ids) if text in wanted]
            seen |= {ids[at] for at in places}
            hits |= set(places)
            near.look(ids, first=block.first)
        rows += len(block)
        found += [replace(block.slice(at, at + 1), rows=block.rows.take([at])) for at in sorted(hits)]
        if len(found) > MOST:
            raise StudyError(f"more than {MOST} cases are asked for; explain them in turns")
    faults = [f"there is no row {r}: the table has {rows}" for r in asked.rows if not 1 <= r <= rows]
    faults += [f"no case '{c}' in column '{identity}'{near.told(c)}" for c in asked.cases if c not in seen]
    if faults:
        raise StudyError(faults)
    yield from found


def _check(asked: Asked, identity: str | None) -> None:
    if not asked.cases and not asked.rows:
        raise StudyError("which case? give --case with its id, or --row with its number, from 1")
    if asked.cases and identity is None:
        raise StudyError("the bundle knows no column that names a case; give --row with its number, from 1")


class _Near:
    """The row of the id that is most like an unknown one: the number is told, never another patient's id."""

    def __init__(self, cases: Sequence[str]) -> None:
        self.best = dict.fromkeys(cases, (0.75, -1))

    def look(self, ids: Sequence[str], *, first: int) -> None:
        import difflib

        for case in self.best:
            matcher = difflib.SequenceMatcher(b=case.casefold(), autojunk=False)
            for at, text in enumerate(ids[:LOOKED]):
                matcher.set_seq1(text.casefold())
                best = self.best[case][0]
                # the quick ratios are upper bounds
                if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (like := matcher.ratio()) > best:
                    self.best[case] = (like, first + at + 1)

    def told(self, case: str) -> str:
        row = self.best[case][1]
        return f"; the id most like it stands in row {row}" if row > 0 else "; --row takes a row's number instead, from 1"


def _texts(block: Table, identity: str) -> list[str]:
    if identity not in block.columns:
        raise StudyError(f"the table has no column '{identity}', which names the cases; give --row with a number, from 1")
    return [plain_text(v) for v in column_values(block, identity)]


# one case ---------------------------------------------------------------------------------------------------------------


def _marked(predictor: Predictor, one: Table, *, identity: str | None) -> dict[str, Any]:
    told = {"row": one.first + 1, **shown(predictor, one), "answers": []}
    return {**told, "id": _cell(one, str(identity))} if identity in one.columns else told


def _case(
    predictor: Predictor, one: Table, answers: Sequence[Answer], *, identity: str | None, folder: Path | None
) -> dict[str, Any]:
    lines = predictor.lines(one)
    told: dict[str, Any] = {"row": one.first + 1, "refused": str(lines["refused"][0])}
    if identity in one.columns:
        told["id"] = _cell(one, str(identity))
    if told["refused"]:
        return {**told, "answers": []}
    columns = predictor.columns(one)
    source = Source(predictor.modalities, columns, predictor.contents.plan, device=predictor.device)
    subject = predictor.subject(source)
    parts = attributions(subject, np.arange(1), answers)
    kept = _most_probable(answers, parts)
    weights = {"network": predictor.blend.network, "baseline": 1 - predictor.blend.network}
    shown = _of_answers(parts, kept)
    pictures = drawn(subject, [answers[at] for at in kept], parts=shown)
    if folder is not None:
        pictures = filed(subject, pictures, parts=shown, folder=folder, name=f"row{told['row']}")
    return {
        **told,
        "references": compared_with(subject),
        "weights": weights,
        "answers": [
            {
                **_answer(subject, predictor, one, answers[at], parts=parts, at=at, lines=lines),
                **({"pictures": own} if own else {}),
            }
            for at, own in zip(kept, pictures, strict=True)
        ],
    }


def _of_answers(parts: Parts, kept: Sequence[int]) -> Parts:
    """Return the maps of some answers alone; nothing else of `parts` is drawn."""
    return {k: replace(p, maps={name: values[:, kept] for name, values in p.maps.items()}) for k, p in parts.items()}


def _most_probable(answers: Sequence[Answer], parts: Parts) -> list[int]:
    """Return the places of the main answers, and of a target without one that of its highest score."""
    kept = [at for at, a in enumerate(answers) if a.main]
    for target in dict.fromkeys(a.target for a in answers if not a.main):
        own = [at for at, a in enumerate(answers) if a.target == target]
        if not any(answers[at].main for at in own):
            kept.append(max(own, key=lambda at: parts["bundle"].score[0, at]))
    return sorted(kept)


def _answer(
    subject: Subject, predictor: Predictor, one: Table, answer: Answer, *, parts: Parts, at: int, lines: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    ends = {
        name: {"score": float(p.score[0, at]), "reference": float(p.reference[0, at]), "error": float(p.error[0, at])}
        for name, p in parts.items()
    }
    values = {name: p.values[0, at] for name, p in parts.items()}
    features = _described(subject, predictor, one, values)
    features.sort(key=lambda f: -abs(f["attribution"]["bundle"]))
    said = float(lines[answer.column][0]) if answer.column else None
    return {
        "target": answer.target,
        "level": answer.level,
        "scale": answer.scale,
        "prediction": said,
        **ends,
        "features": features,
    }


def _described(subject: Subject, predictor: Predictor, one: Table, values: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Return each feature with its attributions, its cell as it stands in the table, and what its modality says of it."""
    told = []
    for name, modality in subject.source.modalities.items():
        first, count = subject.layout.first[name], subject.layout.count[name]
        facts = predictor.contents.state.part("facts").values.get(name, {})
        columns, state = subject.source.columns[name], subject.crews[0].states[name]
        own = modality.explain(values["bundle"][first : first + count], columns, 0, state=state, facts=facts)
        for turn, entry in enumerate(own["features"][:count]):
            place = first + turn
            column = entry["name"]
            rest = {k: v for k, v in entry.items() if k not in {"name", "attribution"}}
            # a code may be called like a column of the table, but its value is that of its last event
            cell = {"cell": _cell(one, column)} if column in one.columns and "since" not in entry else {}
            shares = {part: float(v[place]) for part, v in values.items()}
            told.append({"name": subject.features[place].name, "attribution": shares, **cell, **rest})
    return told


def _cell(one: Table, column: str) -> str | None:
    value = one.rows.column(column)[0].as_py()
    return None if value is None else plain_text(value).strip()


def _listed(value: Several) -> tuple[str | int, ...]:
    return (value,) if isinstance(value, (str, int)) else tuple(value)
