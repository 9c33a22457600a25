"""How good the vectors are, on cases that training never saw."""

from __future__ import annotations

from typing import cast

from osler.contract import Made
from osler.core.judgement import Judgement
from osler.generation.embedding import judge_vectors
from osler.generation.representation.embedded import embedded
from osler.generation.representation.objective import RepresentationObjective
from osler.generation.representation.restoring import restoring


def judged(made: Made) -> Judgement:
    """Return the judgement of a representation."""
    objective = cast("RepresentationObjective", made.objective)
    cases, rows = embedded(made, objective)
    found = judge_vectors(cases)
    if cases.errors is None:
        return found
    test = cases.split.test
    return found.joined([restoring(made, objective, errors=cases.errors[test], rows=rows[test])])
