"""From a path to the DICOM files behind it, and to the headers of the one series that is meant."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import BinaryIO

from osler.modalities.images.read.content import Unusable, is_dicom, opened
from osler.modalities.images.read.quiet import quiet
from osler.modalities.images.read.volume.bounds import MOST_BYTES
from osler.modalities.images.read.volume.dicom import general
from osler.modalities.images.read.volume.dicom.picture import Picture, picture_of
from osler.modalities.images.read.volume.dicom.scan import Short, scanned

MOST_FILES = 20_000
FIRST, MOST_HEADER = 1 << 14, 1 << 26  # bytes read at first, and at most, for a header
_NAMED = (".dcm", ".dicom", ".ima")
_OTHERS = frozenset((".txt", ".json", ".xml", ".csv", ".tsv", ".md", ".pdf", ".html", ".htm", ".log", ".png", ".jpg", ".jpeg", ".zip",
                     ".gz", ".nii", ".nrrd", ".mha", ".mhd", ".raw", ".db", ".ini", ".yaml", ".yml", ".sha256"))  # fmt: skip


def listed(folder: str) -> list[str]:
    """Return the paths in `folder` that may be DICOM files, by name; folders inside it are not entered. Raises Unusable."""
    try:
        with os.scandir(folder) as entries:
            known = [e for e in entries if not e.name.startswith(".") and e.name != "DICOMDIR"]
            found = sorted((e.name, e.is_file()) for e in known)
            links = [e.path for e in known if e.is_symlink()]
    except OSError as error:
        raise Unusable("unreadable", f"the folder cannot be opened: {os.strerror(error.errno or 5)}") from None
    home = os.path.realpath(folder)
    if any(os.path.dirname(os.path.realpath(link)) != home for link in links):  # noqa: PTH120
        raise Unusable("outside", "a link in the folder leads out of it; put the file itself there")
    names = [name for name, ordinary in found if ordinary and PurePath(name).suffix.lower() not in _OTHERS]
    if not names:
        inner = any(not ordinary for _, ordinary in found)
        advice = "; there are folders in it: name the one that holds the series" if inner else ""
        raise Unusable("no_dicom", f"the folder holds no DICOM file{advice}")
    if len(names) > MOST_FILES:
        raise Unusable("large", f"the folder holds more than {MOST_FILES:,} files; name the folder of one series")
    return [os.path.join(folder, name) for name in names]  # noqa: PTH118  text stays text, as the caller gave it


def pictures_of(path: str, *, series: str | None) -> list[Picture]:
    """Return the headers of a file, or of the series meant in a folder; raises Unusable."""
    if not os.path.isdir(path):  # noqa: PTH112
        return [_read(path)]
    found = [picture for file in listed(path) if (picture := _of_folder(file)) is not None]
    if not found:
        raise Unusable("no_dicom", "the folder holds no DICOM file with a picture")
    chosen = _chosen(found, series=series)
    if all(picture.localizer for picture in chosen):
        raise Unusable("localizer", "the series is a localizer (a scout view), no volume")
    if any(picture.localizer for picture in chosen):
        raise Unusable("localizer", "a localizer (a scout view) lies among the slices; move it out of the folder")
    return chosen


def _of_folder(file: str) -> Picture | None:
    """Return a file's header, None where it is no DICOM, or DICOM without a picture, and its name does not say otherwise."""
    try:
        return _read(file)
    except Unusable as fault:
        if fault.code == "no_pixels" or (fault.code in {"format", "empty"} and not file.lower().endswith(_NAMED)):
            return None
        raise Unusable(fault.code, f"a file of the folder cannot be used: {fault.sentence}") from None


def _read(file: str) -> Picture:
    with opened(file, most=MOST_BYTES) as stream:
        size = FIRST
        start = stream.read(size)
        while True:
            try:
                found = scanned(start)
                break
            except Short:
                if len(start) < size or size >= MOST_HEADER:
                    found = None
                    break
                size *= 16
                start += stream.read(size - len(start))
        if found is not None and general.is_plain(found.texts) and found.texts.get("NumberOfFrames", "1") == "1":
            picture = picture_of(found.texts, path=file, identifying=found.identifying)
            return dataclasses.replace(picture, offset=found.offset, length=found.length)
        return _general(start, stream, file=file)


def _general(start: bytes, stream: BinaryIO, *, file: str) -> Picture:
    if not is_dicom(start[:132]):
        raise Unusable("format", "the file is a picture, no DICOM")
    stream.seek(0)
    with quiet():
        return general.picture(stream, path=file)


def _chosen(pictures: Sequence[Picture], *, series: str | None) -> list[Picture]:
    """Return the files of the one series in `pictures`, or of the one that `series` names; raises Unusable."""
    known = {picture.series for picture in pictures}
    if series is None:
        if len(known) > 1:
            way = "say which by its SeriesInstanceUID, SeriesNumber or SeriesDescription"
            raise Unusable("series", f"the folder holds {len(known)} series; {way}, or give each a folder of its own")
        return list(pictures)
    asked = series.strip()
    meant = {p.series for p in pictures if asked in {p.series, p.number} or asked.casefold() == p.description.casefold()}
    if len(meant) != 1:
        how = "none of the folder's series" if not meant else f"{len(meant)} of the folder's series"
        raise Unusable("series", f"{how} has the SeriesInstanceUID, SeriesNumber or SeriesDescription that was asked for")
    return [picture for picture in pictures if picture.series in meant]
