"""The best of a long library, and files of molecules in place of a table."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import osler
from osler.core.errors import RequestError
from osler.core.table import Table
from osler.flows.predict import predict
from osler.flows.screening import Top, as_trained, checked_workers, told
from osler.spine.rows import Best, Parts

SMALL = {"fit.epochs": 1, "fit.members": 1, "fit.threads": 1, "split.folds": 1, "baseline.effort": 1, "explain.seconds": 0}


@dataclass
class Said:
    """Keeps what a flow says."""

    lines: list[str] = field(default_factory=list)

    def say(self, line):
        self.lines.append(line)

    def stage(self, name, total=0):
        pass

    def advance(self, steps=1, note=""):
        pass


@pytest.fixture(scope="module")
def screened(tmp_path_factory):
    """A bundle, and a table of 300 rows, some of which are refused and some alike."""
    folder = tmp_path_factory.mktemp("screen")
    generator = np.random.default_rng(0)
    dose, age = generator.normal(size=300), generator.integers(20, 80, 300)
    hit = np.where(dose + generator.normal(0, 0.5, 300) > 1, "yes", "no")
    table = pl.DataFrame({"dose": dose, "age": age, "hit": hit})
    table.write_csv(folder / "train.csv")
    predictor = osler.train(folder / "train.csv", target="hit", out=folder / "model", settings=SMALL, budget="10s",
                            cache=folder / "cache")  # fmt: skip
    assert predictor is not None
    new = pl.concat([table.drop("hit"), table.drop("hit").head(20)])
    new = new.with_columns(pl.when(pl.int_range(pl.len()) % 40 == 7).then(None).otherwise(pl.col(name)).alias(name)
                           for name in ("dose", "age"))  # fmt: skip
    new.write_csv(folder / "new.csv")
    return folder


def test_the_best_are_those_of_the_whole_table_ties_by_row(screened, tmp_path):
    whole = pl.read_csv(predict(screened / "model", screened / "new.csv", out=tmp_path / "all.csv"))
    said = Said()
    out = predict(screened / "model", screened / "new.csv", out=tmp_path / "top.csv", top=Top(25), watch=said)
    kept = whole.filter(pl.col("probability_yes").is_not_null())
    expected = kept.sort(["probability_yes", "row"], descending=[True, False]).head(25)
    assert pl.read_csv(out)["row"].to_list() == expected["row"].to_list()
    refused = len(whole) - len(kept)
    assert any(line.startswith(f"320 rows were seen and {refused} of them refused; the 25 highest") for line in said.lines)
    lowest = predict(
        screened / "model", screened / "new.csv", out=tmp_path / "low.csv", top=Top(5, "probability_no", lowest=True)
    )
    assert pl.read_csv(lowest)["row"].to_list() == expected["row"].to_list()[:5]


def test_what_cannot_be_kept_is_told(screened, tmp_path):
    table, out = screened / "new.csv", tmp_path / "out.csv"
    with pytest.raises(RequestError, match="--top is 0; it is from 1"):
        predict(screened / "model", table, out=out, top=Top(0))
    with pytest.raises(RequestError, match="no column 'probability_yess'; did you mean 'probability_yes'"):
        predict(screened / "model", table, out=out, top=Top(3, "probability_yess"))
    with pytest.raises(RequestError, match="--workers is 0"):
        checked_workers(0)


def test_blocks_keep_their_best_and_counts_outlive_a_kill(tmp_path):
    generator = np.random.default_rng(1)
    values = np.round(generator.normal(size=1000), 1)
    values[::17] = np.nan
    rows = np.arange(1, 1001)
    best = Best(30, "value")
    for turn in range(10):  # each block by a process that is killed after it
        parts = Parts(tmp_path / "out.parquet", key="k")
        assert parts.done() == turn
        block = slice(100 * turn, 100 * turn + 100)
        lines = {"row": rows[block], "value": values[block]}
        parts.write(best.of_block(lines), counts={"rows": 100, "refused": int(np.isnan(values[block]).sum())})
    assert parts.counts() == {"rows": 1000, "refused": 59}
    parts.join(best=best)
    order = np.lexsort((rows, -np.nan_to_num(values, nan=-np.inf)))[:30]
    assert pl.read_parquet(tmp_path / "out.parquet")["row"].to_list() == rows[order].tolist()
    assert told({"rows": 1000, "refused": 59}, best).startswith(
        "1,000 rows were seen and 59 of them refused; the 30 highest by 'value'"
    )


def test_a_file_of_molecules_stands_in_for_the_column_of_training(tmp_path):
    path = tmp_path / "library.smi"
    path.write_text("CCO a\nCC b\n")
    block = Table(pa.table({"smiles": ["CCO", "CC"], "name": ["a", "b"]}), tmp_path)

    def reader(*inputs):
        about = {"inputs": [{"columns": list(columns)} for columns in inputs]}
        return SimpleNamespace(contents=SimpleNamespace(about=about))

    def columns(place, *inputs):
        return next(iter(as_trained(iter([block]), place, predictor=reader(*inputs)))).columns

    assert columns(path, ["Drug"]) == ("Drug", "name")
    assert columns(path, ["smiles"]) == ("smiles", "name")
    assert columns(path, ["Drug"], ["age", "dose"]) == ("smiles", "name")
    table = tmp_path / "library.csv"
    table.write_text("smiles,name\nCCO,a\n")
    assert columns(table, ["Drug"]) == ("smiles", "name")
