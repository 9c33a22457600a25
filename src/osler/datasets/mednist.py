"""MedNIST: six folders of JPEGs, packed as one file at its home, or unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from osler.core.errors import RequestError
from osler.datasets.registry import Picture, Pictured

CLASSES = ("AbdomenCT", "BreastMRI", "CXR", "ChestCT", "Hand", "HeadCT")
MOST_BYTES = 1 << 20  # of one picture


def mednist(source: Path) -> Pictured:
    """Return the pictures of a folder, or of the packed file; `label` is the kind, and there is no official split."""
    study = {"task": "classification", "target": "label", "inputs": {"image": {"modality": "images", "columns": ["image"]}}}
    if source.is_dir():
        files = sorted(p for name in CLASSES for p in (source / name).glob("*.jpeg"))
        if not files:
            raise RequestError(f"'{source.name}' has no pictures in the folders {', '.join(CLASSES)}")
        pictures = (Picture(f"{p.parent.name}/{p.name}", p.read_bytes(), (p.parent.name,)) for p in files)
        return Pictured(("image", "label"), len(files), pictures, study)
    return Pictured(("image", "label"), sum(1 for _ in _packed(source)), _packed(source), study)


def _packed(source: Path) -> Iterator[Picture]:
    """Yield the pictures of the packed file; nothing is unpacked by name, so that no name can leave the folder."""
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                parts = Path(member.name).parts
                if not member.isfile() or len(parts) < 2 or parts[-2] not in CLASSES or not parts[-1].endswith(".jpeg"):
                    continue
                stream = archive.extractfile(member)
                if stream is not None and member.size <= MOST_BYTES and not parts[-1].startswith("."):
                    yield Picture(f"{parts[-2]}/{parts[-1]}", stream.read(), (parts[-2],))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise RequestError(f"'{source.name}' cannot be unpacked ({type(error).__name__}); fetch it again") from None
