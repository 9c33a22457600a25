"""What of a split's test training knows, and what may stay together in a split."""

import csv

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from osler.core.split import Fold, Split
from osler.core.target import Target
from osler.modalities.molecules.case import BITS
from osler.modalities.molecules.keys.similarity import nearest, tanimoto, words
from tests.unit.modalities.molecules.test_molecules_read import MOLECULES, shard

NONE = np.empty(0, np.int64)
ALL = ("input", "baseline", "identity")


def target(rows: int) -> Target:
    return Target(np.zeros((rows, 1)), np.ones((rows, 1), bool), {})


def split_of(training, test) -> Split:
    training, test = np.asarray(training), np.asarray(test)
    return Split(training, NONE, NONE, test, (Fold(training, NONE, NONE),), "given")


def found(columns, split):
    return {leak.kind: leak for leak in MOLECULES.leaks(columns, split, target=target(len(columns)))}


def official(folder):
    cells, sizes = [], []
    for part in ("train_val", "test"):
        with (folder / f"{part}.csv").open(newline="", encoding="utf-8") as stream:
            rows = [row["Drug"] for row in csv.DictReader(stream)]
        cells += rows
        sizes.append(len(rows))
    return cells, split_of(np.arange(sizes[0]), sizes[0] + np.arange(sizes[1]))


@pytest.mark.parametrize(
    "task", ["herg", pytest.param("bbb_martins", marks=pytest.mark.slow), pytest.param("ames", marks=pytest.mark.slow)]
)
def test_molecules_on_both_sides_of_official_splits_are_found(data, task):
    cells, split = official(data / "molecules/tdc_admet" / task)
    columns = shard(cells, roles=("input", "identity"))
    keys = [Chem.MolToInchiKey(Chem.MolFromSmiles(cell)) for cell in cells]
    shared = {keys[row] for row in split.development} & {keys[row] for row in split.test}
    assert len(shared) == 1
    prints = columns.fingerprints[:, 0]
    leaks = [leak for leak in MOLECULES.leaks(columns, split, target=target(len(cells))) if leak.severity == "stop"]
    blamed = {keys[row] for leak in leaks for row in leak.test_rows}
    equal = {keys[row] for row in split.test[np.isin(prints[split.test], prints[split.development])]}  # told by the spine
    assert shared <= blamed | equal


def test_a_salt_and_a_tautomer_of_a_training_molecule_stop_the_run():
    cells = ["CC(=O)Oc1ccccc1C(=O)O", "OC1=CC=CC=N1", "CCCCO", "CC(=O)Oc1ccccc1C(=O)[O-].[Na+]", "O=C1C=CC=CN1", "CCCCCN"]
    leaks = MOLECULES.leaks(shard(cells, roles=ALL), split_of([0, 1, 2], [3, 4, 5]), target=target(6))
    stops = [(leak.rows.tolist(), leak.test_rows.tolist()) for leak in leaks if leak.severity == "stop"]
    assert stops == [([1], [4]), ([0], [3])]
    assert "1 test molecules have the same InChIKey as 1 training molecules" in leaks[0].sentence


def test_a_mirror_image_is_warned_of():
    leaks = found(shard(["C[C@H](N)C(=O)O", "CCO", "C[C@@H](N)C(=O)O"], roles=ALL), split_of([0, 1], [2]))
    assert leaks["same-skeleton"].severity == "warn"
    assert leaks["same-skeleton"].test_rows.tolist() == [2]


def test_equal_smiles_are_left_to_the_check_of_content():
    assert found(shard(["CCO", "OCC"], roles=ALL), split_of([0], [1])) == {}


def test_analogues_are_warned_of_and_strangers_are_not(data):
    cells, split = official(data / "molecules/tdc_admet/lipophilicity_astrazeneca")
    training, test = split.development[::20], split.test[::20]
    strange = [cells[row] for row in (*training, *test)]
    near = [cell.replace("Cl", "Br", 1) for cell in strange if "Cl" in cell][:10]
    count = len(training)
    columns = shard([*strange, *near], roles=ALL)
    leak = found(columns, split_of(np.arange(count), np.arange(count, len(columns))))["near-molecule"]
    planted = np.arange(len(strange), len(columns))
    assert leak.severity == "warn"
    assert len(np.intersect1d(leak.test_rows, planted)) >= 5
    assert len(np.setdiff1d(leak.test_rows, planted)) < 0.2 * len(test)


def test_similarity_is_that_of_rdkit(data):
    cells, _ = official(data / "molecules/tdc_admet/herg")
    cells = cells[:40]
    ours = words(shard(cells, roles=ALL, salts="keep", charges="keep")[BITS])
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(cell)) for cell in cells]
    theirs = np.array([DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints])
    np.testing.assert_allclose(tanimoto(ours, ours), theirs, atol=1e-6)
    best, which = nearest(ours[:10], ours[10:])
    np.testing.assert_allclose(best, theirs[:10, 10:].max(1), atol=1e-6)
    np.testing.assert_allclose(theirs[np.arange(10), which + 10], best, atol=1e-6)


def test_nearness_is_the_highest_similarity_to_training():
    cells = ["CC(=O)Oc1ccccc1C(=O)O", "CCCCO", "CC(=O)Oc1ccccc1C(=O)OC", "CCCCCN", None]
    columns = shard(cells, roles=ALL)
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(cell)) for cell in cells[:4]]
    expected = [max(DataStructs.BulkTanimotoSimilarity(prints[row], prints[:2])) for row in (2, 3)]
    (found,) = MOLECULES.nearness(columns, np.array([2, 3, 4]), among=np.array([0, 1])).values()
    np.testing.assert_allclose(found, [*expected, np.nan], atol=1e-6)
    assert MOLECULES.nearness(shard(cells), np.array([2]), among=np.array([0])) == {}


def test_what_stays_together_by_molecule_scaffold_and_cluster():
    cells = ["CC(=O)Oc1ccccc1C(=O)O", "CC(=O)Oc1ccccc1C(=O)[O-].[Na+]", "Cc1ccccc1", "CCCCO", "CCCCCO", None]
    keys = MOLECULES.split_keys(shard(cells, roles=ALL))
    molecule, scaffold, cluster = (keys[name] for name in ("molecule", "scaffold", "cluster"))
    assert molecule[0] == molecule[1]
    assert len(set(molecule.tolist())) == 5
    assert scaffold[0] == scaffold[1] == scaffold[2]
    assert len(set(scaffold.tolist())) == 4  # the ring, and each acyclic molecule and each absent case for itself
    assert cluster[3] == cluster[4]
    assert cluster[0] == cluster[1] != cluster[3]
    assert list(keys) == ["molecule", "scaffold", "cluster"]
    assert dict(MOLECULES.split_keys(shard(["CCO"]))) == {}  # columns that hold no identity
