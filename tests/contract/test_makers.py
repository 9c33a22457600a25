"""Every way to represent keeps the promises of its kind on every kind of data: it learns, embeds alike, refuses what it cannot read."""

import polars as pl
import pyarrow.parquet as pq
import pytest
import torch

import osler
from osler.flows.making import open_made
from osler.flows.train import train
from osler.generation.representation.rules import METHODS
from osler.spine.study import Request
from tests.contract.studies import GENE, IMAGE, TABLE, VOLUME, Case, study_of

KINDS = {"scan": IMAGE, "volume": VOLUME, "table": TABLE, "gene": GENE}
EPOCHS, CASES = 3, 60


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("makers")
    study_of(Case({"table": TABLE}, "classification", "bright"), place, cases=CASES)
    return place


@pytest.fixture(scope="module", params=[(kind, method) for kind in KINDS for method in METHODS], ids="-".join)
def made(request, folder):
    """Return name and method, and the bundle."""
    kind, method = request.param
    return kind, method, trained(folder, kind, method, out=folder / f"{kind}-{method}")


def trained(folder, kind, method, *, out, plan=None):
    modality, columns = KINDS[kind]
    settings = [f"fit.epochs={EPOCHS}", "fit.batch=16", "fit.threads=1", f"representation.method={method}"]
    settings += [f"inputs.{kind}.width=8"] if modality == "images" else []
    asked = Request(
        folder / "table.parquet", task="representation", target=("bright",), group="patient", budget="1m", leaks="allow",
        inputs=(f"{kind}={modality}:{','.join(columns)}",), settings=tuple(settings),
    )  # fmt: skip
    return train(asked, out=out, plan=plan, cache=folder / "cache")


def embedded(bundle, table, *, out):
    return pl.read_parquet(osler.embed(bundle, table, out=out, workers=1))


def vectors(frame):
    return frame.select(pl.col(r"^v\d+$")).to_numpy()


def test_cases_are_embedded_in_their_order_and_each_by_itself(made, folder, tmp_path):
    _, _, bundle = made
    whole = embedded(bundle, folder / "table.parquet", out=tmp_path / "whole.parquet")
    assert whole["row"].to_list() == list(range(1, CASES + 1))
    assert whole["refused"].to_list() == [""] * CASES
    table = pq.read_table(folder / "table.parquet")
    pq.write_table(table.slice(7, 1), folder / "one.parquet")
    alone = embedded(bundle, folder / "one.parquet", out=tmp_path / "one.parquet")
    assert vectors(alone) == pytest.approx(vectors(whole)[7:8], abs=1e-4)
    assert vectors(whole).std(axis=0).max() > 0


def test_the_same_plan_gives_the_same_bytes(made, folder, tmp_path):
    kind, method, bundle = made
    again = trained(folder, kind, method, out=tmp_path / "again", plan=bundle / "plan.json")
    assert (again / "weights.safetensors").read_bytes() == (bundle / "weights.safetensors").read_bytes()


def test_the_encoder_lies_where_the_bundle_says(made):
    kind, _, bundle = made
    opened = open_made(bundle, task="representation")
    start = opened.contents.about["encoders"][kind]
    held = {name[len(start) :] for name in opened.contents.weights if name.startswith(start)}
    assert held == set(opened.objective.encoder.state_dict())


@pytest.mark.parametrize("kind", ["scan", "gene"])
def test_a_case_that_cannot_be_read_is_refused_in_its_row(folder, tmp_path, kind):
    bundle = folder / f"{kind}-denoising"
    frame = pl.read_parquet(folder / "table.parquet").head(4)
    column = KINDS[kind][1][0]
    spoiled = ["nowhere.png" if kind == "scan" else "!!??", *frame[column].to_list()[1:]]
    frame.with_columns(pl.Series(column, spoiled)).write_parquet(folder / "spoiled.parquet")
    found = embedded(bundle, folder / "spoiled.parquet", out=tmp_path / "found.parquet")
    assert found["refused"][0] != ""
    assert found["refused"].to_list()[1:] == [""] * 3
    assert found["v001"].null_count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_no_label_is_needed(folder, tmp_path, kind):
    modality, columns = KINDS[kind]
    asked = Request(
        folder / "table.parquet", task="representation", group="patient", budget="1m", leaks="allow",
        inputs=(f"{kind}={modality}:{','.join(columns)}",), settings=("fit.epochs=1", "fit.threads=1"),
    )  # fmt: skip
    assert open_made(train(asked, out=tmp_path / "bundle", cache=folder / "cache")).info["label"] == {}
