"""Any panel becomes a table, subgroups a forest, in both languages, with names from the data as they are."""

import math
import re
from dataclasses import replace

import pytest

from osler.core.panel import Panel, Row
from osler.core.scores import Value
from osler.core.study import Roles
from osler.language import words
from osler.spine.report import write_card, write_report
from osler.spine.report.forest import MOST_LINES, Line, draw_forest
from osler.spine.report.panels import forests, further, subgroups
from osler.spine.report.tripod import items
from tests.unit.spine.report_accounts import HOSTILE, breast_cancer, in_language

ENGLISH, CHINESE = words("en"), words("zh")
POINT = {
    "sensitivity": Value(0.91, 0.85, 0.95),
    "lr_positive": Value(math.nan, note="has no value on these cases (one class only, or nothing to compare)"),
}
POINTS = Panel(
    "operating_points",
    (
        Row("in use", 114, POINT, {"threshold": 0.5, "how": "as probable as not"}),
        Row("sensitivity = 0.9", 114, POINT, {"threshold": None, "how": "a smoothed quantile of 40 calibration cases with the outcome"}),
    ),
)  # fmt: skip
SEX = Panel(
    "subgroup.sex",
    (
        Row("mean", 60, {"auroc": Value(0.9, 0.8, 0.96), "calibration_intercept": Value(0.1, -0.4, 0.6)}, {"kind": "category"}),
        Row("other", 30, {"auroc": Value(0.7, 0.1, 0.99), "calibration_intercept": Value(0.2, -9.0, 9.4)},
            {"kind": "pooled", "categories": 7}),
        Row("missing", 24, {"auroc": Value(0.8, note="rests on fewer than 5 cases: no interval")}, {"kind": "missing"}),
    ),
    ("Of the 4 intervals of this table, about 0.2 miss the truth by chance alone: look for patterns.",
     "No difference in auroc between these subgroups is shown (p = 0.391, Wald's test on the same resamples, adjusted for 2 columns after Holm)."),
)  # fmt: skip
NAMES = Panel("subgroup.name", (), ("No two subgroups of at least 20 cases can be told apart.",))


def account(*panels, language="en"):
    found = in_language(breast_cancer(), language)
    return replace(
        found,
        scores=replace(found.scores, panels=panels),
        study=replace(found.study, roles=Roles(subgroups=("sex", "name"))),
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_panels_stand_in_the_page_and_can_be_reached(language):
    html = write_report(account(POINTS, SEX, NAMES, language=language))
    for section in ("further", "subgroups"):
        assert f'href="#{section}"' in html
        assert f'<section id="{section}">' in html
    assert html.count("<details") == html.count("</details>")
    assert "{{" not in html


def test_without_panels_there_is_no_section():
    html = write_report(breast_cancer())
    assert 'id="further"' not in html
    assert 'id="subgroups"' not in html


def test_an_operating_point_tells_threshold_values_and_how():
    (table,) = further(account(POINTS, SEX), ENGLISH)
    assert (table.title, table.facts) == ("Operating points", ("Threshold",))
    assert table.measures == ("Sensitivity", "LR+")
    assert [row.label for row in table.rows] == ["In use", "Sensitivity of 0.9 asked for"]
    assert [row.facts for row in table.rows] == [("0.500",), ("–",)]
    assert table.rows[0].cells[0].interval == "0.850 to 0.950"
    assert table.rows[0].cells[1].mark == table.footnotes[0][0]
    assert not table.counted


def test_labels_of_the_data_are_not_translated_and_our_own_are():
    table = subgroups(account(SEX), CHINESE)[0]
    assert [table.rows[0].label, table.rows[2].label] == ["mean", "缺失"]
    assert "7" in table.rows[1].label
    assert CHINESE["mean"] != "mean"
    assert re.search("[\u4e00-\u9fff]", table.rows[1].label)
    assert table.counted


def test_notes_are_told_in_chinese_with_the_measures_name():
    table = subgroups(account(SEX), CHINESE)[0]
    assert table.notes[1].startswith("各亚组间 AUROC 未显示差异")
    assert not re.search("[a-z]{6}", "".join(table.notes))


def test_an_unknown_panel_is_shown_by_its_own_name():
    odd = Panel("levels_of_trust.a", (Row("0.9", 10, {"new_measure": Value(0.5, 0.4, 0.6)}, {"secret": 3}),))
    (table,) = further(account(odd), ENGLISH)
    assert table.title == "levels of trust, a"
    assert table.measures == ("new_measure",)
    assert table.facts == ()


def test_the_forest_draws_each_subgroup_with_a_value():
    drawn = forests(account(SEX, NAMES), ENGLISH)
    assert [f.title for f in drawn] == ["AUROC", "Calibration intercept"]
    svg = drawn[0].svg
    assert svg.count("<circle") == 1 + 3
    assert svg.count('class="whisker') == 1 + 2
    assert "sex" in svg


def test_a_whisker_that_leaves_the_field_ends_in_an_arrow():
    lines = [Line("all", Value(0.5, 0.4, 0.6), 10), Line("a", Value(0.55, -50.0, 90.0), 5)]
    svg = draw_forest(lines, whole=0.5, title="t")
    assert svg.count('class="line c0"') == 2
    assert draw_forest(lines[:1], whole=0.5, title="t").count('class="line c0"') == 0


def test_a_forest_of_nothing_and_of_very_many():
    assert "<svg" in draw_forest([Line("all", Value(math.nan), 0)], whole=None, title="t")
    svg = draw_forest([Line(f"g{i}", Value(i / 500, 0.0, 1.0), i) for i in range(500)], whole=0.3, title="t")
    assert svg.count("<circle") == MOST_LINES


def test_hostile_names_are_escaped():
    bad = Panel(f"subgroup.{HOSTILE}", (Row(HOSTILE, 30, {"auroc": Value(0.9, 0.8, 0.95)}, {"kind": "category"}),) * 2)
    html = write_report(account(bad))
    assert HOSTILE not in html
    assert HOSTILE not in write_card(account(bad))


def test_the_card_tells_panels_in_short():
    card = write_card(account(POINTS, SEX, NAMES))
    assert "### Operating points" in card
    assert "| In use | 0.500 | 0.910 (0.850 to 0.950) |" in card
    assert "### Subgroups, sex" in card
    assert "Subgroups, name" not in card


def test_many_panels_are_folded():
    many = [replace(POINTS, name=f"operating_points.label{i}") for i in range(9)]
    assert not any(table.opened for table in further(account(*many), ENGLISH))


def test_told_subgroups_fill_their_reporting_item():
    states = {i.number: i.state for i in items(account(SEX))}
    assert states["23b"] == "filled"
    assert {i.number: i.state for i in items(account(NAMES))}["23b"] == "part"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_many_labels_the_page_shows_those_with_operating_points_and_says_so(language):
    values = {"auroc": Value(0.8, 0.7, 0.9), **{f"auroc_code{n:03}": Value(0.8, 0.7, 0.9) for n in range(300)}}
    pointed = [replace(POINTS, name=f"operating_points.code{n:03}") for n in range(100, 120)]
    found = account(*pointed, language=language)
    found = replace(found, scores=replace(found.scores, test=values, network=values, baseline=values))
    for text in (write_report(found), write_card(found)):
        scores = text[: text.index("operating_points")] if "operating_points" in text else text
        assert "code110" in scores
        assert "code099" not in text
        assert ("20 of 300 labels are shown" if language == "en" else "共 300 个标签，此处仅显示最常见的 20 个") in text
    assert len(write_report(found)) < 400_000
    few = replace(found, scores=replace(found.scores, test=dict(list(values.items())[:21]), panels=()))
    assert "code019" in write_report(replace(few, scores=replace(few.scores, network={}, baseline={})))
