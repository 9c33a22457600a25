"""Columns of timelines made from arrays, and from real stays of PhysioNet 2012."""

import tarfile

import numpy as np

from osler.core.columns import Columns, Field, Ragged, Words
from osler.core.hashing import word_hashes

FIELDS = (Field("times", "float32", (None,)), Field("codes", "int64", (None,)), Field("values", "float32", (None,)))
WINDOW = 2.0  # days of a PhysioNet stay


def columns_of(cases):
    """Return the columns of cases, each a list of (days from the prediction time, code, value); None is an absent case."""
    cases = [None if case is None else sorted(case, key=lambda event: event[0]) for case in cases]
    flat = [event for case in cases for event in case or ()]
    lengths = [len(case or ()) for case in cases]
    names = [name for _, name, _ in flat]
    return columns_from(lengths, [t for t, _, _ in flat], names, [np.nan if v is None else v for _, _, v in flat],
                        present=[case is not None for case in cases])  # fmt: skip


def columns_from(lengths, times, names, values, *, present=None):
    """Return columns from flat lists of events, `lengths` of each case."""
    texts, places = np.unique(np.array(names, dtype=str), return_inverse=True)
    keys = word_hashes(texts.tolist()) if len(texts) else np.empty(0, np.int64)
    order = np.argsort(keys)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    arrays = {
        "times": Ragged(np.array(times, np.float32), offsets),
        "codes": Ragged(keys[places].astype(np.int64), offsets),
        "values": Ragged(np.array(values, np.float32), offsets),
    }
    here = np.ones(len(lengths), bool) if present is None else np.array(present, bool)
    words = Words(keys[order], texts[order].astype(object))
    return Columns(FIELDS, arrays, here, np.zeros((len(lengths), 2), np.int64), {}, words)


def physionet(data, *, most=None, letter="a"):
    """Return the columns of the first `most` stays of a PhysioNet 2012 set and who died (n,) float."""
    folder = data / "records" / "physionet2012"
    died = {}
    for line in (folder / f"Outcomes-{letter}.txt").read_text().splitlines()[1:]:
        record, *_, death = line.split(",")
        died[record] = float(death)
    lengths, times, names, values, outcome = [], [], [], [], []
    with tarfile.open(folder / f"set-{letter}.tar.gz") as archive:
        for member in archive:
            if not member.name.endswith(".txt") or (most is not None and len(lengths) == most):
                continue
            lines = archive.extractfile(member).read().decode().splitlines()[1:]
            events = sorted((e for line in lines if (e := _event(line)) is not None), key=lambda e: e[0])
            lengths.append(len(events))
            for kept, one in zip((times, names, values), zip(*events, strict=True), strict=True):
                kept.extend(one)
            outcome.append(died[member.name.split("/")[-1].removesuffix(".txt")])
    return columns_from(lengths, times, names, values), np.array(outcome)


def _event(line):
    clock, name, value = line.split(",")
    if name in ("", "RecordID") or value in ("", "-1"):
        return None
    hours, minutes = clock.split(":")
    return (int(hours) * 60 + int(minutes)) / 1440 - WINDOW, name, float(value)
