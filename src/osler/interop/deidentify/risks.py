"""What the profile cannot clean, because it is in the picture and not in the header: said, so that a person looks at it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# codes of warnings; their sentences stand in the languages
BURNED, TEXT_LIKELY, FACE, PHOTOGRAPH, OVERLAY, VIDEO, SLIDE, SHAPES, UNSEEN, VOLUME = (
    "burned", "text_likely", "face", "photograph", "overlay", "video", "slide", "shapes", "unseen", "volume",
)  # fmt: skip
WARNINGS = (BURNED, TEXT_LIKELY, FACE, PHOTOGRAPH, OVERLAY, VIDEO, SLIDE, SHAPES, UNSEEN, VOLUME)

_WRITTEN_INTO = frozenset({"US", "IVUS", "XA", "RF", "ES", "EPS", "ECG", "SC", "OT", "HC", "DG", "OSS", "OPV", "CFM", "BMD"})
_PHOTOS = frozenset({"XC", "GM", "ES", "DMS", "OP"})
_SECTIONS = frozenset({"CT", "MR", "PT", "NM"})
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_PHOTO_CLASSES = "1.2.840.10008.5.1.4.1.1.77.1.4"
_VIDEOS = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.10\d(\.1)?")
_HEAD = re.compile(
    r"head|brain|skull|face|facial|sinus|orbit|neuro|hippocamp|cerebr|crani|pituitar|schaedel|schädel|kopf|hirn|tete|tête|cerveau"
    r"|nez|cabeza|头|脑|颅|面", re.IGNORECASE,
)  # fmt: skip
_HEAD_CODES = frozenset({"T-D1100", "69536005", "T-A0100", "12738006", "T-D1200", "89545001", "T-11100", "89546000", "T-D1400"})
_TELLING = (
    "BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName", "RequestedProcedureDescription",
    "PerformedProcedureStepDescription",
)  # fmt: skip


def risks(dataset: Dataset) -> set[str]:
    """Return the codes of what a person should look at in a file, told by its header before it is cleaned."""
    modality, sop_class = str(dataset.get("Modality") or ""), str(dataset.get("SOPClassUID") or "")
    captured = sop_class.startswith(_CAPTURE) and not sop_class.startswith(f"{_CAPTURE}7")
    syntax = str(getattr(dataset.file_meta, "TransferSyntaxUID", ""))
    found = {
        BURNED: str(dataset.get("BurnedInAnnotation") or "").strip() == "YES",
        TEXT_LIKELY: modality in _WRITTEN_INTO or captured or _secondary(dataset),
        FACE: _shows_face(dataset, modality),
        PHOTOGRAPH: modality in _PHOTOS or sop_class.startswith(_PHOTO_CLASSES),
        OVERLAY: _overlay_in_pixels(dataset),
        VIDEO: _VIDEOS.fullmatch(syntax) is not None,
        SLIDE: "OVERVIEW" in _image_type(dataset) or "THUMBNAIL" in _image_type(dataset),
        SHAPES: modality in {"RTSTRUCT", "SEG", "M3D"} and bool(_HEAD.search(_told(dataset))),
    }
    return {code for code, holds in found.items() if holds}


def _shows_face(dataset: Dataset, modality: str) -> bool:
    if str(dataset.get("RecognizableVisualFeatures") or "").strip() == "YES":
        return True
    return modality in _SECTIONS and (bool(_HEAD.search(_told(dataset))) or not _HEAD_CODES.isdisjoint(_anatomy(dataset)))


def _told(dataset: Dataset) -> str:
    return " ".join(str(dataset.get(name) or "") for name in _TELLING)


def _anatomy(dataset: Dataset) -> set[str]:
    return {str(item.get("CodeValue") or "").strip() for item in dataset.get("AnatomicRegionSequence") or []}


def _image_type(dataset: Dataset) -> list[str]:
    value = dataset.get("ImageType") or []
    return [str(part).strip().upper() for part in ([value] if isinstance(value, str) else value)]


def _secondary(dataset: Dataset) -> bool:
    kinds = _image_type(dataset)
    return "SCREEN SAVE" in kinds or (kinds[:2] == ["DERIVED", "SECONDARY"] and "ConversionType" in dataset)


def _overlay_in_pixels(dataset: Dataset) -> bool:
    """Return whether an overlay lies in unused bits of the pixels (retired; PS3.5, 8.1.2 of 2004), where no element can be removed."""
    groups = {tag.group for tag in dataset.keys() if tag.group & 0xFF00 == 0x6000}  # noqa: SIM118  iterating converts each element
    return any((group, 0x3000) not in dataset and (group, 0x0102) in dataset for group in groups)
