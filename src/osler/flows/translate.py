"""`osler translate`: an image of another kind for each row, in the form and geometry of its own file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.disk import telling
from osler.core.errors import Refusal, Refused, RequestError
from osler.core.processors import processors
from osler.core.provenance import Provenance
from osler.core.table import Table
from osler.core.watch import SILENT, Watch
from osler.flows.cases import gathered_refusals, plain_text
from osler.flows.files import Files, files_of
from osler.flows.freeze import versions
from osler.flows.making import Opened, open_made
from osler.flows.making.opened import INPUTS
from osler.flows.masks import Names, check_folder, named
from osler.flows.opening import in_memory
from osler.flows.screening import checked_workers
from osler.generation.translation.pairing import FLAT, is_flat
from osler.generation.translation.slices import Side
from osler.generation.translation.translating import Translating
from osler.generation.translation.using import translating
from osler.spine.bundle import bundle_digest
from osler.spine.columns import Asked, read_ahead
from osler.spine.rows import Parts
from osler.spine.scan import column_values

IMAGES, TABLE = "images", "cases.csv"
FILE, CELLS = "image", ("inside", "mean_inside", "slice_step")
MOST_AT_END = 0.2
BEYOND = Refusal(
    "range", "much of the image lies beyond what the training's files can hold: it is in another unit; bring it to theirs", None
)
DIGITS = 12  # of a bundle's hash in what files say of themselves


@dataclass(frozen=True, slots=True)
class Way:
    """How a bundle translates: the input that it reads, by which translator, and what the files say of themselves."""

    opened: Opened
    name: str
    by: Translating
    provenance: Provenance

    @property
    def reading(self) -> dict[str, Any]:
        """How the input is read."""
        return self.opened.reading(self.name)


def translate(
    bundle: Path | str,
    table: Path | str,
    *,
    out: Path | str,
    back: bool = False,
    workers: int | None = None,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Path:
    """Write into the folder `out` an image for each row of `table` under images/, and cases.csv with a line per row; returns `out`.

    DICOM becomes a derived DICOM series, a picture a PNG, every other volume NIfTI: in the geometry of the case's own file, and marked as
    synthetic inside. `back` goes from target to source, which a bundle trained without pairs can do too. `table` may be a folder of
    files, or one file. A killed run goes on where it ended. A row that cannot be translated says why.
    """
    bundle, table, out = Path(bundle), Path(table), Path(out)
    check_folder(out, what="images are written into a folder")
    watch.stage("loading")
    digest = bundle_digest(bundle)
    way = _way(open_made(bundle, task="translation", device=device), digest=digest, back=back)
    files = files_of(
        table, inputs=_inputs(way), modalities={way.name: way.opened.modalities[way.name]}, readings={way.name: way.reading}
    )
    size = way.opened.modalities[way.name].cases_at_once(way.reading)
    folder = out / IMAGES
    with telling(folder):
        folder.mkdir(parents=True, exist_ok=True)
    watch.stage("translating", total=len(files.names) if files else 0)
    names = _names(way, files)
    rows = files.blocks(size=size) if files else in_memory(table, size=size)
    with Parts(out / TABLE, key=_key(table, files, digest=digest, way=way, size=size)) as parts:
        fresh = named(rows, names, done=parts.done())
        for block, columns, refusals in _read(way, fresh, workers=checked_workers(workers) or processors()):
            lines = _block(way, block, columns[way.name], refusals=refusals, folder=folder, names=names.held.pop(block.first))
            if files is not None:
                lines = {
                    "row": lines.pop("row"),
                    files.column: np.array(block.rows.column(files.column).to_pylist(), object),
                    **lines,
                }
            parts.write(lines)
            watch.advance(len(block))
        parts.join()
    return out


def _way(opened: Opened, *, digest: str, back: bool) -> Way:
    """Return the way that is asked for; raises RequestError where the bundle knows no way back."""
    if back and opened.plan["translation.pairing"] == "paired":
        raise RequestError(
            "this bundle was trained with pairs and knows one way; for the other train again with source and target exchanged"
        )
    asked = [str(one["name"]) for one in opened.contents.about["inputs"]]
    plan = {**opened.plan, "translation.neighbours": 0} if back else opened.plan
    by = translating(opened.objective, plan=plan, info=opened.parts.info, device=opened.device, way="back" if back else "forth")
    ends = ("target", "source") if back else ("source", "target")
    first, second = (str(opened.parts.info[side]["kind"]) for side in ends)
    kind = second if back else str(opened.plan["translation.kind"])
    what = f"translated from {first or 'another image'}" + (f" to {kind}" if kind else "")
    told = Provenance(f"Osler {versions()['osler']}", f"{opened.name} {digest[:DIGITS]}", what, kind)
    return Way(opened, asked[-1] if back else asked[0], by, told)


def _inputs(way: Way) -> list[Mapping[str, Any]]:
    return [one for one in way.opened.contents.about["inputs"] if one["name"] == way.name]


def _names(way: Way, files: Files | None) -> Names:
    endings = list(way.opened.modalities[way.name].opens)
    return Names(way.opened.contents.about["roles"]["id"], files, endings=endings)


def _read(
    way: Way, rows: Iterable[Table], *, workers: int
) -> Iterator[tuple[Table, dict[str, Columns], dict[int, Refusal]]]:  # fmt: skip
    """Yield the blocks of rows with the columns of the one input that is translated, and why rows cannot be used."""
    one, modality = _inputs(way)[0], way.opened.modalities[way.name]

    def asked(block: Table) -> dict[str, Asked]:
        locators = modality.locate(block, columns=one["columns"], options=one["options"])
        return {way.name: Asked(modality, locators, way.reading, INPUTS)}

    for block, columns in read_ahead(((block, asked(block)) for block in rows), workers=workers):
        yield block, columns, gathered_refusals(block, columns, {})


def _block(
    way: Way, block: Table, columns: Columns, *, refusals: Mapping[int, Refusal], folder: Path, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Translate and write every case of a block that can be used; return its lines of the table."""
    asked = _inputs(way)[0]
    modality, side, why = way.opened.modalities[way.name], Side.of(columns), dict(refusals)
    locators = modality.locate(block, columns=asked["columns"], options=asked["options"])
    files, cells = np.full(len(block), None, object), np.full((len(block), len(CELLS)), np.nan)
    for row in (r for r in range(len(block)) if r not in refusals):
        try:
            values, cells[row] = _translated(way, side.image(row))
            with telling(folder / names[row]):
                path = modality.write_image(
                    values,
                    locators[row],
                    columns,
                    row,
                    folder=folder,
                    name=names[row],
                    provenance=way.provenance,
                    reading=way.reading,
                )
            files[row] = f"{folder.name}/{path.name}"
        except Refused as caught:
            why[row] = caught.refusal
    identity = way.opened.contents.about["roles"]["id"]
    known = (
        {identity: np.array([plain_text(v) for v in column_values(block, identity)], object)} if identity in block.columns else {}
    )
    refused = np.array([why[r].whole if r in why else "" for r in range(len(block))], object)
    return {
        "row": block.first + 1 + np.arange(len(block)), **known, FILE: files,
        **{name: cells[:, at] for at, name in enumerate(CELLS)}, "refused": refused,
    }  # fmt: skip


def _translated(way: Way, source: np.ndarray) -> tuple[np.ndarray, tuple[float, float, float]]:
    """Return the image made of a source, in the type of the target's files, and what the table tells of it; raises Refused."""
    from osler.generation.translation.consistency import step
    from osler.generation.translation.inside import inside

    if is_flat(source):
        raise Refused(FLAT)
    raised = way.by.lifted(source)
    body = inside([raised], share=float(way.opened.plan["translation.inside"]))
    if body.any() and _cut_off(source[:, body]):
        raise Refused(BEYOND)
    values = way.by.valued(way.by.translated(raised)).astype(way.by.dtype)
    mean = float(values[:, body].mean()) if body.any() else float("nan")
    follow = step(values.astype(np.float32), body) if values.ndim == 4 else float("nan")
    return values, (float(body.mean()), mean, follow)


def _cut_off(values: np.ndarray) -> bool:
    """Whether much of the body has the highest value that the study's files can hold: the file's own went beyond it."""
    return values.dtype.kind in "iu" and bool((values == np.iinfo(values.dtype).max).mean() > MOST_AT_END)


def _key(table: Path, files: Files | None, *, digest: str, way: Way, size: int) -> str:
    """Return what must be equal for finished parts to be kept."""
    about = table.stat() if table.exists() else None
    known = (about.st_size, about.st_mtime_ns) if about else (0, 0)
    text = f"{digest}|{way.name}|{table.absolute()}|{known}|{size}|{files.stamp() if files else ''}"
    return hashlib.sha256(text.encode()).hexdigest()
