"""From the values that masks hold to labels, or to the reasons why a case has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from osler.core.columns import Columns
from osler.core.errors import Refusal, StudyError, did_you_mean
from osler.core.marks import COUNTS, UNMARKED
from osler.core.target import Target
from osler.tasks.segmentation.lookup import VALUES, regions

MOST_LABELS = 64


def read(
    columns: Columns, *, names: Sequence[str], settings: Mapping[str, Any], info: Mapping[str, Any] | None
) -> tuple[Target, dict[int, Refusal]]:
    """Return the target and the refused rows (see Task.marked); `values` (n, labels) are how many places hold each label."""
    counts = np.asarray(columns[COUNTS])
    known = info or _learned(counts[columns.present], columns, names=names, settings=settings)
    if counts.shape[1] != known["channels"]:
        raise StudyError(f"masks have {counts.shape[1]} channels, {known['channels']} are wanted, as in training")
    refusals = _refused(counts, columns.present, known, names=names)
    if info is None:
        kept = np.setdiff1d(np.flatnonzero(columns.present), list(refusals))
        _check(counts[kept], known)
    table = regions(known).astype(np.int64)
    values = np.stack([counts[:, channel] @ table[at] for at, channel in enumerate(known["channel"])], axis=1).astype(float)
    looked = counts[:, :, :UNMARKED].sum(axis=2) > 0
    observed = looked[:, known["channel"]] & columns.present[:, None]
    observed[list(refusals)] = False
    return Target(np.where(observed, values, np.nan), observed, known), refusals


def _refused(counts: np.ndarray, present: np.ndarray, info: Mapping[str, Any], *, names: Sequence[str]) -> dict[int, Refusal]:
    column = names[0] if len(names) == 1 else None
    allowed = np.zeros((info["channels"], VALUES), bool)
    for channel, values in enumerate(info["known"]):
        allowed[channel, values or slice(None)] = True
    allowed[:, [0, UNMARKED]] = True
    total = counts.sum(axis=(1, 2))
    reasons = (
        (total == 0, Refusal("no_target", "the mask is missing", column)),
        (
            counts[:, :, :UNMARKED].sum(axis=(1, 2)) == 0,
            Refusal("no_marks", "no place of the mask is marked: all say 255", column),
        ),
        (
            (counts * ~allowed).sum(axis=(1, 2)) > 0,
            Refusal("unknown_label", "the mask holds a value that is not among the labels", column),
        ),
    )
    found: dict[int, Refusal] = {}
    for where, refusal in reasons:
        found |= {int(row): refusal for row in np.flatnonzero(where & present) if int(row) not in found}
    return found


def _learned(counts: np.ndarray, columns: Columns, *, names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    channels, field = counts.shape[1], columns.field(columns.names("target")[0])
    held = [np.flatnonzero(counts[:, channel, 1:UNMARKED].sum(axis=0)) + 1 for channel in range(channels)]
    if not sum(len(values) for values in held):
        raise StudyError("no mask holds a label: every place is 0, the background, or 255, not looked at")
    common = {"field": field.name, "channels": channels, "axes": len(field.shape) - 1}
    asked = _asked(settings)
    if channels > 1:
        return {**_of_columns(channels, names=names, asked=asked), **common}
    return {**_of_values(held[0].tolist(), asked=asked), **common}


def _of_columns(channels: int, *, names: Sequence[str], asked: Mapping[str, dict[str, list[Any]]]) -> dict[str, Any]:
    """Several masks: each is a label of its own, wherever it is not 0."""
    own = list(names) if len(names) == channels else [f"{names[0]} {channel + 1}" for channel in range(channels)]
    if asked["regions"]:
        raise StudyError("'target.regions' joins labels of one mask; with several mask columns each is a region already")
    if asked["labels"]:
        if len(asked["labels"]) != channels:
            raise StudyError(f"'target.labels' has {len(asked['labels'])} names, the masks have {channels} channels; name each")
        own = list(asked["labels"])
    return {
        "kind": "overlapping", "names": own, "values": [[] for _ in own], "channel": list(range(channels)),
        "known": [[] for _ in own],
    }  # fmt: skip


def _of_values(held: list[int], *, asked: Mapping[str, dict[str, list[Any]]]) -> dict[str, Any]:
    labels = {name: _whole(name, values) for name, values in asked["labels"].items()} or {f"label {v}": [v] for v in held}
    faults = [f"value {v} belongs to more than one label" for v in _repeated(labels)]
    if len(labels) > MOST_LABELS:
        faults.append(f"{len(labels)} labels are more than {MOST_LABELS}; name those that are wanted with 'target.labels'")
    if faults:
        raise StudyError(faults)
    known = sorted(v for values in labels.values() for v in values)
    kind, chosen = "exclusive", labels
    if asked["regions"]:
        kind, chosen = "overlapping", {n: _of_region(n, values, labels) for n, values in asked["regions"].items()}
    names = list(chosen)
    return {"kind": kind, "names": names, "values": list(chosen.values()), "channel": [0] * len(names), "known": [known]}


def _check(counts: np.ndarray, info: Mapping[str, Any]) -> None:
    """Raise StudyError where no case that is left holds a label."""
    if not len(counts):
        return  # every row is refused, which tells more
    pairs = zip(info["channel"], regions(info), strict=True)
    lacking = [name for name, (channel, held) in zip(info["names"], pairs, strict=True) if not counts[:, channel, held].any()]
    if lacking:
        here = ", ".join(str(v) for v in np.flatnonzero(counts[:, :, :UNMARKED].sum(axis=(0, 1))).tolist()[:20])
        raise StudyError([f"no mask holds label '{name}'; the masks hold the values {here}" for name in lacking])


def _asked(settings: Mapping[str, Any]) -> dict[str, dict[str, list[Any]]]:
    """Return the names with lists of what they stand for; raises StudyError for what is no such thing."""
    found: dict[str, dict[str, list[Any]]] = {}
    for key in ("labels", "regions"):
        given = settings.get(key) or {}
        if not isinstance(given, Mapping):
            raise StudyError(
                f"'target.{key}' cannot be a {type(given).__name__}; write names with values, as {{liver: 1, tumour: 2}}"
            )
        found[key] = {str(name): list(v) if isinstance(v, (list, tuple)) else [v] for name, v in given.items()}
        empty = [name for name, values in found[key].items() if not values]
        if empty:
            raise StudyError(f"'target.{key}' gives '{empty[0]}' no value")
    return found


def _whole(name: str, values: Sequence[Any]) -> list[int]:
    wrong = [v for v in values if isinstance(v, bool) or not isinstance(v, int) or not 0 < v < UNMARKED]
    if wrong:
        raise StudyError(f"label '{name}' cannot be {wrong[0]!r}; wanted a whole number from 1 to {UNMARKED - 1}")
    return sorted(set(values))


def _of_region(name: str, values: Sequence[Any], labels: Mapping[str, list[int]]) -> list[int]:
    found: set[int] = set()
    for value in values:
        if isinstance(value, str) and value not in labels:
            raise StudyError(f"region '{name}' holds no label '{value}'{did_you_mean(value, labels)}")
        found |= set(labels[value]) if isinstance(value, str) else set(_whole(name, [value]))
    return sorted(found)


def _repeated(labels: Mapping[str, Sequence[int]]) -> list[int]:
    every = [v for values in labels.values() for v in values]
    return sorted({v for v in every if every.count(v) > 1})
