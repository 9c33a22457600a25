"""What recurs, as pages tell it: with drawings in pages, as numbers in scores.json, names of a stranger's file escaped."""

from dataclasses import replace

import pytest

from osler.language import words
from osler.spine.report import write_explanation
from osler.spine.report.looks import looks, pattern
from tests.unit.spine.report_accounts import bare

HOSTILE = "<script>alert(1)</script>"
FOUND = {
    "input": "window", "target": "bound", "level": "yes", "side": "for", "alphabet": "dna", "consensus": "CACGTG", "sites": 40, "cases": 38,
    "of_cases": 600, "contribution": 1.25, "matrix": [[0.0] * 6] * 4, "svg": "<svg class='own'></svg>",
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_form_has_its_sentences(language):
    said = words(language)
    for one in (FOUND, {**FOUND, "side": "against"}, {**FOUND, "contribution": None}, {**FOUND, "level": ""}):
        look = pattern(one, said)
        assert "CACGTG" in look.title
        assert "bound" in look.title
        assert "40" in look.sentences[0]
        assert ("1.25" in look.sentences[1]) == (one["contribution"] is not None)
    titles = {pattern(one, said).title for one in (FOUND, {**FOUND, "side": "against"}, {**FOUND, "contribution": None})}
    assert len(titles) == 3


def test_known_motifs_are_named_or_said_to_be_none():
    said = words("en")
    named = pattern({**FOUND, "known": [{"identifier": "MA0004.1", "name": "Arnt", "pearson": 0.97, "q": 0.001}], "of": 9}, said)
    assert "Arnt (MA0004.1): Pearson 0.970" in named.sentences[-1]
    assert pattern({**FOUND, "known": [], "of": 9}, said).sentences[-1] == "None of 9 known motifs is like it."


def test_names_of_a_strangers_file_are_escaped():
    known = [{"identifier": HOSTILE, "name": "", "pearson": 0.97, "q": 0.001}]
    page = write_explanation([], title="t", language="en", recurring=[{**FOUND, "known": known, "of": 1}])
    assert "<script>" not in page
    assert "alert(1)" in page
    assert FOUND["svg"] in page


def test_the_report_draws_it_and_scores_hold_numbers_alone():
    account = bare()
    with_it = replace(account, scores=replace(account.scores, explanation={"recurring": [FOUND]}))
    assert [one.svg for one in looks(with_it, words("en"))] == [FOUND["svg"]]
    told = with_it.numbers()["explanation"]["recurring"][0]
    assert told == {key: value for key, value in FOUND.items() if key != "svg"}
    assert with_it.scores.explanation["recurring"] == [FOUND], "nothing of the account changes"
