"""How well a class that training never saw is told by how unlike the training cases it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osler.core.judgement import Section
from osler.core.panel import Panel, Row
from osler.generation.embedding.anomaly import distance, fitted, to_nearest
from osler.generation.embedding.embedded import Embedded
from osler.generation.embedding.rated import ranked, said
from osler.generation.embedding.spaces import EMBEDDING, RAW, Space
from osler.spine.evaluate.statistic import found

TOLD = "Cases of the class '{name}', which training never saw, are told from the others by their distance to the nearest training cases with AUROC {value}."
RESTORED, FROM_MIDDLE, TO_NEAREST = (
    "reconstruction error",
    "distance from the middle of training",
    "distance to the nearest training cases",
)
HELD = "The class '{name}' was kept out of all training; here its {cases} test cases are to be told from the {others} others by how unlike the training cases they are. Nothing was chosen by these figures: every way is shown."


def unusual(cases: Embedded, among: Sequence[Space], *, training: np.ndarray) -> tuple[Section, str]:
    """Return the section with the AUROC of each way, on the test cases with a known class; and the sentence that says the most;
    `training` are the rows that training saw."""
    assert cases.target is not None
    test = cases.split.test[cases.target.observed[cases.split.test, 0]]
    truth = cases.held[test]
    scores = _scores(cases, among, test, training=training)
    groups = cases.groups[test] if cases.grouped else None
    told = found({name: ranked(one, truth) for name, one in scores.items()}, cases=len(test), groups=groups, seed=cases.seed)
    rows = tuple(Row(name, len(test), {"auroc": told.values[name]}) for name in scores)
    near = told.values[f"{TO_NEAREST}; {EMBEDDING}"]
    text = HELD.format(name=cases.holdout, cases=int(truth.sum()), others=int((~truth).sum()))
    return Section("anomaly", "section.anomaly", (text,), (Panel("anomaly", rows, told.notes),)), TOLD.format(
        name=cases.holdout, value=said(near)
    )


def _scores(cases: Embedded, among: Sequence[Space], test: np.ndarray, *, training: np.ndarray) -> dict[str, np.ndarray]:
    scores = {} if cases.errors is None else {RESTORED: cases.errors[test].astype(np.float64)}
    for space in among:
        near = to_nearest(space.vectors, test, among=training, seed=cases.seed)
        if space.name != RAW:  # pixels are more than the cases from which their spread would be learned
            state = fitted(space.vectors, training, beside=training[:0], seed=cases.seed)
            scores[f"{FROM_MIDDLE}; {space.name}"] = distance(space.vectors[test], state)
        scores[f"{TO_NEAREST}; {space.name}"] = near
    return scores
