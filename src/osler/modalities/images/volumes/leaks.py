"""What of a study's volumes could make its test dishonest: copies, the same patient, scanners that give a class away."""

from __future__ import annotations

from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.core.target import Target
from osler.modalities.images.leaks.marks import same_patient, telling_scanner
from osler.modalities.images.leaks.near import near_copies


def leaks(columns: Columns, split: Split, *, target: Target) -> tuple[Leak, ...]:
    """Return the findings, those that stop a run first. Near copies are looked for among the means from bottom to top; corners, where text
    is burned into pictures, are not looked at."""
    found = [*same_patient(columns, split), *near_copies(columns, split)]
    return (*found, *telling_scanner(columns, split, target=target))
