"""What of a study's pictures could make its test dishonest: copies, the same patient, scanners and markers that give a class away."""

from __future__ import annotations

from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.core.target import Target
from osler.modalities.images.leaks.marks import made_pictures, same_patient, telling_scanner
from osler.modalities.images.leaks.near import near_copies
from osler.modalities.images.leaks.places import telling_corners

__all__ = ["leaks"]


def leaks(columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
    """Return the findings, those that stop a run first. Equal pixels are looked for by the spine."""
    found = [*made_pictures(columns, split), *same_patient(columns, split), *near_copies(columns, split)]
    return (*found, *telling_scanner(columns, split, target=target), *telling_corners(columns, split, target=target))
