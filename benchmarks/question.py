"""How long a question takes to make cases of events, and how much memory: 10^5 to 10^7 events, drawn at random.

    python benchmarks/question.py [--events 100000 1000000 10000000]

Two questions: one case per admission with every condition that there is, and one every 24 hours of a value's maximum, which makes
more cases than there are events.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from osler.core.duration import UNITS
from osler.core.question import Eligible, FollowUp, Goal, Moment, Question
from osler.modalities.timelines.cohort.derive import derive
from osler.modalities.timelines.read.store import Store

HOUR, DAY = UNITS["h"], UNITS["d"]
EACH = 200  # events of a subject, over 3,000 days
NAMES = ("admission", "death", "discharge", "stroke", "birth", *(f"c{place}" for place in range(995)))
ADMISSIONS = Question(
    Moment(("admission",), which="every"), Goal("stroke", ("stroke", "c1*")), after=24 * HOUR, gap=12 * HOUR, horizon=30 * DAY,
    eligible=Eligible(180 * DAY, None, ("c2*",), ("c3",)), washout=365 * DAY, followup=FollowUp(("discharge",)),
)  # fmt: skip
DAILY = replace(
    ADMISSIONS, index=Moment(("admission",), which="every", step=DAY), target=Goal("value", value=("c5*",), take="max"), washout=0
)


def drawn(events: int) -> Store:
    """Return a store of about `events` events."""
    generator = np.random.default_rng(0)
    subjects = events // EACH
    times = np.sort(generator.integers(0, 3000 * 24, (subjects, EACH)), axis=1).ravel() * HOUR
    codes = generator.integers(0, len(NAMES), subjects * EACH).astype(np.int32)
    return Store(
        folder=Path("drawn"), subjects=np.arange(subjects), offsets=np.arange(0, subjects * EACH + 1, EACH), times=times, codes=codes,
        values=generator.normal(size=len(codes)).astype(np.float32), units=np.zeros(len(codes), np.int16), names=NAMES,
        unit_names=("",), subject_names=np.arange(subjects).astype(str).astype(object), relative=False, refused={},
    )  # fmt: skip


def main() -> None:
    """Print a line per size and question."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[10**5, 10**6, 10**7])
    for events in parser.parse_args().events:
        store = drawn(events)
        for name, question in (("each admission", ADMISSIONS), ("every 24 hours", DAILY)):
            began = time.perf_counter()
            flow = derive(store, question, outcome=True).flow
            seconds, most = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{events:>12,} events  {name}: {dict(flow.steps)['index']:>12,} moments  {seconds:7.2f} s  {most:7.0f} MiB")


if __name__ == "__main__":
    main()
