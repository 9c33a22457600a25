"""Fields of molecules beside what RDKit itself says of each atom, bond and fingerprint."""

import csv

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors, rdReducedGraphs
from rdkit.Chem.Scaffolds import MurckoScaffold

from osler.modalities.molecules.case import (
    ATOM,
    ATOMS,
    BITS,
    BOND,
    BONDS,
    CHARGE,
    DESCRIPTORS,
    ENDS,
    FINGERPRINT,
    IDENTITY,
    MORGAN,
    SAME,
)
from osler.modalities.molecules.encode.descriptors import NAMES
from osler.modalities.molecules.encode.scaffold import scaffold
from osler.modalities.molecules.encode.tallies import POLAR, SP3_SHARE
from tests.unit.modalities.molecules.test_molecules_read import MOLECULES, decided, located, shard

ALL = ("input", "baseline", "identity")
PLAIN = {"salts": "keep", "charges": "keep", "isotopes": "keep"}  # features of the molecule as RDKit reads it


@pytest.fixture(scope="module")
def smiles(data):
    with (data / "molecules/tdc_admet/bbb_martins/train_val.csv").open(newline="", encoding="utf-8") as stream:
        cells = [row["Drug"] for row in csv.DictReader(stream)]
    return cells[::20]


@pytest.fixture(scope="module")
def columns(smiles):
    return shard(smiles, roles=ALL, **PLAIN)


@pytest.fixture(scope="module")
def mols(smiles):
    return [Chem.MolFromSmiles(cell) for cell in smiles]


def column(name: str) -> int:
    return list(ATOM).index(name)


def test_atoms_are_what_rdkit_says_of_them(columns, mols):
    for row, mol in enumerate(mols):
        atoms, rings = columns[ATOMS][row], mol.GetRingInfo()
        told = {
            "element": [a.GetAtomicNum() for a in mol.GetAtoms()],
            "degree": [a.GetDegree() for a in mol.GetAtoms()],
            "charge": [a.GetFormalCharge() + CHARGE for a in mol.GetAtoms()],
            "hydrogens": [a.GetTotalNumHs() for a in mol.GetAtoms()],
            "aromatic": [a.GetIsAromatic() for a in mol.GetAtoms()],
            "ring": [min(9, rings.MinAtomRingSize(a.GetIdx())) for a in mol.GetAtoms()],
        }
        for name, values in told.items():
            assert atoms[:, column(name)].tolist() == values


def test_stereo_centres_carry_their_label(columns, mols):
    labels = [dict(Chem.FindMolChiralCenters(mol)) for mol in mols]
    assert sum(map(len, labels)) > 10
    for row, centres in enumerate(labels):
        found = columns[ATOMS][row][:, column("chirality")]
        expected = np.zeros(len(found), int)
        for atom, label in centres.items():
            expected[atom] = {"R": 1, "S": 2}[label]
        assert found.tolist() == expected.tolist()


def test_nearly_all_atoms_have_the_hybridisation_that_rdkit_says(columns, mols):
    told = {Chem.HybridizationType.SP3: 1, Chem.HybridizationType.SP2: 2, Chem.HybridizationType.SP: 3}
    pairs = [
        (int(columns[ATOMS][row][atom.GetIdx(), column("hybridisation")]), told.get(atom.GetHybridization()))
        for row, mol in enumerate(mols) for atom in mol.GetAtoms() if atom.GetDegree()
    ]  # fmt: skip
    assert np.mean([ours == theirs for ours, theirs in pairs]) > 0.97  # phosphorus and sulphur in high valence differ


def test_bonds_are_what_rdkit_says_of_them(columns, mols):
    kinds = {1.0: 1, 2.0: 2, 3.0: 3, 1.5: 4}
    for row, mol in enumerate(mols):
        ends, bonds = columns[ENDS][row], columns[BONDS][row]
        assert ends.tolist() == [sorted((b.GetBeginAtomIdx(), b.GetEndAtomIdx())) for b in mol.GetBonds()]
        expected = [[kinds[b.GetBondTypeAsDouble()], b.GetIsConjugated(), b.IsInRing()] for b in mol.GetBonds()]
        assert bonds[:, :3].tolist() == [[int(v) for v in line] for line in expected]


def test_double_bonds_carry_their_stereo():
    columns = shard(["F/C=C/F", "F/C=C\\F", "FC=CF"])
    assert [columns[BONDS][row][:, 3].max() for row in range(3)] == [3, 2, 0]


def test_values_lie_within_their_categories(columns):
    assert (columns[ATOMS].values < np.array(list(ATOM.values()))).all()
    assert (columns[BONDS].values < np.array(list(BOND.values()))).all()
    extreme = shard(["[Og]", "[U+6]", "[Fe-8]", "C" * 12 + "C1" + "C" * 20 + "1"])
    assert (extreme[ATOMS].values < np.array(list(ATOM.values()))).all()


def test_counts_are_those_of_rdkit(columns, mols):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=MORGAN)
    for row in range(0, len(mols), 7):
        expected = generator.GetCountFingerprintAsNumPy(mols[row])
        np.testing.assert_array_equal(columns[FINGERPRINT][row, :MORGAN], np.minimum(expected, 255))
        erg = rdReducedGraphs.GetErGFingerprint(mols[row])
        np.testing.assert_allclose(columns[FINGERPRINT][row, MORGAN:] / 10, np.minimum(erg, 25.5), atol=0.051)
        np.testing.assert_array_equal(np.unpackbits(columns[BITS][row]), expected > 0)


def test_avalon_counts_stand_behind_the_others_where_they_are_asked_for():
    with_them, without = (shard(["CCOc1ccccc1"], roles=ALL, avalon=on)[FINGERPRINT] for on in (True, False))
    assert with_them.shape[1] == without.shape[1] + 1024
    np.testing.assert_array_equal(with_them[:, : without.shape[1]], without)
    assert with_them[:, without.shape[1] :].any()


def test_descriptors_are_those_of_rdkit_and_finite(columns, mols):
    values = columns[DESCRIPTORS]
    assert np.isfinite(values).all()
    for name, calculate in (("TPSA", rdMolDescriptors.CalcTPSA), ("MolWt", rdMolDescriptors._CalcMolWt)):
        np.testing.assert_allclose(values[:, NAMES.index(name)], [calculate(mol) for mol in mols], rtol=1e-5)
    series = np.array([rdMolDescriptors.SlogP_VSA_(mol) for mol in mols])
    at = NAMES.index("SlogP_VSA1")
    np.testing.assert_allclose(values[:, at : at + series.shape[1]], series, rtol=1e-4, atol=1e-4)
    assert np.isfinite(shard(["[Fe]", "[Na+].[Cl-]", "*C", "[H][H]"])[DESCRIPTORS]).all()


def test_counts_of_atoms_are_those_of_rdkit(columns, mols):
    values = columns[DESCRIPTORS]
    told = {
        POLAR: rdMolDescriptors.CalcNumLipinskiHBA,
        "hydrogens on them": rdMolDescriptors.CalcNumLipinskiHBD,
        SP3_SHARE: rdMolDescriptors.CalcFractionCSP3,
        "centres": lambda mol: len(Chem.FindMolChiralCenters(mol)),
        "in rings of 5": lambda mol: sum(mol.GetRingInfo().MinAtomRingSize(n) == 5 for n in range(mol.GetNumAtoms())),
    }
    for name, calculate in told.items():
        np.testing.assert_allclose(values[:, NAMES.index(name)], [calculate(mol) for mol in mols], atol=1e-6)


def test_scaffolds_part_molecules_as_those_of_rdkit_do(mols):
    ours = [scaffold(mol) for mol in mols]
    theirs = [MurckoScaffold.MurckoScaffoldSmiles(mol=mol, includeChirality=False) for mol in mols]
    cyclic = [(a, b) for a, b in zip(ours, theirs, strict=True) if b]
    assert [bool(a) for a in ours] == [bool(b) for b in theirs]
    # each of theirs is one of ours, and the other way round; a charge may be written otherwise
    pairs = len(set(cyclic))
    assert pairs - 1 <= len({a for a, _ in cyclic}) <= pairs
    assert pairs - 1 <= len({b for _, b in cyclic}) <= pairs


def test_salts_tautomers_and_stereo_differ_in_what_they_share():
    cells = ["CC(=O)O", "CC(=O)[O-].[Na+]", "OC1=CC=CC=N1", "O=C1C=CC=CN1", "C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"]
    found = shard(cells, roles=ALL)[IDENTITY]
    same = {name: [int(found[i, at] == found[i + 1, at]) for i in (0, 2, 4)] for at, name in enumerate(SAME)}
    assert same["canonical"] == [0, 0, 0]
    assert same["inchikey"] == [0, 1, 0]
    assert same["skeleton"] == [0, 1, 1]
    assert same["parent"] == [1, 0, 0]


def test_one_molecule_is_encoded_as_many_are(smiles):
    cells = smiles[:12]
    whole = shard(cells, roles=ALL)
    reading = decided()
    for row, cell in enumerate(cells):
        case = MOLECULES.read(located([cell]), reading=reading)
        alone = MOLECULES.encode(case, reading=reading, roles=frozenset(ALL))
        for field in whole.fields:
            np.testing.assert_array_equal(alone[field.name], whole[field.name][row])
        assert MOLECULES.fingerprint(case) == tuple(whole.fingerprints[row].tolist())


def test_the_order_of_atoms_in_a_smiles_changes_no_identity():
    columns = shard(["OC(=O)c1ccccc1OC(C)=O", "CC(=O)Oc1ccccc1C(=O)O"], roles=ALL)
    assert (columns.fingerprints[0] == columns.fingerprints[1]).all()
    for name in (IDENTITY, BITS, FINGERPRINT):
        np.testing.assert_array_equal(columns[name][0], columns[name][1])
    np.testing.assert_allclose(columns[DESCRIPTORS][0], columns[DESCRIPTORS][1], rtol=1e-5, atol=1e-5)
