"""`osler generate`: pictures from a bundle of synthesis, and a table of them."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from osler.core.errors import OutputError, RequestError, did_you_mean
from osler.core.provenance import MARK, Provenance
from osler.core.watch import SILENT, Watch
from osler.flows.freeze import versions
from osler.flows.making import Opened, open_made
from osler.flows.planning import threads
from osler.generation.synthesis.files import Origin, encoded, ending
from osler.generation.synthesis.making import drawn_classes, pixels
from osler.generation.synthesis.objective import SynthesisObjective
from osler.spine.bundle import check_report_place

MOST = 1_000_000
TABLE, STUDY, FOLDER = "table.csv", "study.yaml", "images"
OWN = ("seed", "provenance", "bundle")  # columns beside those of pictures and class


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made: `classes` (n,) by number, `seed`, into the folder `out`."""

    classes: np.ndarray
    seed: int
    out: Path


def generate(
    bundle: Path | str,
    *,
    count: int,
    out: Path | str,
    label: str | None = None,
    seed: int = 0,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Path:
    """Make `count` pictures and write them, with a table of their files, classes and origin, into the folder `out`; returns the table.

    Without a `label` classes are as frequent as in training. Each file says inside that it is synthetic, and by which bundle, seed
    and number it was made. The same bundle, count, label and seed give the same bytes on the same machine. Raises RequestError
    for a count or label that cannot be, or a bundle that makes no pictures; OutputError where `out` holds something already.
    """
    out = Path(out)
    _check(count, seed)
    opened = open_made(bundle, task="synthesis", device=device)
    plan = Plan(_classes(opened, count, label=label, seed=seed), seed, out)
    _check_free(out)
    watch.stage("making", total=count)
    digest = hashlib.sha256((Path(bundle) / "bundle.json").read_bytes()).hexdigest()
    try:
        (out / FOLDER).mkdir(parents=True, exist_ok=True)
        rows = list(_written(opened, plan, bundle=digest, watch=watch))
        table = out / TABLE
        table.write_bytes(_table(opened, rows))
        (out / STUDY).write_text(_study(opened), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write into '{out.name}': {error.strerror}; free space or choose another --out") from None
    return table


def _check(count: int, seed: int) -> None:
    if not 1 <= count <= MOST:
        raise RequestError(f"--count is {count}; wanted from 1 to {MOST:,}")
    if seed < 0:
        raise RequestError(f"--seed is {seed}; wanted 0 or more")


def _check_free(out: Path) -> None:
    check_report_place(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"'{out.name}' is not empty, and synthetic files are not put among others; choose another --out")


def _classes(opened: Opened, count: int, *, label: str | None, seed: int) -> np.ndarray:
    names = [str(name) for name in opened.info["classes"]]
    if label is None:
        shares = np.array(opened.info["shares"] or [1.0])
        return drawn_classes(count, shares=shares, seed=seed)
    if not names:
        raise RequestError("the bundle was trained without a label, so its pictures have no class; leave --class out")
    if label not in names:
        raise RequestError(f"no class '{label}'{did_you_mean(label, names)}")
    return np.full(count, names.index(label))


def _written(opened: Opened, plan: Plan, *, bundle: str, watch: Watch) -> Iterator[list[str]]:
    """Yield the table's rows, each once its files are written."""
    objective = cast("SynthesisObjective", opened.objective)
    dtype, names = str(opened.info["dtype"]), opened.info["classes"]
    columns = _columns(opened)
    digits, number = max(5, len(str(len(plan.classes)))), 0
    made = Provenance(f"Osler {versions()['osler']}", f"sha256:{bundle}", "made from noise")
    with threads({"fit.threads": 1}):  # sums of several threads may differ in their last bit
        for block in pixels(objective, plan.classes, seed=plan.seed, dtype=np.dtype(dtype)):
            for picture in block:
                label = str(names[int(plan.classes[number])]) if names else ""
                number += 1
                origin = Origin(made, plan.seed, number, label)
                parts = np.split(picture, len(columns))
                files = [
                    _name(number, place, digits=digits, several=len(parts) > 1) + ending(dtype) for place in range(len(parts))
                ]
                for name, part in zip(files, parts, strict=True):
                    (plan.out / name).write_bytes(encoded(part, origin=origin))
                yield [*files, *([label] if names else []), str(plan.seed), MARK.lower(), bundle]
            watch.advance(len(block))


def _name(number: int, place: int, *, digits: int, several: bool) -> str:
    return f"{FOLDER}/{number:0{digits}d}" + (f"-{place + 1}" if several else "")


def _columns(opened: Opened) -> list[str]:
    (one,) = opened.contents.about["inputs"]
    return list(one["columns"])


def _study(opened: Opened) -> str:
    """Return a study of the table: its pictures alone are an input, what tells of their origin is none."""
    import yaml

    (one,) = opened.contents.about["inputs"]
    found = {"table": TABLE, "inputs": {one["name"]: {"modality": one["modality"], "columns": _columns(opened)}}}
    if opened.info["classes"]:
        found |= {"task": "classification", "target": opened.contents.about["targets"][0]}
    told = f"# {len(opened.info['classes']) or 'no'} classes; every picture is synthetic: train on them, and test on real ones\n"
    return told + str(yaml.safe_dump(found, sort_keys=False, allow_unicode=True))


def _table(opened: Opened, rows: Sequence[list[str]]) -> bytes:
    """Return the table: columns of pictures and class named as in training, so that it can be trained on as it is."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    target = opened.contents.about["targets"] if opened.info["classes"] else []
    taken = {*_columns(opened), *target}
    writer.writerow([*_columns(opened), *target, *(f"synthetic_{name}" if name in taken else name for name in OWN)])
    writer.writerows(rows)
    return stream.getvalue().encode()
