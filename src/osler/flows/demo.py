"""`osler demo`: small real studies, from data inside installed packages."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osler.core.errors import RequestError
from osler.core.watch import SILENT, Watch
from osler.flows.data import get
from osler.flows.embed import embed
from osler.flows.explain import Asked, explain
from osler.flows.predict import predict
from osler.flows.screening import Top
from osler.flows.train import train
from osler.spine.study import Request

STUDIES = ("breast-cancer", "diabetes", "mni152", "simulated-motif", "solubility")
OPTIONAL = frozenset({"mni152", "solubility"})  # their packages are no dependencies: only their files are read
SCREENS = {"solubility": "approved-drugs"}  # a study, and the library that its model then looks through
BUDGETS = {"simulated-motif": "40s"}  # where less than the others need shows what there is to see
MAPS = {
    "breast-cancer": "diagnosis"
}  # a study whose cases are mapped by vectors learned without labels, and the column that colours them
MAP_BUDGET = "12s"  # with reading, judging and drawing less than half a minute
HITS = 5  # of the highest predictions, and of the lowest, that are drawn
MASKS = frozenset({"mni152"})  # predictions are files in a folder


@dataclass(frozen=True, slots=True)
class Shown:
    """One finished study of the demo: its primary measure with the interval, and where to look; `hits` is the page of a screen, `map` that of
    an embedding, told of in `headline`."""

    name: str
    measure: str
    value: str
    report: Path
    predictions: Path
    hits: Path | None = None
    map: Path | None = None
    headline: str = ""


def demo(out: Path, *, budget: str = "1m", cache: Path | None = None, watch: Watch = SILENT) -> Iterator[Shown]:
    """Train, score and predict each study under `out`; opens nothing, downloads nothing. All are real but one, whose name says so.

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
        asked = Request(
            table_or_study=study, budget=BUDGETS.get(name, budget), leaks="drop"
        )  # the published split of solubility shares molecules
        bundle = train(asked, out=folder / "model", cache=cache, watch=watch)
        to = folder / ("predictions" if name in MASKS else "predictions.csv")
        predictions = predict(bundle, folder / "table.csv", out=to, watch=watch)
        measure, value = next(iter(json.loads((bundle / "scores.json").read_text(encoding="utf-8"))["test"].items()))
        shown = f"{value['value']:.3f}" + (f" ({value['low']:.3f} to {value['high']:.3f})" if value["low"] is not None else "")
        hits = screen(bundle, SCREENS[name], folder=folder, watch=watch) if name in SCREENS else None
        page, headline = mapped(folder, MAPS[name], cache=cache, watch=watch) if name in MAPS else (None, "")
        yield Shown(name, measure, shown, bundle / "report.html", predictions, hits, page, headline)


def mapped(folder: Path, label: str, *, cache: Path | None = None, watch: Watch = SILENT) -> tuple[Path, str]:
    """Learn vectors of the table in `folder` without the column `label`, and draw their map; return its page, and how good they are."""
    watch.say(f"{folder.name}: a map")
    table = folder / "table.csv"
    asked = Request(table, task="representation", target=(label,), budget=MAP_BUDGET)
    bundle = train(asked, out=folder / "vectors", cache=cache, watch=watch)
    page = folder / "map.html"
    embed(bundle, table, out=folder / "vectors.parquet", map_to=(page, label), watch=watch)
    return page, str(json.loads((bundle / "scores.json").read_text(encoding="utf-8"))["headline"])


def screen(bundle: Path, library: str, *, folder: Path, watch: Watch = SILENT) -> Path:
    """Look through the data set `library`, keep the highest and the lowest predictions, and explain these; return the page."""
    watch.say(f"{library}: screening")
    table = get(library, to=folder / "library").parent / "table.csv"
    rows: list[int] = []
    for word, lowest in (("highest", False), ("lowest", True)):
        out = predict(bundle, table, out=folder / f"{word}.csv", top=Top(HITS, lowest=lowest), watch=watch)
        with out.open(newline="", encoding="utf-8") as stream:
            rows += [int(line["row"]) for line in csv.DictReader(stream)]
    explain(bundle, table, out=folder / "hits", asked=Asked(rows=tuple(dict.fromkeys(rows))), watch=watch)
    return folder / "hits" / "explanation.html"
