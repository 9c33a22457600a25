"""`osler demo`: small real studies, from data inside installed packages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osler.core.errors import RequestError
from osler.core.watch import SILENT, Watch
from osler.flows.data import get
from osler.flows.predict import predict
from osler.flows.train import train
from osler.spine.study import Request

STUDIES = ("breast-cancer", "diabetes", "mni152")
OPTIONAL = frozenset({"mni152"})  # its package is no dependency: only its files are read
MASKS = frozenset({"mni152"})  # predictions are files in a folder


@dataclass(frozen=True, slots=True)
class Shown:
    """One finished study of the demo: its primary measure with the interval, and where to look."""

    name: str
    measure: str
    value: str
    report: Path
    predictions: Path


def demo(out: Path, *, budget: str = "1m", cache: Path | None = None, watch: Watch = SILENT) -> Iterator[Shown]:
    """Train, score and predict each study under `out`; opens nothing, downloads nothing.

    A study whose package is no dependency of Osler and not installed is left out, and said to be.
    """
    for name in STUDIES:
        folder = out / name
        watch.say(f"{name}: training")
        try:
            study = get(name, to=folder)
        except RequestError as error:
            if name not in OPTIONAL:
                raise
            watch.say(f"{name} is left out: {error}")
            continue
        bundle = train(Request(table_or_study=study, budget=budget), out=folder / "model", cache=cache, watch=watch)
        to = folder / ("predictions" if name in MASKS else "predictions.csv")
        predictions = predict(bundle, folder / "table.csv", out=to, watch=watch)
        measure, value = next(iter(json.loads((bundle / "scores.json").read_text(encoding="utf-8"))["test"].items()))
        shown = f"{value['value']:.3f}" + (f" ({value['low']:.3f} to {value['high']:.3f})" if value["low"] is not None else "")
        yield Shown(name, measure, shown, bundle / "report.html", predictions)
