"""What the columns of a table tell of a study, where the user did not say it. Every guess comes with its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from osler.contract import Modality
from osler.core.bounds import parted
from osler.core.errors import Refusal
from osler.core.names import names_identifier, names_patient, plain
from osler.core.study import Input, Roles
from osler.core.table import Table
from osler.spine.study.file import TAKEN

SAMPLE = 200  # cells of a column that a modality sees
FEW = 20  # a target of at most this many different numbers is taken for classes
FEW_FRACTIONS = 5  # the same for numbers that are not whole
FEW_GROUPS = 10  # a column "patient" with no more values than this says something else (patient or control)
LOOKED = 100_000  # different values of a target that are looked at

_BLANK = {"", "na", "n/a", "nan", "null", "<na>", "."}
_PARTS = {
    "training": {"train", "training", "tr", "development", "dev"},
    "tune": {"val", "valid", "validation", "tune", "tuning", "dev"},
    "test": {"test", "testing", "holdout", "hold-out", "hold_out", "held_out"},
}
_OUTCOME = re.compile(
    r"(?:^|_)(?:outcome|label|labels|target|class|diagnosis|death|dead|died|deceased|mortality|survived|event|status|y|response"
    r"|malignant|disease|progression|readmission|readmitted|readmit|relapse|recurrence|expire|expired)(?:_|$)"
)


def outcome_candidates(names: Iterable[str], *, most: int = 5) -> list[str]:
    """Return columns whose names sound like an outcome; later ones first, for outcomes tend to stand last."""
    return [n for n in reversed(list(names)) if _OUTCOME.search(plain(n))][:most]


def roles(given: Roles, *, table: Table, taken: set[str], subjects: Sequence[str] = ()) -> tuple[Roles, list[str]]:
    """Return the roles with those that names and values make plain added, and a sentence for each.

    `taken` columns (targets, columns of inputs that the user wrote) are left alone. `subjects` are columns that name whose events a row
    sees: rows that share one share events, so where no column is named like a patient, the first of them that repeats is the group.
    """
    taken = taken | set(given.columns())
    free = [c for c in table.columns if c not in taken]
    found: dict[str, str] = {}
    notes = []
    if given.split is None and (name := _split_column(free, table)):
        found["split"] = name
        notes.append(f"Column '{name}' says which rows train and which test; it is taken as the split.")
    repeats = {c: _repeats(table, c) for c in free if names_identifier(c)}
    named = next((c for c in free if names_patient(c) and repeats.get(c)), None)
    group = named or next((c for c in subjects if _shared(table, c)), None)
    if given.group is None and group:
        found["group"] = group
        notes.append(
            f"Column '{group}' repeats and is named like a patient: rows that share it stay in the same part of the split."
            if named
            else f"Column '{group}' names whose events a row sees, and repeats: rows that share it stay in the same part of the split."
        )
    single = [c for c, repeated in repeats.items() if repeated is False]
    single.sort(key=names_patient, reverse=True)
    if given.id is None and single:
        found["id"] = single[0]
        notes.append(f"Column '{single[0]}' differs in every row and is named like an identifier; it names the cases.")
    alone = found.get("id", given.id)
    if given.group is None and not group and not (alone and names_patient(alone)):
        notes.append(
            "No column tells which rows belong to the same patient: each row counts as its own. If a patient has several rows, "
            "name the column with --group, or the figures will be too good."
        )
    names = {role: found.get(role, getattr(given, role)) for role in ("id", "group", "split")}
    return replace(given, **names), notes


def _split_column(free: Sequence[str], table: Table) -> str | None:
    name = next((c for c in free if plain(c) == "split"), None)
    if name is None:
        return None
    values = values_of(table, name, most=10)
    said = {str(v).strip().lower() for v in values} - _BLANK
    known = set().union(*_PARTS.values())
    complete = bool(said & _PARTS["test"]) and bool(said & _PARTS["training"])
    return name if said <= known and complete else None


def _shared(table: Table, name: str) -> bool:
    """Return whether any two rows hold the same value."""
    import pyarrow.compute as pc

    column = table.rows.column(name)
    return bool(pc.count_distinct(column, mode="only_valid").as_py() < len(column) - column.null_count)


def _repeats(table: Table, name: str) -> bool | None:
    """Return True where a column's many values repeat, False where each row has its own, None where neither holds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.rows.column(name)
    if pa.types.is_nested(column.type):
        return None
    there = len(column) - column.null_count
    different = pc.count_distinct(column, mode="only_valid").as_py()
    if different < there:
        return True if different > FEW_GROUPS else None
    return False if there == len(column) else None


def inputs(names: Sequence[str], *, table: Table, modalities: Mapping[str, Modality]) -> tuple[tuple[Input, ...], list[str]]:
    """Return inputs made of the columns `names`: each goes to the modality that recognises it most surely.

    All columns of `tables` make one input, called `table`; each other column is an input of its own.
    """
    chosen = {name: _modality(name, table=table, modalities=modalities) for name in names}
    lost = [n for n in names if chosen[n] not in {"tables", ""} and not _there(n, table=table, modality=modalities[chosen[n]])]
    lost = lost if len(lost) < len(names) else []
    found, notes = [], [f"Column '{n}' names files of {chosen[n]}, none of which is there: it is left out." for n in lost]
    names = [n for n in names if n not in lost]
    tabular = tuple(n for n in names if chosen[n] == "tables")
    if tabular:
        found.append(Input("table", "tables", tabular))
    for name in names:
        if chosen[name] != "tables" and chosen[name]:
            found.append(Input(_input_name(name, taken={*TAKEN, *(i.name for i in found)}), chosen[name], (name,)))
    for one in found:
        which = f"{len(one.columns)} columns" if len(one.columns) > 3 else ", ".join(f"'{c}'" for c in one.columns)
        notes.append(f"Input '{one.name}' is made of {which} and read as {one.modality}.")
    return tuple(found), notes


def _modality(name: str, *, table: Table, modalities: Mapping[str, Modality]) -> str:
    if len(modalities) == 1:
        return next(iter(modalities))
    cells = _cells(table, name)
    sure = {m: modality.recognises(cells) if cells else 0.0 for m, modality in modalities.items()}
    best = max(sure, key=lambda m: (sure[m], m == "tables"))
    return best if sure[best] > 0 or "tables" not in modalities else "tables"


def _there(name: str, *, table: Table, modality: Modality) -> bool:
    """Return whether a column that names files names one that is there, among the first SAMPLE cells that hold something."""
    held = table.rows.column(name).slice(0, 50 * SAMPLE).is_valid().to_numpy().nonzero()[0][:SAMPLE]
    some = replace(table, rows=table.rows.take(held), file=None, refusals={})
    found = modality.locate(some, columns=(name,))
    paths = [getattr(one, "paths", ()) for one in found if one is not None and not isinstance(one, Refusal)]
    return not len(held) or any(all(Path(p).exists() for p in own) for own in paths)


def _cells(table: Table, name: str) -> list[str]:
    """Return up to SAMPLE cells that hold something, from the head of the column."""
    column = table.rows.column(name)
    head = column.slice(0, 50 * SAMPLE).drop_null().slice(0, SAMPLE)
    cells = head if len(head) else column.drop_null().slice(0, SAMPLE)
    return [text for cell in cells.to_pylist() if (text := str(cell).strip()).lower() not in _BLANK]


def _input_name(column: str, *, taken: set[str]) -> str:
    base = plain(column) or "input"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name


def task(targets: Sequence[str], *, table: Table) -> tuple[str | None, str]:
    """Return the task that the targets' values ask for and the sentence that says so; None where they do not agree."""
    looks = [_look(values_of(table, t, most=LOOKED)) for t in targets]
    if len(looks) > 1:
        if all(look == "two" for look in looks):
            return "classification", "Every target has two values: the task is classification with several labels."
        if all(look in {"number", "few", "two"} and look != "words" for look in looks):
            return "regression", "The targets are numbers: the task is regression of several values."
        return None, "the targets are not of one kind"
    if looks[0] == "number":
        return "regression", f"Target '{targets[0]}' holds many different numbers: the task is regression."
    return "classification", f"Target '{targets[0]}' holds classes: the task is classification."


def _look(values: Sequence[Any]) -> str:
    """Return two, few (numbers), number or words."""
    texts = {str(v).strip() for v in values} - {""}
    texts = {t for t in texts if t.lower() not in _BLANK}
    numbers = {n for t in texts if (n := _number(t)) is not None}
    words = len(texts) - sum(_number(t) is not None for t in texts)
    if len(numbers) + words <= 2:
        return "two"
    if words > 0.05 * len(texts):
        return "words"
    whole = all(n == int(n) for n in numbers)
    return "number" if len(numbers) > (FEW if whole else FEW_FRACTIONS) else "few"


def _number(text: str) -> float | None:
    try:
        value = float(parted(text)[1].replace(",", ".", 1).replace("_", "?"))  # Python alone reads 1_000 as a number
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def values_of(table: Table, name: str, *, most: int) -> list[Any]:
    """Return up to `most` different values of a column, without nulls."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.rows.column(name)
    if pa.types.is_nested(column.type):
        return []
    return [v for v in pc.unique(column).slice(0, most).to_pylist() if v is not None]
