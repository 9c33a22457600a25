"""What a bundle's members say of why: attributions of networks and baselines, by feature, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.contract import Task
from osler.core.attribution import Answer, Attribution, Feature, mean_of
from osler.core.columns import Columns
from osler.core.features import ExplainedModel
from osler.core.state import State
from osler.flows.crew import Crew
from osler.flows.members import joined_features
from osler.spine.explain import FALLBACK, LAST, TOLERANCE, Layout, References, attribute, find_references, focus, is_ragged
from osler.spine.fit import Source
from osler.spine.output import Blend

Parts = Mapping[str, Attribution]  # "network", "baseline", "bundle"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explained: members on the cases of `source`. `state` holds the calibration of what the bundle predicts with,
    `references` a set for each network of each crew, `features` those of all inputs, `layout` where each input's stand. What is
    learned may differ between folds (a vocabulary): `layouts` and `places` (f of the crew,) tell for each crew where its own features
    stand, and where among `features`, which are the first crew's."""

    source: Source
    crews: tuple[Crew, ...]
    blend: Blend
    task: Task
    info: Mapping[str, Any]
    state: State
    references: Sequence[Sequence[References]]
    features: tuple[Feature, ...]
    layout: Layout
    layouts: tuple[Layout, ...]
    places: tuple[np.ndarray, ...]

    @classmethod
    def of(
        cls, source: Source, crews: tuple[Crew, ...], *, blend: Blend, task: Task, info: Mapping[str, Any], state: State,
        references: Sequence[Sequence[References]],
    ) -> Subject:  # fmt: skip
        """Return the subject with its features: the columns of a table, the codes of a timeline, other inputs as a whole."""
        names = list(source.modalities)
        each = [{name: _features(source, crew.states[name], name=name) for name in names} for crew in crews]
        layouts = tuple(_layout(own) for own in each)
        features = tuple(_named(f, name, several=len(names) > 1) for name, found in each[0].items() for f in found)
        places = tuple(_places(own, each[0], layout=layouts[0]) for own in each)
        return cls(source, crews, blend, task, info, state, references, features, layouts[0], layouts, places)

    def answers(self) -> tuple[Answer, ...]:
        """Return all that can be explained."""
        return self.task.answers(self.state, info=self.info, plan=self.source.plan)

    def place(self, feature: int) -> tuple[str, int]:
        """Return the input of a feature and its number there."""
        name = next(n for n, first in self.layout.first.items() if first <= feature < first + self.layout.count[n])
        return name, feature - self.layout.first[name]

    def placed(self, found: Attribution, *, crew: int) -> Attribution:
        """Return what a crew says of its own features as that of the subject's."""
        if np.array_equal(self.places[crew], np.arange(self.layout.total)):
            return found
        return replace(found, values=_summed(found.values, self.places[crew], count=self.layout.total))


def attributions(
    subject: Subject, rows: np.ndarray, answers: Sequence[Answer], *, nodes: int = LAST, tolerance: float = TOLERANCE
) -> Parts:
    """Return the attributions of the cases `rows` by part; those of the bundle are the mean of both by their weights.

    All are on the scale of `answers`, with the bundle's calibration in it.
    """
    weights = np.stack([a.weights for a in answers])
    intercept = np.array([a.intercept for a in answers])
    network = mean_of([
        subject.placed(attribute(member.network, subject.source.batch, rows, references=references, weights=weights,
                                 layout=subject.layouts[turn], nodes=nodes, tolerance=tolerance), crew=turn)
        for turn, (crew, found) in enumerate(zip(subject.crews, subject.references, strict=True))
        for member, references in zip(crew.networks, found, strict=True)
    ])  # fmt: skip
    turns = range(len(subject.crews))
    baseline = mean_of([subject.placed(_of_baseline(subject, turn, rows, weights=weights), crew=turn) for turn in turns])
    share = subject.blend.network
    bundle = network.times(share).plus(baseline.times(1 - share))
    return {name: part.shifted(intercept) for name, part in (("bundle", bundle), ("network", network), ("baseline", baseline))}


def looked_at(subject: Subject, rows: np.ndarray, answers: Sequence[Answer]) -> dict[str, np.ndarray]:
    """Return by input on a grid (n, a, i, j[, k]) where the networks look, the mean of their maps; inputs without maps are not in it."""
    weights = np.stack([a.weights for a in answers])
    found = [
        focus(member.network, subject.source.batch, rows, weights=weights) for crew in subject.crews for member in crew.networks
    ]
    names = set(found[0]).intersection(*found[1:]) if found else set()
    return {name: np.mean([one[name] for one in found], axis=0) for name in sorted(names)}


def baseline_kinds(subject: Subject, rows: np.ndarray, answers: Sequence[Answer]) -> dict[str, dict[str, np.ndarray]]:
    """Return by input and kind of feature what the baselines add (n, a), of inputs whose features have kinds."""
    weights = np.stack([a.weights for a in answers])
    sums: dict[str, dict[str, np.ndarray]] = {}
    for crew in subject.crews:
        if not isinstance(crew.baseline, ExplainedModel):
            return {}
        joined = [m.baseline_features(subject.source.columns[n], rows, state=crew.states[n])
                  for n, m in subject.source.modalities.items()]  # fmt: skip
        values, _ = crew.baseline.contributions(np.concatenate([f.matrix for f in joined], axis=1))
        asked, at = np.einsum("mkf,ak->maf", values, weights) / len(subject.crews), 0
        for name, features in zip(subject.source.modalities, joined, strict=True):
            for kind in dict.fromkeys(features.kinds):
                own = at + np.flatnonzero([k == kind for k in features.kinds])
                held = sums.setdefault(name, {})
                held[kind] = held.get(kind, 0.0) + asked[..., own].sum(2)
            at += len(features.names)
    return sums


def references_of(source: Source, crews: Sequence[Crew], folds: Sequence[np.ndarray], *, groups: np.ndarray, seed: int) -> State:
    """Return what the networks of each crew are compared with, from the training rows of its fold."""
    parts: dict[str, State] = {}
    for number, (crew, rows) in enumerate(zip(crews, folds, strict=True)):
        networks = [member.network.eval() for member in crew.networks]
        found = find_references(networks, source.batch, rows, groups=groups, seed=seed)
        parts |= {f"fold{number}.network{turn}": one.state() for turn, one in enumerate(found)}
    return State.joined(parts)


def stored_references(state: State, crews: Sequence[Crew]) -> list[list[References]]:
    """Return the references in a bundle's state, for each network of each crew."""
    return [
        [References.of(state.part(f"fold{number}.network{turn}")) for turn in range(len(crew.networks))]
        for number, crew in enumerate(crews)
    ]


def compared_with(subject: Subject) -> str:
    """Return what the networks compare a case with: "typical" cases; "center" of their scales, where a bundle has no typical ones;
    "nothing", of timelines alone; "mixed", of timelines with typical cases of other inputs."""
    encoders = subject.crews[0].networks[0].network.fusion.encoders.values()
    ragged = [is_ragged(encoder) for encoder in encoders]
    if all(ragged):
        return "nothing"
    if any(r is FALLBACK for found in subject.references for r in found):
        return "center"
    return "mixed" if any(ragged) else "typical"


def bundle_raw(subject: Subject, columns: Mapping[str, Columns]) -> np.ndarray:
    """Return the bundle's raw outputs (n, k) of the cases in `columns`, without asking a member of no weight."""
    source = Source(subject.source.modalities, columns, subject.source.plan, device=subject.source.device)
    rows, share = np.arange(len(next(iter(columns.values())))), subject.blend.network
    total = np.zeros((len(rows), subject.task.width(subject.info)))
    for crew in subject.crews:
        if share > 0:
            total = total + share * np.mean([member.raw(source, rows) for member in crew.networks], axis=0)
        if share < 1:
            total = total + (1 - share) * crew.baseline.raw(joined_features(source, rows, crew.states).matrix)
    return total / len(subject.crews)


def _features(source: Source, state: State, *, name: str) -> tuple[Feature, ...]:
    """Return the features of an input; as a whole where the baseline sees it by others than explanations do."""
    modality, columns = source.modalities[name], source.columns[name]
    found = modality.features(columns, state=state)
    seen = modality.baseline_features(columns, np.arange(len(columns))[:1], state=state)
    return found if seen.owner is not None or len(found) == len(seen.names) else (Feature(""),)


def _layout(features: Mapping[str, Sequence[Feature]]) -> Layout:
    names = list(features)
    count = {name: len(found) for name, found in features.items()}
    return Layout({name: sum(count[n] for n in names[:at]) for at, name in enumerate(names)}, count)


def _places(own: Mapping[str, Sequence[Feature]], first: Mapping[str, Sequence[Feature]], *, layout: Layout) -> np.ndarray:
    """Return where each of a crew's `own` features stands among the `first` crew's: one that is not there is of the rest, which
    stands last."""
    found = []
    for name, features in own.items():
        at = {feature.name: place for place, feature in enumerate(first[name])}
        found += [layout.first[name] + at.get(feature.name, layout.count[name] - 1) for feature in features]
    return np.array(found, np.int64)


def _summed(values: np.ndarray, owner: np.ndarray, *, count: int) -> np.ndarray:
    """Return (n, a, count) from `values` (n, a, f), summed by the `owner` (f,) of each."""
    out = np.zeros((*values.shape[:2], count))
    np.add.at(out.transpose(2, 0, 1), owner, values.transpose(2, 0, 1))
    return out


def _named(feature: Feature, name: str, *, several: bool) -> Feature:
    if not feature.name:
        return Feature(name, feature.kind, feature.levels)
    return Feature(f"{name}.{feature.name}", feature.kind, feature.levels) if several else feature


def _of_baseline(subject: Subject, turn: int, rows: np.ndarray, *, weights: np.ndarray) -> Attribution:
    """Return a crew's baseline's attribution; a model that does not explain itself has no values, and its score as reference."""
    crew, layout = subject.crews[turn], subject.layouts[turn]
    source, model = subject.source, crew.baseline
    matrix = joined_features(source, rows, crew.states).matrix
    score = model.raw(matrix) @ weights.T
    if not isinstance(model, ExplainedModel):
        return Attribution(np.zeros((*score.shape, layout.total)), score, score)
    values, reference = model.contributions(matrix)
    asked = np.einsum("mkf,ak->maf", values, weights)
    start = np.broadcast_to(weights @ reference, score.shape)
    pieces, at = [], 0
    for name, modality in source.modalities.items():
        seen = modality.baseline_features(source.columns[name], rows[:1], state=crew.states[name])
        part, count = asked[..., at : at + len(seen.names)], layout.count[name]
        whole = count == 1 or (seen.owner is None and count != len(seen.names))
        owner = np.arange(count) if seen.owner is None else seen.owner
        pieces.append(part.sum(2, keepdims=True) if whole else _summed(part, owner, count=count))
        at += len(seen.names)
    return Attribution(np.concatenate(pieces, axis=2), start, score)
