"""What is read off vectors: against scikit-learn, by laws, and never with help of the test cases."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from osler.generation.embedding.neighbours import alike, alike_by_chance, of_own_group, read_off
from osler.generation.embedding.probe import PENALTIES, probed
from osler.generation.embedding.questions import MOST_QUESTIONS, questions
from osler.generation.embedding.rated import explained, ranked, statistics
from tests.unit.generation.embedding.cases import BINARY, nuclei, progression, split_of, target_of


def read(cases, reader=probed):
    question = questions(cases.target)[0]
    return question, reader(cases.vectors, question, split=cases.split, groups=cases.groups, seed=0)


def test_the_probe_is_a_logistic_regression_of_the_chosen_penalty():
    cases = nuclei()
    question, found = read(cases)
    rows, test = cases.split.development, cases.split.test
    training = cases.vectors[cases.split.training]
    scaled = (cases.vectors - training.mean(axis=0)) / training.std(axis=0)
    other = LogisticRegression(C=1 / (found.chosen * len(rows)), max_iter=2000).fit(scaled[rows], question.values[rows])
    expected = roc_auc_score(question.values[test], other.decision_function(scaled[test]))
    assert roc_auc_score(question.values[test], found.scores[:, 1] - found.scores[:, 0]) == pytest.approx(expected, abs=2e-4)
    assert expected > 0.98


def test_numbers_are_read_by_ridge_regression():
    cases = progression()
    question, found = read(cases)
    test = question.values[cases.split.test]
    assert found.chosen in PENALTIES
    assert 0.3 < r2_score(test, found.scores[:, 0]) < 0.7
    assert explained(found.scores[:, 0], test).of(np.ones((1, len(test)), np.uint8))[0] == pytest.approx(
        r2_score(test, found.scores[:, 0])
    )


@pytest.mark.parametrize("reader", [probed, read_off])
def test_what_is_chosen_and_learned_does_not_hang_on_the_test_cases(reader):
    cases = nuclei()
    _, found = read(cases, reader)
    spoilt = cases.vectors.copy()
    spoilt[cases.split.test[1:]] = np.random.default_rng(1).normal(size=(len(cases.split.test) - 1, 30))
    values = cases.target.values.copy()
    values[cases.split.test] = 1 - values[cases.split.test]
    _, again = read(replace(cases, vectors=spoilt, target=target_of(values, BINARY)), reader)
    assert again.chosen == found.chosen
    assert again.scores[0] == pytest.approx(found.scores[0], abs=1e-6)


def test_nearest_neighbours_are_scikit_learns():
    cases = nuclei()
    question, found = read(cases, read_off)
    every = cases.split.development
    other = KNeighborsClassifier(int(found.chosen)).fit(cases.vectors[every], question.values[every])
    assert np.allclose(found.scores, other.predict_proba(cases.vectors[cases.split.test]))


def test_a_split_without_tune_rows_chooses_on_groups_of_the_training_part():
    cases = nuclei(split=split_of(569, tune=0.0), groups=np.arange(569) // 4)
    _, found = read(cases)
    assert found.chosen in PENALTIES


def test_a_class_that_training_lacks_is_given_no_chance_and_stops_nothing():
    cases = nuclei()
    three = {"kind": "multiclass", "names": ["diagnosis"], "classes": [["benign", "malignant", "unsure"]]}
    values = cases.target.values.copy()
    values[cases.split.tune[:5]] = 2
    values[cases.split.test[:5]] = 2
    cases = replace(cases, target=target_of(values, three))
    for reader in (probed, read_off):
        question, found = read(cases, reader)
        told = replace(question, values=question.values[cases.split.test], known=np.ones(len(cases.split.test), bool))
        rated = statistics([told], [found.scores], [np.arange(len(cases.split.test))])
        assert 0.5 < rated["accuracy"].of(np.ones((1, len(cases.split.test)), np.uint8))[0] < 1


def test_of_several_labels_the_mean_is_told_and_an_unknown_one_counts_nothing():
    cases = nuclei()
    small = (cases.vectors[:, 0] > 0).astype(float)
    values = np.column_stack([cases.target.values[:, 0], small])
    values[cases.split.test[:40], 1] = np.nan
    names = {"kind": "multilabel", "names": ["malignant", "large"], "classes": [["0", "1"]] * 2, "positive": ["1", "1"]}
    cases = replace(cases, target=target_of(values, names))
    wanted, test = questions(cases.target), cases.split.test
    scores = [probed(cases.vectors, q, split=cases.split, groups=cases.groups, seed=0).scores for q in wanted]
    told = [replace(q, values=q.values[q.within(test)], known=np.ones(len(q.within(test)), bool)) for q in wanted]
    rated = statistics(told, scores, [np.flatnonzero(q.known[test]) for q in wanted])
    expected = np.mean([roc_auc_score(q.values, s[:, 1] - s[:, 0]) for q, s in zip(told, scores, strict=True)])
    assert rated["auroc"].of(np.ones((1, len(test)), np.uint8))[0] == pytest.approx(expected)
    assert [len(s) for s in scores] == [len(test), len(test) - 40]


def test_of_very_many_labels_the_most_frequent_are_asked():
    values = (np.arange(200)[:, None] % np.arange(2, 30) == 0).astype(float)
    names = [f"every {n}" for n in range(2, 30)]
    info = {"kind": "multilabel", "names": names, "classes": [["0", "1"]] * 28, "positive": ["1"] * 28}
    assert [q.name for q in questions(target_of(values, info))] == names[:MOST_QUESTIONS]


def test_neighbours_of_a_class_are_as_many_as_chance_says_where_vectors_say_nothing():
    noise = np.random.default_rng(0).normal(size=(569, 5)).astype(np.float32)
    cases = nuclei(vectors=noise)
    question = questions(cases.target)[0]
    chance = alike_by_chance(question, split=cases.split).mean()
    assert alike(noise, question, split=cases.split).mean() == pytest.approx(chance, abs=0.03)
    assert alike(nuclei().vectors, question, split=cases.split).mean() > chance + 0.3


def test_a_group_that_lies_together_is_seen_to():
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(50), 3)
    together = generator.normal(size=(50, 4))[groups] + 1e-3 * generator.normal(size=(150, 4))
    rows = np.arange(150)
    _, share, chance = of_own_group(together, rows, groups)
    assert share.mean() == 1
    assert chance.mean() == pytest.approx(2 / 149)
    _, apart, _ = of_own_group(generator.normal(size=(150, 4)), rows, groups)
    assert apart.mean() < 0.1


def test_auroc_of_resamples_is_that_of_the_cases_drawn():
    generator = np.random.default_rng(0)
    score, truth = np.round(generator.normal(size=60), 1), generator.random(60) < 0.4
    counts = generator.integers(0, 3, (5, 60)).astype(np.uint8)
    expected = [roc_auc_score(np.repeat(truth, c), np.repeat(score, c)) for c in counts]
    assert ranked(score, truth).of(counts) == pytest.approx(expected)
