"""Cases from events: whose, when, and what came after, written once as a table."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osler.core.disk import private_folder, whole
from osler.core.question import CENSORED, INDEX, PREDICTION, REASONS, SPLIT, SUBJECT, Cohort, Flow, Purpose, Question
from osler.modalities.timelines.cohort.check import check_codes, check_flow
from osler.modalities.timelines.cohort.derive import Derived, derive
from osler.modalities.timelines.cohort.outcome import KNOWN
from osler.modalities.timelines.read.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 2  # of what is derived: raised when the same events and the same question come out otherwise
_FLOW = b"osler.flow"
_PARTS = {"tuning": "tune", "held_out": "test"}  # the words of MEDS for what a split column calls so


def cohort(store: Store, question: Question, *, purpose: Purpose, cache: Path) -> Cohort:
    """Return the cases that `question` makes of `store`, written to `cache` unless they lie there.

    Raises StudyError with all faults that the events show: codes that do not exist, no case, an outcome that never happens.
    """
    file = cache.absolute() / "cohorts" / f"{_key(store, question, purpose)}.arrow"
    if (flow := _read(file)) is None:
        check_codes(store, question, purpose=purpose)
        derived = derive(store, question, outcome=purpose != "predict")
        check_flow(question, derived.flow, purpose=purpose)
        _write(file, _table(store, question, derived), derived.flow)
        flow = derived.flow
    return Cohort(file, flow)


def _key(store: Store, question: Question, purpose: Purpose) -> str:
    # a prepared store is named by its content
    asked = json.dumps([VERSION, store.folder.name, question.to_dict(), purpose], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:40]


def _table(store: Store, question: Question, derived: Derived) -> pa.Table:
    import pyarrow as pa

    names = pa.array(store.subject_names, pa.string())
    columns = {
        SUBJECT: names.take(pa.array(derived.who)),
        INDEX: _times(derived.index),
        PREDICTION: _times(derived.prediction),
    }
    if derived.found is not None:
        values = derived.found.values
        kind = pa.float64() if question.target.take else pa.int8()
        unknown = np.isnan(values)
        columns[question.target.name] = pa.array(np.where(unknown, 0, values), mask=unknown).cast(kind)
        columns[CENSORED] = pa.array([*REASONS]).take(pa.array(derived.found.why, mask=derived.found.why == KNOWN))
    if store.splits is not None:
        words = [None if part is None else _PARTS.get(str(part), str(part)) for part in store.splits]
        columns[SPLIT] = pa.array(words, pa.string()).take(pa.array(derived.who))
    return pa.table(columns)


def _times(moments: np.ndarray) -> pa.Array:
    import pyarrow as pa

    return pa.array(moments.astype("datetime64[us]"), pa.timestamp("us", tz="UTC"))


def _write(file: Path, rows: pa.Table, flow: Flow) -> None:
    import pyarrow as pa

    private_folder(file.parent)
    rows = rows.replace_schema_metadata({_FLOW: json.dumps(flow.to_dict()).encode()})
    with whole(file) as temporary, pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=1 << 16)


def _read(file: Path) -> Flow | None:
    """Return the flow that a file written before tells, None where there is none that can be read."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(file)) as source:
            return Flow.from_dict(json.loads((pa.ipc.open_file(source).schema.metadata or {})[_FLOW]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
