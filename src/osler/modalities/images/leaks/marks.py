"""What a file's header says of patient and scanner, as hashes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osler.core.columns import Columns
from osler.core.leak import Leak
from osler.core.split import Split
from osler.core.target import Target
from osler.modalities.images.case import HASHES, MARKS
from osler.modalities.images.leaks.probe import Told, questions, told

PLACEHOLDER = 0.5  # of the known headers: an identifier that so many share names nobody
KNOWN = 0.5  # of the cases, that must have a scanner
TELLING = 0.95  # area from which a scanner gives a class away, by the lower end of its interval
NOBODY = np.empty(0, np.int64)


def same_patient(columns: Columns, split: Split) -> Iterator[Leak]:
    """Yield a finding that stops the run where headers name a patient in training and in test; a warning for validation."""
    every = np.asarray(columns[HASHES])[:, MARKS.index("patient")]
    known = every[np.concatenate([split.development, split.test])]
    known = known[known != 0]
    if not len(known):
        return
    names, counts = np.unique(known, return_counts=True)
    if counts.max() > PLACEHOLDER * len(known) and len(known) > 1 and counts.max() > 2:
        yield Leak("patient-unknown", "warn", "most headers name the same patient, which looks like a placeholder: whether a patient is"
                   " in training and in test cannot be told from them", NOBODY, NOBODY)  # fmt: skip
        every = np.where(every == names[counts.argmax()], 0, every)
    validation = np.concatenate([split.tune, split.calibrate])
    for name, here, there in (("test", split.test, split.development), ("validation", validation, split.training)):
        shared = np.intersect1d(every[here], every[there])
        shared = shared[shared != 0]
        if len(shared):
            rows, cases = there[np.isin(every[there], shared)], here[np.isin(every[here], shared)]
            sentence = (
                f"by the headers of the files {len(shared)} patients are in training and in {name} ({len(rows)} training cases,"
                f" {len(cases)} {name} cases); give their column with --group"
            )
            yield Leak("same-patient", "stop" if name == "test" else "warn", sentence, rows, cases if name == "test" else NOBODY)


def made_pictures(columns: Columns, split: Split) -> Iterator[Leak]:
    """Yield a finding that stops the run where test pictures say in their files that they are synthetic, a warning for training."""
    marked = np.asarray(columns[HASHES])[:, MARKS.index("synthetic")] != 0
    for name, rows in (("test", split.test), ("development", split.development)):
        made = rows[marked[rows]]
        if not len(made):
            continue
        share = f"{len(made):,} of {len(rows):,} {name} pictures say in their files that they are synthetic"
        if name == "test":
            cure = "what is scored on them is not true of patients; leave them out, or mark with a split column which rows are real and tested"
            yield Leak("synthetic", "stop", f"{share}: {cure}", NOBODY, made)
        else:
            yield Leak("synthetic", "warn", f"{share}; the model learns what their generator made of real ones", NOBODY, NOBODY)


def telling_scanner(columns: Columns, split: Split, *, target: Target) -> Iterator[Leak]:
    """Yield a warning for each class that the scanner alone tells almost perfectly."""
    rows = split.development[columns.present[split.development]]
    scanner = np.asarray(columns[HASHES])[rows, MARKS.index("scanner")]
    if len(rows) == 0 or (scanner != 0).mean() < KNOWN:
        return
    for question in questions(target, rows):
        found = _by_share(scanner[question.cases], question.truth)
        if found.auroc - 1.96 * found.error >= TELLING:
            sentence = (
                f"the scanner that the headers name alone tells '{question.name}' with an AUROC of {found.auroc:.2f}: a model may"
                " learn the scanner instead; take cases of both kinds from each scanner, or test on a scanner of its own with --leave-out"
            )
            yield Leak("scanner", "warn", sentence, NOBODY, NOBODY)


def _by_share(scanner: np.ndarray, truth: np.ndarray) -> Told:
    """Return what the share of the class among a scanner's other cases tells of a case."""
    _, code, sizes = np.unique(scanner, return_inverse=True, return_counts=True)
    ones = np.bincount(code, truth.astype(float))
    prior = truth.mean()
    # one case less, and one at the prior: a scanner with a single case says nothing
    return told((ones[code] - truth + prior) / sizes[code], truth)
