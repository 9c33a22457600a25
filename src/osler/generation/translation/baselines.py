"""What a network must beat: the source as it is, its histogram matched, and a regression on each place and what lies about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from osler.generation.translation.inside import inside

IDENTITY, MATCHED, PLACES = "identity", "histogram", "places"
BASELINES = (IDENTITY, MATCHED, PLACES)
LEVELS = np.linspace(0, 1, 257)  # quantiles that are matched
SMOOTHED = (1.0, 2.0, 4.0)  # places: widths of the means about a place
EACH, MOST = 4_000, 400_000  # places taken of a case, and in all
TREES = {"num_leaves": 63, "learning_rate": 0.1, "min_data_in_leaf": 50, "verbosity": -1, "seed": 1, "deterministic": True,
         "force_row_wise": True, "num_threads": 1}  # fmt: skip
ROUNDS, PATIENCE = 300, 20
LOSSES = ("regression", "regression_l1")
Image = np.ndarray  # (channels, i, j[, k]) on the network's scale


@dataclass(frozen=True, slots=True)
class Baselines:
    """The baselines, learned from training cases; each turns a source image into one of the target's channels, on the network's scale."""

    outputs: int
    quantiles: np.ndarray  # (outputs, LEVELS): of the real targets inside the body
    air: np.ndarray  # (outputs,): the middle of what lies outside
    share: float
    trees: tuple[Any, ...] = ()  # one LightGBM booster a channel
    told: str = ""

    def identity(self, source: Image) -> Image:
        """Return the source, each side on its own scale; a mean of its channels where numbers differ."""
        return source if len(source) == self.outputs else np.repeat(source.mean(0, keepdims=True), self.outputs, axis=0)

    def matched(self, source: Image) -> Image:
        """Return the source with its histogram inside the body that of the training targets, as quantile to quantile."""
        body = inside([source], share=self.share)
        out = np.empty((self.outputs, *source.shape[1:]), np.float32)
        for channel, one in enumerate(self.identity(source)):
            own = np.quantile(one[body], LEVELS) if body.any() else LEVELS
            out[channel] = np.where(body, np.interp(one, *_rising(own, self.quantiles[channel])), self.air[channel])
        return out

    def places(self, source: Image) -> Image:
        """Return what the regression says of each place."""
        body = inside([source], share=self.share)
        out = np.empty((self.outputs, *source.shape[1:]), np.float32)
        out[:] = self.air.reshape(-1, *(1,) * (source.ndim - 1))
        if body.any():
            rows = features(source, body)[body]
            for channel, booster in enumerate(self.trees):
                out[channel][body] = booster.predict(rows)
        return out

    def each(self, source: Image) -> dict[str, Image]:
        """Return the image that each baseline makes of `source`."""
        found = {IDENTITY: self.identity(source), MATCHED: self.matched(source)}
        return {**found, PLACES: self.places(source)} if self.trees else found


def _rising(own: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the quantiles where they rise: of equal ones the mean of what they become."""
    distinct, at = np.unique(own, return_inverse=True)
    sums = np.bincount(at, weights=wanted)
    return distinct, sums / np.bincount(at)


def features(source: Image, body: np.ndarray) -> np.ndarray:
    """Return (i, j[, k], f) float32: each channel at a place, its means about it, its steepness there; where in the body the place lies, and
    how bright the body is on the whole."""
    found = []
    for one in source:
        flat = (0,) * (one.ndim - 2)
        means = [ndimage.gaussian_filter(one, (s, s, *flat)) for s in SMOOTHED]
        steep = np.hypot(*(ndimage.gaussian_filter1d(one, 1.0, axis=axis, order=1) for axis in (0, 1)))
        rough = np.sqrt(np.maximum(ndimage.gaussian_filter(one * one, (2, 2, *flat)) - means[1] ** 2, 0))
        some = one[body] if body.any() else one.ravel()
        found += [one, *means, steep, rough, *(np.full(one.shape, v, np.float32) for v in (some.mean(), some.std()))]
    return np.stack([*found, *_within(body)], axis=-1).astype(np.float32)


def _within(body: np.ndarray) -> list[np.ndarray]:
    """Return where each place lies between the ends of the body along each axis (0 to 1), and its depth below the body's surface."""
    found = []
    for axis in range(body.ndim):
        here = np.flatnonzero(body.any(axis=tuple(a for a in range(body.ndim) if a != axis)))
        low, high = (int(here[0]), int(here[-1])) if len(here) else (0, body.shape[axis] - 1)
        line = (np.arange(body.shape[axis]) - low) / max(1, high - low)
        found.append(np.broadcast_to(line.reshape([-1 if a == axis else 1 for a in range(body.ndim)]), body.shape))
    depth = ndimage.distance_transform_edt(body) if body.ndim == 2 else _by_slice(body)
    return [*found, depth]


def _by_slice(body: np.ndarray) -> np.ndarray:
    return np.stack([ndimage.distance_transform_edt(body[..., k]) for k in range(body.shape[-1])], axis=-1)


Pair = Callable[[int], tuple[Image, Image]]


def learned(pair: Pair, training: Sequence[int], tune: Sequence[int], *, share: float, seed: int) -> Baselines:
    """Return the baselines learned from the `training` rows; of the regression's two losses that which is nearer to the `tune` rows stays.

    `pair(row)` gives source and target on the network's scale.
    """
    draws = np.random.default_rng([seed, 7])
    each = max(200, min(EACH, MOST // max(1, len(training))))
    rows, values, air = _sampled(pair, training, share=share, each=each, draws=draws)
    quantiles = np.stack([np.quantile(values[:, c], LEVELS) for c in range(values.shape[1])])
    other = _sampled(pair, tune, share=share, each=each, draws=draws)[:2]
    boosters, words = zip(*(_grown(rows, values[:, c], other[0], other[1][:, c]) for c in range(values.shape[1])), strict=True)
    return Baselines(values.shape[1], quantiles, air, share, tuple(boosters), words[0])


def unlearned(targets: Callable[[int], Image], training: Sequence[int], *, share: float, seed: int) -> Baselines:
    """Return the baselines that need no pairs: `targets(row)` gives a real image of the target's side on the network's scale."""
    draws = np.random.default_rng([seed, 7])
    _, values, air = _sampled(lambda row: (targets(row),) * 2, training, share=share, each=EACH, draws=draws, described=False)
    quantiles = np.stack([np.quantile(values[:, c], LEVELS) for c in range(values.shape[1])])
    return Baselines(values.shape[1], quantiles, air, share)


def _sampled(
    pair: Pair, chosen: Sequence[int], *, share: float, each: int, draws: np.random.Generator, described: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (n, f) and target values (n, channels) of places inside the body, and the median (channels,) outside."""
    rows, values, air = [], [], []
    for row in chosen:
        source, target = pair(row)
        body = inside([source, target], share=share)
        at = np.flatnonzero(body)
        if not len(at):
            continue
        at = draws.choice(at, min(each, len(at)), replace=False)
        own = inside([source], share=share)
        rows.append(features(source, own).reshape(body.size, -1)[at] if described else np.empty((len(at), 0), np.float32))
        values.append(target.reshape(len(target), -1)[:, at].T)
        outside = ~body
        air.append(np.median(target[:, outside], axis=1) if outside.any() else np.full(len(target), -1.0))
    return np.concatenate(rows), np.concatenate(values), np.median(air, axis=0)


def _grown(rows: np.ndarray, values: np.ndarray, other: np.ndarray, truth: np.ndarray) -> tuple[Any, str]:
    import lightgbm

    found = []
    for loss in LOSSES:
        data = lightgbm.Dataset(rows, values, free_raw_data=False)
        checked = lightgbm.Dataset(other, truth, reference=data)
        stop = lightgbm.early_stopping(PATIENCE, verbose=False)
        booster = lightgbm.train(
            {**TREES, "objective": loss, "metric": "l1"}, data, ROUNDS, valid_sets=[checked], callbacks=[stop]
        )
        found.append((float(np.abs(booster.predict(other) - truth).mean()), booster, loss))
    _, booster, loss = min(found, key=lambda one: one[0])
    return (
        booster,
        f"boosted trees on {rows.shape[1]} features of each of {len(rows):,} places, {loss}, {booster.best_iteration} rounds",
    )
