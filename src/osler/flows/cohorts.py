"""Studies and bundles whose cases come from events: the cases derived, and handed on as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core import registry
from osler.core.errors import BundleError, Refusal, StudyError, TableError
from osler.core.question import CENSORED, PREDICTION, REASONS, Cohort, Flow, Purpose, Question
from osler.core.table import Table
from osler.core.watch import Watch
from osler.flows.sources import OPTION, place_of
from osler.spine.study import Request, describe, with_question

if TYPE_CHECKING:
    import pyarrow as pa

    from osler.flows.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Derived:
    """Cases that were derived from events: `file` holds their table, `folder` is where the path of the events starts."""

    file: Path
    folder: Path
    flow: Flow

    @property
    def table(self) -> Table:
        """All cases, memory-mapped. A case without an outcome is refused with the reason why it has none."""
        import pyarrow as pa

        rows = pa.ipc.open_file(pa.memory_map(str(self.file))).read_all()
        return Table(rows, self.folder, file=self.file, refusals=_refusals(rows), digest=self.file.stem)

    def blocks(self, *, size: int) -> Iterator[Table]:
        """Yield the cases in blocks of at most `size`."""
        table = self.table
        for start in range(0, len(table), size):
            yield table.slice(start, min(start + size, len(table)))


def of_study(request: Request, *, cache: Path, watch: Watch) -> Derived | None:
    """Return the cases of a study whose question is asked of events, None of any other; raises StudyError."""
    if not request.names_study:
        return None
    asked = describe(request)
    if asked.question is None or not asked.question.derived:
        return None
    folder = Path(request.table_or_study).parent.resolve()
    modalities = {name: registry.modality(name) for name in registry.MODALITIES}
    inputs = with_question(asked, folder=folder, modalities=modalities).inputs.values()
    found = [(modalities[i.modality], i.options) for i in inputs if i.modality in modalities and modalities[i.modality].asked]
    if not found:
        raise StudyError("question: its cases come from events, and no input is made of events; add one of modality 'timelines'")
    watch.stage("asking the events")
    modality, options = found[0]
    return _derived(modality.cohort(asked.question, folder=folder, options=options, cache=cache), folder)


def question_of(about: Mapping[str, Any]) -> Question | None:
    """Return the question that a bundle holds, None where it holds none; raises BundleError for one that is damaged."""
    if about.get("question") is None:
        return None
    try:
        return Question.from_dict(about["question"])
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise BundleError("the bundle's question cannot be read; it was not written by Osler") from None


def of_bundle(predictor: Predictor, table: Path | str, *, purpose: Purpose, cache: Path) -> tuple[Predictor, Path | Derived]:
    """Return the cases that the bundle's question makes of the events in `table` (a path, or the address of a database), and the predictor that reads those events; of a
    bundle whose cases are rows both as they came.

    Raises StudyError where nothing can be asked of these events, TableError where there are none.
    """
    question = question_of(predictor.contents.about)
    place = place_of(table)
    if question is None or not question.derived:
        if isinstance(place, str):
            raise TableError("the address of a database is no table; give a table, and the address with --source INPUT=ADDRESS")
        return predictor, place
    if isinstance(place, Path) and not place.exists():
        raise TableError(
            f"no file or folder '{place.name}'; this bundle derives its cases from events: give the place of the events"
        )
    folder, source = (place.resolve().parent, place.resolve().name) if isinstance(place, Path) else (Path.cwd(), place)
    inputs = [i for i in predictor.contents.about["inputs"] if predictor.modalities[i["name"]].asked]
    if not inputs:
        raise BundleError("the bundle asks of events and reads none; it was not written by Osler")
    first = inputs[0]
    if first["name"] in predictor.moved:
        raise StudyError("this bundle derives its cases from events: give their place instead of a table, and no --source")
    _check_others(inputs, predictor.moved)
    moved = {i["name"]: {OPTION: source} for i in inputs} | dict(predictor.moved)
    options = {**first["options"], **moved[first["name"]]}
    made = predictor.modalities[first["name"]].cohort(
        question, folder=folder, options=options, cache=cache, purpose=purpose
    )  # fmt: skip
    return replace(predictor, moved=moved, cache=predictor.cache or cache), _derived(made, folder)


def _check_others(inputs: Sequence[Mapping[str, Any]], moved: Mapping[str, Any]) -> None:
    """Raise StudyError where an input's events lay elsewhere than those that make the cases, and nobody says where they lie now."""
    first = inputs[0]
    faults = [
        f"input '{i['name']}': its events lay elsewhere than those of '{first['name']}'; say where with --source {i['name']}=PLACE"
        for i in inputs if i["name"] not in moved and i["options"].get(OPTION) != first["options"].get(OPTION)
    ]  # fmt: skip
    if faults:
        raise StudyError(faults)


def check_rows(predictor: Predictor) -> None:
    """Raise TableError where the bundle asks a question of events: rows in memory are none."""
    question = question_of(predictor.contents.about)
    if question is not None and question.derived:
        raise TableError("this bundle derives its cases from events: give the path of the events instead of rows in memory")


def moments(block: Table) -> np.ndarray:
    """Return (n,) the prediction times of derived cases as text, to the second, in UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = block.rows.column(PREDICTION)
    if pa.types.is_timestamp(column.type):
        column = pc.strftime(column.cast(pa.timestamp("s", tz="UTC"), safe=False), format="%Y-%m-%dT%H:%M:%SZ")
    return np.array(column.to_pylist(), object)


def _derived(made: Cohort | None, folder: Path) -> Derived:
    if made is None:
        raise StudyError("question: this kind of data has no events to ask of")
    return Derived(made.file, folder, made.flow)


def _refusals(rows: pa.Table) -> dict[int, Refusal]:
    if CENSORED not in rows.column_names:
        return {}
    import pyarrow.compute as pc

    known = {code: Refusal(code, sentence) for code, sentence in REASONS.items()}
    column = rows.column(CENSORED)
    places = np.flatnonzero(pc.is_valid(column).to_numpy())
    return {int(row): known[code] for row, code in zip(places, column.drop_null().to_pylist(), strict=True)}
