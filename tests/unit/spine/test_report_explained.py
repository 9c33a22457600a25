"""Pages of explanations: whole, self-contained, escaped, and telling every number in either language."""

import re

import pytest

from osler.core.errors import RequestError
from osler.language import words
from osler.spine.report import write_explanation
from osler.spine.report.explained import cell, place
from osler.spine.report.overall import overall
from osler.spine.report.sides import Side, draw_sides, signed
from tests.unit.spine.test_report import Page

HOSTILE = "<script>alert(1)</script> & 'ward'"


def feature(name, value, **more):
    return {
        "name": name,
        "attribution": {"bundle": 0.5, "network": 1.0, "baseline": 0.25},
        "cell": str(value),
        "value": value,
        **more,
    }


def answer(**more):
    ends = {"score": 1.25, "reference": -0.5, "error": 2e-7}
    features = [
        feature("age", 71.0, band=[0.95, 1.0]), feature("dose", 0.123456789012345, band=[0.25, 0.5]), feature(HOSTILE, HOSTILE, known=False),
        feature("gone", None), *(feature(f"c{n}", float(n), band=[0.0, 0.05]) for n in range(20)),
    ]  # fmt: skip
    return {
        "target": "outcome", "level": "dead", "scale": "log-odds", "prediction": 0.777, "bundle": ends, "network": ends, "baseline": ends,
        "features": features, **more,
    }  # fmt: skip


CASES = [
    {"row": 3, "id": HOSTILE, "refused": "", "references": "typical", "weights": {"network": 0.25, "baseline": 0.75}, "answers": [answer()]},
    {"row": 4, "refused": "no_input: every input is missing in this row", "answers": []},
    {"row": 5, "refused": "", "references": "center", "weights": {"network": 1.0, "baseline": 0.0},
     "answers": [answer(scale="value", level="", prediction=12.5), answer(scale="relative log-odds", prediction=0.4)]},
]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_whole_and_needs_nothing_else(language):
    html = write_explanation(CASES, title=HOSTILE, language=language)
    page = Page(html)
    assert page.faults == []
    assert page.open == []
    assert page.tags & {"script", "link", "img", "iframe"} == set()
    assert "://" not in html
    assert "<script>alert" not in html
    assert HOSTILE in page.text
    assert "{" not in page.text


def test_the_page_tells_the_case():
    text = Page(write_explanation(CASES, title="t", language="en")).text
    for said in ("row 3", "77.7%", "−0.50 (37.8%)", "1.25 (77.7%)", "25%", "highest 5%", "25–50%", "lowest 5%", "missing",
                 "age = 71.0", "all 12 other columns together", "+6.00", "no_input", "12.5", "centre of its scales", "<0.001",
                 "shared by fewer than five groups"):  # fmt: skip
        assert said in text, said
    assert "0.1234568" in text  # not the digits that the network never saw


def test_an_unknown_language_is_refused():
    with pytest.raises(RequestError, match="no words in language 'fr'"):
        write_explanation(CASES, title="t", language="fr")


def test_bars_go_to_both_sides_and_keep_their_proportion():
    rows = [Side("a", {"bundle": 2.0, "network": 1.0}), Side("b", {"bundle": -1.0, "network": 0.0})]
    svg = draw_sides(rows, title="t", axis="x")
    bars = {look: [(float(x), float(w)) for x, w in re.findall(rf'class="bar {look}" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)]
            for look in ("f0", "f1")}  # fmt: skip
    (first, wide), (second, narrow) = bars["f0"]
    assert wide == pytest.approx(2 * narrow, rel=0.01)
    assert first == pytest.approx(second + narrow, abs=0.05)  # both end at the line of zero
    assert bars["f1"][0][1] == pytest.approx(wide / 2, rel=0.01)


@pytest.mark.parametrize(
    ("value", "told"), [(0.4312, "+0.43"), (-2.0, "−2.00"), (12.34, "+12.3"), (0.0234, "+0.023"), (0.0, "0")]
)
def test_numbers_have_their_sign(value, told):
    assert signed(value) == told


def test_nothing_to_tell_is_no_section():
    assert overall({}, words("en")) is None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_has_no_value_says_so(language):
    said = words(language)
    told = {
        "attribution": {"cases": 4, "error": 0.0, "references": "center", "features": 1,
                        "shares": [{"name": "a", "bundle": 0.0, "network": 0.0, "baseline": 0.0}]},
        "permutation": {"measure": "auroc", "value": None, "cases": 4, "repeats": 2, "left_out": 0, "exchange": "cases",
                        "rows": [{"name": "a", "loss": {"value": None, "low": None, "high": None, "note": "one class"}}]},
        "effects": [],
    }  # fmt: skip
    found = overall(told, said)
    assert found.lost is None
    assert found.lost_how == (said.say("explain.lost.none", measure="AUROC"),)
    assert found.effects == ()
    assert "<svg" in found.attributed.svg


@pytest.mark.parametrize(
    ("feature", "told"),
    [
        ({"count": 3, "since": 0.5}, ("3×", "12.0 h before")),
        ({"count": 1, "since": 400.0, "value": 7.35, "band": [0.0, 0.05]}, ("7.35", "lowest 5%, 400 d before")),
        ({"count": 0, "since": None}, ("0×", "")),
        ({"count": 0, "since": None, "value": None, "band": None}, ("missing", "")),
    ],
)
def test_events_are_told_by_value_number_and_time(feature, told):
    said = words("en")
    assert (cell(feature, said), place(feature, said)) == told


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_timeline_has_its_own_words_and_begins_with_nothing(language):
    page = write_explanation([timeline_case()], title="t", language=language)
    begins, held = {"en": ("The way starts at", "Each lane is a code"), "zh": ("起点的对数几率", "每行为一个编码")}[language]
    assert begins in page
    assert held in page
    assert "training pictures" not in page
    assert {"en": "ypical", "zh": "典型"}[language] not in page  # it is compared with nobody


def timeline_case():
    ends = {part: {"score": 1.0, "reference": 0.0, "error": 0.0} for part in ("bundle", "network", "baseline")}
    feature = {"name": "HR", "attribution": dict.fromkeys(("bundle", "network", "baseline"), 1.0), "count": 2, "since": 0.1,
               "value": 90.0, "band": [0.5, 0.75]}  # fmt: skip
    drawing = {"input": "events", "modality": "timelines", "svg": "<svg></svg>", "layers": ["attribution"], "kinds": {}}
    answer = {
        "target": "died",
        "level": "1",
        "scale": "log-odds",
        "prediction": 0.7,
        **ends,
        "features": [feature],
        "pictures": [drawing],
    }
    return {"row": 1, "refused": "", "references": "nothing", "weights": {"network": 0.5, "baseline": 0.5}, "answers": [answer]}
