"""Are test cases known to training, and does an input know the outcome?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from osler.contract import Modality
from osler.core.clue import Outcome
from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.core.target import Target
from osler.spine.leaks.columns import columns_that_tell
from osler.spine.leaks.judging import blamed, judge, touched, without
from osler.spine.leaks.sides import same_content, same_group

SHARED = "same-molecule"  # a finding on what several cases of several inputs may have in common
__all__ = ["blamed", "find_leaks", "judge", "touched", "without"]


def find_leaks(
    *,
    modalities: Mapping[str, Modality],
    columns: Mapping[str, Columns],
    split: Split,
    target: Target,
    groups: np.ndarray | None,
    outcomes: Sequence[Outcome] = (),
) -> tuple[Leak, ...]:
    """Return all findings: groups and equal content on both sides, columns that give an outcome away or only tell cases apart,
    then what each modality sees by itself."""
    found: list[Leak] = []
    if groups is not None:
        found += same_group(split, groups)
    found += same_content(modalities=modalities, columns=columns, split=split)
    found += columns_that_tell(modalities=modalities, columns=columns, split=split, outcomes=outcomes, groups=groups)
    for name, modality in modalities.items():
        seen = modality.leaks(columns[name], split, target=target)
        # beside other inputs one molecule may be many patients' drug
        found += [replace(leak, severity="warn") if leak.kind == SHARED and len(modalities) > 1 else leak for leak in seen]
    return tuple(found)
