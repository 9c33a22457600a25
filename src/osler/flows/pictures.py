"""Inputs that can be looked at: drawings of a case, with what speaks for its prediction laid over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.attribution import Answer
from osler.flows.explaining import Parts, Subject, baseline_kinds, looked_at
from osler.flows.recurring import changes


def drawn(subject: Subject, answers: Sequence[Answer], *, parts: Parts, row: int = 0) -> list[list[dict[str, Any]]]:
    """Return for each answer the drawings of the case `row` by input that has one: "input", "svg", the "layers" in it, and under
    "kinds" what the baseline's features of each kind add, by its own scale and without its weight."""
    maps = parts["network"].maps
    drawable = [name for name in subject.source.modalities if _drawn(subject, name, row, layers={}) is not None]
    if not drawable:
        return [[] for _ in answers]
    rows = np.array([row])
    looked, kinds = looked_at(subject, rows, answers), baseline_kinds(subject, rows, answers)
    changed = _changed(subject, answers, maps, row=row, names=drawable)
    told: list[list[dict[str, Any]]] = []
    for at in range(len(answers)):
        own = []
        for name in drawable:
            layers = {"attribution": maps[name][0, at]} if name in maps else {}
            layers |= {"focus": looked[name][0, at]} if name in looked else {}
            layers |= {"changes": changed[name][at]} if name in changed else {}
            svg = _drawn(subject, name, row, layers=layers)
            adds = {kind: float(values[0, at]) for kind, values in kinds.get(name, {}).items() if kind}
            modality = subject.source.modalities[name].name
            own.append({"input": name, "modality": modality, "svg": svg, "layers": list(layers), "kinds": adds})
        told.append(own)
    return told


def _changed(
    subject: Subject, answers: Sequence[Answer], maps: Mapping[str, np.ndarray], *, row: int, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return by input what exchanging its parts would change (a, …)."""
    asked = [name for name in names if name in maps and len(answers)]
    found = {name: changes(subject, row, name=name, answers=answers, attribution=maps[name][0]) for name in asked}
    return {name: values for name, values in found.items() if values is not None}


def _drawn(subject: Subject, name: str, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    modality, columns = subject.source.modalities[name], subject.source.columns[name]
    return modality.picture(columns, row, layers=layers, state=subject.crews[0].states[name])


def filed(
    subject: Subject, pictures: Sequence[Sequence[Mapping[str, Any]]], *, parts: Parts, folder: Path, name: str, row: int = 0
) -> list[list[dict[str, Any]]]:  # fmt: skip
    """Return the drawings of each answer of the case `row`, with the name of the "volume" in `folder` that holds the attribution in the
    geometry of the case's own file, where there is such."""
    told: list[list[dict[str, Any]]] = []
    for turn, own in enumerate(pictures, start=1):
        found = []
        for place, one in enumerate(own, start=1):
            maps = parts["network"].maps.get(str(one["input"]))
            modality, columns = subject.source.modalities[str(one["input"])], subject.source.columns[str(one["input"])]
            label = f"{name}-answer{turn}-attribution{place}"
            written = (
                None if maps is None else modality.write_attribution(maps[0, turn - 1], columns, row, folder=folder, name=label)
            )
            found.append({**one, **({} if written is None else {"volume": written.name})})
        told.append(found)
    return told


def separated(cases: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the cases without drawings, each named by its file instead, and the files by name."""
    files: dict[str, str] = {}
    kept = []
    for case in cases:
        answers = []
        for turn, answer in enumerate(case["answers"], start=1):
            own = []
            for place, one in enumerate(answer.get("pictures", ()), start=1):
                name = f"row{case['row']}-answer{turn}-picture{place}.svg"
                files[name] = one["svg"]
                own.append({**{k: v for k, v in one.items() if k != "svg"}, "file": name})
            answers.append({**answer, "pictures": own} if own else dict(answer))
        alone = {"file": f"row{case['row']}-marks.svg"} if "picture" in case else {}
        files |= {alone["file"]: case["picture"]} if alone else {}
        kept.append({**{k: v for k, v in case.items() if k != "picture"}, "answers": answers, **alone})
    return kept, files
