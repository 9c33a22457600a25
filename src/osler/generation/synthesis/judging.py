"""How good a generator is: what it makes, how like real pictures that is, whether some are copies, and whether it helps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from osler.contract import Made
from osler.core.figure import Figure, Series
from osler.core.judgement import Judgement, Section
from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.generation.synthesis import experiment, fidelity
from osler.generation.synthesis.draws import Whole, together
from osler.generation.synthesis.draws import sizes as sizes_tried
from osler.generation.synthesis.experiment import ALL, ARMS, COMPARED, MADE, MOVED, REAL, Size
from osler.generation.synthesis.features import RandomFeatures
from osler.generation.synthesis.making import made_pictures
from osler.generation.synthesis.objective import SynthesisObjective
from osler.generation.synthesis.readers import Learning, Pictures, Reader, mixture, pictures_of
from osler.generation.synthesis.sheets import sheet

SHOWN = 12  # pictures in a row of a sheet
PAIRS = 8
FEWEST_TESTED = 10  # test cases of which AUROC is told
ENDED = {
    "collapsed": "The generator drew nearly the same picture again and again; training ended there, and the last good state was kept.",
    "diverged": "Training diverged: a loss was no finite number; it ended there, and the last good state was kept.",
}
COPIES = "{n}% of the synthetic pictures lie as near to a training picture as the nearest 1% of unseen real pictures do: treat them as copies of patients' pictures. They are shown on the page of cases alone."
LABELLED = "Distances are taken between what an image encoder of Osler says of pictures; it was trained to tell the classes of real training pictures apart."
UNLABELLED = "Distances are taken between what convolutions with random weights say of pictures (Naeem et al. 2020), as there is no label to train an encoder by."
YARDSTICK = "Real pictures beside real ones are the yardstick. Sets are of equal size and equal classes."
ARMS_TOLD = "Readers (an image encoder of Osler and a line) see as many pictures in each arm, from the same first weights, and are scored on the same real test cases. The generator of a size sees the real training cases of that size alone; that of all cases also chose its best state by the tuning cases."
MOVED_TOLD = "'Moved' is the ordinary augmentation of predictors: turned, shifted, re-lit."
BY_HEART = "A generator may learn pictures by heart. Made pictures are held against the training pictures nearest to them, and so are real test pictures, which training never saw: these show how near is usual."
LEFT_OUT = "The budget ended before {n} real cases were tried."
DRAWN = "Fewer cases than all were drawn {n} times; differences are paired by draw, and the intervals are over draws."
NO_TIME = "The budget ended before it was asked whether synthetic pictures help."
NO_LABEL = "Whether synthetic pictures help cannot be asked without a label."
FEW_TESTED = "Whether synthetic pictures help was not asked: the test cases of a class are fewer than {n}."


@dataclass(frozen=True, slots=True)
class Ground:
    """What is judged on: labelled training and test pictures, and how pictures are made and seen."""

    made: Made
    objective: SynthesisObjective
    learning: Learning
    training: Pictures
    test: Pictures
    test_rows: np.ndarray
    reader: Reader | None
    ends: float  # moment (monotonic clock) at which the budget ends
    pace: float  # seconds that a reader takes

    @property
    def classes(self) -> int:
        """How many classes pictures are made of; 0 without a label."""
        return len(self.made.info["classes"])

    def make(self, classes: np.ndarray, seed: int) -> Pictures:
        """Return pictures of `classes`, as they would be read from their files."""
        asked = np.where(classes < 0, self.classes, classes)
        return made_pictures(self.objective, asked, seed=seed, dtype=np.dtype(self.made.info["dtype"]))

    def seen(self, pictures: Pictures) -> np.ndarray:
        """Return vectors (n, d)."""
        if self.reader is not None:
            return self.learning.read(self.reader, Pictures(pictures.pixels, np.zeros(len(pictures), np.int64)))[0]
        features = RandomFeatures(channels=self.objective.shape.channels)
        parts = np.array_split(pictures.pixels, max(1, len(pictures) // 256))
        return np.concatenate([features(self.objective.shape.scaled(torch.from_numpy(part))) for part in parts])


def judged(made: Made) -> Judgement:
    """Return the judgement of a generator, on the test cases."""
    ground = _ground(made)
    like = fidelity.measured(ground.training, ground.test, make=ground.make, seen=ground.seen, seed=made.seed)
    asked = fidelity.classes_like(
        ground.training, min(fidelity.MOST, len(ground.training)), classes=ground.classes, seed=made.seed
    )
    some = ground.make(asked, 7)
    copies = fidelity.copies(some, ground.training, ground.test, seen=ground.seen)
    sizes, notes = _experiment(ground)
    shown = _sheet(ground)
    pairs = _pairs(ground, some, copies)
    parts = [_likeness(ground, like), _copies(copies, cases=len(some)), *([_helps(sizes)] if sizes else [])]
    sections = tuple(parts if copies.told else [shown, *parts])
    warnings = [ENDED[made.trouble]] if made.trouble else []
    warnings += [COPIES.replace("{n}", f"{100 * max(copies.near.values()):.0f}")] if copies.told else []
    return Judgement(
        headline=_headline(like, sizes),
        sections=sections,
        cases=(*((shown,) if copies.told else ()), pairs),
        warnings=tuple(warnings),
        notes=tuple(notes),
        numbers=_numbers(like, copies, sizes, made),
    )


def _ground(made: Made) -> Ground:
    objective = cast("SynthesisObjective", made.objective)
    classes = len(made.info["classes"])
    learning = Learning(made, made.folder / "readers", int(made.plan["synthesis.read"]), classes)
    ends = time.monotonic() + made.seconds
    training, test = pictures_of(made, made.split.training), pictures_of(made, made.split.test)
    rows = made.split.test
    reader, began = None, time.monotonic()
    if classes > 1:
        training = training.take(np.flatnonzero(training.classes >= 0))
        kept = np.flatnonzero(test.classes >= 0)
        test, rows = test.take(kept), rows[kept]
        pictures, every = mixture(training, None)
        reader = learning.reader(pictures, every, name="encoder", moved=True)
    return Ground(made, objective, learning, training, test, rows, reader, ends, time.monotonic() - began)


def _experiment(ground: Ground) -> tuple[list[Whole], list[str]]:
    """Return what each size gave, as far as the budget lasts, and what must be said."""
    made = ground.made
    how = made.plan["synthesis.experiment"]
    if how == "off":
        return [], [] if ground.classes > 1 else [NO_LABEL]
    if ground.classes < 2:
        return [], [NO_LABEL]
    if np.bincount(ground.test.classes, minlength=ground.classes).min() < FEWEST_TESTED:
        return [], [FEW_TESTED.replace("{n}", str(FEWEST_TESTED))]
    if ground.ends - time.monotonic() < len(ARMS) * ground.pace:
        return [], [NO_TIME]
    groups = made.groups[ground.test_rows] if made.grouped else None

    def tried(real: Pictures, generator: SynthesisObjective, name: str) -> Size:
        return experiment.compared(
            made, real, ground.test, generator=generator, learning=ground.learning, name=name, groups=groups
        )

    first = tried(ground.training, ground.objective, "all")
    if how == "whole":
        return [together([first])], []
    found, left = sizes_tried(made, ground.training, first=first, tried=tried, learning=ground.learning, ends=ground.ends)
    return found, [LEFT_OUT.replace("{n}", ", ".join(f"{count:,}" for count in left))] if left else []


def _sheet(ground: Ground) -> Section:
    names = ground.made.info["classes"] or [""]
    shape = ground.objective.shape
    images = []
    for number, name in enumerate(names):
        block = ground.make(np.full(2 * SHOWN, number if ground.classes else -1), 42)
        png = sheet(np.split(block.pixels, 2), low=shape.low, high=shape.high)
        images.append((f"Synthetic: {name}" if name else "Synthetic", png))
    return Section(
        "synthesis-sheet", "What was made", ("No picture here is of a patient; each was made from noise.",), images=tuple(images)
    )


def _pairs(ground: Ground, some: Pictures, copies: fidelity.Copies) -> Section:
    """Return the made pictures nearest to training beside the training pictures that they are nearest to: for the page of cases."""
    chosen = copies.order[:PAIRS]
    rows = [some.pixels[chosen], ground.training.pixels[copies.partners[chosen]]]
    shape = ground.objective.shape
    png = sheet(rows, low=shape.low, high=shape.high)
    caption = "Above: the synthetic pictures nearest to training. Below: the real training picture nearest to each."
    return Section("synthesis-nearest", "The nearest training pictures", images=((caption, png),))


def _likeness(ground: Ground, like: fidelity.Likeness) -> Section:
    text = (LABELLED if ground.reader is not None else UNLABELLED, YARDSTICK)
    return Section("synthesis-likeness", "How like real pictures they are", text, fidelity.panels(like))


def _copies(copies: fidelity.Copies, *, cases: int) -> Section:
    return Section("synthesis-copies", "Whether they are copies", (BY_HEART,), (fidelity.copies_panel(copies, cases=cases),))


def _helps(sizes: Sequence[Whole]) -> Section:
    rows = [Row(f"{size.cases:,} real cases: {arm}", size.cases, {"auroc": size.arms[arm]}) for size in sizes for arm in ARMS]
    pairs = [
        Row(f"{size.cases:,} real cases: {first}, less {second}", size.cases, {"auroc_difference": size.differences[first, second]})
        for size in sizes
        for first, second in COMPARED
    ]  # fmt: skip
    panels = (Panel("synthesis_arms", tuple(rows)), Panel("synthesis_differences", tuple(pairs)))
    drawn = [DRAWN.replace("{n}", str(size.draws)) for size in sizes if size.draws > 1][:1]
    text = (*(_verdict(size) for size in sizes), *drawn, ARMS_TOLD, MOVED_TOLD)
    return Section("synthesis-helps", "Whether they help", text, panels, _curves(sizes))


def _curves(sizes: Sequence[Whole]) -> tuple[Figure, ...]:
    if len(sizes) < 2:
        return ()
    counts = [float(np.log10(size.cases)) for size in sizes]
    series = tuple(Series(arm, counts, [size.arms[arm].value for size in sizes]) for arm in ARMS)
    title = "AUROC on real test cases, by real training cases"
    return (Figure("synthesis_arms", title, "real training cases (powers of ten)", "AUROC", series),)


def _verdict(size: Whole) -> str:
    """Return in a sentence whether made pictures helped beside ordinary augmentation."""
    told = size.differences[ALL, MOVED]
    about = f"{told.value:+.3f}" + ("" if told.low is None or told.high is None else f" ({told.low:+.3f} to {told.high:+.3f})")
    n = f"{size.cases:,}"
    if told.low is not None and told.low > 0:
        return f"With {n} real cases, synthetic pictures beside ordinary augmentation helped: AUROC {about}."
    if told.high is not None and told.high < 0:
        return f"With {n} real cases, synthetic pictures beside ordinary augmentation did harm: AUROC {about}."
    return f"With {n} real cases, no use of synthetic pictures beside ordinary augmentation is shown: AUROC {about}."


def _headline(like: fidelity.Likeness, sizes: Sequence[Whole]) -> str:
    first = f"Synthetic pictures lie {like.ratio():.1f} times as far from real test pictures as real training pictures do"
    if not sizes:
        return f"{first}."
    last = sizes[-1]
    return f"{first}; a reader trained on them alone has AUROC {last.arms[MADE].value:.3f} on real cases, one trained on real cases {last.arms[REAL].value:.3f}."


def _numbers(like: fidelity.Likeness, copies: fidelity.Copies, sizes: Sequence[Whole], made: Made) -> dict[str, Any]:
    def told(value: Value) -> dict[str, Any]:
        return value.to_dict()

    helps = [
        {
            "cases": size.cases,
            "draws": size.draws,
            "auroc": {arm: told(value) for arm, value in size.arms.items()},
            "differences": {f"{first} - {second}": told(value) for (first, second), value in size.differences.items()},
        }
        for size in sizes
    ]
    distances = {f"{what} {beside}": values.tolist() for (what, beside), values in like.distances.items()}
    return {
        "frechet": distances,
        "overlap": {what: dict(values) for what, values in like.overlaps.items()},
        "copies": {"near": dict(copies.near), "closer": dict(copies.closer), "told": copies.told},
        "helps": helps,
        "ended": made.trouble,
    }
