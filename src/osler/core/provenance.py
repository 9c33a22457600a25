"""What a file that was made says of itself, so that nobody takes it for a patient's picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEY = "Provenance"  # of a PNG's text chunk (PNG specification, third edition, 11.3.3)
SYNTHETIC = "synthetic"
SENTENCE = "Synthetic picture, made by a generative model; not of a patient."
DICOM = "SYNTHETIC"  # how a DICOM's derivation description begins (PS3.3, C.7.6.1.1.3)


def said_synthetic(texts: Mapping[Any, Any]) -> bool:
    """Whether the text chunks of a picture say that it was made.

    >>> said_synthetic({"Provenance": "synthetic"})
    True
    """
    return str(texts.get(KEY, "")).strip().lower() == SYNTHETIC
