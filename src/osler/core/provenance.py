"""What a file says of itself that holds an image which no scanner took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARK = "SYNTHETIC"
KEYWORD = "Source"  # of the text in a PNG that holds the mark


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made an image and how: `software` with its version, the `bundle` (its name and the first digits of its hash), `what` was done in
    a few words ("translated from MR"), and the `kind` of image that it shows ("CT", "" where nobody said)."""

    software: str
    bundle: str
    what: str
    kind: str = ""

    @property
    def sentence(self) -> str:
        """The whole in a sentence, ASCII."""
        text = f"{MARK}: {self.what} by {self.software}, bundle {self.bundle}. Not acquired; not for diagnosis."
        return text.encode("ascii", "replace").decode()

    def texts(self) -> Mapping[str, str]:
        """Return keywords and texts, as PNG has them (PNG specification, third edition, 11.3.3)."""
        return {"Software": self.software, KEYWORD: MARK.lower(), "Comment": self.sentence, "Osler-Bundle": self.bundle}


def said_synthetic(texts: Mapping[Any, Any]) -> bool:
    """Whether the texts of a picture say that no scanner took it.

    >>> said_synthetic({"Source": "synthetic"}), said_synthetic({"Source": "flatbed"})
    (True, False)
    """
    return str(texts.get(KEYWORD, "")).strip().lower() == MARK.lower()
