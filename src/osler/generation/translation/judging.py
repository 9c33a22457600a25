"""How good translation is, on cases that training never saw: likeness to the real images beside baselines, patients weighing alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from osler.contract import Made
from osler.core.judgement import Judgement, Section
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.generation.translation import baselines as base
from osler.generation.translation.consistency import steps
from osler.generation.translation.inside import inside
from osler.generation.translation.lines import MEASURES, Table, by_group, line, plain, valued, word
from osler.generation.translation.looks import Look, brightness, pages
from osler.generation.translation.pairing import PAIRED
from osler.generation.translation.slices import Side, sides
from osler.generation.translation.told import (
    BASELINES,
    BROKEN,
    EVERYWHERE,
    FOLLOWED,
    LIMITS,
    NAMES,
    NETWORK,
    SCALED,
    SLICEWISE,
    TOLD,
)
from osler.generation.translation.translating import Translating
from osler.generation.translation.unlike import unpaired_told
from osler.generation.translation.using import translating

LEARNED = 400  # training cases of which the regression takes its places: more change it little
UNSHOWN = "a case whose body cannot be told from the air"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a test of pairs needs: the translator, the baselines, and both sides."""

    made: Made
    by: Translating
    baselines: base.Baselines
    sides: tuple[Side, Side]

    @classmethod
    def of(cls, made: Made) -> Trial:
        """Return what the training gives to test."""
        by = translating(made.objective, plan=made.plan, info=made.info, device=made.source.device)
        both = sides(made.source.columns)
        return cls(made, by, _baselines(made, by, both), both)

    def paired(self, rows: np.ndarray) -> np.ndarray:
        """Return which of `rows` (n,) hold both images with equal shapes."""
        first, second = self.sides
        return np.array(
            [bool(first.present[r] and second.present[r]) and first.shape(r) == second.shape(r) for r in map(int, rows)], bool
        )

    @property
    def share(self) -> float:
        """The share of the range above which a place belongs to the body."""
        return float(self.made.plan["translation.inside"])

    @property
    def span(self) -> float:
        """The range of the target's values."""
        return self.by.scales[1].span

    def real(self, row: int) -> np.ndarray:
        """Return the real target of a case on the network's scale."""
        return raised(self.by, self.sides[1].image(row))

    def each(self, row: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the lifted source of a case, and what each system makes of it, on the target's scale."""
        source = self.by.lifted(self.sides[0].image(row))
        return source, {NETWORK: self.by.translated(source), **self.baselines.each(source)}


@dataclass(frozen=True, slots=True)
class Case:
    """One tested case: its lines by system, its look, and of a volume how its slices follow one another."""

    row: int
    lines: dict[str, tuple[float, float, float]]
    look: Look
    steps: tuple[float, float] | None


def judged(made: Made) -> Judgement:
    """Return the judgement: of pairs by likeness; without them by what is known of both sides, and by likeness where the test has pairs."""
    test = Trial.of(made)
    pairs = made.split.test[test.paired(made.split.test)]
    made.watch.stage("judging", total=len(pairs))
    cases = list(_cases(test, pairs))
    found = _told(test, cases) if cases else Judgement("No test case has a body to measure in: nothing is measured.")
    if made.info["pairing"] != PAIRED:
        found = unpaired_told(made, test.by, test.baselines, likeness=found)
    return replace(found, warnings=(BROKEN, *found.warnings)) if made.trouble else found


def raised(by: Translating, image: np.ndarray) -> np.ndarray:
    """Return an image of the target's side, in its file's unit, on the network's scale."""
    return replace(by, scales=(by.scales[1], by.scales[1])).lifted(image)


def _baselines(made: Made, by: Translating, both: tuple[Side, Side]) -> base.Baselines:
    draws = np.random.default_rng([made.seed, 11])
    rows = draws.permutation(made.split.training)
    share = float(made.plan["translation.inside"])
    if made.info["pairing"] != PAIRED:
        own = rows[both[1].present[rows]][:LEARNED]
        return base.unlearned(lambda row: raised(by, both[1].image(row)), np.sort(own).tolist(), share=share, seed=made.seed)
    tune = np.sort(draws.permutation(made.split.tune)[: LEARNED // 4])

    def pair(row: int) -> tuple[np.ndarray, np.ndarray]:
        return by.lifted(both[0].image(row)), raised(by, both[1].image(row))

    return base.learned(pair, np.sort(rows[:LEARNED]).tolist(), tune.tolist(), share=share, seed=made.seed)


def _cases(test: Trial, rows: np.ndarray) -> Iterator[Case]:
    for row in map(int, rows):
        source, found = test.each(row)
        real = test.real(row)
        body = inside([source, real], share=test.share)
        test.made.watch.advance()
        if not body.any():
            test.made.watch.say(f"row {row + 1} is not measured: {UNSHOWN}")
            continue
        truth = test.by.scales[1].lowered(real)
        images = {name: test.by.valued(one) for name, one in found.items()}
        lines = {name: line(one, truth, body, span=test.span) for name, one in images.items()}
        follow = steps(images[NETWORK], truth, body) if truth.ndim == 4 else None
        yield Case(row, lines, Look.of(source, images, truth, body, span=test.span), follow)


def _told(test: Trial, cases: list[Case]) -> Judgement:
    made, seed = test.made, test.made.seed
    lines = {name: np.array([case.lines[name] for case in cases]) for name in cases[0].lines}
    table = Table(lines, made.groups[[case.row for case in cases]])
    systems = [NETWORK, *(name for name in table.lines if name != NETWORK)]
    rows = [Row(NAMES[name], len(cases), table.values(name, seed=seed)) for name in systems]
    against = {name: table.differences(NETWORK, name, seed=seed) for name in systems[1:]}
    words = {name: {m.name: word(m, values[m.name]) for m in MEASURES} for name, values in against.items()}
    compared = [Row(NAMES[name], len(cases), values, words[name]) for name, values in against.items()]
    values = dict(zip(systems, rows, strict=True))[NETWORK].values
    sections = (
        Section(
            "likeness",
            "How like the real images",
            (_share_told(test), SCALED[test.by.scales[1].how], BASELINES, *filter(None, [test.baselines.told])),
            (Panel("likeness", tuple(rows)), Panel("against", tuple(compared))),
            (brightness([case.look for case in cases]),),
        ),
        *_consistent(test, cases),
    )
    numbers = {
        "patients": len(np.unique(table.groups)), "cases": len(cases), "verdicts": words,
        "systems": {name: {k: v.to_dict() for k, v in row.values.items()} for name, row in zip(systems, rows, strict=True)},
    }  # fmt: skip
    pictures = pages([(case.row, case.look, case.lines[NETWORK]) for case in cases])
    return Judgement(_headline(values, words), sections, pictures, (), notes_of(made), numbers)


def _share_told(test: Trial) -> str:
    return TOLD.format(share=f"{test.share:.0%}") if test.share > 0 else EVERYWHERE


def _headline(values: dict[str, Value] | object, words: dict[str, dict[str, str]]) -> str:
    """Return in a sentence how near translated images are, and whether that is shown to be better than every baseline."""
    assert isinstance(values, dict)
    mae, ssim = values["mae"], values["ssim"]
    near = f"Inside the body the translated images lie {_number(mae)} from the real ones, with a structural similarity of {_number(ssim)}"
    worse = [name for name, found in words.items() if "worse" in (found["mae"], found["ssim"])]
    shown = all(found[m] == "better" for found in words.values() for m in ("mae", "ssim"))
    if shown:
        return f"{near}; that is better than every baseline by both measures."
    if worse:
        return f"{near}; a baseline is better by at least one of them."
    return f"{near}; that it is better than every baseline by both is not shown."


def _number(value: Value) -> str:
    shown = plain(value.value)
    return shown if value.low is None or value.high is None else f"{shown} ({plain(value.low)} to {plain(value.high)})"


def _consistent(test: Trial, cases: list[Case]) -> tuple[Section, ...]:
    """Return, of volumes, whether translated slices follow one another as real ones do."""
    known = [case for case in cases if case.steps is not None and np.isfinite(case.steps).all()]
    if not known:
        return ()
    groups = test.made.groups[[case.row for case in known]]
    pooled = by_group(np.array([case.steps for case in known]), groups)
    names = ("slice_step", "slice_error")
    values = {name: valued(replace(MEASURES[2], name=name), pooled[:, at], seed=test.made.seed) for at, name in enumerate(names)}
    row = Row(NAMES[NETWORK], len(known), values)
    return (Section("consistency", "From slice to slice", (FOLLOWED,), (Panel("steps", (row,)),)),)


def notes_of(made: Made) -> tuple[str, ...]:
    """Return what a reader must know before using translated images."""
    return (*LIMITS, SLICEWISE) if int(made.info["source"]["axes"]) == 3 else LIMITS
