"""Faults of a question that only the events can show, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osler.core.errors import StudyError, did_you_mean
from osler.core.question import Flow, Purpose, Question
from osler.modalities.timelines.cohort.marks import flags
from osler.modalities.timelines.read.store import Store

LEAST = 20  # cases: fewer can be divided into training and test, but nothing is learned from them
COMPARED = 5_000  # the most frequent codes, among which a near miss is looked for: 0.3 s
_WORDS = {
    "subjects": "subjects", "index": "prediction times", "seen": "with the subject alive and followed",
    "eligible": "eligible", "washout": "without the target in the washout", "followed": "with a known outcome",
}  # fmt: skip


def check_codes(store: Store, question: Question, *, purpose: Purpose) -> None:
    """Raise StudyError for patterns that no code of `store` matches.

    New data need not hold every code that training knew: there only the index must be found.
    """
    if store.relative:
        raise StudyError(
            "question: the times of these events count from each subject's own start, so that no date is known; a question whose"
            " target is an event needs events with dates. Give target and index as columns of a table ('column:')"
        )
    faults = [fault for key, patterns in _patterns(question, purpose) for fault in _unknown(store, key, patterns)]
    if faults:
        raise StudyError(faults)


def _patterns(question: Question, purpose: Purpose) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "index", question.index.event
    if purpose == "train":
        yield "target", question.target.codes
        yield "eligible: event", question.eligible.event
        yield "eligible: without", question.eligible.without
        yield "followup", question.followup.event


def _unknown(store: Store, key: str, patterns: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        if not flags(store.names, (pattern,)).any():
            counts = np.bincount(store.codes, minlength=len(store.names))
            often = [store.names[place] for place in np.argsort(-counts, kind="stable")[:COMPARED]]
            near = did_you_mean(pattern, often)
            named = dict(zip(store.names, counts.tolist(), strict=True)).get(near.split("'")[1]) if "mean" in near else None
            many = f" ({named:,} events have it)" if named else ""
            yield f"question: {key}: none of {len(store.names):,} codes is '{pattern}'{near}{many}"


def check_flow(question: Question, flow: Flow, *, purpose: Purpose) -> None:
    """Raise StudyError where no case is left or, in training, too few, or all with or all without the outcome."""
    told = "; ".join(f"{number:,} {_WORDS[name]}" for name, number in flow.steps)
    named = "no case is left" if not flow.steps[-1][1] else f"only {flow.cases:,} cases are left, fewer than {LEAST}"
    faults = []
    if not flow.steps[4][1] or (purpose == "train" and flow.cases < LEAST):
        faults.append(f"question: {named} ({told})")
    if purpose == "train" and flow.outcome is not None and flow.cases:
        name = question.target.name
        if flow.outcome == 0:
            faults.append(
                f"question: '{name}' never happens in {flow.cases:,} cases ({told}); look at its codes, gap and horizon"
            )
        if flow.outcome == flow.cases:
            lost = ", ".join(f"{number:,} {code}" for code, number in flow.unknown.items())
            faults.append(
                f"question: '{name}' happens in all {flow.cases:,} cases whose outcome is known ({told}"
                f"{f'; unknown: {lost}' if lost else ''}); where 'followup' is the last event, those who stay well are seen no"
                " longer: say with 'followup' until when subjects are seen, or ask with a shorter horizon"
            )
    if faults:
        raise StudyError(faults)
