"""Figures become small, readable, well-formed drawings, and the same ones each time."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from osler.core.figure import Figure, Series
from osler.language import words
from osler.spine.report.drawing import draw
from tests.unit.spine import report_accounts

ENGLISH, CHINESE = words("en"), words("zh")
REAL = [(name, account) for name in ("breast_cancer", "diabetes") for account in [getattr(report_accounts, name)]]


def real_figures():
    return {f"{name}/{key}": figure for name, account in REAL for key, figure in account().scores.curves.items()}


def drawn(*series, language=ENGLISH, **more):
    return draw(Figure("name", more.pop("title", "Title"), "across", "up", series, **more).to_dict(), language)


def parse(drawing):
    return ET.fromstring(drawing.svg)


def looks(drawing, tag):
    return [e.get("class") for e in parse(drawing).iter(tag)]


def texts(drawing):
    return ["".join(e.itertext()) for e in parse(drawing).iter("text")]


def points(drawing, look):
    path = next(e for e in parse(drawing).iter("path") if e.get("class") == look)
    return np.array([[float(v) for v in pair.split()] for pair in path.get("d")[1:].rstrip("Z").split("L")])


@pytest.mark.parametrize("key", real_figures())
@pytest.mark.parametrize("language", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_real_figures(key, language):
    figure = real_figures()[key]
    drawing = draw(figure, language)
    assert parse(drawing).get("role") == "img"
    assert len(drawing.svg) < 60_000
    assert drawing.svg == draw(figure, language).svg
    assert drawing.title in parse(drawing).get("aria-label")
    assert drawing.reading


def test_a_line_goes_where_its_numbers_say():
    from sklearn.metrics import auc, roc_curve

    truth, chance = np.array([0, 0, 1, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8, 0.2, 0.9])
    false, true, _ = roc_curve(truth, chance)
    drawing = drawn(Series("model", false.tolist(), true.tolist()), square=True)
    route = points(drawing, "line c0 d0")
    frame = points(drawing, "frame")
    (left, top), (_, floor), (right, _) = frame
    x, y = (route[:, 0] - left) / (right - left), (floor - route[:, 1]) / (floor - top)
    assert auc(x, y) == pytest.approx(auc(false, true), abs=0.002)
    assert right - left == pytest.approx(floor - top)  # square axes


def test_nulls_are_gaps():
    drawing = drawn(Series("model", [0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, None, 2.0, 1.0]))
    assert looks(drawing, "path").count("line c0 d0") == 2


def test_a_long_series_stays_small():
    generator = np.random.default_rng(0)
    noise = Series("model", list(range(100_000)), generator.normal(size=100_000).tolist())
    stairs = Series("model", np.linspace(0, 1, 100_000).tolist(), np.linspace(0, 1, 100_000).tolist(), style="step")
    assert len(drawn(noise).svg) < 60_000
    assert len(drawn(stairs, square=True).svg) < 60_000
    assert points(drawn(stairs, square=True), "line c0 d0")[-1][1] == pytest.approx(10, abs=0.5)  # it still reaches the top


def test_a_falling_reference_does_not_press_the_curves_flat():
    model = Series("model", [0.0, 0.5, 0.99], [0.36, 0.33, 0.25])
    everyone = Series("treat all", [0.0, 0.5, 0.99], [0.37, -0.26, -62.0], style="reference")
    none = Series("treat none", [0.0, 0.99], [0.0, 0.0], style="reference")
    route = points(drawn(model, everyone, none), "line c0 d0")
    assert route[:, 1].max() - route[:, 1].min() > 30
    assert "0.0" in texts(drawn(model, everyone, none))  # treating none is in sight


def test_styles_and_bands():
    drawing = drawn(
        Series("bundle", [0.0, 1.0], [0.0, 1.0], [0.0, 0.8], [0.2, 1.0]),
        Series("network", [0.0, 1.0], [0.1, 0.9], style="step"),
        Series("baseline", [0.0, 1.0], [0.2, 0.7], [0.1, 0.6], [0.3, 0.8], style="points"),
        Series("chance", [0.0, 1.0], [0.0, 1.0], style="reference"),
    )
    found = looks(drawing, "path")
    assert {"band f0", "line c0 d0", "line c1 d1", "ref r0"} <= set(found)
    assert looks(drawing, "line").count("whisker c2") == 2
    assert [m.label for m in drawing.legend] == ["Bundle", "Network", "Baseline", "Chance"]


def test_colours_go_with_names_and_not_with_places():
    line = [0.0, 1.0], [0.0, 1.0]
    looks_of = {
        m.label: m.colour for m in drawn(Series("Baseline", *line), Series("other", *line), Series("Network", *line)).legend
    }
    assert looks_of == {"Baseline": 2, "other": 0, "Network": 1}


def test_thirty_series_can_be_told_apart():
    series = [Series(f"class {i}", [0.0, 1.0], [0.0, 1.0]) for i in range(30)]
    assert len({(m.colour, m.dash) for m in drawn(*series).legend}) == 30


def test_bars_over_numbers():
    drawing = drawn(Series("a", [0.1, 0.3, 0.5], [4.0, 8.0, 0.0], style="bars"))
    heights = [float(e.get("height")) for e in parse(drawing).iter("rect")]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.1)
    assert heights[2] == 0


def test_names_become_rows():
    bars = drawn(Series("Cases", ["red", "a very long name of something measured"], [3.0, 6.0], style="bars"))
    widths = [float(e.get("width")) for e in parse(bars).iter("rect")]
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.1)
    assert {"3", "6", "red"} <= set(texts(bars))
    assert "a very long name of something measured" in bars.svg  # the whole name where one points at it
    forest = drawn(
        Series("AUROC", ["a", "b"], [0.8, None], [0.7, None], [0.9, None], "points"),
        Series("all", ["a", "b"], [0.75, 0.75], style="reference"),
    )
    assert looks(forest, "circle") == ["dot f0"]
    assert looks(forest, "line").count("whisker c0") == 1
    assert looks(forest, "line").count("ref r0") == 1


def test_too_many_rows_are_said():
    names = [f"column {i}" for i in range(500)]
    drawing = drawn(Series("a", names, [1.0] * 500, style="bars"))
    assert drawing.note == "The first 60 of 500 are drawn."
    assert len(drawing.svg) < 60_000


def test_confusion_matrix_shows_its_counts():
    drawing = drawn(heat=[[70.0, 2.0], [3.0, 39.0]], x_edges=["benign", "malignant"], y_edges=["benign", "malignant"])
    assert {"70", "2", "3", "39", "benign", "malignant"} <= set(texts(drawing))
    strength = [float(e.get("fill-opacity")) for e in parse(drawing).iter("rect")]
    assert strength == pytest.approx([0.62 * n / 70 for n in (70, 2, 3, 39)], abs=0.006)


def test_density_says_what_its_strongest_colour_means():
    figure = real_figures()["diabetes/observed"]
    drawing = draw(figure, ENGLISH)
    most = max(max(row) for row in figure["heat"])
    assert f"The strongest colour stands for {most:.0f}." in drawing.note
    assert len(list(parse(drawing).iter("rect"))) == sum(v > 0 for row in figure["heat"] for v in row)


def test_hostile_names_are_text():
    name = report_accounts.HOSTILE
    for drawing in (
        drawn(Series(name, [0.0, 1.0], [0.0, 1.0]), title=name),
        drawn(Series("a", [name], [1.0], style="bars"), title=name),
    ):
        assert "<script" not in drawing.svg
        assert name in parse(drawing).get("aria-label")


def test_nothing_to_draw_is_drawn_empty():
    assert parse(draw({"name": "odd"}, ENGLISH)) is not None
    assert parse(drawn(Series("a", [None], [None]))) is not None
    assert parse(drawn(Series("a", [0.5], [0.5], style="bars"))) is not None


def test_the_text_alternative_tells_where_lines_begin_and_end():
    said = parse(drawn(Series("network", [0.0, 1.0], [0.25, 0.75]))).get("aria-label")
    assert said == "Title: up against across. Network: from (0, 0.25) to (1, 0.75)."
    assert re.search(r"自 \(0, 0\.25\)", parse(drawn(Series("a", [0.0, 1.0], [0.25, 0.75]), language=CHINESE)).get("aria-label"))
