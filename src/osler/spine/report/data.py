"""The cases in numbers: how many, in which part, what was refused, how the outcome is spread."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from osler.core.account import Account
from osler.core.target import target_labels
from osler.language import Words

PARTS = ("training", "tune", "calibrate", "test")
SPREAD = {"mean": "mean", "sd": "sd", "std": "sd", "scale": "sd", "median": "median", "q25": "q25", "q75": "q75"}  # to words
UNGROUPED = "No column tells which rows belong to the same patient"  # how the study notes it
MOVED, SURE = 0.05, 3.3  # a share that moved by less changes little; standard errors beyond which chance alone is rare (p < .001)
SMALLEST = 5  # a category with fewer cases is pooled: it could point at a person


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split: its number of cases and share of all cases used."""

    name: str
    cases: int
    share: float


@dataclass(frozen=True, slots=True)
class Category:
    """A class of the outcome: cases and share in training, whether it stands for several pooled ones, and cases and share among
    the tested cases, where they are known."""

    name: str
    cases: int
    share: float
    pooled: int = 0
    tested: int | None = None
    tested_share: float = math.nan


@dataclass(frozen=True, slots=True)
class Outcome:
    """The classes of one target."""

    name: str
    categories: tuple[Category, ...]


def ungrouped(account: Account) -> bool:
    """Return whether rows of one patient may be taken for several: no group is named, and (of a training, whose rows were looked
    at) no case identifier that was taken for the patient's."""
    study = account.study
    if external(account):
        return study.roles.group is None
    noted = any(note.startswith(UNGROUPED) for note in study.notes)
    return study.roles.group is None and (noted or study.roles.id is None)


def external(account: Account) -> bool:
    """Return whether an existing model was scored on new data, rather than trained."""
    return account.counts.get("training", 0) == 0


def parts(account: Account) -> tuple[Part, ...]:
    """Return the parts that hold cases."""
    used = cases(account)
    return tuple(Part(name, n, n / used) for name in PARTS if (n := int(account.counts.get(name, 0))) > 0)


def cases(account: Account) -> int:
    """Return how many cases were used."""
    return sum(int(account.counts.get(name, 0)) for name in PARTS)


def refused(account: Account) -> int:
    """Return how many rows were refused."""
    return int(account.counts.get("refused", sum(account.refused.values())))


def left_out(account: Account) -> int:
    """Return how many rows were neither used nor refused: in no part of the split, or left out because of a leak."""
    return max(0, int(account.counts.get("cases", 0)) - cases(account) - refused(account))


def test_cases(account: Account) -> int:
    """Return how many cases the scores rest on."""
    return int(account.scores.counts.get("cases", account.scores.counts.get("test", account.counts.get("test", 0))))


def refusals(account: Account) -> tuple[tuple[str, str, int], ...]:
    """Return (code, sentence, cases), the most frequent first."""
    rows = [(*_coded(text), n) for text, n in account.refused.items()]
    return tuple(sorted(rows, key=lambda row: (-row[2], row[0])))


def outcome(account: Account) -> tuple[Outcome, ...]:
    """Return the classes of each target in training and among the tested cases, or nothing where no facts count any.

    Of several labels, one entry that tells how many cases have each.
    """
    if marked := marked_labels(account):
        return _held(marked, account)
    trained, tested = (_class_counts(facts, account) for facts in (account.facts.get("target", {}), account.tested))
    if not trained:
        return ()
    if account.target.get("kind") == "multilabel" and all(len(c) == 2 for c in trained.values()):
        labels = ", ".join(list(trained)[:3]) + (", …" if len(trained) > 3 else "")
        (having, totals), (now, now_totals) = (_having(found, account) for found in (trained, tested))
        return (Outcome(labels, _beside(pooled(having, totals=totals), now, totals=now_totals)),) if having else ()
    return tuple(Outcome(name, _beside(pooled(found), tested.get(name, {}))) for name, found in trained.items())


def marked_labels(account: Account) -> list[str]:
    """Return the labels of marks on a grid, nothing of another target."""
    held = account.facts.get("target", {}).get("holding")
    return _names(account) if isinstance(held, (list, tuple)) and len(held) == len(_names(account)) else []


def _held(labels: Sequence[str], account: Account) -> tuple[Outcome, ...]:
    """Return how many cases hold each label, in training and among the tested ones."""
    facts = (account.facts["target"], account.tested)
    (before, totals), (now, now_totals) = (
        (
            {k: int(n) for k, n in zip(labels, one.get("holding") or (), strict=False)},
            dict.fromkeys(labels, int(one.get("cases", 0))),
        )
        for one in facts
    )
    rows = _beside(pooled(before, totals=totals), now, totals=now_totals)
    return (Outcome(account.study.targets[0], rows),) if rows else ()


def _class_counts(facts: Mapping[str, Any], account: Account) -> dict[str, dict[str, int]]:
    """Return the cases of each class by target."""
    names = _names(account)
    counts = (_counted(found, c) for found, c in zip(_per_target(facts.get("counts"), names), _classes(account), strict=False))
    return {name: found for name, found in zip(names, counts, strict=False) if found}


def _having(counts: Mapping[str, Mapping[str, int]], account: Account) -> tuple[dict[str, int], dict[str, int]]:
    """Return by label the cases that have it, and all whose label is known."""
    positive = dict(zip(_names(account), [str(p) for p in account.target.get("positive") or ()], strict=False))
    having = {name: found.get(positive[name], 0) for name, found in counts.items() if name in positive}
    return having, {name: sum(found.values()) for name, found in counts.items()}


def _beside(
    rows: Sequence[Category], tested: Mapping[str, int], *, totals: Mapping[str, int] | None = None
) -> tuple[Category, ...]:
    """Return the categories of training with the tested cases of each; the pooled one stands for all others."""
    if not tested:
        return tuple(rows)
    total, shown = sum(tested.values()) or 1, {row.name for row in rows if not row.pooled}
    others = sum(n for name, n in tested.items() if name not in shown)
    found = []
    for row in rows:
        n = others if row.pooled else tested.get(row.name, 0)
        part = math.nan if row.pooled and totals else n / ((totals or {}).get(row.name) or total)
        found.append(replace(row, tested=n, tested_share=part))
    return tuple(found)


def rarest(account: Account) -> tuple[str, int, int] | None:
    """Return the rarest class among the tested cases, how many have it, and how many cases its target has; None for numbers."""
    found = [
        (name, n, sum(counts.values()))
        for counts in _class_counts(account.tested, account).values()
        for name, n in counts.items()
    ]
    return min(found, key=lambda one: one[1], default=None)


def shifted(account: Account) -> tuple[str, float, float] | None:
    """Return the class whose share in the tested cases is furthest from that in training, and its shares there and here; None where
    no share moved by more than MOVED, or by no more than chance would move it (two proportions, SURE standard errors)."""
    trained, tested = (_class_counts(facts, account) for facts in (account.facts.get("target", {}), account.tested))
    moved = []
    for name, before in trained.items():
        a, b = sum(before.values()), sum(tested.get(name, {}).values())
        for level, n in before.items() if a and b else ():
            now = tested[name].get(level, 0)
            pooled_share = (n + now) / (a + b)
            error = math.sqrt(pooled_share * (1 - pooled_share) * (1 / a + 1 / b))
            away = abs(now / b - n / a)
            if min(n, now) >= SMALLEST and away > max(MOVED, SURE * error):
                moved.append((away, (level if len(trained) == 1 else f"{name}: {level}", n / a, now / b)))
    return max(moved)[1] if moved else None


def only_class(account: Account) -> str:
    """Return the class that all tested cases have, where there is one target and they have only one; else nothing."""
    counts = list(_class_counts(account.tested, account).values())
    held = [name for name, n in counts[0].items() if n] if len(counts) == 1 else []
    return held[0] if len(held) == 1 else ""


def classes_of(account: Account) -> list[str]:
    """Return the classes where there is one target that has some, else nothing."""
    classes = _classes(account)
    return classes[0] if len(classes) == 1 else []


def _names(account: Account) -> list[str]:
    return target_labels(account.target) if account.target.get("names") else [str(n) for n in account.study.targets]


def _classes(account: Account) -> list[list[str]]:
    """The classes per target, from a list of them or, with one target, a plain list of classes."""
    found = account.target.get("classes") or ()
    if not found or isinstance(found[0], (str, int, float)):
        return [[str(c) for c in found]] if found else [[] for _ in _names(account)]
    return [[str(c) for c in classes] for classes in found]


def _per_target(found: Any, names: Sequence[str]) -> list[Any]:
    nested = isinstance(found, (list, tuple)) and found and not isinstance(found[0], (int, float))
    return list(found) if nested else [found] * min(1, len(names))


def _counted(found: Any, classes: Sequence[str]) -> dict[str, int]:
    if isinstance(found, Mapping) and all(_whole(n) for n in found.values()):
        return {str(name): int(n) for name, n in found.items()}
    if isinstance(found, (list, tuple)) and len(found) == len(classes) and all(_whole(n) for n in found):
        return {name: int(n) for name, n in zip(classes, found, strict=True)}
    return {}


def pooled(counts: Mapping[str, int], *, most: int = 40, totals: Mapping[str, int] | None = None) -> tuple[Category, ...]:
    """Return the categories with at least 5 cases, at most `most` of them, and one last entry that stands for the others.

    Shares are of all cases, or of `totals` where categories do not exclude one another (the pooled entry then has none).
    """
    total = sum(counts.values()) or 1
    shown = {name: n for name, n in counts.items() if n >= SMALLEST}
    shown = dict(sorted(shown.items(), key=lambda item: -item[1])[:most]) if len(shown) > most else shown
    others = [n for name, n in counts.items() if name not in shown and n > 0]
    rows = [Category(name, n, n / ((totals or {}).get(name) or total)) for name, n in shown.items()]
    rest = sum(others) / total if totals is None else math.nan
    return (*rows, Category("", sum(others), rest, pooled=len(others))) if others else tuple(rows)


def spread(account: Account) -> tuple[tuple[str, str, float, float | None], ...]:
    """Return (target, what, value in training, value among the tested cases) of numeric targets. Extremes are left out: each is
    one person's value."""
    facts, names = account.facts.get("target", {}), _names(account)
    rows = []
    for at, name in enumerate(names):
        for key, word in SPREAD.items():
            before, now = (_of_target(one.get(key), at, len(names)) for one in (facts, account.tested))
            if before is not None:
                rows.append((name, word, before, now))
    return tuple(rows)


def _of_target(found: Any, at: int, targets: int) -> float | None:
    value = found[at] if isinstance(found, (list, tuple)) and len(found) == targets else found
    return float(value) if _finite(value) else None


def listed(names: Sequence[str], words: Words, *, most: int = 6) -> str:
    """Return names in one line; beyond `most` the number of the others."""
    comma = words.say("list.comma")
    head = comma.join(names[:most])
    return head if len(names) <= most else words.say("list.more", names=head, n=len(names) - most)


def _coded(text: str) -> tuple[str, str]:
    code, _, sentence = text.partition(": ")
    return (code, sentence) if sentence else ("", text)


def _whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and float(value).is_integer()


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
