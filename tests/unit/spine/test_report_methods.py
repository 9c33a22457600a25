"""The draft for a paper says what scores and plan say, and leaves to the authors what only they know."""

import re
from dataclasses import replace

import pytest

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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", [hostile, bare])
def test_a_strange_account_makes_plain_text(make, language):
    told = write_methods(in_language(make(), language))
    assert not re.search(r"(?<!\\)<\w", told)
    assert "{" not in told


def test_the_documents_of_an_account():
    assert set(documents_of(breast_cancer())) == {"scores.json", "report.html", "card.md", "methods.md"}
