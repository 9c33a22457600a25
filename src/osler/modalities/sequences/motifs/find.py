"""Motifs that recur in what a network looks at, in the spirit of TF-MoDISco (Shrikumar and others 2018), by means of our own.

Windows around peaks of attribution are aligned from the words that carry most of it; what is found is taken out, and the next one looked for.
Where attributions are weak, words that one class has more often start it. A motif stays only if a matrix from half of the sequences finds more
sites in the other half than in what is no such sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from osler.modalities.sequences.motifs.align import MEMBER, Fit, Windows, align, frequencies_from, membership
from osler.modalities.sequences.motifs.logo import bits
from osler.modalities.sequences.motifs.match import likeness
from osler.modalities.sequences.motifs.peaks import HALF, WINDOW, find_peaks, windows_of
from osler.modalities.sequences.motifs.seeds import LONG, matrix_of, richer, unlike, weighed, words_of

MOST = 8  # motifs
TRIED = 2  # words from which each is started; the best is kept
FAILED = 2  # motifs in a row that do not hold, after which nothing more is looked for
FEWEST, FEWEST_CASES = 10, 5  # sites, and sequences that have them
HELD, LIFT = 1e-4, 1.5  # p of the other half, and how many times as many of its windows have a site
INFORMS = 6.0  # bits of a matrix: less is found everywhere
NEUTRAL = 0.5  # chance of a site in a window of the other half
SAME = 0.9  # correlation from which two are one
WINDOWS = 2_000  # the strongest


@dataclass(frozen=True, slots=True)
class Motif:
    """What recurs: `counts` (kinds, width) of letters at its `sites` (s, 3) int64 (sequence, start, strand: 1 the opposite), and the mean
    `contribution` of a site, None where no attributions were asked."""

    counts: np.ndarray
    sites: np.ndarray
    contribution: float | None

    @property
    def frequencies(self) -> np.ndarray:
        """The matrix (kinds, width), each column of which adds up to one."""
        return np.asarray(self.counts / self.counts.sum(0))

    @property
    def cases(self) -> int:
        """How many sequences have it."""
        return len(np.unique(self.sites[:, 0]))


def recurring(
    attributions: np.ndarray, letters: np.ndarray, *, strands: bool, most: int = MOST, seed: int = 0
) -> tuple[Motif, ...]:
    """Return what recurs where `attributions` (n, length) or (n, kinds, length), NaN behind the end, are large and positive in the sequences
    `letters` (n, kinds, length), one where a letter stands; the motif with the most sites first.

    With `strands` a site may lie on either, for which kinds stand as A C G T. What speaks against is found by the negative of attributions.
    """
    adds = attributions.sum(1) if attributions.ndim == 3 else attributions
    generator = np.random.default_rng([seed, 0xA6])
    if len(adds) == 0 or adds.shape[1] <= LONG[letters.shape[1]]:
        return ()
    peaks = find_peaks(adds, generator=generator)
    if len(peaks) < FEWEST:
        return ()
    case, place = peaks.case[:WINDOWS], peaks.place[:WINDOWS]
    held = windows_of(letters, peaks)[:WINDOWS].astype(np.float32)
    near = windows_of(np.nan_to_num(adds)[:, None], peaks)[:WINDOWS, 0]
    found = _Search(held, near, case, place - HALF, strands=strands, generator=generator).motifs(most)
    whole = np.pad(np.cumsum(np.nan_to_num(adds), axis=1), ((0, 0), (1, 0)))
    return tuple(_contributing(one, whole) for one in found)


def enriched(letters: np.ndarray, positive: np.ndarray, *, strands: bool, most: int = MOST, seed: int = 0) -> tuple[Motif, ...]:
    """Return what the sequences `letters` (n, kinds, length) that are `positive` (n,) have and the others have less, without a network."""
    if min(positive.sum(), (~positive).sum()) < FEWEST or letters.shape[2] <= LONG[letters.shape[1]] + 1:
        return ()
    some = np.flatnonzero(positive)[:WINDOWS]
    generator = np.random.default_rng([seed, 0xA6])
    others = letters[~positive][:WINDOWS].astype(np.float32)
    start = np.zeros(len(some), np.int64)
    search = _Search(letters[some].astype(np.float32), None, some, start, strands=strands, generator=generator, others=others)
    return tuple(search.motifs(most))


class _Search:
    """Motifs one after another, each taken out of the windows that hold it."""

    def __init__(
        self, letters: np.ndarray, weights: np.ndarray | None, case: np.ndarray, start: np.ndarray, *,
        strands: bool, generator: np.random.Generator, others: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.letters, self.weights, self.case, self.start = (
            letters.copy(),
            None if weights is None else weights.copy(),
            case,
            start,
        )
        self.strands, self.generator, self.kinds = strands, generator, letters.shape[1]
        self.given = others
        self.least = None if weights is None else float(_strongest(weights).min(initial=np.inf))

    @property
    def others(self) -> np.ndarray:
        """What has no such sites: sequences of the other class, or these windows with their letters shuffled."""
        return _mixed(self.letters, self.generator) if self.given is None else self.given

    @property
    def background(self) -> np.ndarray:
        """How often each letter is found where no motif is."""
        return np.asarray((self.letters if self.given is None else self.given).sum((0, 2)))

    def motifs(self, most: int) -> list[Motif]:
        found: list[Motif] = []
        failed = 0
        while len(found) < most and failed < FAILED and len(self.case) >= FEWEST:
            fit = self._best()
            if fit is None:
                break
            motif = self._told(fit)
            good = self._holds(fit) and motif.cases >= FEWEST_CASES and len(motif.sites) >= FEWEST
            failed = 0 if good else failed + 1
            if good and all(likeness(one.counts, motif.counts, strands=self.strands).pearson < SAME for one in found):
                found.append(motif)
            self._take_out(fit)
        return sorted(found, key=lambda one: -len(one.sites))

    def _windows(self, letters: np.ndarray, *, against: np.ndarray | None = None) -> Windows:
        return Windows.of(letters, strands=self.strands, background=self.background, against=against)

    def _best(self) -> Fit | None:
        """Return the fit that tells most, of those from the heaviest words."""
        words = words_of(self.letters, strands=self.strands)
        if self.weights is None:
            heavy = richer(words, words_of(self.others, strands=self.strands), kinds=self.kinds)
        else:
            sums = np.pad(np.cumsum(self.weights, axis=1), ((0, 0), (1, 0)))
            long = LONG[self.kinds]
            heavy = weighed(words, np.maximum(sums[:, long:] - sums[:, :-long], 0), kinds=self.kinds)
        order = np.argsort(-heavy, kind="stable")[:100]
        windows = self._windows(self.letters, against=self.given)
        fits = [
            align(windows, matrix_of(w, kinds=self.kinds)) for w in unlike(order[heavy[order] > 0], count=TRIED, kinds=self.kinds)
        ]
        kept = [fit for fit in fits if fit is not None and len(fit.sites)]
        return max(kept, key=self._telling, default=None)

    def _telling(self, fit: Fit) -> float:
        """Return the nats that a matrix tells at all its sites."""
        shares = fit.counts / fit.counts.sum(0)
        background = (self.background / self.background.sum())[:, None]
        return float((fit.counts * np.log(np.maximum(shares, 1e-9) / np.maximum(background, 1e-9))).sum())

    def _holds(self, fit: Fit) -> bool:
        """Return whether a matrix tells enough, and one from half of the sequences finds more in the other half than in others."""
        from scipy.stats import fisher_exact  # a second of import, for what few trainings look for

        cases = np.unique(self.case)
        half = np.isin(self.case, self.generator.permutation(cases)[: len(cases) // 2])
        if half.all() or not half.any() or bits(fit.counts).sum() < INFORMS:
            return False
        wide, matrix = fit.counts.shape[1], torch.as_tensor(fit.counts / fit.counts.sum(0), dtype=torch.float32).clamp(1e-3)
        first = self._windows(self.letters[half])
        matrix = frequencies_from(first, membership(first, matrix, NEUTRAL), wide=wide)
        hits = [self._hits(letters, matrix) for letters in (self.letters[~half], self.others)]
        shares = [(inside + 0.5) / (inside + outside + 1) for inside, outside in hits]
        return bool(shares[0] > LIFT * shares[1] and fisher_exact(hits, alternative="greater").pvalue < HELD)

    def _hits(self, letters: np.ndarray, matrix: torch.Tensor) -> tuple[int, int]:
        inside = membership(self._windows(letters), matrix, NEUTRAL).sum((1, 2)) > MEMBER
        return int(inside.sum()), int((~inside).sum())

    def _told(self, fit: Fit) -> Motif:
        """Return the motif, its sites counted from the start of their sequences, each once."""
        window, at, strand = fit.sites.T
        sites = np.stack([self.case[window], self.start[window] + at, strand], axis=1)
        return Motif(fit.counts, np.unique(sites, axis=0), None)

    def _take_out(self, fit: Fit) -> None:
        """Take the sites out, and windows whose attribution they were."""
        columns = fit.sites[:, 1, None] + np.arange(fit.counts.shape[1])
        window = fit.sites[:, 0, None]
        self.letters[window, :, columns] = 0
        if self.weights is None or self.least is None:
            return
        self.weights[window, columns] = 0
        left = _strongest(self.weights) >= self.least
        self.letters, self.weights, self.case, self.start = (
            part[left] for part in (self.letters, self.weights, self.case, self.start)
        )


def _strongest(weights: np.ndarray) -> np.ndarray:
    """Return the largest sum of each window's `weights` (m, length) over as many places as a peak has."""
    sums = np.pad(np.cumsum(weights, axis=1), ((0, 0), (1, 0)))
    return np.asarray((sums[:, WINDOW:] - sums[:, :-WINDOW]).max(1))


def _mixed(letters: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return windows with their letters shuffled, each by itself; what is empty stays so."""
    empty = ~letters.any(1)
    place = np.argsort(empty, axis=1, kind="stable")
    source = np.argsort(np.where(empty, 2.0, generator.random(empty.shape)), axis=1)
    out = np.zeros_like(letters)
    taken = np.take_along_axis(letters, source[:, None], axis=2)
    np.put_along_axis(out, np.broadcast_to(place[:, None], letters.shape), taken, axis=2)
    return out


def _contributing(motif: Motif, whole: np.ndarray) -> Motif:
    case, start, _ = motif.sites.T
    wide, length = motif.counts.shape[1], whole.shape[1] - 1
    first, last = np.clip(start, 0, length), np.clip(start + wide, 0, length)
    return Motif(motif.counts, motif.sites, float((whole[case, last] - whole[case, first]).mean()))
