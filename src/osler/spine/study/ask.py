"""From a request and its table to a complete study."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence

from osler.contract import Modality
from osler.core.bounds import qualifiers
from osler.core.errors import StudyError, did_you_mean
from osler.core.question import TAKEN
from osler.core.registry import MAKERS, TASKS
from osler.core.study import Input, Roles, Study
from osler.core.table import Table
from osler.spine.study import guess
from osler.spine.study.cases import with_question
from osler.spine.study.file import MOST_TRAININGS, StudyFile, describe
from osler.spine.study.request import Request

_KEPT_OUT = ("id", "group", "split", "weight", "leave_out")  # roles whose column is never an input; time may be one


def ask(request: Request, *, table: Table, modalities: Mapping[str, Modality]) -> Study:
    """Return the study: what was asked, checked against the table, and what was not asked, guessed from it.

    Each guess is said in `notes`. Raises StudyError with all faults: columns that do not exist, columns in roles that
    contradict each other, no target, unknown tasks or modalities.
    """
    asked = with_question(describe(request), folder=table.folder, modalities=modalities)
    faults = [*_empty(table), *_absent(asked, table), *_contradictions(asked), *_resampling(asked), *_unknown(asked, modalities)]
    if not asked.target and asked.task not in MAKERS:
        faults.append(_no_target(table))
    excluded, more = _excluded(asked, table)
    faults += more
    written, more = _written(asked, table, excluded=excluded, modalities=modalities)
    faults += more
    if faults:
        raise StudyError(faults)
    taken = {*asked.target, *_signs(asked), *(c for one in written for c in one.columns)}
    subjects = [one.columns[0] for one in written if one.columns and modalities[one.modality].asked]
    roles, notes = guess.roles(_roles(asked), table=table, taken=taken, subjects=subjects)
    notes = _set_aside(asked, roles, notes)
    inputs, said = _inputs(asked, written=written, excluded=excluded, roles=roles, table=table, modalities=modalities)
    task, sentence = _task(asked, table)
    return Study(
        table=asked.table,
        folder=table.folder,
        targets=asked.target,
        task=task,
        inputs=inputs,
        roles=roles,
        budget=asked.budget,
        seed=asked.seed,
        settings=dict(asked.settings),
        title=asked.title,
        notes=(*([sentence] if sentence else []), *notes, *said),
        leaks=asked.leaks,
        language=asked.language,
        folds=asked.folds or 0,
        repeats=asked.repeats or 1,
        refit=asked.refit,
        question=asked.question,
    )


def _roles(asked: StudyFile) -> Roles:
    return Roles(asked.id, asked.group, asked.split, asked.weight, asked.time, asked.subgroups, asked.leave_out)


def _set_aside(asked: StudyFile, roles: Roles, notes: list[str]) -> list[str]:
    """Return the notes; a split column that was only guessed gives way to folds that were asked for."""
    if asked.split is not None or roles.split is None or not (asked.folds or asked.leave_out):
        return notes
    start = f"Column '{roles.split}' says which rows train and which test"
    return [f"{start}. It is set aside, as every case is tested in turn." if n.startswith(start) else n for n in notes]


def _empty(table: Table) -> list[str]:
    if not table.columns:
        return ["the table has no columns"]
    return [] if len(table) else ["the table has a header and no rows; nothing can be learned from it"]


def _absent(asked: StudyFile, table: Table) -> list[str]:
    """Return a fault for each named column that the table lacks."""
    named = [("target", c) for c in asked.target] + [("subgroups", c) for c in asked.subgroups]
    named += [(role, name) for role in (*_KEPT_OUT, "time") if (name := getattr(asked, role)) is not None]
    named += [("set target.qualifier", c) for c in _signs(asked)]
    if asked.question is not None and (column := asked.question.index.column) is not None:
        named.append(("question: index", column))
    there = set(table.columns)
    return [f"{role}: the table has no column '{c}'{did_you_mean(c, table.columns)}" for role, c in named if c not in there]


def _signs(asked: StudyFile) -> tuple[str, ...]:
    """Return the columns that hold the signs of targets, which no input may know."""
    return tuple(qualifiers(str(asked.settings.get("target.qualifier", "")), asked.target).values())


def _contradictions(asked: StudyFile) -> list[str]:
    """Return a fault for each column that plays two roles which cannot both be meant."""
    faults = [f"target: '{c}' is named twice" for c in sorted({c for c in asked.target if asked.target.count(c) > 1})]
    faults += [f"set target.qualifier: '{c}' is the target itself" for c in _signs(asked) if c in asked.target]
    players: dict[str, list[str]] = {}
    for role in (*_KEPT_OUT, "time"):
        if name := getattr(asked, role):
            players.setdefault(name, []).append(role)
    for name, parts in players.items():
        if name in asked.target:
            faults.append(f"'{name}' cannot be the target and the {parts[0]} at once")
        # each row its own patient, or each site one group, is no contradiction
        if len(parts) > 1 and parts not in (["id", "group"], ["group", "leave_out"]):
            faults.append(f"'{name}' cannot be the {' and the '.join(parts)} at once")
    faults += [f"'{c}' is the target; scores within its own values say nothing" for c in asked.subgroups if c in asked.target]
    return faults


def _resampling(asked: StudyFile) -> list[str]:
    """Return a fault for each request that cross-validation or leaving out sites contradicts."""
    what = "leave_out" if asked.leave_out else "folds"
    if not (asked.folds or asked.leave_out):
        return ["repeats: there is nothing to repeat; give folds too"] if asked.repeats else []
    faults = []
    if asked.folds and asked.leave_out:
        faults.append("folds and leave_out each say which cases are tested in turn; give one of them")
    if asked.leave_out and asked.repeats:
        faults.append("repeats: leaving out each value of a column has one way to be done; repeats go with folds")
    if (asked.folds or 0) * (asked.repeats or 1) > MOST_TRAININGS:
        faults.append(f"{asked.folds} folds {asked.repeats} times are more than {MOST_TRAININGS} trainings; give fewer")
    faults += [
        f"{role} and {what} contradict each other: one keeps a single test, the other tests every case in turn"
        for role in ("split", "time")
        if getattr(asked, role)
    ]
    if "split.test" in asked.settings:
        faults.append(f"set split.test: with {what} there is no single test whose share could be set")
    return faults


def _unknown(asked: StudyFile, modalities: Mapping[str, Modality]) -> list[str]:
    tasks = (*TASKS, *MAKERS)
    faults = [] if asked.task is None or asked.task in tasks else [f"no task '{asked.task}'{did_you_mean(asked.task, tasks)}"]
    return faults + [
        f"input '{name}': no modality '{one.modality}'{did_you_mean(one.modality, modalities)}"
        for name, one in asked.inputs.items()
        if one.modality not in modalities
    ]


def _no_target(table: Table) -> str:
    likely = guess.outcome_candidates(table.columns)
    tail = (
        "; by their names it may be " + ", ".join(f"'{c}'" for c in likely) if likely else did_you_mean("outcome", table.columns)
    )
    return f"no target: say with --target (or 'target:' in the study) which column is to be predicted{tail}"


def _excluded(asked: StudyFile, table: Table) -> tuple[frozenset[str], list[str]]:
    """Return the columns that the user keeps out of every input, patterns matched with the table, and the faults in them."""
    found: set[str] = set()
    faults = []
    for pattern in asked.exclude:
        matched = {pattern} & set(table.columns) or set(fnmatch.filter(table.columns, pattern))
        if not matched:
            faults.append(f"exclude: the table has no column '{pattern}'{did_you_mean(pattern, table.columns)}")
        elif matched <= set(asked.target):
            faults.append(
                f"exclude: '{pattern}' is the target and is no input anyway; name another target or exclude other columns"
            )
        found |= matched
    return frozenset(found), faults


def _written(
    asked: StudyFile, table: Table, *, excluded: frozenset[str], modalities: Mapping[str, Modality]
) -> tuple[list[Input], list[str]]:
    """Return the inputs that the user wrote, their patterns matched with the table, and the faults in them."""
    found, faults = [], []
    there = set(table.columns)
    kept_out = {getattr(asked, role): role for role in _KEPT_OUT if getattr(asked, role)} | dict.fromkeys(asked.target, "target")
    kept_out |= dict.fromkeys(_signs(asked), "qualifier of the target")
    for name, one in asked.inputs.items():
        keyed = one.modality in modalities and modalities[one.modality].asked  # the subject's name only finds its events
        barred = {c: role for c, role in kept_out.items() if not (keyed and role in ("id", "group"))}
        columns: dict[str, None] = {}
        for pattern in one.columns:
            matched = [pattern] if pattern in there else fnmatch.filter(table.columns, pattern)
            if not matched:
                faults.append(f"input '{name}': the table has no column '{pattern}'{did_you_mean(pattern, table.columns)}")
            elif matched == [pattern] and pattern in barred:
                faults.append(f"input '{name}': '{pattern}' is the {barred[pattern]} and cannot be an input too")
            elif all(c in barred for c in matched):
                faults.append(f"input '{name}': '{pattern}' matches nothing but the target and columns with a role")
            columns |= dict.fromkeys(c for c in matched if c not in barred)
        if columns and excluded >= set(columns):
            faults.append(f"input '{name}': every column of it is excluded; leave the input out, or exclude less")
        found.append(Input(name, one.modality, tuple(c for c in columns if c not in excluded), one.options))
    timed = {name for name, kind in modalities.items() if kind.asked}
    return found, faults + _twice([one for one in found if one.modality not in timed])  # several may look at one subject's events


def _twice(inputs: Sequence[Input]) -> list[str]:
    owner: dict[str, str] = {}
    faults = []
    for one in inputs:
        faults += [f"column '{c}' is in the inputs '{owner[c]}' and '{one.name}'" for c in one.columns if c in owner]
        owner |= dict.fromkeys(one.columns, one.name)
    return faults


def _inputs(
    asked: StudyFile,
    *,
    written: Sequence[Input],
    excluded: frozenset[str],
    roles: Roles,
    table: Table,
    modalities: Mapping[str, Modality],
) -> tuple[tuple[Input, ...], list[str]]:
    """Return the inputs written, or else those guessed from all columns that are neither target nor role."""
    busy = {*asked.target, *_signs(asked), *roles.columns()}
    busy |= {*TAKEN} if asked.question is not None and asked.question.derived else set()
    free = [c for c in table.columns if c not in busy and c not in excluded]
    left = [f"Left out as asked: {_listed(asked.exclude)}."] if excluded else []
    if written:
        used = {c for one in written for c in one.columns}
        rest = sum(c not in used for c in free)
        return tuple(written), [*left, *([f"{rest} columns are in no input and are not used."] if rest else [])]
    if not free:
        raise StudyError(f"every column is target or role{' or excluded' if excluded else ''}; nothing is left to predict from")
    inputs, notes = guess.inputs(free, table=table, modalities=modalities)
    return inputs, [*left, *notes]


def _listed(names: Sequence[str], *, most: int = 10) -> str:
    return ", ".join(f"'{n}'" for n in names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _task(asked: StudyFile, table: Table) -> tuple[str, str]:
    if asked.task is not None:
        return asked.task, ""
    task, sentence = guess.task(asked.target, table=table)
    if task is None:
        raise StudyError(f"{sentence}; say with --task which it is: " + ", ".join(f"'{t}'" for t in TASKS))
    return task, sentence
