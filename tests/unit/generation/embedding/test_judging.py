"""The whole judgement, on real cases."""

import json
from dataclasses import replace

import numpy as np
import pytest

from osler.core.target import Target
from osler.generation.embedding import judge_vectors
from osler.generation.embedding.spaces import COMPONENTS, EMBEDDING, MOST_RAW, RAW, flattened, spaces
from osler.language import words
from tests.unit.generation.embedding.cases import nuclei, progression

pytestmark = pytest.mark.usefixtures("small_maps")


def panels(told):
    return {panel.name: {row.label: row for row in panel.rows} for s in told.sections for panel in s.panels}


def test_two_good_dimensions_lose_little_and_it_is_said_by_how_much():
    cases = nuclei()
    told = judge_vectors(replace(cases, vectors=cases.vectors[:, [20, 27]], grouped=False))
    probe = panels(told)["linear_probe"]
    assert list(probe) == [EMBEDDING, RAW, COMPONENTS]
    assert probe[EMBEDDING].values["auroc"].value > 0.95
    gain = probe[RAW].values["embedding_gain"]
    difference = probe[EMBEDDING].values["auroc"].value - probe[RAW].values["auroc"].value
    assert gain.value == pytest.approx(difference)
    assert gain.low < gain.value < gain.high
    assert probe[EMBEDDING].about["dimensions"] == 2
    assert f"{probe[EMBEDDING].values['auroc'].value:.3f}" in told.headline
    json.dumps({"numbers": told.numbers, "sections": [s.to_dict() for s in told.sections]}, allow_nan=False)


def test_the_same_vectors_show_no_difference_and_noise_is_worse():
    cases = nuclei()
    assert "no difference is shown" in judge_vectors(cases).headline
    noise = np.random.default_rng(0).normal(size=cases.vectors.shape).astype(np.float32)
    told = judge_vectors(replace(cases, vectors=noise))
    assert "the embedding is worse" in told.headline
    assert panels(told)["linear_probe"][EMBEDDING].values["auroc"].value == pytest.approx(0.5, abs=0.12)


def test_a_number_is_judged_by_the_variance_explained():
    told = judge_vectors(progression())
    probe = panels(told)["linear_probe"][EMBEDDING].values
    assert list(probe) == ["r2"]
    assert probe["r2"].low < probe["r2"].value < probe["r2"].high <= 1
    assert "same_class" not in panels(told)


def test_without_a_label_the_rest_is_told():
    told = judge_vectors(nuclei(target=None))
    assert [s.name for s in told.sections] == ["map", "dimensions"]
    assert "cannot be measured without a label" in told.headline
    assert "--target" in told.notes[0]


def test_cases_without_a_label_and_labels_nobody_has_stop_nothing():
    cases = nuclei()
    values = cases.target.values.copy()
    values[::3] = np.nan
    part = judge_vectors(replace(cases, target=Target(values, np.isfinite(values), cases.target.info)))
    assert panels(part)["linear_probe"][EMBEDDING].cases == np.isfinite(values[cases.split.test]).sum()
    values[:] = np.nan
    none = judge_vectors(replace(cases, target=Target(values, np.isfinite(values), cases.target.info)))
    assert "linear_probe" not in panels(none)


def test_intervals_are_by_group_and_groups_that_lie_together_are_told():
    cases = nuclei()
    pairs = replace(cases, vectors=np.repeat(cases.vectors[::2], 2, axis=0)[:569], groups=np.arange(569) // 2)
    alone, grouped = (panels(judge_vectors(replace(pairs, grouped=known))) for known in (False, True))
    assert "same_group" not in alone
    assert grouped["same_group"][EMBEDDING].values["same_group"].value > 0.8
    assert grouped["same_group"]["by chance"].values["same_group"].value < 0.02
    one, other = (p["linear_probe"][EMBEDDING].values["auroc"] for p in (alone, grouped))
    assert one.value == other.value
    assert (one.low, one.high) != (other.low, other.high)


def test_the_same_seed_gives_the_same_judgement():
    first, again = (judge_vectors(nuclei()) for _ in range(2))
    assert (first.headline, first.sections, first.cases) == (again.headline, again.sections, again.cases)


def test_every_word_is_told_in_chinese():
    chinese = words("zh")
    told = judge_vectors(nuclei(grouped=True, groups=np.arange(569) // 2))
    sentences = [told.headline, *told.notes, *(t for s in told.sections for t in (s.title, *s.text))]
    labels = [row.label for s in told.sections for p in s.panels for row in p.rows]
    notes = [note for s in told.sections for p in s.panels for note in p.notes]
    assert [text for text in (*sentences, *labels, *notes) if chinese[text] == text] == []


def test_large_grids_are_averaged_over_blocks():
    torch = pytest.importorskip("torch")
    small = torch.arange(2.0 * 784).reshape(2, 1, 28, 28)
    assert np.array_equal(flattened(small), small.flatten(1).numpy())
    large = torch.rand(2, 3, 224, 224)
    found = flattened(large)
    assert found.shape == (2, 3 * 28 * 28)
    assert found.mean(axis=1) == pytest.approx(large.mean(dim=(1, 2, 3)).numpy(), abs=1e-5)
    assert flattened(torch.rand(2, 5000)).shape == (2, MOST_RAW)


def test_a_space_keeps_its_distances_whatever_its_scale():
    cases = nuclei()
    one, other = (spaces(replace(cases, vectors=v))[0].vectors for v in (cases.vectors, 7 * cases.vectors + 3))
    assert one == pytest.approx(other, abs=1e-4)
    apart = np.linalg.norm(cases.vectors[0] - cases.vectors[1]) / np.linalg.norm(cases.vectors[2] - cases.vectors[3])
    assert np.linalg.norm(one[0] - one[1]) / np.linalg.norm(one[2] - one[3]) == pytest.approx(apart, rel=1e-4)
