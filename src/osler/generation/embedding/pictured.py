"""Maps of the embedding: for the report how many cases lie where, for the page of cases each of them."""

from __future__ import annotations

import numpy as np

from osler.core.judgement import Section
from osler.generation.embedding.coloured import Colours, by_classes, by_number
from osler.generation.embedding.drawn import hexagons, left_out, points
from osler.generation.embedding.embedded import Embedded
from osler.generation.embedding.maps import NAMES, WAYS, Map, mapped
from osler.generation.embedding.questions import questions

MOST = 2_000  # cases on the maps of a report: UMAP lays them out in some seconds
AGGREGATE = "Each hexagon holds at least {n} cases of its colour, the darker the more; {left} of {cases} cases lie alone or among fewer and are not drawn."
SINGLE = "One point for each of {n} cases of all parts of the split."
UNFIT = "UMAP keeps neighbours together; sizes of groups and distances between them say little."


def pictured(cases: Embedded) -> tuple[Section, Section]:
    """Return the section for the report, of aggregates, and that for the page of single cases."""
    split = cases.split
    rows = np.sort(np.concatenate([split.training, split.tune, split.calibrate, split.test]))
    maps = [mapped(cases.vectors, rows, way=way, seed=cases.seed, most=MOST) for way in WAYS[: 1 + (len(rows) > 3)]]
    every = colours_of(cases)
    shown = [_of(every, one) for one in maps]
    report = [hexagons(one, colours, title=NAMES[one.way]) for one, colours in zip(maps, shown, strict=True)]
    single = [points(one, colours, title=NAMES[one.way]) for one, colours in zip(maps, shown, strict=True)]
    left = max(left_out(one, colours) for one, colours in zip(maps, shown, strict=True))
    told = AGGREGATE.format(n=5, left=left, cases=len(maps[0].rows))
    return (
        Section("map", "section.map", (told, UNFIT), drawings=tuple(report)),
        Section("map", "section.map", (SINGLE.format(n=len(maps[0].rows)), UNFIT), drawings=tuple(single)),
    )


def colours_of(cases: Embedded) -> Colours | None:
    """Return the colours of all cases by the first label, None where there is none."""
    for question in questions(cases.target)[:1]:
        if question.classes:
            codes = np.where(question.known, np.nan_to_num(question.values), -1).astype(np.int64)
            return by_classes(codes, question.classes)
        return by_number(np.where(question.known, question.values, np.nan))
    return None


def _of(colours: Colours | None, found: Map) -> Colours | None:
    return None if colours is None else Colours(colours.codes[found.rows], colours.names)
