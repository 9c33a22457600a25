"""A molecule that keeps RDKit busy is refused after its time, and the rest goes on; what RDKit says is for the user's own file."""

import pytest

from osler.core.errors import Refused
from osler.flows.predictor import ending
from osler.modalities.molecules.read import trial as trials
from osler.modalities.molecules.read.parse import doubtful, parsed
from osler.modalities.molecules.read.trial import Trial
from osler.spine.columns.store import load, save
from tests.unit.modalities.molecules.test_molecules_read import decided, shard

PEPTIDE = "N[C@@H](C)C(=O)" * 60 + "O"  # 301 atoms
GIVEN = {"most_atoms": 500, "tautomers": "given"}


@pytest.fixture
def process():
    found = Trial()
    yield found
    found.close()


def test_a_large_molecule_is_tried_and_small_ones_and_those_that_are_refused_anyway_are_not():
    assert doubtful(PEPTIDE, reading=GIVEN)
    for cell in ("CCO", "CC(C)" * 40, "C" * 501, "(" * 400, "é" * 400):
        assert not doubtful(cell, reading=GIVEN)
    assert doubtful("CC(C)" * 40, reading={**GIVEN, "tautomers": "canonical"})


def test_a_molecule_within_its_time_is_read_and_one_beyond_it_is_refused_and_the_rest_goes_on():
    cells = ["CCO", PEPTIDE, "CCN"]
    assert shard(cells).present.all()
    columns = shard(cells, most_seconds=1e-9)
    assert columns.present.tolist() == [True, False, True]
    assert str(columns.refusals[1]) == "slow: column 'smiles': RDKit needs more than 1e-09 seconds for this molecule"
    assert shard(cells, most_seconds=0).present.all()
    trials.trial().close()


def test_a_process_that_is_too_slow_is_killed_and_another_takes_its_place(process):
    process.check(PEPTIDE, reading=decided(), seconds=60)
    first = process._process
    with pytest.raises(Refused, match="needs more than"):
        process.check(PEPTIDE, reading=decided(), seconds=1e-9)
    assert first.poll() is not None
    process.check(PEPTIDE, reading=decided(), seconds=60)
    assert process._process.pid != first.pid


def test_a_molecule_that_ends_the_process_is_refused(process):
    process.check("CCO", reading=decided(), seconds=60)
    process._process.kill()
    process._process.wait()
    process.check("CCO", reading=decided(), seconds=60)  # it is started anew
    with pytest.raises(Refused, match="ends the process that reads it"):
        process.check("CCO", reading={"no": "reading"}, seconds=60)


def test_rdkits_words_stand_in_the_users_file_and_nowhere_else(tmp_path):
    with pytest.raises(Refused) as told:
        parsed("CC(F)(F)(F)F", most_atoms=500)
    refusal = told.value.refusal
    words = "RDKit: Explicit valence for atom # 1 C, 5, is greater than permitted"
    assert refusal.detail == words
    assert words not in str(refusal)
    assert words not in str(told.value)
    columns = shard(["CCO", "CC(F)(F)(F)F"])
    save(tmp_path / "kept", columns)
    assert words not in "".join(path.read_text() for path in (tmp_path / "kept").glob("*.json"))
    assert load(tmp_path / "kept").refusals[1].code == "valence"
    lines = ending({"smiles": columns}, columns.refusals)
    assert lines["refused"].tolist() == [
        "",
        f"valence: column 'smiles': an atom has more bonds than its element can have ({words})",
    ]
