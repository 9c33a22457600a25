"""Structural alerts are those of RDKit's catalogue, though they are looked for in what the columns hold; replicates are told."""

import csv

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.FilterCatalog import FilterCatalog, FilterCatalogParams

from osler.core.plan import Plan
from osler.core.target import Target
from osler.flows import replicates
from osler.modalities.molecules.encode.rebuild import rebuilt
from osler.modalities.molecules.facts.alerts import SETS, counted
from osler.modalities.molecules.facts.repeats import spread
from tests.unit.modalities.molecules.test_molecules_leaks import official
from tests.unit.modalities.molecules.test_molecules_read import MOLECULES, decided, located, shard

QUINONE = "O=C1C=CC(=O)C=C1"


def test_a_molecule_is_rebuilt_as_it_was_but_for_stereo(data):
    cells, _ = official(data / "molecules/tdc_admet/herg")
    columns = shard(cells[:200])
    for row in np.flatnonzero(columns.present).tolist():
        wanted = Chem.Mol(MOLECULES.read(located([cells[row]]), reading=decided()).mol)
        Chem.RemoveStereochemistry(wanted)
        assert Chem.MolToSmiles(rebuilt(columns, row)) == Chem.MolToSmiles(wanted)


def test_alerts_are_rdkits_own_and_a_molecule_without_any_has_none(data):
    cells, _ = official(data / "molecules/tdc_admet/ames")
    cells = [QUINONE, "CCO", "not a molecule", *cells[:6]]
    columns = shard(cells)
    wanted = FilterCatalogParams()
    for name in SETS:
        wanted.AddCatalog(getattr(FilterCatalogParams.FilterCatalogs, name))
    catalogue = FilterCatalog(wanted)
    found = MOLECULES.alerts(columns, np.arange(len(cells)))
    assert found[1] == ""
    assert found[2] is None
    assert "PAINS_A: quinone_A(370)" in found[0]
    for cell, told in zip(cells[3:], found[3:], strict=True):
        own = {entry.GetDescription() for entry in catalogue.GetMatches(Chem.MolFromSmiles(cell))}
        assert {part.partition(": ")[2] for part in told.split("; ") if part} == own
    few = counted(columns, np.array([0, 1]))
    assert few == {"looked": 2, "any": 1, "sets": {"PAINS": 1, "BRENK": 1, "NIH": 1}}


def test_repeated_measurements_of_solubility_lie_as_far_apart_as_pooled_by_hand(data):
    with (data / "molecules/moleculenet/ESOL_delaney-processed.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    names = [Chem.MolToSmiles(Chem.MolFromSmiles(line["smiles"].strip())) for line in lines]
    values = np.array([[float(line["measured log solubility in mols per litre"])] for line in lines])
    keys = np.unique(names, return_inverse=True)[1]
    target = Target(values, np.ones(values.shape, bool), {"kind": "regression", "names": ["y"]})
    # by hand, of the 11 pairs: five differ by nothing, the sixth by 0.04 (over √2 the median); √(sum of squares about means / 11) = 0.23071
    assert spread(target, keys) == {"molecules": [11], "rows": [22], "sd": [0.231], "median": [0.0283]}
    few = spread(target.take(np.arange(200)), keys[:200])
    assert few["sd"] == [None]


def test_each_of_several_rows_weighs_its_share_and_a_row_alone_weighs_one():
    keys = np.array([5, 5, 5, 7, 8, 8])
    told = np.array([[True, True], [True, False], [True, False], [True, True], [True, False], [False, True]])
    np.testing.assert_allclose(replicates.shares(keys, told), [2 / 4, 1 / 3, 1 / 3, 1, 1, 1])


def test_weighing_rows_by_their_share_is_fitting_the_mean_of_each_molecule():
    generator = np.random.default_rng(0)
    x = np.repeat(generator.normal(size=(30, 3)), generator.integers(1, 4, 30), axis=0)
    y = x @ [1.0, -2.0, 0.5] + generator.normal(size=len(x))
    keys = np.unique(x, axis=0, return_inverse=True)[1].reshape(-1)
    root = np.sqrt(replicates.shares(keys, np.ones((len(x), 1), bool)))
    rows = np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
    firsts = np.unique(keys, return_index=True)[1]
    means = np.bincount(keys, weights=y) / np.bincount(keys)
    np.testing.assert_allclose(rows, np.linalg.lstsq(x[firsts], means[keys[firsts]], rcond=None)[0])


def test_equal_molecules_weigh_less_unless_the_study_counts_rows_or_has_other_inputs():
    columns = shard(["CCO", "OCC", "CCO.Cl", "CCN", "x"], roles=("input", "identity"))
    target = Target(np.arange(5.0)[:, None], np.ones((5, 1), bool), {})
    one, two = {"smiles": MOLECULES}, {"smiles": MOLECULES, "other": MOLECULES}
    parts = {"smiles": columns, "other": columns}
    weight = replicates.weighted(target, modalities=one, columns=parts, settings={}).weight
    np.testing.assert_allclose(weight / weight[3], [1 / 3, 1 / 3, 1 / 3, 1, 1])
    assert weight.mean() == pytest.approx(1)
    for modalities, settings in ((one, {"target.replicates": "row"}), (two, {})):
        assert replicates.weighted(target, modalities=modalities, columns=parts, settings=settings) is target
    assert Plan(replicates.rules(one, parts))["target.replicates"] == "share"
    assert replicates.rules(two, parts) == ()
