"""Names of modalities, tasks and makers, and where their classes live.

Strings only, so that nothing is imported before it is needed. Flows alone resolve them.
"""

from __future__ import annotations

import importlib
from typing import Any

from osler.core.errors import StudyError, did_you_mean

MODALITIES: dict[str, str] = {
    "tables": "osler.modalities.tables:Tables",
    "images": "osler.modalities.images:Images",
    "timelines": "osler.modalities.timelines:Timelines",
    "molecules": "osler.modalities.molecules:Molecules",
    "sequences": "osler.modalities.sequences:Sequences",
}
TASKS: dict[str, str] = {
    "classification": "osler.tasks.classification:Classification",
    "regression": "osler.tasks.regression:Regression",
    "segmentation": "osler.tasks.segmentation:Segmentation",
    "tracks": "osler.tasks.tracks:Tracks",
}
# tasks that make or represent instead of predicting
MAKERS: dict[str, str] = {
    "representation": "osler.generation.representation:Representation",
    "translation": "osler.generation.translation:Translation",
    "synthesis": "osler.generation.synthesis:Synthesis",
}


def resolve(name: str, *, among: dict[str, str], kind: str) -> Any:
    """Return a new instance of the class registered under `name`; a miss lists what exists.

    Raises StudyError for an unknown name.
    """
    if name not in among:
        raise StudyError(f"no {kind} '{name}'{did_you_mean(name, among)}")
    module, _, attribute = among[name].partition(":")
    return getattr(importlib.import_module(module), attribute)()


def modality(name: str) -> Any:
    """Return the modality registered under `name`."""
    return resolve(name, among=MODALITIES, kind="modality")


def task(name: str) -> Any:
    """Return the task registered under `name`."""
    return resolve(name, among=TASKS, kind="task")


def maker(name: str) -> Any:
    """Return the maker registered under `name`."""
    return resolve(name, among=MAKERS, kind="task")
