"""How good the vectors are, on cases that training never saw."""

from __future__ import annotations

from typing import cast

import numpy as np

from osler.contract import Made
from osler.core.judgement import Judgement
from osler.generation.representation.objective import RepresentationObjective
from osler.generation.representation.restoring import restoring
from osler.generation.representation.vectors import vectors_of


def judged(made: Made) -> Judgement:
    """Return the judgement of a representation."""
    objective = cast("RepresentationObjective", made.objective)
    here = made.source.columns[objective.name].present
    rows = made.split.test[here[made.split.test]]
    vectors, errors = vectors_of(objective, made.source, rows)
    found = Judgement(_headline(vectors, rows))
    return found if errors is None else found.joined([restoring(made, objective, errors=errors, rows=rows)])


def _headline(vectors: np.ndarray, rows: np.ndarray) -> str:
    return f"Each case is represented by {vectors.shape[1]} numbers; {len(rows):,} test cases were kept out of training."
