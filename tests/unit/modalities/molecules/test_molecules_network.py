"""The network over molecules: what a batch is, what is lifted, and that atoms in another order are the same molecule."""

import csv

import numpy as np
import pytest
import torch
from rdkit import Chem

from osler.modalities.molecules import gather as g
from osler.modalities.molecules.case import ATOMS, BONDS, DESCRIPTORS, ENDS
from osler.modalities.molecules.network import MoleculeEncoder
from tests.unit.modalities.molecules.test_molecules_read import MOLECULES, shard

PLAN = {
    "width": 16, "steps": 3, "depth": 1, "members": 2, "readout": "sum", "dropout": 0.0, "message_dropout": 0.0,
    "descriptors": True, "drop_descriptors": 0.0,
}  # fmt: skip
NAMES = (ATOMS, BONDS, ENDS, DESCRIPTORS)


@pytest.fixture(scope="module")
def smiles(data):
    with (data / "molecules/moleculenet/Lipophilicity.csv").open(newline="", encoding="utf-8") as stream:
        cells = [row["smiles"] for row in csv.DictReader(stream)]
    return [*cells[:40], "[Na+]", "C", "CC"]


@pytest.fixture(scope="module")
def columns(smiles):
    return shard(smiles, roles=("input", "baseline"))


@pytest.fixture(scope="module")
def state(columns):
    rows = np.flatnonzero(columns.present)
    return MOLECULES.fit(columns, rows, groups=np.arange(len(columns)), plan={})


def encoder(state, **changed):
    torch.manual_seed(0)
    return MoleculeEncoder(plan={**PLAN, **changed}, state=state).eval()


def encoded(network, columns, rows):
    fields = g.gather(columns, np.asarray(rows), names=NAMES)
    return network(network.lift(fields), fields).vector


def test_a_batch_is_the_graphs_behind_one_another(columns, smiles):
    rows = np.array([3, 0, 41, 7])
    fields = {name: values.numpy() for name, values in g.gather(columns, rows, names=NAMES).items()}
    starts = fields[g.ATOM_STARTS]
    mols = [Chem.MolFromSmiles(smiles[row]) for row in rows]
    assert np.diff(starts).tolist() == [mol.GetNumAtoms() for mol in mols]
    lines = fields[g.ATOM_KINDS][fields[g.ATOM_KIND]]
    assert (lines == np.concatenate([columns[ATOMS][row] for row in rows])).all()
    pairs = list(zip(fields[g.SOURCE].tolist(), fields[g.TARGET].tolist(), strict=True))
    expected = [(b.GetBeginAtomIdx() + first, b.GetEndAtomIdx() + first) for mol, first in zip(mols, starts, strict=False)
                for b in mol.GetBonds()]  # fmt: skip
    assert {frozenset(pair) for pair in pairs} == {frozenset(pair) for pair in expected}
    assert len(pairs) == 2 * len(expected)


@pytest.mark.parametrize("readout", ["mean", "sum", "attention"])
def test_the_order_of_atoms_does_not_matter(state, smiles, readout):
    generator = np.random.default_rng(0)
    plain, mixed = [], []
    for cell in smiles[:12]:
        mol = Chem.MolFromSmiles(cell)
        plain.append(cell)
        mixed.append(
            Chem.MolToSmiles(Chem.RenumberAtoms(mol, generator.permutation(mol.GetNumAtoms()).tolist()), canonical=False)
        )
    network = encoder(state, readout=readout)
    first, second = (encoded(network, shard(cells, roles=("input",)), np.arange(12)) for cells in (plain, mixed))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)


def test_stereo_isomers_are_told_apart(state):
    cells = ["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "F/C=C/F", "F/C=C\\F"]
    vectors = encoded(encoder(state), shard(cells, roles=("input",)), np.arange(4))
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-4)
    assert not torch.allclose(vectors[2], vectors[3], atol=1e-4)


def test_what_is_lifted_is_there_whole_and_in_training_too(columns, state):
    network = encoder(state)
    rows = np.flatnonzero(columns.present)[:6]
    fields = g.gather(columns, rows, names=NAMES)
    lifted = network.lift(fields)
    sizes = np.diff(columns[ATOMS].offsets)[rows] + np.diff(columns[BONDS].offsets)[rows]
    told = columns[DESCRIPTORS].shape[1]
    assert lifted.shape == (6, sizes.max() + told, 1)
    for line, size in zip(lifted[..., 0], sizes, strict=True):
        assert (line[:size] == 1).all()
        assert (line[size + told :] == 0).all()
        assert (line[size : size + told] != 1).any()
    owners = network.owners(fields)[..., 0]
    assert owners.shape == lifted.shape[:2]
    assert (owners.sum(1) == told).all()
    assert all((owner[size : size + told] == 1).all() for owner, size in zip(owners, sizes, strict=True))
    calm = network(lifted, fields).vector
    torch.testing.assert_close(network.train()(lifted, fields).vector, calm)


def test_without_atoms_and_bonds_only_descriptors_speak(columns, state):
    network = encoder(state, descriptors=False)
    fields = g.gather(columns, np.arange(5), names=NAMES)
    empty = torch.zeros_like(network.lift(fields))
    vectors = network(empty, fields).vector
    torch.testing.assert_close(vectors, vectors[:1].expand_as(vectors))


def test_atoms_alone_and_single_molecules_go_through(columns, state):
    network = encoder(state)
    rows = [at for at in (40, 41, 42) if columns.present[at]]
    assert torch.isfinite(encoded(network, columns, rows)).all()
    assert torch.isfinite(encoded(network, columns, [rows[0]])).all()
