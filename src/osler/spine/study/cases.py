"""What a question says of the rest of its study: target, roles, inputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osler.contract import Modality
from osler.core.errors import StudyError
from osler.core.question import INDEX, SUBJECT, Question, written
from osler.spine.study.file import InputFile, StudyFile

_SPANS = ("after", "window")
HERE = "."  # no table was named: the events lie beside the study, or where the input says


def with_question(asked: StudyFile, *, folder: Path, modalities: Mapping[str, Modality]) -> StudyFile:
    """Return the study with all that its question says of target, roles and inputs; raises StudyError where it says otherwise.

    Inputs whose kind of data asks for them get `after` and `window`, and where cases come from events also their `source`.
    """
    question = asked.question
    if question is None:
        return asked
    name = question.target.name
    faults = (
        [] if asked.target in ((), (name,)) else [f"target: the question's is '{name}'; leave 'target' out, or name the same"]
    )
    roles: dict[str, Any] = {}
    timed = [kind for kind, modality in modalities.items() if modality.asked]
    inputs = dict(asked.inputs)
    if question.derived:
        roles = dict.fromkeys(("id", "group"), SUBJECT)
        faults += [
            f"{role}: the question makes the cases, and their {role} is '{SUBJECT}'; leave '{role}' out"
            for role in roles if getattr(asked, role) not in (None, SUBJECT)
        ]  # fmt: skip
        inputs = inputs or {"events": InputFile(modality=timed[0], columns=(SUBJECT, INDEX))}
        roles["task"] = asked.task or ("regression" if question.target.take else "classification")
    source = os.path.relpath(asked.table, folder.resolve())
    for key, one in inputs.items():
        if one.modality in timed:
            faults += [
                f"input '{key}': '{said}' is said by the question; leave it out here" for said in _SPANS if said in one.options
            ]
            inputs[key] = _timed(one, question, source=source)
    if faults:
        raise StudyError(faults)
    return asked.model_copy(update={"target": (name,), "inputs": inputs, **roles})


def _timed(one: InputFile, question: Question, *, source: str) -> InputFile:
    """Return an input of events with the question's spans, its source and its column of index times."""
    spans = {"after": question.after or None, "window": question.window}
    options = {**one.options, **{name: written(span) for name, span in spans.items() if span is not None}}
    columns = one.columns
    if question.derived:
        options |= {} if source == HERE else {"source": one.options.get("source", source)}
    elif question.index.column is not None and len(columns) == 1:
        columns = (*columns, question.index.column)
    return InputFile(modality=one.modality, columns=columns, **options)
