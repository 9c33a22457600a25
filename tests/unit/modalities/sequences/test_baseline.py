"""Facts, the decisions that follow from them, the classical model's counts, drift, and GUE as a data set."""

import json

import numpy as np
import pytest
import yaml

from osler.core.columns import Ragged
from osler.core.plan import Brief
from osler.core.target import Target
from osler.datasets import get
from osler.modalities.sequences.baseline import baseline_features
from osler.modalities.sequences.case import LETTERS
from osler.modalities.sequences.drift import drift, drift_sums
from osler.modalities.sequences.facts import facts
from osler.modalities.sequences.facts.asymmetry import place_bias, strand_bias
from osler.modalities.sequences.rules import ladder, rules
from tests.unit.modalities.sequences.test_encode import PROTEIN, SEQUENCES, cells_of, shard


def brief(found, *, cases=5_000, **changed):
    return Brief(found, {}, "classification", "vector", "cpu", 10.0, cases, cases, **changed)


def decided(found):
    return {d.name: d.value for d in rules(brief(found))}


def measured(cells, tmp_path, labels=None):
    columns = shard(cells, tmp_path)
    target = None if labels is None else Target(np.array(labels, float)[:, None], np.ones((len(cells), 1), bool), {})
    found = facts(columns, np.arange(len(cells)), target=target)
    assert json.loads(json.dumps(found)) == found
    return found


def test_windows_around_bound_factors_have_neither_strand_nor_place(data, tmp_path):
    found = measured(cells_of(data, "tf_0"), tmp_path)
    assert (decided(found)["strands"], decided(found)["positions"]) == ("averaged", False)


@pytest.mark.parametrize("task", ["prom_prom_core_all", "prom_prom_300_tata"])
def test_promoters_have_both(data, task, tmp_path):
    found = measured(cells_of(data, task), tmp_path)
    assert (decided(found)["strands"], decided(found)["positions"]) == ("given", True)


def test_random_letters_have_neither_and_a_planted_direction_is_seen():
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 4, (600, 50)).astype(np.uint8)
    offsets = np.arange(601) * 50
    assert strand_bias(Ragged(codes.ravel(), offsets)) < 5
    assert place_bias(Ragged(codes.ravel(), offsets), base=4) == 0.0
    for row, at in enumerate(generator.integers(0, 44, 600)):
        codes[row, at : at + 6] = (0, 0, 0, 1, 1, 0)  # AAACCA at random places: a strand, no place
    assert strand_bias(Ragged(codes.ravel(), offsets)) > 8
    codes[:, 20] = 2
    assert place_bias(Ragged(codes.ravel(), offsets), base=4) > 0.1
    assert place_bias(Ragged(codes.ravel(), np.append(np.arange(0, 30_000, 53), 30_000)), base=4) == 0.0


def test_facts_are_counts_of_letters(tmp_path):
    cells = ["GGCC", "ggAT", "TACC", "AANN"] * 60
    found = measured(cells, tmp_path, labels=[1, 0, 1, 0] * 60)
    assert found["composition"] == {"A": 0.25, "C": 0.25, "G": 0.25, "T": 0.125}
    assert (found["unknown"], found["masked"], found["gc"]) == (0.125, 0.125, round(8 / 14, 4))
    assert found["gc_by_class"] == {"0": round(2 / 6, 4), "1": 0.75}
    assert (found["different"], found["repeated"]) == (4, 4)
    assert found["lengths"] == [4.0] * 7


def test_rna_and_proteins_are_read_as_given(tmp_path):
    for cells in ([PROTEIN] * 30, ["ACGUUGCAACGGUA"] * 30):
        assert decided(measured(cells, tmp_path))["strands"] == "given"


def test_sizes_follow_the_cases():
    found = {"lengths": [101.0] * 7, "gc": 0.5}
    names = {cases: [rung.name for rung in ladder(brief(found, cases=cases))] for cases in (100, 5_000, 50_000)}
    assert names == {100: ["tiny", "small"], 5_000: ["tiny", "small", "medium"],
                     50_000: ["tiny", "small", "medium", "large", "huge"]}  # fmt: skip


@pytest.mark.parametrize(("plan", "names"), [
    ({"strands": "averaged", "positions": False, "bins": 8}, 1 + 2 + 10 + 32 + 136 + 512 + 2 * 136),
    ({"strands": "given", "positions": False, "bins": 8}, 1 + 4 + 16 + 64 + 256 + 2 * 256),
    ({"strands": "given", "positions": True, "bins": 8}, 1 + 4 + 16 + 64 + 256 + 8 * 4 + 2 * 16),
])  # fmt: skip
def test_features_count_both_strands_as_one_where_they_are_alike(plan, names, tmp_path):
    cell = "ACGTTGCATTCAGG"
    columns = shard([cell, cell[::-1].translate(str.maketrans("ACGT", "TGCA")), None], tmp_path)
    state = SEQUENCES.fit(columns, np.arange(3), groups=np.arange(3), plan=plan)
    found = baseline_features(columns, np.arange(3), state=state)
    assert found.matrix.shape == (3, names)
    assert len(set(found.names)) == len(found.kinds) == names
    assert np.isnan(found.matrix[2]).all()
    assert (found.matrix[0] == found.matrix[1]).all() == (plan["strands"] == "averaged")
    by_name = dict(zip(found.names, found.matrix[0].tolist(), strict=True))
    assert (by_name["length"], by_name["TTC" if plan["strands"] == "given" else "GAA"]) == (14.0, 1.0)


def test_other_sequences_are_seen_as_such(data, tmp_path):
    columns = shard([*cells_of(data, "tf_0"), *cells_of(data, "prom_prom_core_tata")], tmp_path)
    known = facts(columns, np.arange(600))
    told = {}
    for name, rows in (("same", np.arange(600, 1000)), ("other", np.arange(1000, 1500))):
        parts = [drift_sums(columns, part, facts=known) for part in np.array_split(rows, 3)]
        told[name] = drift({key: sum(p[key] for p in parts) for key in parts[0]}, facts=known)
    assert not any(shift.finding for shift in told["same"])
    found = {shift.column: shift for shift in told["other"]}
    assert found["length"].finding
    assert found["length"].now["mean"] == 70.0
    gc = np.mean([np.isin(columns[LETTERS][row], [1, 2]).mean() for row in range(1000, 1500)])
    assert found["GC share"].now["mean"] == pytest.approx(gc, abs=1e-6)


def test_gue_comes_from_a_mirror_with_its_split(data, tmp_path):
    study = get("gue/prom_prom_core_tata", to=tmp_path / "study", mirror=data / "genomes")
    lines = (study.parent / "table.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "sequence,label,split"
    parts = [line.rpartition(",")[2] for line in lines[1:]]
    assert {part: parts.count(part) for part in ("train", "dev", "test")} == {"train": 4904, "dev": 613, "test": 613}
    assert yaml.safe_load(study.read_text(encoding="utf-8"))["inputs"]["sequence"]["modality"] == "sequences"
