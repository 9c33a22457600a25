"""Hippocampus: task 4 of the Medical Segmentation Decathlon (Antonelli and others 2022, doi:10.1038/s41467-022-30695-9).

Volumes of number 2m - 1 and 2m look like the two sides of one head (they correlate .92, and the source says nothing), so they
count as one person. Test persons are every fifth in order of number: the source publishes no labelled test.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from osler.core.errors import RequestError
from osler.datasets.registry import Picture, Pictured

HEADER = ("image", "mask", "case", "person", "split")
ENDING = ".nii.gz"
EVERY = 5  # the fifth, tenth, … person is test
MOST_BYTES = 1 << 24  # of one volume
STUDY = {
    "task": "segmentation",
    "target": "mask",
    "id": "case",
    "group": "person",
    "split": "split",
    "inputs": {"image": {"modality": "images", "columns": ["image"]}},
    "set": {"target.labels": {"anterior": 1, "posterior": 2}},
}


class _Held(Protocol):
    """Where the bytes of one volume are had from."""

    def __call__(self) -> bytes: ...


def volumes(source: Path) -> Pictured:
    """Return the volumes of a folder, or of the packed file, each with its label map, person and part of the split.

    Raises RequestError where a volume has no label map, or there are none.
    """
    images, labels = _folder(source) if source.is_dir() else _packed(source)
    lacking = sorted(set(images) - set(labels))
    if lacking or not images:
        what = f"no label map for '{lacking[0]}'" if lacking else "no volumes with label maps"
        raise RequestError(f"'{source.name}' holds {what}; fetch it again")
    return Pictured(HEADER, len(images), _pictures(images, labels), STUDY)


def person(case: str) -> int:
    """Return the person of a case ("hippocampus_003" is of person 2)."""
    return (int(case.rpartition("_")[2]) + 1) // 2


def _pictures(images: Mapping[str, _Held], labels: Mapping[str, _Held]) -> Iterator[Picture]:
    cases = sorted((name.removesuffix(ENDING) for name in images), key=lambda case: (person(case), case))
    people = sorted({person(case) for case in cases})
    test = set(people[EVERY - 1 :: EVERY])
    for case in cases:
        name, mask = f"{case}{ENDING}", f"masks/{case}{ENDING}"
        cells = (f"images/{mask}", case, str(person(case)), "test" if person(case) in test else "train")
        yield Picture(name, images[name](), cells, ((mask, labels[name]()),))


def _folder(source: Path) -> tuple[dict[str, _Held], dict[str, _Held]]:
    """Return the files of the unpacked data set, or of a mirror that holds `images` and `labels`."""
    rooms = (("imagesTr", "labelsTr"), ("images", "labels"))
    pair = next((p for p in rooms if (source / p[0]).is_dir()), rooms[0])
    images, labels = (
        {p.name: p.read_bytes for p in sorted((source / room).glob("*.nii.gz")) if _is_volume(p.name)} for room in pair
    )
    return images, labels


def _packed(source: Path) -> tuple[dict[str, _Held], dict[str, _Held]]:
    """Return the volumes of the packed file (28 MB, held in memory); nothing is unpacked by name, so that no name can leave the folder."""
    found: dict[str, dict[str, _Held]] = {"imagesTr": {}, "labelsTr": {}}
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                room, name = Path(member.name).parts[-2:] if len(Path(member.name).parts) > 1 else ("", "")
                if room not in found or not member.isfile() or not _is_volume(name) or member.size > MOST_BYTES:
                    continue
                stream = archive.extractfile(member)
                if stream is not None:
                    found[room][name] = _constant(stream.read())
    except (tarfile.TarError, EOFError, OSError) as error:
        raise RequestError(f"'{source.name}' cannot be unpacked ({type(error).__name__}); fetch it again") from None
    return found["imagesTr"], found["labelsTr"]


def _is_volume(name: str) -> bool:
    """Return whether a file is a numbered volume; the official archive also holds files of macOS that begin with "._"."""
    stem = name.removesuffix(ENDING)
    return name.endswith(ENDING) and not name.startswith(".") and stem.rpartition("_")[2].isdecimal()


def _constant(content: bytes) -> _Held:
    return lambda: content
