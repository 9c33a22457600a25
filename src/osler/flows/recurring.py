"""What recurs in what networks look at, over many cases, and what single parts of one case would change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osler.contract import Modality
from osler.core.attribution import Answer
from osler.core.errors import RequestError
from osler.flows.explaining import Subject, bundle_raw
from osler.spine.explain import along, scorer
from osler.spine.fit import NetworkMember

CASES = 1_000  # of the test
ANSWERS = 2  # of which it is told
BLOCK = 64  # cases in one pass
FEWEST = 20  # cases without which nothing is looked for


def recurring(
    subject: Subject, answers: Sequence[Answer], *, groups: np.ndarray | None, seed: int, over: Callable[[], bool]
) -> list[dict[str, Any]]:
    """Return what recurs by input and answer: aggregates of one case of each group of the subject's source, of as many as are done when
    time is `over`."""
    told: list[dict[str, Any]] = []
    for name, modality in subject.source.modalities.items():
        columns = subject.source.columns[name]
        rows = _one_each(np.flatnonzero(columns.present), groups, seed=seed)
        if not modality.recurs or len(rows) < FEWEST:
            continue
        raw = bundle_raw(subject, {n: c.take(rows) for n, c in subject.source.columns.items()})
        for answer in answers[:ANSWERS]:
            adds = _over_networks(subject, rows, name=name, answer=answer, over=over) if subject.blend.network > 0 else []
            done = len(adds) or len(rows)
            scores = raw[:done] @ answer.weights
            found = modality.recurring(columns, rows[:done], attributions=adds, scores=scores, seed=seed)
            told += [{"input": name, "target": answer.target, "level": answer.level, **one} for one in found]
    return told


def changes(subject: Subject, row: int, *, name: str, answers: Sequence[Answer], attribution: np.ndarray) -> np.ndarray | None:
    """Return how each answer would change (a, …) if single parts of input `name` of the case `row` were others, the mean over
    networks; None where the input has none to exchange."""
    weights = np.stack([a.weights for a in answers])
    found = []
    for member in _networks(subject):
        lifted, score = scorer(member.network, subject.source.batch, row, name=name, weights=weights)
        one = subject.source.modalities[name].changes(lifted, score, attribution=attribution)
        if one is None:
            return None
        found.append(one)
    return np.asarray(np.mean(found, axis=0)) if found else None


def _networks(subject: Subject) -> list[NetworkMember]:
    return [member for crew in subject.crews for member in crew.networks]


def _one_each(rows: np.ndarray, groups: np.ndarray | None, *, seed: int) -> np.ndarray:
    mixed = np.random.default_rng([seed, 0xE9]).permutation(rows)
    first = np.arange(len(mixed)) if groups is None else np.unique(groups[mixed], return_index=True)[1]
    return np.asarray(mixed[np.sort(first)[:CASES]])


def _over_networks(
    subject: Subject, rows: np.ndarray, *, name: str, answer: Answer, over: Callable[[], bool]
) -> list[np.ndarray]:
    """Return the mean over networks of what each case's parts add, one array per case; of the first ones where time is over."""
    networks = _networks(subject)
    adds: list[np.ndarray] = []
    for block in np.array_split(rows, -(-len(rows) // BLOCK)):
        found = [along(member.network, subject.source.batch, block, name=name, weights=answer.weights) for member in networks]
        adds += list(np.mean(found, axis=0))
        if len(adds) >= FEWEST and over():
            break
    return adds


def of_bundle(
    told: Mapping[str, Any], modalities: Mapping[str, Modality], *, motifs: Path | None, folder: Path | None
) -> list[dict[str, Any]]:
    """Return what recurs by a bundle's scores.json, drawn, with the names of those that the file `motifs` knows; what the field's tools
    read is written into `folder`. Raises RequestError for a file that cannot be used, or that nothing can be compared with."""
    found = told.get("explanation", {}).get("recurring", ())
    if motifs is not None and not found:
        raise RequestError("nothing was found to recur in this bundle's inputs, so --motifs has nothing to name; leave it out")
    out: list[dict[str, Any]] = []
    for name, modality in modalities.items():
        own = modality.named([one for one in found if one["input"] == name], file=motifs)
        out += [dict(one) for one in own]
        if folder is not None and own:
            modality.write_patterns(own, folder=folder)
    return out
