"""From values on a case's stored grid to files like the case's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from osler.core.columns import Columns
from osler.core.errors import Refusal, Refused
from osler.core.provenance import Provenance
from osler.modalities.images.case import ImageFiles
from osler.modalities.images.grids.derived.nifti import nifti
from osler.modalities.images.grids.derived.picture import png
from osler.modalities.images.grids.tiles import grid, restored
from osler.modalities.images.read.content import Unusable, is_dicom, opened
from osler.modalities.images.read.volume.bounds import MOST_BYTES


def write_image(
    values: np.ndarray, locator: ImageFiles, columns: Columns, row: int, *, folder: Path, name: str, provenance: Provenance,
    series: str | None = None,
) -> Path:  # fmt: skip
    """Write `values` (channels, stored grid) of case `row` into `folder` and return the file, or the folder of a DICOM series.

    `locator` names the case's own files, whose form is taken: values of whole numbers stay such. Raises Refused where a file cannot be
    read again.
    """
    slabs = [np.ascontiguousarray(slab) for slab in restored(values.astype(np.float32), columns, row)]
    own = np.concatenate(slabs, axis=1)
    own = np.rint(own).astype(values.dtype) if values.dtype.kind in "iu" else own
    lies = grid(columns, row)
    try:
        if _is_dicom(locator.paths[0]):
            from osler.modalities.images.grids.derived.dicom import write_series

            return write_series(own, locator.paths[0], folder=folder / name, provenance=provenance, series=series)
        if len(lies.shape) == 2:
            content, path = png(own, provenance=provenance), folder / f"{name}.png"
        else:
            content, path = nifti(own, affine=lies.affine, provenance=provenance), folder / f"{name}.nii.gz"
    except Unusable as fault:
        raise Refused(Refusal(fault.code, fault.sentence, locator.columns[0])) from None
    folder.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    beside.write_bytes(content)
    beside.replace(path)
    return path


def _is_dicom(path: str) -> bool:
    if Path(path).is_dir():
        return True
    with opened(path, most=MOST_BYTES) as stream:
        start = stream.read(132)
    try:
        return is_dicom(start)
    except Unusable:  # neither DICOM nor a picture: a volume of another form
        return False
