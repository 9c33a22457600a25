"""A DICOM data set cleaned in place: every element by its row of the table, at every depth, and what the table does not name by its kind.

Elements that stay are never taken apart: their bytes are those of the source.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from osler.interop.deidentify.beyond import tells
from osler.interop.deidentify.options import Options
from osler.interop.deidentify.outcome import CLEANED, EMPTIED, KEPT, REMAPPED, REMOVED, REPLACED, SHIFTED, Account
from osler.interop.deidentify.profile import Profile, profile_of
from osler.interop.deidentify.pseudonym import Key
from osler.interop.deidentify.values import DUMMIES, capped, known_words, moved, plausible

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STANDARD = "1.2.840.10008."  # begins DICOM's own UIDs; those of classes may be newer than the dictionary at hand
CLASSES = frozenset({0x00080016, 0x0008001A, 0x0008001B, 0x00081150, 0x0008115A, 0x00080062})
TIMES = ("DA", "DT", "TM")
TEXTS = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "PN", "UR", "AE"})
FREE = frozenset({"LT", "ST", "UT", "UR", "AE", "PN"})  # emptied where the table does not name them: anything may stand there
LOOSE = ({"DS", "IS"}, {"LO", "SH", "CS"}, {"LT", "ST", "UT"})  # written one for the other, no harm is done
PATIENT_AGE, GRAPHIC_DATA = 0x00101010, 0x00700022
# coding schemes whose meanings are published (PS3.16, 8): nobody's own words
SCHEMES = frozenset({"DCM", "SCT", "SRT", "SNM3", "99SDM", "LN", "RADLEX", "UCUM", "FMA", "ICD10", "I10", "I9C", "NCIt", "BI"})
# of these a replacement is drawn from the value, so that files of one patient or specimen still belong together
LINKED = frozenset({0x00100020, 0x00120040, 0x00400512, 0x00400551})
# values that name the person elsewhere in the same file
IDENTIFIERS = (0x00100020, 0x00101000, 0x00080050, 0x00380010, 0x00101090)
# where a person's name can only be a coincidence, and an empty value would spoil the picture
SHAPES = frozenset({0x00080008, 0x00080060, 0x00280004, 0x00080005, 0x00180015, 0x00200060, 0x00185100, 0x00080064})
SHORTEST_NAME = 4


class Cleaner:
    """Cleans one file's data set. `days` move its dates; `account` is told what was done."""

    def __init__(self, dataset: Dataset, *, key: Key, profile: Profile, account: Account) -> None:
        self.key, self.profile, self.account = key, profile, account
        self.plain = profile_of(Options())
        self.options = profile.options.columns
        self.kept = profile.retained()
        self.sop_class = str(dataset.get("SOPClassUID", ""))
        self.days = key.days(patient_of(dataset))
        self.words, self.codes = _identifying(dataset)

    def clean(self, dataset: Dataset, *, nested: bool = False, strict: bool = False) -> None:
        """Clean `dataset` in place; `strict` leaves no text in it, for sequences that must stay and may hold nothing."""
        actions = self.profile.actions(self.sop_class, nested=nested)
        for tag in list(dataset.keys()):
            name, vr, action = _described(dataset, tag, actions)
            if action == "?":
                action = "X" if tells(name) and vr in {"SQ", "OB"} else "Z" if tells(name) else self._unlisted(vr)
            if strict and action in {"K", "C"} and (vr in TEXTS or vr in TIMES or self._drawn(tag)):
                action = "D"
            self._apply(dataset, tag, name, vr=vr, action=action, strict=strict)

    def _unlisted(self, vr: str) -> str:
        """Return what to do with an attribute of the standard that the table does not name."""
        if vr in TIMES:  # E.3.6: what holds for listed dates holds for all of them
            return "K" if "full_dates" in self.options else "C" if "modified_dates" in self.options else "Z"
        if vr == "UI":
            return "K" if "uids" in self.options else "U"
        if vr in {"LT", "ST", "UT"} and "descriptors" in self.options:
            return "C"
        if vr == "UN":
            return "X"
        return "Z" if vr in FREE else "K"

    def _apply(self, dataset: Dataset, tag: Any, name: str, *, vr: str, action: str, strict: bool) -> None:
        if action == "X":
            del dataset[tag]
            self.account.note(name, REMOVED)
        elif vr == "SQ":
            self._sequence(dataset, tag, name, action=action, strict=strict)
        elif action == "Z" and int(tag) not in LINKED:
            self._empty(dataset, tag, name, vr)
        elif action in {"D", "Z"}:
            self._dummy(dataset, tag, name, vr)
        elif action == "U":
            self._remap(dataset, tag, name)
        elif action == "C":
            self._clean(dataset, tag, name, vr)
        else:
            self._keep(dataset, tag, name, vr)

    def _sequence(self, dataset: Dataset, tag: Any, name: str, *, action: str, strict: bool) -> None:
        if action == "Z":
            self._empty(dataset, tag, name, "SQ")
            return
        for item in dataset[tag].value:
            self.clean(item, nested=True, strict=strict or action == "D" or (action == "C" and not _public(item)))
        if action in {"C", "D"}:
            self.account.note(name, CLEANED if action == "C" else REPLACED)

    def _drawn(self, tag: Any) -> bool:
        """Return whether an attribute holds strokes that may be handwriting, and nobody asked to keep them."""
        return int(tag) == GRAPHIC_DATA and "graphics" not in self.options

    def _empty(self, dataset: Dataset, tag: Any, name: str, vr: str) -> None:
        if _length(dataset, tag):
            _put(dataset, tag, vr, [] if vr == "SQ" else None)
            self.account.note(name, EMPTIED)

    def _dummy(self, dataset: Dataset, tag: Any, name: str, vr: str) -> None:
        if not _length(dataset, tag):
            return
        if int(tag) in LINKED:
            text = str(dataset[tag].value).strip()
            _put(dataset, tag, vr, self.key.code(f"{int(tag):08X}", text))
        elif vr == "UI":
            self._remap(dataset, tag, name)
            return
        elif int(tag) == GRAPHIC_DATA:
            _put(dataset, tag, vr, [0.0] * dataset[tag].VM)  # as many points, all in one place
        else:
            _put(dataset, tag, vr, DUMMIES.get(vr))
        self.account.note(name, REPLACED)

    def _remap(self, dataset: Dataset, tag: Any, name: str) -> None:
        if not _length(dataset, tag):
            return
        value = dataset[tag].value
        several = [str(one) for one in ([value] if isinstance(value, str) else value)]
        replaced = [one if _published(one, tag) else self.key.uid(one) for one in several]
        if replaced != several:
            _put(dataset, tag, "UI", replaced if len(replaced) > 1 else replaced[0])
            self.account.note(name, REMAPPED)

    def _clean(self, dataset: Dataset, tag: Any, name: str, vr: str) -> None:
        if not _length(dataset, tag):
            return
        texts = _texts(dataset, tag)
        if vr in TIMES:
            cleaned = [moved(text, vr, days=self.days) for text in texts]
        elif vr in TEXTS:
            cleaned = [known_words(text, names=self.words) or None for text in texts]
        else:
            cleaned = [None]
        if None in cleaned:  # nothing that is known to be harmless is left
            basic = self.plain.actions(self.sop_class, nested=True).get(int(tag), "Z")
            self._apply(dataset, tag, name, vr=vr, action="Z" if vr in TIMES else basic, strict=False)
            return
        _put(dataset, tag, vr, cleaned if len(cleaned) > 1 else cleaned[0])
        self.account.note(name, SHIFTED if vr in {"DA", "DT"} else KEPT if vr == "TM" else CLEANED)

    def _keep(self, dataset: Dataset, tag: Any, name: str, vr: str) -> None:
        element = dataset.get_item(tag)
        raw = element.value if getattr(element, "is_raw", False) else None
        if isinstance(raw, bytes) and not plausible(raw, vr):
            del dataset[tag]
            self.account.note(name, REMOVED)
        elif int(tag) not in SHAPES and vr in {"LO", "SH", "UC", "CS"} and self._repeats(dataset, tag):
            self._empty(dataset, tag, name, vr)
        elif int(tag) in self.kept:
            if int(tag) == PATIENT_AGE and raw:
                _put(dataset, tag, vr, capped(_texts(dataset, tag)[0]))
            self.account.note(name, KEPT)

    def _repeats(self, dataset: Dataset, tag: Any) -> bool:
        """Return whether a text names the person whom other attributes of the file name."""
        text = " ".join(_texts(dataset, tag)).casefold()
        return not self.words.isdisjoint(re.findall(r"[^\W_]+", text)) or any(code in text for code in self.codes)


def patient_of(dataset: Dataset) -> str:
    """Return what tells the patient from others: the id, else the name, else the study."""
    for name in ("PatientID", "PatientName", "StudyInstanceUID"):
        text = str(dataset.get(name) or "").strip(" \0")
        if text:
            return text
    return ""


def _described(dataset: Dataset, tag: Any, actions: dict[int, str]) -> tuple[str, str, str]:
    """Return an element's name, value representation and action; "?" where the table does not name it."""
    from pydicom.datadict import get_entry

    if tag.is_private:
        return "private attributes", "UN", "X"
    if tag.element == 0 or tag.group < 8 or tag.group & 0xFF00 in {0x5000, 0x6000}:
        kind = {0x5000: "curves", 0x6000: "overlays"}.get(tag.group & 0xFF00, "attributes of another kind of file")
        return "group lengths" if tag.element == 0 else kind, "UN", "X"
    try:
        known, _, _, _, keyword = get_entry(tag)
    except KeyError:
        return "attributes unknown to the standard", "UN", "X"
    vr = dataset.get_item(tag).VR or ("UN" if known == "UN" else None)
    if vr in {None, "UN"} and known != "UN":
        vr = known if known in DUMMIES or known in {"SQ", "UI"} else "OW"  # "US or SS" and the like hold no text
        if vr == "SQ" or dataset.get_item(tag).VR == "UN":
            vr = str(dataset[tag].VR)
    action = actions.get(int(tag), "?")
    if action in {"?", "K", "C"} and not _fits(str(vr), known):
        return "attributes in another representation than the standard's", "UN", "X"
    return keyword or f"({tag.group:04X},{tag.element:04X})", str(vr), action


def _fits(vr: str, known: str) -> bool:
    """Return whether an attribute may be written as `vr`; numbers for numbers hide no text."""
    worded = TEXTS | {*TIMES, "SQ", "UI", "UN", "CS", "DS", "IS", "AS"}
    if vr == known or (vr not in worded and known not in worded):
        return True
    return any(vr in pair and known in pair for pair in LOOSE)


def _identifying(dataset: Dataset) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the words of names and the codes, in lower case, by which this file names persons."""
    words: set[str] = set()
    codes: set[str] = set()
    for element in _named(dataset):
        told = " ".join(str(one) for one in (element.value if element.VM > 1 else [element.value]) if one).casefold()
        if element.VR == "PN":
            words |= {word for word in re.findall(r"[^\W\d_]+", told) if len(word) >= SHORTEST_NAME}
        else:
            codes |= {code for code in told.split() if len(code) > SHORTEST_NAME}
    return frozenset(words), tuple(sorted(codes))


def _named(dataset: Dataset) -> Any:
    from pydicom.datadict import dictionary_has_tag, dictionary_VR

    for tag in list(dataset.keys()):
        if tag.is_private or not dictionary_has_tag(tag):
            continue
        vr = dictionary_VR(tag)
        if vr == "SQ" and dataset[tag].VR == "SQ":
            for item in dataset[tag].value:
                yield from _named(item)
        elif (vr == "PN" or int(tag) in IDENTIFIERS) and _length(dataset, tag) and vr == dataset[tag].VR:
            yield dataset[tag]


def _published(uid: str, tag: Any) -> bool:
    """Return whether a UID is one of the standard's own, which names nobody, or none at all."""
    from pydicom.uid import UID_dictionary

    return not uid or uid in UID_dictionary or (int(tag) in CLASSES and uid.startswith(STANDARD))


def _public(item: Dataset) -> bool:
    """Return whether an item of a sequence is a code whose meaning is published."""
    return str(item.get("CodingSchemeDesignator") or "").strip() in SCHEMES


def _length(dataset: Dataset, tag: Any) -> int:
    value = dataset.get_item(tag).value
    return 0 if value is None else len(value) if hasattr(value, "__len__") else 1


def _texts(dataset: Dataset, tag: Any) -> list[str]:
    value = dataset[tag].value
    return [str(one) for one in (value if isinstance(value, (list, tuple)) or dataset[tag].VM > 1 else [value])]


def _put(dataset: Dataset, tag: Any, vr: str, value: Any) -> None:
    from pydicom.dataelem import DataElement

    dataset[tag] = DataElement(tag, vr, value)
