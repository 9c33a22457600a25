"""Which files are behind a cell, and which cells name a volume."""

from __future__ import annotations

import os
import re
from pathlib import PurePath

from osler.modalities.images.read.content import Unusable, opened
from osler.modalities.images.read.volume import dicom
from osler.modalities.images.read.volume.bounds import MOST_BYTES
from osler.modalities.images.read.volume.form import layout_of, start_of

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".tif", ".tiff", ".dcm", ".dicom", ".ima")
_DETACHED = (".mhd", ".nhdr", ".mha", ".nrrd")  # what may name another file, whatever its ending promises
_NO_PATHS = frozenset(("n/a", "and/or", "yes/no", "w/o"))


def files_of(path: str) -> tuple[str, ...]:
    """Return the files behind a cell: the file, with the one that its header names; or those of a folder, by name. Raises Unusable."""
    if os.path.isdir(path):  # noqa: PTH112
        return tuple(dicom.listed(path))
    if not path.lower().endswith(_DETACHED):
        with opened(path, most=MOST_BYTES):
            return (path,)
    try:
        found = layout_of(start_of(path), path=path)
    except Unusable:  # it is said when the file is read
        return (path,)
    return (path,) if found is None or found[0].file == path else (path, found[0].file)


def is_volume_name(cell: str) -> bool:
    """Return whether a cell names a volume: by its ending, or a folder, which has a separator, letters and no ending.

    >>> [is_volume_name(cell) for cell in ("a/b.nii.gz", "P17/T1 post", "P17/", "120/80", "n/a", "benign")]
    [True, True, True, False, False, False]
    """
    text = cell.strip()
    if text.lower().endswith(ENDINGS):
        return True
    if "://" in text or text.lower() in _NO_PATHS or not re.search(r"[/\\]", text) or not re.search(r"[^\W\d_]", text):
        return False
    ending = PurePath(text.replace("\\", "/")).suffix
    return not ending or ending[1:].isdigit()  # folders are often named by a UID, whose parts are numbers
