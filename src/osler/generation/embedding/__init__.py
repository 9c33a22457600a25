"""How good vectors of cases are: what can be read off them, what they find unusual, how broad they lie, and their map."""

from __future__ import annotations

import numpy as np

from osler.core.judgement import Judgement, Section
from osler.core.state import State
from osler.generation.embedding.anomaly import fitted
from osler.generation.embedding.breadth import Breadth, breadth
from osler.generation.embedding.embedded import Embedded
from osler.generation.embedding.judging import NO_LABEL, ONE_CLASS, Judged, asked, by_line, by_neighbours
from osler.generation.embedding.pictured import pictured
from osler.generation.embedding.rated import said
from osler.generation.embedding.spaces import EMBEDDING, RAW, flattened, spaces
from osler.generation.embedding.unusual import unusual

__all__ = ["Embedded", "flattened", "judge_vectors"]

SHORT = {"auroc": "AUROC", "r2": "R²"}
BETTER = "A line reads the label off the embedding with {measure} {value}, off the raw input with {other}: the embedding is better, by {difference}."
WORSE = "A line reads the label off the embedding with {measure} {value}, off the raw input with {other}: the embedding is worse, by {difference}."
EQUAL = "A line reads the label off the embedding with {measure} {value}, off the raw input with {other}: no difference is shown ({difference})."
PLAIN = "Each case is represented by {d} numbers; how good they are cannot be measured without a label."
USED = "Of {d} dimensions {dead} are the same for every case; the effective rank is {rank}."
NEVER_SEEN = "The held-out class has no test case, or no other class has one: its anomaly scores have no AUROC."


def judge_vectors(found: Embedded) -> Judgement:
    """Return how good the vectors are, on the test cases; see the modules of this room for each part.

    The state is what tells of a new case how unlike training it is (see `anomaly`).
    """
    split = found.split
    broad = breadth(found.vectors[split.test if len(split.test) > 1 else split.training])
    learned = found.without(found.held)
    among = spaces(learned)
    wanted = asked(learned)
    sections: list[Section] = []
    probe = by_line(learned, wanted, among) if wanted else None
    if probe is not None:
        sections += [probe.section, by_neighbours(learned, wanted, among).section]
    notes = [_why_none(found)] if probe is None else []
    held = ""
    if found.holdout:
        told = found.held[split.test]
        if told.any() and not told.all():
            section, held = unusual(found, among, training=learned.split.training)
            sections.append(section)
        else:
            notes.append(NEVER_SEEN)
    report, single = pictured(found)
    sections += [report, _dimensions(broad)]
    return Judgement(
        headline=held if held and probe is None else _headline(probe, found),
        sections=tuple(sections),
        cases=(single,),
        warnings=(broad.warning,) if broad.warning else (),
        notes=tuple(notes),
        numbers={"embedding": broad.to_dict()},
        state=_state(found),
    )


def _why_none(found: Embedded) -> str:
    return NO_LABEL if found.target is None else ONE_CLASS


def _state(found: Embedded) -> State:
    beside = np.concatenate([found.split.tune, found.split.calibrate])
    return fitted(found.vectors, found.split.training, beside=beside[~found.held[beside]], seed=found.seed)


def _dimensions(broad: Breadth) -> Section:
    text = USED.format(d=broad.dimensions, dead=broad.dead, rank=f"{broad.rank:.1f}")
    return Section("dimensions", "section.dimensions", (text,))


def _headline(probe: Judged | None, found: Embedded) -> str:
    if probe is None:
        return PLAIN.format(d=found.vectors.shape[1])
    value, other = probe.values[EMBEDDING, probe.measure], probe.values[RAW, probe.measure]
    low, high = probe.more.low, probe.more.high
    word = EQUAL if low is None or high is None or low <= 0 <= high else BETTER if low > 0 else WORSE
    told = {"value": said(value), "other": said(other), "difference": said(probe.more, sign="+")}
    return word.format(measure=SHORT.get(probe.measure, probe.measure), **told)
