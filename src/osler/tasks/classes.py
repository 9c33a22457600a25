"""From columns of a table to a classification target, or to the reasons why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.target import Target
from osler.tasks.labels import LEAST_CASES, coded, in_order, positive_of

MOST_CLASSES = 100


def read(columns: Mapping[str, np.ndarray], info: Mapping[str, Any] | None) -> tuple[Target, dict[int, Refusal]]:
    """Return the target and the refused rows (see Task.target)."""
    if not columns:
        raise StudyError("classification needs a target column; name one with --target")
    learned = info or _learned({name: coded(column) for name, column in columns.items()})
    names = list(learned["names"])
    missing = [name for name in names if name not in columns]
    if missing:
        raise StudyError([f"no target column '{name}'{did_you_mean(name, columns)}" for name in missing])
    refusals: dict[int, Refusal] = {}
    values = np.full((len(columns[names[0]]), len(names)), np.nan)
    unknown = "unknown_class" if info else "rare_class"
    for number, name in enumerate(names):
        values[:, number], strange = _values(columns[name], learned, number)
        refusals |= dict.fromkeys(np.flatnonzero(strange).tolist(), _refusal(unknown, name))
    empty = np.isnan(values).all(axis=1)
    nothing = Refusal("no_target", "the target is missing", names[0] if len(names) == 1 else None)
    refusals = dict.fromkeys(np.flatnonzero(empty).tolist(), nothing) | refusals
    values[list(refusals)] = np.nan
    return Target(values, ~np.isnan(values), learned), refusals


def _refusal(code: str, name: str) -> Refusal:
    if code == "unknown_class":
        return Refusal(code, "a class that the model was not trained on", name)
    return Refusal(code, f"a class in fewer than {LEAST_CASES} cases", name)


def _values(column: np.ndarray, info: Mapping[str, Any], number: int) -> tuple[np.ndarray, np.ndarray]:
    codes, texts = coded(column)
    classes = list(info["classes"][number])
    if info["kind"] == "multiclass":
        meaning = {text: float(place) for place, text in enumerate(classes)}
    else:
        positive = positives(info)[number]
        meaning = {text: float(text == positive) for text in classes}
    lookup = np.array([*(meaning.get(text, np.nan) for text in texts), np.nan])
    values = lookup[codes]
    return values, np.isnan(values) & (codes >= 0)


def positives(info: Mapping[str, Any]) -> list[str]:
    """Return the positive class of each target of a binary or multilabel target."""
    return [info["positive"]] if info["kind"] == "binary" else list(info["positive"])


def _learned(found: Mapping[str, tuple[np.ndarray, list[str]]]) -> dict[str, Any]:
    classes, faults = [], []
    for name, (codes, texts) in found.items():
        sizes = np.bincount(codes[codes >= 0], minlength=len(texts))
        kept = in_order(text for text, size in zip(texts, sizes, strict=True) if size >= LEAST_CASES)
        fault = _fault(name, sizes, kept=len(kept), several=len(found) > 1)
        faults += [fault] if fault else []
        classes.append(kept)
    if faults:
        raise StudyError(faults)
    names = list(found)
    if len(names) > 1:
        return {"kind": "multilabel", "names": names, "classes": classes, "positive": [positive_of(c) for c in classes]}
    if len(classes[0]) == 2:
        return {"kind": "binary", "names": names, "classes": classes, "positive": positive_of(classes[0])}
    return {"kind": "multiclass", "names": names, "classes": classes}


def _fault(name: str, sizes: np.ndarray, *, kept: int, several: bool) -> str | None:
    cases, distinct = int(sizes.sum()), len(sizes)
    if distinct < 2:
        return _FEWER[distinct].format(name=name)
    return _too_many(name, sizes, kept=kept) or _too_few(name, cases, kept=kept, several=several)


_FEWER = (
    "target '{name}' is missing in every row; name another column with --target",
    "target '{name}' has one class only; there is nothing to tell apart",
)


def _too_many(name: str, sizes: np.ndarray, *, kept: int) -> str | None:
    cases, distinct = int(sizes.sum()), len(sizes)
    if kept > MOST_CLASSES:
        return (
            f"target '{name}' has {kept} classes, at most {MOST_CLASSES} can be told apart; "
            "if it is a number, use --task regression, else join classes"
        )
    if distinct > 2 and sizes[sizes >= LEAST_CASES].sum() < cases / 2:
        return (
            f"target '{name}' has {distinct} different values in {cases} rows, most of them in fewer than {LEAST_CASES} rows: "
            "a name, a free text or a number rather than a class; if it is a number, use --task regression"
        )
    return None


def _too_few(name: str, cases: int, *, kept: int, several: bool) -> str | None:
    if kept < 2:
        return (
            f"target '{name}' has {kept or 'no'} class{'' if kept == 1 else 'es'} in at least {LEAST_CASES} of its {cases} rows; "
            "two are needed: gather more cases of the rare one"
        )
    if several and kept > 2:
        return (
            f"target '{name}' has {kept} classes; of several targets each must have two: train it alone, or split it into columns"
        )
    return None
