"""Single cases in words: what their letters are, what was predicted, how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.telling import Telling
from osler.tasks.tracks import lines


def of_tracks(statistics: np.ndarray, *, info: Mapping[str, Any]) -> Telling:
    """Return the mean loss of a letter of each case: log loss of labels, the squared error of numbers."""
    labels = info["kind"] == "labels"
    size = np.maximum(statistics[:, lines.COUNT], 1)
    loss = statistics[:, lines.LOSS if labels else lines.SQUARED] / size

    def texts(at: np.ndarray) -> tuple[list[str], list[str]]:
        pairs = [_labels(one) if labels else _numbers(one) for one in statistics[at]]
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    return Telling(np.where(statistics[:, lines.COUNT] > 0, loss, np.nan), None, texts)


def _labels(line: np.ndarray) -> tuple[str, str]:
    true = line[lines.FIRST_BIN + lines.BINS :].sum()
    area = line[lines.CASE_AUROC]
    told = "" if np.isnan(area) else f" (AUROC {area:.3f})"
    return f"{true:.0f} / {line[lines.COUNT]:.0f}", f"{line[lines.CHANCE]:.1f} / {line[lines.COUNT]:.0f}{told}"


def _numbers(line: np.ndarray) -> tuple[str, str]:
    size, n = line[lines.COUNT], max(line[lines.COUNT], 1.0)
    guess, value = (line[lines.FIRST_GUESS + part * lines.GUESSES :][: lines.GUESSES].sum() / n for part in (1, 2))
    area = line[lines.CASE_PEARSON]
    told = "" if np.isnan(area) else f" (r {area:.3f})"
    return f"{value:.4g} × {size:.0f}", f"{guess:.4g} × {size:.0f}{told}"
