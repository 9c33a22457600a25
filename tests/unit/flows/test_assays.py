"""A study of molecules as an assay gives them, from the table to the report, the screen and new cases in an SDF."""

import csv
import json
from types import SimpleNamespace

import polars as pl
import pytest
from rdkit import Chem

import osler
from osler.core.errors import RequestError
from osler.flows.alerts import check
from osler.flows.predict import predict
from osler.flows.screening import Top
from osler.modalities.tables import Tables

SMALL = {"fit.epochs": 1, "fit.members": 1, "fit.threads": 1, "split.folds": 1, "baseline.effort": 1, "explain.seconds": 0}
TARGET = "measured log solubility in mols per litre"


@pytest.fixture(scope="module")
def assayed(data, tmp_path_factory):
    """A folder with a bundle of 200 molecules of ESOL, twelve of them measured three times, the least soluble known as bounds alone."""
    folder = tmp_path_factory.mktemp("assay")
    with (data / "molecules/moleculenet/ESOL_delaney-processed.csv").open(newline="") as file:
        lines = [(line["smiles"].strip(), float(line[TARGET])) for line in csv.DictReader(file)][:200]
    lines += [(smiles, value + 0.3 * turn) for turn in (-1, 1) for smiles, value in lines[:12]]
    (folder / "assay.csv").write_text(
        "\n".join(["smiles,logS", *(f"{smiles},{'<-5' if value < -5 else value}" for smiles, value in lines)])
    )
    osler.train(folder / "assay.csv", target="logS", out=folder / "model", settings=SMALL, budget="10s", cache=folder / "cache")
    return folder, lines


def test_the_report_tells_of_bounds_replicates_alerts_and_likeness(assayed):
    folder, _ = assayed
    report = (folder / "model" / "report.html").read_text()
    wanted = ("only a bound is known", "was measured several times", "weighs its share in training", "Structural alerts were looked for",
              "Likeness to training", "Coverage by likeness")  # fmt: skip
    assert [sentence for sentence in wanted if sentence not in report] == []
    scores = json.loads((folder / "model" / "scores.json").read_text())
    assert sum(scores["curves"]["nearness"]["series"][0]["y"]) <= scores["counts"]["cases"]
    facts = osler.load(folder / "model").facts["smiles"]["replicates"]
    assert facts["sd"][0] == pytest.approx(0.3, abs=0.02)


def test_alerts_stand_beside_the_best_rows_and_only_molecules_have_any(assayed, tmp_path):
    folder, _ = assayed
    library = tmp_path / "library.smi"
    library.write_text("O=C1C=CC(=O)C=C1 quinone\nCCO ethanol\nC(C)(C)(C)(C)C five\n")
    rows = pl.read_csv(predict(folder / "model", library, out=tmp_path / "all.csv", alerts=True, workers=1))
    assert "PAINS_A: quinone_A(370)" in rows["alerts"][0]
    assert rows["alerts"].fill_null("").to_list()[1:] == ["", ""]
    assert "RDKit: Explicit valence" in rows["refused"][2]
    best = pl.read_csv(predict(folder / "model", library, out=tmp_path / "top.csv", top=Top(1), alerts=True, workers=1))
    assert best["row"].to_list() == [2]
    assert best["alerts"].fill_null("").to_list() == [""]
    predictor = osler.load(folder / "model")
    assert "alerts" not in predictor.predict({"smiles": ["CCO"]}).columns
    with pytest.raises(RequestError, match="--alerts are of molecules"):
        check(SimpleNamespace(modalities={"table": Tables()}))


def test_an_sdf_is_scored_and_explained_though_its_molecules_have_another_column(assayed, tmp_path):
    folder, lines = assayed
    path = tmp_path / "new.sdf"
    with Chem.SDWriter(str(path)) as writer:
        for smiles, value in lines[:40]:
            mol = Chem.MolFromSmiles(smiles)
            mol.SetProp("logS", str(value))
            writer.write(mol)
    found = osler.evaluate(folder / "model", path, out=tmp_path / "scored")
    assert found.counts["cases"] == 40
    (told,) = osler.explain(folder / "model", path, out=tmp_path / "why", row=2, language="zh")
    assert {one["name"] for one in told["answers"][0]["features"]} == {"structure", "descriptors"}
    page = (tmp_path / "why" / "explanation.html").read_text()
    assert "描述符" in page
