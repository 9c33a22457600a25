"""What the name of a column tells."""

from __future__ import annotations

import re

_IDENTIFIER = re.compile(
    r"(?:^|_)(?:id|ids|uid|uuid|guid|mrn|accession|barcode|identifier|rowid|caseid|pid|index|key|number|no|nr)$|^(?:row|case|record)(?:_|$)"
)
_PATIENT = re.compile(
    r"^(?:patient|subject|person|participant|proband|member|donor|mrn|pid|ptid)s?(?:_?(?:id|ids|uid|no|nr|number|code|key))?$"
)


def plain(name: str) -> str:
    """Return `name` in lower case with single underscores: "PatientID", "patient id" and "patient-id" are one."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^0-9a-zA-Z]+", "_", parted).strip("_").lower()


def names_identifier(name: str) -> bool:
    """Whether a column with this name, if its values differ from row to row, only tells rows apart."""
    return bool(_IDENTIFIER.search(plain(name)) or _PATIENT.match(plain(name)))


def names_patient(name: str) -> bool:
    """Whether a column with this name tells which patient a row belongs to."""
    return bool(_PATIENT.match(plain(name)))
