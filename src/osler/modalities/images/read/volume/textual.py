"""Numbers in the text headers of NRRD and MetaImage."""

from __future__ import annotations

import math

from osler.modalities.images.read.content import Unusable

MOST_DIGITS = 40


def numbers(text: str, *, what: str, length: int | None = None, whole: bool = False) -> list[float]:
    """Return the numbers of `text`, finite, `length` of them where given; `what` names the field; raises Unusable."""
    words = text.replace(",", " ").split()
    try:
        found = [float(word) for word in words if len(word) <= MOST_DIGITS]
    except ValueError:
        found = []
    wrong = len(found) != len(words) or not found or (length is not None and len(found) != length)
    if wrong or not all(map(math.isfinite, found)) or (whole and any(value != int(value) for value in found)):
        raise Unusable("damaged", f"the header's field '{what}' is missing, or does not hold the numbers that belong there")
    return found
