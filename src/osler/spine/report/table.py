"""The scores side by side: what the bundle predicts with, the network, the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osler.core.account import Account
from osler.core.scores import Value
from osler.language import Words
from osler.spine.report.numerals import NONE, alone, interval

PARTS = ("test", "network", "baseline")
MOST_LABELS = 20  # labels of a target with lines of their own
LOWER = frozenset(
    {
        *(
            "brier",
            "log_loss",
            "rmse",
            "scaled_rmse",
            "mae",
            "mse",
            "ece",
            "median_absolute_error",
            "hinge",
            "mape",
            "bound_rmse",
            "fold_error",
        ),
        *("hd95", "assd", "one_sided", "volume_error", "volume_difference", "quality_error"),
    }
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A value and its interval as text; `mark` is the letter of its footnote."""

    value: str
    interval: str
    mark: str


@dataclass(frozen=True, slots=True)
class Row:
    """One measure; `hint` says how it is read; `cells` stand in the order of the table's parts."""

    name: str
    label: str
    hint: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The table with its footnotes (letter, sentence); `left` tells what is not shown, where anything is not."""

    parts: tuple[str, ...]
    rows: tuple[Row, ...]
    footnotes: tuple[tuple[str, str], ...]
    left: str = ""


def score_table(account: Account, words: Words) -> ScoreTable:
    """Return every measure of every part, the primary one first."""
    values = {part: getattr(account.scores, part) for part in PARTS}
    shown = tuple(part for part in PARTS if values[part])
    first = primary(account)
    every = dict.fromkeys(([first] if first else []) + [name for part in shown for name in values[part]])
    names, left = _frequent(list(every), account, words)
    notes = dict.fromkeys(v.note for part in shown for v in values[part].values() if v.note)
    letters = {note: letter(i) for i, note in enumerate(notes)}
    rows = tuple(
        Row(name, label(name, words), hint(name, words), tuple(cell(values[part].get(name), words, letters) for part in shown))
        for name in names
    )
    return ScoreTable(shown, rows, tuple((letters[note], words[note]) for note in notes), left)


def _frequent(names: list[str], account: Account, words: Words) -> tuple[list[str], str]:
    """Return the measures without those of labels beyond the most frequent, and what is said of these."""
    labels = list(dict.fromkeys(tail for name in names if (tail := _cut(name, words)[1])))
    if len(labels) <= MOST_LABELS:
        return names, ""
    # of the most frequent ones there are operating points too
    pointed = {panel.name.partition(".")[2] for panel in account.scores.panels if panel.name.startswith("operating_points.")}
    kept = {label for label in labels if label in pointed} or set(labels[:MOST_LABELS])
    told = words.say(
        "{shown} of {n} labels are shown, the most frequent ones; all stand in scores.json.", shown=len(kept), n=len(labels)
    )
    return [name for name in names if _cut(name, words)[1] in {"", *kept}], told


def primary(account: Account) -> str | None:
    """Return the measure on which the verdict rests: the verdict's own, else the first that was measured."""
    scores = account.scores
    if scores.verdict and scores.verdict.measure in scores.test:
        return scores.verdict.measure
    return next(iter(scores.test), None)


def label(name: str, words: Words) -> str:
    """Return a measure's name in the reader's words; `auroc_stroke` is the AUROC of the target `stroke`."""
    head, tail = _cut(name, words)
    known = words.get(f"measure.{head}", head)
    return words.say("measure.of", measure=known, name=tail) if tail else known


def hint(name: str, words: Words) -> str:
    """Return how the measure is read, or nothing for one that is not known here."""
    return words.get(f"hint.{_cut(name, words)[0]}", "")


def lower_is_better(name: str) -> bool:
    """Return whether a small value is good; `rmse_weight` is the RMSE of the target `weight`."""
    return any(name == head or name.startswith(f"{head}_") for head in LOWER)


def _cut(name: str, words: Words) -> tuple[str, str]:
    """Cut `auroc_stroke` into measure and target, at the longest name of a measure."""
    for at in (len(name), *(i for i in range(len(name) - 1, 0, -1) if name[i] == "_")):
        if f"measure.{name[:at]}" in words:
            return name[:at], name[at + 1 :]
    return name, ""


def cell(value: Value | None, words: Words, letters: Mapping[str, str]) -> Cell:
    """Return a measure as text, with the letter of its note."""
    if value is None:
        return Cell(NONE, "", "")
    return Cell(alone(value), interval(value, words), letters.get(value.note, ""))


def letter(index: int) -> str:
    """Return the mark of the footnote `index`."""
    return chr(ord("a") + index) if index < 26 else str(index + 1)
