"""A bundle of what was made, opened again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Maker, Modality, Objective
from osler.core import registry
from osler.core.columns import Columns, Role
from osler.core.errors import BundleError, OslerError, Refusal, RequestError
from osler.core.plan import Plan
from osler.core.state import State
from osler.core.table import Table
from osler.flows.cases import gathered_refusals
from osler.flows.freeze import taken
from osler.flows.making.building import Parts, build
from osler.flows.opening import default_cache, in_memory
from osler.flows.planning import chosen_device
from osler.flows.sources import NONE, Sources, moved, told
from osler.spine.bundle import Contents, read_bundle
from osler.spine.columns import Asked, block_cases, read_ahead
from osler.spine.fit import Source

INPUTS = frozenset[Role]({"input"})


@dataclass(frozen=True, slots=True)
class Opened:
    """What was made, ready for use: its `maker`, and the `objective` with its trained weights, out of training. `moved` holds, by
    input, options that differ from those of training: where files beside the table lie now."""

    name: str
    contents: Contents
    maker: Maker
    modalities: Mapping[str, Modality]
    objective: Objective
    parts: Parts
    device: str
    moved: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The plan of its training."""
        return self.contents.plan

    @property
    def info(self) -> Mapping[str, Any]:
        """What the maker kept of the training cases, and the label's info under "label"."""
        return self.parts.info

    @property
    def judged(self) -> State:
        """What the judgement left for later use."""
        return self.contents.state.part("judged")

    @property
    def scores(self) -> str:
        """The content of scores.json."""
        return self.contents.documents["scores.json"]

    @property
    def identity(self) -> str | None:
        """The column that names a case."""
        name: str | None = self.contents.about["roles"]["id"]
        return name

    def reading(self, name: str) -> dict[str, Any]:
        """Return the bundle's decisions on how input `name` is read."""
        return dict(self.plan.part(f"inputs.{name}"))

    def source(self, columns: Mapping[str, Columns]) -> Source:
        """Return new cases as a source of batches."""
        return Source({name: self.modalities[name] for name in columns}, columns, self.plan, device=self.device)

    def asked(self, block: Table) -> dict[str, Asked]:
        """Return what is to be read of each input of a block; an input whose columns the table lacks altogether, though not the
        first, is left out."""
        found: dict[str, Asked] = {}
        for one in self.contents.about["inputs"]:
            if found and not set(one["columns"]) & set(block.columns):
                continue
            modality = self.modalities[one["name"]]
            options = {**one["options"], **self.moved.get(one["name"], {})}
            cache = default_cache() if modality.sourced else None
            with told(one["name"], modality):
                locators = modality.locate(block, columns=one["columns"], options=options, cache=cache)
            found[one["name"]] = Asked(modality, locators, self.reading(one["name"]), INPUTS)
        return found

    @property
    def block_cases(self) -> int:
        """How many cases are read at a time, so that memory stays bounded."""
        return block_cases((modality, self.reading(name)) for name, modality in self.modalities.items())

    def _repr_html_(self) -> str:
        about = self.contents.about
        rows = {
            "bundle": self.name,
            "task": about["task"],
            "inputs": ", ".join(f"{i['name']} ({i['modality']}, {len(i['columns'])} columns)" for i in about["inputs"]),
            "cases": ", ".join(f"{k} {v}" for k, v in about["counts"].items()),
            "use": f"osler {self.maker.verb}",
        }
        lines = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in rows.items())
        return f"<table>{lines}</table>"


def open_made(
    folder: Path | str, *, task: str | None = None, device: str | None = None, sources: Sources = NONE
) -> Opened:  # fmt: skip
    """Return what the bundle in `folder` made; raises BundleError where it is damaged or foreign, RequestError where it is no
    bundle of `task` (None: of any that makes). `sources` names by input where its files lie, where not as in training."""
    folder = Path(folder)
    contents = read_bundle(folder)
    check_task(contents, folder.name, task=task)
    try:
        about = contents.about
        maker: Maker = registry.maker(about["task"])
        modalities = {i["name"]: registry.modality(i["modality"]) for i in about["inputs"]}
        states = {name: contents.state.part(f"made.inputs.{name}") for name in modalities}
        shapes = {name: tuple(shape) for name, shape in about["shapes"].items()}
        parts, place = Parts(states, shapes, about["info"]), chosen_device(device)
        objective = build(maker, modalities, parts, plan=contents.plan, seed=0)
        maker.load(objective, taken(contents.weights, "made"))
        objective.module.to(place).eval()
        return Opened(folder.name, contents, maker, modalities, objective, parts, place, moved(sources, modalities))
    except OslerError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise BundleError(
            f"the bundle's parts do not fit together ({type(error).__name__}); it was not written by Osler"
        ) from None


def is_made(folder: Path | str) -> bool:
    """Whether the bundle in `folder` is of a task that makes or represents; raises BundleError where it is damaged or foreign."""
    return read_bundle(Path(folder)).about.get("task") in registry.MAKERS


def check_task(contents: Contents, name: str, *, task: str | None) -> None:
    """Raise RequestError where the bundle is of another task than is asked for; the message names the command that it is for."""
    held = contents.about.get("task")
    if held in registry.MAKERS and task in {None, held}:
        return
    wanted = "one that makes or represents" if task is None else f"a bundle of '{task}'"
    raise RequestError(f"the bundle {name} is of the task '{held}', and wanted is {wanted}; {use_of(str(held))}")


def use_of(task: str) -> str:
    """Return what a bundle of `task` is used with, as a sentence for a user."""
    if task in registry.MAKERS:
        return f"use it with 'osler {registry.maker(task).verb}'"
    return "use it with 'osler predict', 'osler evaluate', 'osler explain' or 'osler compare'"


def blocks(
    opened: Opened, table: Any, *, workers: int = 1
) -> Iterator[tuple[Table, dict[str, Columns], dict[int, Refusal]]]:  # fmt: skip
    """Yield the rows of `table` block by block in bounded memory, with their columns by input and refusals by row of the block.

    `table` is a path, an Arrow table, a frame, a mapping of columns, or an iterator of blocks.
    """
    rows = table if isinstance(table, Iterator) else in_memory(table, size=opened.block_cases)
    for block, columns in read_ahead(((block, opened.asked(block)) for block in rows), workers=workers):
        yield block, columns, gathered_refusals(block, columns, {})


def usable(block: Table, refusals: Mapping[int, Refusal]) -> np.ndarray:
    """Return (m,) int64 the rows of a block that are not refused."""
    return np.array([row for row in range(len(block)) if row not in refusals], np.int64)
