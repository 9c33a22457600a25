"""Data sets with a mark of its own in everything that may name a person, and the search for such marks in bytes."""

import itertools
import random

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from osler.interop.deidentify.profile import rows

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
PET = "1.2.840.10008.5.1.4.1.1.128"
TEXT = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")


class Marks:
    """Draws values that occur nowhere else, and remembers how they look in a file."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.known = {}

    def value(self, vr, name):
        """Return a value of `vr` that holds a mark, None where the representation has no room for one."""
        word = "".join(self.draw.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(11))
        digits = "".join(self.draw.choice("123456789") for _ in range(9))
        moment = f"{self.draw.randrange(19110101, 19481231) // 100:06d}{self.draw.randrange(11, 28)}"
        moment = f"{moment[:4]}{self.draw.randrange(1, 13):02d}{moment[6:]}"
        clock = f"{self.draw.randrange(0, 24):02d}{self.draw.randrange(0, 60):02d}{self.draw.randrange(0, 60):02d}.{digits[:6]}"
        made = {
            **dict.fromkeys(TEXT, word),
            "PN": f"{word}^{word[::-1]}",
            "DA": moment,
            "TM": clock,
            "DT": f"{moment}{clock}",
            "UI": f"1.2.999.{digits}.{digits[::-1]}",
            "DS": f"{digits[:2]}.{digits[2:]}",
            "IS": digits,
            "AS": "083Y",
            **dict.fromkeys(("OB", "UN"), f"{word}!".encode()),
        }.get(vr)
        if made is not None and vr != "AS":
            parts = made.split("^") if vr == "PN" else [made]
            for part in parts:
                self.known[part if isinstance(part, bytes) else part.encode()] = f"{name} ({vr})"
        return made

    def found(self, data):
        """Return the names of the attributes whose marks stand in `data`, in one byte a letter or two."""
        wide = {mark.decode("latin-1").encode("utf-16-le"): name for mark, name in self.known.items()}
        return sorted(name for mark, name in [*self.known.items(), *wide.items()] if mark in data)


def vr_of(tag):
    """Return the one value representation that the dictionary gives, None for several or none."""
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return None
    return vr if len(vr) == 2 else None


def listed():
    """Return (tag, row, VR) of every row of the table that a data set can hold."""
    found = []
    for row in rows():
        tag = int(row.tag, 16) if "X" not in row.tag else None
        vr = vr_of(tag) if tag else None
        if vr and tag >> 16 >= 8:
            found.append((tag, row, vr))
    return found


def filled(marks, *, sop_class=CT, depth=2, reports=False):
    """Return a data set with every attribute of the table, each with a mark, in sequences too, and private ones."""
    dataset = Dataset()
    for tag, row, vr in listed():
        if row.keyword in {"ContentSequence", "EncapsulatedDocument"} and not reports:
            continue
        if vr == "SQ":
            dataset.add_new(tag, vr, [_item(marks, depth)])
        elif (value := marks.value(vr, row.keyword)) is not None:
            dataset.add_new(tag, vr, value)
    _private(dataset, marks)
    dataset.SOPClassUID, dataset.Modality, dataset.Rows = sop_class, "CT", 2
    return dataset


def _item(marks, depth):
    item = Dataset()
    for tag, row, vr in itertools.islice(listed(), 0, None, 37 if depth > 1 else 91):
        if vr == "SQ":
            if depth > 1:
                item.add_new(tag, vr, [_item(marks, depth - 1)])
        elif (value := marks.value(vr, f"nested {row.keyword}")) is not None:
            item.add_new(tag, vr, value)
    _private(item, marks)
    return item


def _private(dataset, marks):
    block = dataset.private_block(0x0029, "ACME " + marks.value("LO", "creator"), create=True)
    for element, vr in enumerate(("LO", "PN", "UN", "DA"), start=1):
        block.add_new(element, vr, marks.value(vr, "private"))
    item = Dataset()
    item.PatientName = marks.value("PN", "in private sequence")
    block.add_new(9, "SQ", [item])
    for group, name in ((0x5000, "curve"), (0x6000, "overlay")):
        dataset.add_new((group, 0x3000), "OW", marks.value("OB", name))
        dataset.add_new((group, 0x0022 if group == 0x6000 else 0x2500), "LO", marks.value("LO", name))


def written(dataset, path, *, marks=None, syntax=ExplicitVRLittleEndian):
    """Write a file whose preamble and meta information hold marks too."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    if marks:
        meta.SourceApplicationEntityTitle = marks.value("AE", "meta")
        meta.PrivateInformationCreatorUID = marks.value("UI", "meta")
        meta.PrivateInformation = marks.value("OB", "meta")
        dataset.preamble = (marks.value("LO", "preamble") * 20).encode()[:128]
    dataset.file_meta = meta
    dataset.save_as(path, enforce_file_format=True)
    return path
