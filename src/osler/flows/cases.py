"""A study's cases, ready: scanned, read into columns, with target and groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Modality, Task
from osler.core import registry
from osler.core.columns import Columns, Role
from osler.core.errors import Refusal, StudyError
from osler.core.plan import Decision, Plan
from osler.core.processors import processors
from osler.core.study import Study
from osler.core.table import Table
from osler.core.target import Target
from osler.core.watch import SILENT, Watch
from osler.flows import replicates
from osler.spine.columns import read_columns
from osler.spine.scan import column_values, target_columns

Settings = Callable[[str, Plan], Mapping[str, Any]]
NO_TARGET = Refusal("no_target", "the target is missing in this row")
ON_GRID = frozenset[Role]({"input", "target", "truth", "baseline"})  # roles of the fields of a study whose target lies on a grid
ON_VECTOR = frozenset[Role]({"input", "baseline", "identity"})  # of any other study
NO_INPUT = Refusal("no_input", "every input is missing in this row")


@dataclass(frozen=True, slots=True)
class Cases:
    """All cases of a study. `columns`, `modalities` by input name; `groups` (n,) int64; `grouped` whether a group column
    was given; `refusals` by row; `usable` the rows that are left, ascending; `reading` all reading decisions."""

    study: Study
    table: Table
    task: Task
    modalities: Mapping[str, Modality]
    columns: Mapping[str, Columns]
    reading: Plan
    target: Target
    groups: np.ndarray
    grouped: bool
    refusals: Mapping[int, Refusal]
    usable: np.ndarray

    @property
    def anchor(self) -> str | None:
        """The input whose grid a target on a grid shares."""
        return next(iter(self.modalities)) if self.task.needs(self.target.info) == "map" else None


def gather_cases(
    study: Study, table: Table, *, cache: Path, watch: Watch = SILENT, task: Task | None = None, more: Settings | None = None
) -> Cases:  # fmt: skip
    """Read every input and the target of `study`; a bad case is refused, never fatal.

    `task` takes the place of the study's own. `more` gives settings for reading an input, by its name and the reading decisions of the
    inputs before it; the user's own win.
    """
    modalities = {i.name: registry.modality(i.modality) for i in study.inputs}
    task = task or registry.task(study.task)
    grid = study.targets if task.needs({}) == "map" else ()
    if grid:
        _check_anchor(study, task, modalities[study.inputs[0].name])
    roles = ON_GRID if grid else ON_VECTOR
    columns: dict[str, Columns] = {}
    decisions: list[Decision] = []
    for order, asked in enumerate(study.inputs):
        modality = modalities[asked.name]
        locators = modality.locate(
            table, columns=asked.columns, aligned=grid if order == 0 else (), options=asked.options, cache=cache
        )
        own = settings_under(study.settings, f"inputs.{asked.name}")
        given = more(asked.name, Plan(decisions)) if more else {}
        reading = modality.reading(locators, settings={**asked.options, **given, **own})
        decisions += [d.under(f"inputs.{asked.name}") for d in reading]
        plain = {d.name: d.value for d in reading}
        columns[asked.name] = read_columns(
            modality, locators, reading=plain, roles=roles, cache=cache, workers=processors(), watch=watch
        )
    _check_inputs(study, decisions)
    _check_present(columns)
    target, unusable = _target(study, table, task, columns=columns)
    target = _weighted(study, table, target)
    if target.values.shape[1]:
        target = replicates.weighted(target, modalities=modalities, columns=columns, settings=study.settings)
    anchor = study.inputs[0].name if grid else None
    refusals = gathered_refusals(table, columns, unusable, anchor=anchor)
    _say_unread(columns, refusals, watch=watch)
    usable = np.array([r for r in range(len(table)) if r not in refusals], np.int64) if refusals else np.arange(len(table))
    if len(usable) == 0:
        raise StudyError(f"no case is left: all {len(table)} rows are refused; {most_common(refusals)}")
    groups = group_numbers(table, study.roles.group)
    return Cases(study, table, task, modalities, columns, Plan(decisions), target, groups,
                 study.roles.group is not None, refusals, usable)  # fmt: skip


def _check_anchor(study: Study, task: Task, modality: Modality) -> None:
    """Raise StudyError where the first input has no places such as the task tells something of."""
    if "map" not in modality.outputs or modality.listed != task.listed:
        places = "each letter of sequences" if task.listed else "each place of images"
        raise StudyError(
            f"the task '{task.name}' tells something of {places}, and the first input, '{study.inputs[0].name}', is read as"
            f" {modality.name}; name such an input first, or another task"
        )


def _check_inputs(study: Study, reading: Sequence[Decision]) -> None:
    """Raise StudyError where readers leave out every column of every input, as their decisions `left_out` say."""
    values = {decision.name: decision.value for decision in reading}
    left_out = {i.name: values.get(f"inputs.{i.name}.left_out") or {} for i in study.inputs}
    if all(set(i.columns) <= set(left_out[i.name]) for i in study.inputs):
        shown = "; ".join([f"'{c}': {why}" for found in left_out.values() for c, why in found.items()][:5])
        raise StudyError(f"no column is left to predict from, each tells nothing about a new case ({shown}); give other columns")


def _check_present(columns: Mapping[str, Columns]) -> None:
    """Raise StudyError for an input that no row has, where there are others: nothing can be learned from it."""
    faults = []
    for name, part in columns.items() if len(columns) > 1 else ():
        if not part.present.any():
            why = f"; {most_common(part.refusals)}" if part.refusals else ""
            faults.append(f"input '{name}' is missing in all {len(part)} rows{why}; mend its columns, or leave it out")
    if faults:
        raise StudyError(faults)


def _say_unread(columns: Mapping[str, Columns], refusals: Mapping[int, Refusal], *, watch: Watch) -> None:
    for name, part in columns.items():
        unread = {row: why for row, why in part.refusals.items() if row not in refusals}
        if unread:
            watch.say(f"input '{name}' cannot be read in {len(unread)} rows, which go on without it: {most_common(unread)}")


def settings_under(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the user's settings whose names start with `prefix.`, without it."""
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in settings.items() if name.startswith(start)}


def _target(
    study: Study, table: Table, task: Task, *, columns: Mapping[str, Columns]
) -> tuple[Target, dict[int, Refusal]]:  # fmt: skip
    if task.needs({}) == "map":
        anchor = columns[study.inputs[0].name]
        if not anchor.present.any():  # and so no column holds a mask
            raise StudyError(f"no case is left: all {len(table)} rows are refused; {most_common(anchor.refusals)}")
        return task.marked(anchor, names=study.targets, settings=settings_under(study.settings, "target"))
    own = settings_under(study.settings, "target")
    return task.target(target_columns(table, study.targets, qualifier=str(own.get("qualifier", ""))), settings=own)


def gathered_refusals(
    table: Table, columns: Mapping[str, Columns], unusable: Mapping[int, Refusal], *, anchor: str | None = None
) -> dict[int, Refusal]:
    """Return one refusal per refused row: the table's own first, then an input's, then the target's.

    A row whose inputs cannot be read in part is not refused: it goes on with those that can, as a case that lacks the others.
    An `anchor`, on whose grid the target lies, must be there.
    """
    needed = columns.values() if anchor is None else [columns[anchor]]
    absent = ~np.any([part.present for part in needed], axis=0)
    found = dict(unusable)
    for part in needed:
        found |= {row: why for row, why in part.refusals.items() if absent[row]}
    found |= {int(row): NO_INPUT for row in np.flatnonzero(absent) if int(row) not in found}
    return dict(sorted((found | dict(table.refusals)).items()))


def group_numbers(table: Table, column: str | None) -> np.ndarray:
    """Return (n,) int64, equal for rows of one group; a row without a group is its own."""
    if column is None:
        return np.arange(len(table))
    values = column_values(table, column)
    missing = np.array([v is None or v != v for v in values], bool)  # noqa: PLR0124 - NaN differs from itself
    _, numbers = np.unique(np.array(["" if m else str(v) for v, m in zip(values, missing, strict=True)]), return_inverse=True)
    return np.where(missing, numbers.max(initial=0) + 1 + np.arange(len(table)), numbers).astype(np.int64)


def subgroup_columns(cases: Cases, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns by which scores are told, of the cases `rows`."""
    return {name: column_values(cases.table, name)[rows] for name in cases.study.roles.subgroups}


def plain_text(value: object) -> str:
    """Return an id or a site's name as a person writes it: whole numbers without a point, nothing where the cell is empty."""
    if value is None or value != value:  # noqa: PLR0124 - NaN differs from itself
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def most_common(refusals: Mapping[int, Refusal]) -> str:
    """Return the most frequent reasons as a sentence."""
    counts = refused_counts(refusals.values())
    return "; ".join(f"{count} times {reason}" for reason, count in sorted(counts.items(), key=lambda x: -x[1])[:3])


def refused_counts(refusals: Sequence[Refusal] | Any) -> dict[str, int]:
    """Return how often each refusal occurs."""
    counts: dict[str, int] = {}
    for refusal in refusals:
        counts[str(refusal)] = counts.get(str(refusal), 0) + 1
    return counts


def _weighted(study: Study, table: Table, target: Target) -> Target:
    if study.roles.weight is None:
        return target
    values = column_values(table, study.roles.weight)
    try:
        weight = np.array([np.nan if v is None else float(v) for v in values])
    except ValueError:
        raise StudyError(f"the weight column '{study.roles.weight}' must hold numbers") from None
    if not (np.isfinite(weight) & (weight >= 0)).all() or weight.sum() == 0:
        raise StudyError(f"the weight column '{study.roles.weight}' must hold a number of at least 0 in every row")
    return replace(target, weight=weight / weight.mean())
