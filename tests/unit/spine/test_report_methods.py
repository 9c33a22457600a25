"""The draft for a paper says what scores and plan say, and leaves to the authors what only they know."""

import re
from dataclasses import replace

import pytest

from osler.core.plan import Decision, Plan
from osler.language import LANGUAGES
from osler.spine.report import documents_of, write_methods
from osler.spine.report.numerals import number
from tests.unit.spine.report_accounts import bare, breast_cancer, diabetes, hostile, in_language


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", [breast_cancer, diabetes])
def test_every_score_of_the_bundle_stands_in_the_draft(make, language):
    account = in_language(make(), language)
    text = write_methods(account)
    for value in account.scores.test.values():
        assert re.search(rf"{number(value.value)[:4]}", text), value
    assert f"{account.counts['test']:,}" in text
    assert str(account.plan["fit.epochs"]) in text or "fit.ema" not in account.plan
    assert "((" in text or "（（" in text


def test_the_events_of_training_are_told():
    account = breast_cancer()
    told = write_methods(account)
    counts = account.facts["target"]["counts"]
    assert all(f" {n} (" in told for n in (counts.values() if isinstance(counts, dict) else counts[0]))


def test_an_evaluation_speaks_of_no_training():
    account = replace(breast_cancer(), counts={"test": 114, "cases": 114}, members=())
    told = write_methods(account)
    assert "applied unchanged" in told
    assert "AdamW" not in told


def test_epochs_that_were_planned_anew_are_told_from_the_fewest_to_the_most():
    values = {"split.folds": 2, "fit.members": 1, "fit.epochs": 20, "fit.learning_rate": 1e-3, "fit.batch": 8, "fit.weight_decay": 0.0,
              "fit.ema": 0.9}  # fmt: skip
    for replanned, told in ([], "20 epochs"), ([[1, 1, 9], [1, 2, 7]], "7 to 20 epochs"), ([[0, 1, 30], [1, 1, 30]], "30 epochs"):
        plan = Plan([Decision(name, value, "why") for name, value in {**values, "fit.replanned": replanned}.items()])
        assert f"for {told} in batches" in write_methods(replace(breast_cancer(), plan=plan))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", [hostile, bare])
def test_a_strange_account_makes_plain_text(make, language):
    told = write_methods(in_language(make(), language))
    assert not re.search(r"(?<!\\)<\w", told)
    assert "{" not in told


def test_the_documents_of_an_account():
    assert set(documents_of(breast_cancer())) == {"scores.json", "report.html", "card.md", "methods.md"}
