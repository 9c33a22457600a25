"""How new sequences differ from those of training: their lengths, and how much of them each letter makes up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.core.drift import Shift
from osler.core.shifts import FEWEST, apart, errors_of, number_finding, part_of
from osler.modalities.sequences.case import BARE
from osler.modalities.sequences.encode.words import base_of
from osler.modalities.sequences.gather import alphabet_in, ragged
from osler.modalities.sequences.read.alphabet import MASK, letters_of

_OUTER = (0.005, 0.995)


def told(letters: Ragged, *, alphabet: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names (t,) and values (n, t) float64 of what is compared: the length, the shares of the letters that mean one thing
    (of nucleotides that of G and C), of letters that stand for several, and of soft-masked ones."""
    lengths = np.diff(letters.offsets)
    owner, bare = np.repeat(np.arange(len(letters)), lengths), letters.values & BARE
    base, least = base_of(alphabet), np.maximum(lengths, 1)

    def share(which: np.ndarray) -> np.ndarray:
        return np.bincount(owner[which], minlength=len(letters)) / least

    found = {"length": lengths.astype(np.float64)}
    if alphabet == "protein":
        found |= {f"share of {letter}": share(bare == code) for code, letter in enumerate(letters_of(alphabet)[:base])}
    else:
        found |= {"GC share": share((bare == 1) | (bare == 2))}
    found |= {"unknown letters": share(bare >= base), "soft-masked letters": share(letters.values & MASK > 0)}
    return tuple(found), np.stack(list(found.values()), axis=1)


def drift_facts(letters: Ragged, *, alphabet: str, cases: int) -> dict[str, Any]:
    """Return names, means, standard deviations and limits of what is told among the training `letters`, a sample of `cases`; nothing of
    fewer than ten."""
    if len(letters) < 2 * FEWEST:
        return {}
    names, values = told(letters, alphabet=alphabet)
    limits = np.quantile(values, _OUTER, axis=0).T
    beyond = ((values < limits[:, 0]) | (values > limits[:, 1])).mean(0)
    return {
        "names": list(names), "mean": _plain(values.mean(0)), "sd": _plain(values.std(0, ddof=1)),
        "limits": [_plain(pair) for pair in limits], "beyond": _plain(beyond), "cases": cases,
    }  # fmt: skip


def drift_sums(columns: Columns, rows: np.ndarray, *, facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return `rows` (), and `numbers` (3, t): sums, sums of squares around the training means, values beyond the limits."""
    known = facts.get("drift") or {}
    if not known:
        return {}
    there = rows[columns.present[rows]]
    _, values = told(ragged(columns).take(there), alphabet=alphabet_in(columns))
    away, limits = values - np.array(known["mean"]), np.array(known["limits"])
    beyond = (values < limits[:, 0]) | (values > limits[:, 1])
    return {"rows": np.array(float(len(there))), "numbers": np.stack([away.sum(0), (away**2).sum(0), beyond.sum(0)])}


def drift(sums: Mapping[str, np.ndarray], *, facts: Mapping[str, Any]) -> tuple[Shift, ...]:
    """Return one shift for each thing told."""
    known = facts.get("drift") or {}
    rows = float(sums["rows"]) if "rows" in sums else 0.0
    if not known or rows < FEWEST:
        return ()
    errors = errors_of(len(known["names"]))
    return tuple(_shift(known, at, sums["numbers"][:, at], rows=rows, errors=errors) for at in range(len(known["names"])))


def _shift(known: Mapping[str, Any], at: int, sums: np.ndarray, *, rows: float, errors: float) -> Shift:
    first, square, beyond = sums.tolist()
    mean = known["mean"][at] + first / rows
    sd = math.sqrt(max(square / rows - (first / rows) ** 2, 0.0) * rows / (rows - 1))
    now = {"mean": mean, "sd": sd, "missing": 0.0, "unreadable": 0.0, "outside": part_of(beyond, rows)}
    before = {"mean": known["mean"][at], "sd": known["sd"][at], "missing": 0.0, "unreadable": 0.0, "outside": known["beyond"][at]}
    finding, detail = number_finding(before, now, count=rows, there=float(known["cases"]), rows=rows, errors=errors)
    # letters and their shares have no other unit: other sequences are other in the mean
    finding, detail = ("mean", None) if finding == "unit" else (finding, detail)
    return Shift(known["names"][at], "number", now, before, difference=apart(before, now), finding=finding, detail=detail)


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{v:.6g}") for v in values]
