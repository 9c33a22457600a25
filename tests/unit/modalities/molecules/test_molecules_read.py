"""Cells as molecules: what is read, what is refused and why, and how molecules are standardised."""

import csv
import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from rdkit import Chem

from osler.core.errors import PlanError, Refused, StudyError
from osler.core.table import Table
from osler.modalities.molecules import Molecules
from osler.modalities.molecules.read import read, recognises
from osler.modalities.molecules.read.parse import parsed

MOLECULES = Molecules()
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
HIV = {"rows": 41_127, "unreadable": 7}


def table(cells) -> Table:
    return Table(pa.table({"smiles": pa.array(cells, pa.string())}), Path())


def located(cells):
    return MOLECULES.locate(table(cells), columns=["smiles"])


def decided(**settings):
    return {d.name: d.value for d in MOLECULES.reading(located([ASPIRIN]), settings=settings)}


def shard(cells, *, roles=("input",), **settings):
    return MOLECULES.shard(located(cells), reading=decided(**settings), roles=frozenset(roles))


def features_of(cell, **settings) -> str:
    """Return the canonical SMILES of what features are computed of."""
    return Chem.MolToSmiles(read(located([cell]), reading=decided(**settings)).mol)


def cells_of(path: Path, column: str) -> list[str]:
    with path.open(newline="", encoding="utf-8") as stream:
        return [row[column] for row in csv.DictReader(stream)]


def parts(path: Path) -> dict[str, list[str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:200]
    return {name: [row[name] for row in rows if row[name]] for name in rows[0]}


def test_the_column_of_molecules_is_found_in_every_public_table(data):
    found = {}
    for path in sorted((data / "molecules").rglob("*.csv")):
        sure = {name: recognises(cells) for name, cells in parts(path).items()}
        found[path.stem if "moleculenet" in str(path) else path.parent.name] = [name for name, share in sure.items() if share]
    tdc = {
        "herg",
        "bbb_martins",
        "ames",
        "cyp2d6_veith",
        "caco2_wang",
        "lipophilicity_astrazeneca",
        "solubility_aqsoldb",
        "vdss_lombardo",
    }
    assert {name for name, columns in found.items() if columns == ["Drug"]} == tdc
    assert {name for name, columns in found.items() if columns == ["smiles"]} == set(found) - tdc
    assert len(found) == 16


@pytest.mark.parametrize(
    "cells",
    [["O", "B", "C", "N"] * 10, ["CC", "CN", "NO"] * 10, ["male", "female"], ["1.5", "22", "3e4"], ["COPD", "CNS", "BPH"],
     ["CCNB1", "BCL2", "SOS1", "FOS"], ["scan_01.png", "scan_02.png"]],
)  # fmt: skip
def test_codes_words_and_numbers_are_no_molecules(cells):
    assert recognises(cells) == 0.0


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("C(C)(C)(C)(C)C", "valence"),
        ("c1cccc1", "aromatic"),
        ("C1CC", "no_smiles"),
        ("not a molecule", "no_smiles"),
        ("[C,N]CC", "no_smiles"),
        ("C~C", "query"),
        ("CC\u2013C", "characters"),
        ("\u0421\u0421O", "characters"),  # Cyrillic
        ("NC(C)C(=O)" * 400 + "O", "large"),  # a peptide of 2,001 atoms
        ("C" * 100_001, "long"),
        ("InChI=1S/broken", "no_inchi"),
    ],
)
def test_a_cell_that_is_no_molecule_is_refused_in_our_words(cell, code):
    columns = shard(["CCO", cell, "CCN"])
    assert columns.present.tolist() == [True, False, True]
    assert columns.refusals[1].code == code
    assert columns.refusals[1].column == "smiles"
    assert cell not in columns.refusals[1].sentence


def test_an_empty_cell_is_absent_and_no_refusal():
    columns = shard(["CCO", "", None, " ", "NA"])
    assert columns.present.tolist() == [True, False, False, False, False]
    assert dict(columns.refusals) == {}


@pytest.mark.parametrize("cell", ["[Na+].[Cl-]", "[Fe]", "Cl[Pt](Cl)(N)N", "*CC", "[2H]C", "CCO.Cl", "[H][H]", "C[Si](C)(C)C"])
def test_salts_metals_and_fragments_are_read(cell):
    assert shard([cell], roles=("input", "baseline", "identity")).present.all()


def test_cages_of_very_many_rings_are_refused_before_rdkit_looks_for_them():
    grid = Chem.RWMol()
    for _ in range(144):
        grid.AddAtom(Chem.Atom(6))
    for i in range(12):
        for j in range(12):
            for k, m in ((i + 1, j), (i, j + 1)):
                if max(k, m) < 12:
                    grid.AddBond(12 * i + j, 12 * k + m, Chem.BondType.SINGLE)
    grid.UpdatePropertyCache(strict=False)
    with pytest.raises(Refused, match="rings joined to one another"):
        parsed(Chem.MolToMolBlock(grid, kekulize=False), most_atoms=500)


def test_inchi_and_molfiles_are_read_as_the_same_molecule():
    mol = Chem.MolFromSmiles("C[C@H](N)C(=O)O")
    forms = [Chem.MolToSmiles(mol), Chem.MolToInchi(mol), Chem.MolToMolBlock(mol), Chem.MolToV3KMolBlock(mol)]
    columns = shard(forms, roles=("input", "identity"))
    assert columns.present.all()
    assert len({tuple(p) for p in columns.fingerprints.tolist()}) == 1
    assert len({tuple(line) for line in columns["identity"].tolist()}) == 1


def test_a_molfile_cut_in_the_middle_is_refused_and_the_rest_goes_on():
    whole = Chem.MolToMolBlock(Chem.MolFromSmiles(ASPIRIN))
    columns = shard([whole, whole[: len(whole) // 2], whole])
    assert columns.present.tolist() == [True, False, True]
    assert columns.refusals[1].code == "cut_off"


@pytest.mark.parametrize(
    ("cell", "settings", "expected"),
    [
        ("CC(=O)[O-].[Na+]", {}, "CC(=O)O"),
        ("CC(=O)[O-].[Na+]", {"salts": "keep", "charges": "keep"}, "CC(=O)[O-].[Na+]"),
        ("C[NH3+].[Cl-]", {}, "CN"),
        ("C[N+](=O)[O-]", {}, "C[N+](=O)[O-]"),
        ("C[N+](C)(C)C.[Br-]", {}, "C[N+](C)(C)C"),
        ("[2H]C([2H])([2H])O", {}, "CO"),
        ("[13CH3]O", {"isotopes": "keep"}, "[13CH3]O"),
        ("C[C@H](N)O", {}, "C[C@H](N)O"),
        ("C[C@H](N)O", {"stereo": "drop"}, "CC(N)O"),
        ("OC1=CC=CC=N1", {"tautomers": "canonical"}, "O=c1cccc[nH]1"),
        ("[Na+].[Cl-]", {"charges": "keep"}, "[Cl-]"),
    ],
)
def test_molecules_are_standardised_as_decided(cell, settings, expected):
    assert features_of(cell, **settings) == expected


def test_impossible_decisions_and_several_columns_are_told():
    with pytest.raises(PlanError, match="'salts' cannot be 'wash'"):
        decided(salts="wash")
    with pytest.raises(StudyError, match="one column, and 2 are given"):
        MOLECULES.locate(Table(pa.table({"a": ["C"], "b": ["C"]}), Path()), columns=["a", "b"])
    with pytest.raises(StudyError, match="no column 'smile'; did you mean 'smiles'"):
        MOLECULES.locate(table(["C"]), columns=["smile"])


def test_a_digest_follows_the_cells():
    digests = {
        MOLECULES.digest(located(cells), file_digest=str) for cells in (["CC", "C"], ["C", "CC"], ["CC", None], ["CC", ""])
    }
    assert len(digests) == 3  # an empty cell is a missing one
    whole = located(["CC", "CO", "CN"])
    assert MOLECULES.digest(whole[1:2], file_digest=str) == MOLECULES.digest(located(["CO"]), file_digest=str)
    other = MOLECULES.locate(Table(pa.table({"drug": ["CC", "CO", "CN"]}), Path()), columns=["drug"])
    assert MOLECULES.digest(other, file_digest=str) != MOLECULES.digest(whole, file_digest=str)  # refusals name the column


@pytest.mark.parametrize(("name", "unreadable"), [("BBBP", 11), ("clintox", 4)])
def test_the_unreadable_molecules_of_public_tables_are_refused(data, name, unreadable):
    cells = cells_of(data / "molecules" / "moleculenet" / f"{name}.csv", "smiles")
    assert len(refused(cells)) == unreadable


@pytest.mark.slow
def test_seven_molecules_of_the_hiv_set_are_refused_and_no_other(data):
    cells = cells_of(data / "molecules" / "moleculenet" / "HIV.csv", "smiles")
    assert len(cells) == HIV["rows"]
    assert len(refused(cells)) == HIV["unreadable"]


def refused(cells) -> list[int]:
    rows = []
    for row, cell in enumerate(cells):
        try:
            parsed(cell, most_atoms=500)
        except Refused:
            rows.append(row)
    return rows


def test_a_library_of_drug_like_molecules_is_read_whole(data):
    with gzip.open(data / "molecules" / "zinc_29k.smi.gz", "rt") as stream:
        cells = [line.split()[0] for line, _ in zip(stream, range(300), strict=False)]
    assert shard(cells).present.all()
