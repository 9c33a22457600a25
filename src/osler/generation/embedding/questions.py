"""What vectors are asked: the class of a case, each of several labels, or a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osler.core.target import Target

MOST_QUESTIONS = 10  # labels or numbers of one target that are asked


@dataclass(frozen=True, slots=True)
class Question:
    """`values` (n,) float64, codes into `classes` or numbers where it has none; `known` (n,) bool which cases have one."""

    name: str
    values: np.ndarray
    known: np.ndarray
    classes: tuple[str, ...] = ()

    def within(self, rows: np.ndarray) -> np.ndarray:
        """Return those of `rows` that have an answer."""
        return rows[self.known[rows]]


def questions(target: Target | None) -> tuple[Question, ...]:
    """Return what `target` can be asked: of several labels or numbers those that most cases carry, at most ten."""
    if target is None or not target.observed.shape[1]:
        return ()
    carried = (
        np.where(target.observed, target.values, 0.0).sum(axis=0) if "classes" in target.info else target.observed.sum(axis=0)
    )
    chosen = np.sort(np.argsort(-carried, kind="stable")[:MOST_QUESTIONS])
    names = target.info["names"]
    return tuple(
        Question(names[at], target.values[:, at], target.observed[:, at], class_names(target, at)) for at in chosen.tolist()
    )


def class_names(target: Target, at: int = 0) -> tuple[str, ...]:
    """Return the names of the codes of the target's column `at`, none of numbers."""
    if "classes" not in target.info:
        return ()
    classes = list(target.info["classes"][at])
    if target.info["kind"] == "multiclass":
        return tuple(classes)
    positive = target.info["positive"] if target.info["kind"] == "binary" else target.info["positive"][at]
    return (next((c for c in classes if c != positive), ""), positive)
