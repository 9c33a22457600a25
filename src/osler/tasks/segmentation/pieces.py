"""Which connected pieces of a mask are left out, chosen on cases that no member was trained on.

Of each label all pieces are kept, the largest alone, or those above a size; or of all labels together the largest alone. A rule is taken
only where it makes the mean Dice over cases better by more than a thousandth, and not worse in more cases than better. Slices of one group
count as one case here, as they do where masks are scored: slices without a label, each by itself, would speak for leaving out what is small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from osler.core.state import State
from osler.tasks.labels import LEAST_CASES
from osler.tasks.segmentation.lookup import Box, joined

if TYPE_CHECKING:
    from osler.tasks.segmentation.paint import Sweep

PIECES, WHOLE, HOW = "pieces", "pieces_whole", "pieces_how"  # of the state
LEAST_GAIN = 1e-3  # of mean Dice
SHARES = (0.05, 0.5)  # quantile, and share of the median, of the true pieces' sizes that are tried as limits


@dataclass(frozen=True, slots=True)
class Rule:
    """What is kept of one label: all pieces, the largest, or those of at least `least` mm³ (of pictures mm²)."""

    keep: Literal["all", "largest", "over"] = "all"
    least: float = 0.0

    def kept(self, sizes: np.ndarray) -> np.ndarray:
        """Return (m,) bool which pieces of `sizes` (m,) are kept."""
        if self.keep == "largest":
            return np.arange(len(sizes)) == (sizes.argmax() if len(sizes) else -1)
        return sizes >= self.least if self.keep == "over" else np.ones(len(sizes), bool)


@dataclass(frozen=True, slots=True)
class Found:
    """The pieces of one case: `sizes` (m,) in mm³ and, over the places that somebody looked at, how many of their marks there are
    `marked` (m, labels) and right `both` (m, labels); and how many places truly have each label, `true` (labels,)."""

    sizes: np.ndarray
    marked: np.ndarray
    both: np.ndarray
    true: np.ndarray

    def after(self, rule: Rule) -> np.ndarray:
        """Return (2, labels): how many marks of the pieces that `rule` keeps are right, and how many places are marked or true, each once
        for either."""
        kept = rule.kept(self.sizes)
        return np.stack([self.both[kept].sum(axis=0), self.true + self.marked[kept].sum(axis=0)])


@dataclass(frozen=True, slots=True)
class CasePieces:
    """The pieces of each label of a case, of all labels together, and the sizes of the true pieces of each label."""

    labels: tuple[Found, ...]
    whole: Found
    truth: tuple[np.ndarray, ...]


def rules_of(state: State, info: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """Return the rule of each label, None where of all labels together the largest piece is kept."""
    if state.values.get(WHOLE):
        return None
    stored = state.values.get(PIECES) or [{}] * len(info["names"])
    return tuple(Rule(**one) for one in stored)


def any_of(rules: tuple[Rule, ...] | None) -> bool:
    """Return whether anything may be left out."""
    return rules is None or any(rule.keep != "all" for rule in rules)


def leave_out(sweep: Sweep, rules: tuple[Rule, ...] | None, *, voxel: float) -> None:
    """Take away the marks of all pieces that `rules` do not keep."""
    if not any_of(rules):
        return
    boxes = sweep.canvas.boxes(len(sweep.info["names"]))
    if rules is None:
        _leave_out_whole(sweep, boxes)
        return
    for label, (rule, box) in enumerate(zip(rules, boxes, strict=True)):
        if rule.keep != "all" and box is not None:
            numbers, count = numbered(sweep.canvas.mask(label, box))
            sizes = np.bincount(numbers.reshape(-1), minlength=count + 1)[1:] * voxel
            sweep.erase(label, box, ~np.append(True, rule.kept(sizes))[numbers])


def _leave_out_whole(sweep: Sweep, boxes: Sequence[Box | None]) -> None:
    box = joined([b for b in boxes if b is not None])
    if box is None:
        return
    masks = [sweep.canvas.mask(label, box).copy() for label in range(len(boxes))]
    numbers, count = numbered(np.logical_or.reduce(masks))
    kept = Rule("largest").kept(np.bincount(numbers.reshape(-1), minlength=count + 1)[1:])
    gone = ~np.append(True, kept)[numbers]
    for label, mask in enumerate(masks):
        sweep.erase(label, box, gone & mask)


def numbered(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the number of the piece at each place, 0 outside, and how many there are; places that touch at a corner hang together."""
    from scipy.ndimage import generate_binary_structure, label

    found, count = label(mask, generate_binary_structure(mask.ndim, mask.ndim))
    return found, int(count)


def gathered(sweep: Sweep, *, voxel: float) -> CasePieces:
    """Return the pieces of a case whose truth is known, nothing left out."""
    assert sweep.truth is not None
    labels = len(sweep.info["names"])
    own, true = sweep.canvas.boxes(labels), sweep.truth.boxes()
    boxes = [joined([b for b in pair if b is not None]) for pair in zip(own, true, strict=True)]
    apart = tuple(_found(sweep, [label], box, voxel=voxel) for label, box in enumerate(boxes))
    whole = _found(sweep, list(range(labels)), joined([b for b in boxes if b is not None]), voxel=voxel)
    truth = tuple(np.empty(0) if box is None else _sizes(sweep.truth.mask(label, box)) * voxel for label, box in enumerate(true))
    return CasePieces(apart, whole, truth)


def _found(sweep: Sweep, labels: list[int], box: Box | None, *, voxel: float) -> Found:
    if box is None:
        return Found(np.empty(0), np.empty((0, len(labels))), np.empty((0, len(labels))), np.zeros(len(labels)))
    assert sweep.truth is not None
    masks = [sweep.canvas.mask(label, box) for label in labels]
    numbers, count = numbered(np.logical_or.reduce(masks))
    marked, both, true = [], [], []
    for label, mask in zip(labels, masks, strict=True):
        seen, held = sweep.truth.seen(label, box), sweep.truth.mask(label, box)
        marked.append(_count(numbers[mask & seen], count))
        both.append(_count(numbers[mask & held], count))
        true.append(np.count_nonzero(held))
    sizes = _count(numbers.reshape(-1), count) * voxel
    return Found(sizes, np.stack(marked, axis=1), np.stack(both, axis=1), np.array(true, float))


def _count(numbers: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(numbers, minlength=count + 1)[1:]


def _sizes(mask: np.ndarray) -> np.ndarray:
    numbers, count = numbered(mask)
    return _count(numbers.reshape(-1), count)


def chosen(cases: Sequence[CasePieces], *, info: Mapping[str, Any], groups: Sequence[int | None] = ()) -> dict[str, Any]:
    """Return what the state keeps: a rule for each label, whether instead the largest piece of all labels is kept, and why. Of pictures, those of
    one of `groups` (n,) are a case together."""
    at = _places(groups, cases=len(cases), together=int(info["axes"]) == 2)
    count = int(at.max(initial=-1)) + 1
    if count < LEAST_CASES:
        return {HOW: [f"all pieces are kept: {count} cases are too few to choose by"]}
    found = [_best(label, cases, at) for label in range(len(info["names"]))]
    rules, how, after = [one[0] for one in found], [one[1] for one in found], np.stack([one[2] for one in found], axis=1)
    before, whole = (_dice([case.whole.after(rule) for case in cases], at).mean(axis=1) for rule in (Rule(), Rule("largest")))
    told = {PIECES: [asdict(rule) for rule in rules], HOW: how}
    if whole.mean() <= after.mean() + LEAST_GAIN or not _better(before, whole):
        return told
    return {
        WHOLE: True,
        HOW: [
            f"the largest piece of all labels is kept: mean Dice {before.mean():.4f} before, {whole.mean():.4f} after, {count} cases"
        ],
    }


def _places(groups: Sequence[int | None], *, cases: int, together: bool) -> np.ndarray:
    """Return (n,) which of the scored cases each belongs to."""
    if not together or len(groups) != cases or None in groups:
        return np.arange(cases)
    return np.unique(np.array(groups, np.int64), return_inverse=True)[1].reshape(-1)


def _dice(counts: Sequence[np.ndarray], at: np.ndarray) -> np.ndarray:
    """Return (m, labels) the Dice of what lies `at` one place together; 1 where neither truth nor marks have the label."""
    sums = np.zeros((int(at.max()) + 1, *counts[0].shape))
    np.add.at(sums, at, np.stack(counts))
    both, under = sums[:, 0], sums[:, 1]
    return np.divide(2 * both, under, out=np.ones(under.shape), where=under > 0)


def _best(label: int, cases: Sequence[CasePieces], at: np.ndarray) -> tuple[Rule, str, np.ndarray]:
    """Return the rule of a label, why it was taken, and the Dice (m,) of each scored case after it."""
    own = [case.labels[label] for case in cases]
    scores = {rule: _dice([one.after(rule) for one in own], at)[:, 0] for rule in _tried(label, cases)}
    before = scores[Rule()]
    better = [rule for rule, after in scores.items() if _better(before, after)]
    if not better:
        return Rule(), f"all pieces are kept: nothing else makes the mean Dice of {len(before)} cases better", before
    best = max(better, key=lambda rule: scores[rule].mean())
    name = "the largest piece is kept" if best.keep == "largest" else f"pieces of at least {best.least:g} mm³ (mm²) are kept"
    told = f"{name}: mean Dice {before.mean():.4f} before, {scores[best].mean():.4f} after, {len(before)} cases"
    return best, told, scores[best]


def _tried(label: int, cases: Sequence[CasePieces]) -> list[Rule]:
    sizes = np.concatenate([case.truth[label] for case in cases])
    if not len(sizes):
        return [Rule()]
    limits = (float(np.quantile(sizes, SHARES[0])), SHARES[1] * float(np.median(sizes)))
    # two digits: no single case's size
    return [Rule(), Rule("largest"), *(Rule("over", float(f"{limit:.2g}")) for limit in limits)]


def _better(before: np.ndarray, after: np.ndarray) -> bool:
    gain = after - before
    return bool(gain.mean() > LEAST_GAIN and (gain > 0).sum() >= (gain < 0).sum())
