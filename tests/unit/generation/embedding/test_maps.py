"""Maps and their drawings: for a report aggregates alone."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from osler.core.errors import RequestError
from osler.generation.embedding.coloured import by_classes, by_number, of_column
from osler.generation.embedding.drawn import LEAST_CASES, across, cells_of, hexagons, left_out, points
from osler.generation.embedding.maps import Map, mapped
from osler.generation.embedding.pictured import colours_of, pictured
from tests.unit.generation.embedding.cases import nuclei, progression

ROWS = np.arange(569)


def test_principal_components_are_those_of_the_kept_rows():
    vectors = nuclei().vectors
    found = mapped(vectors, ROWS, way="pca", seed=0)
    assert found.labels == ("PCA 1 (44%)", "PCA 2 (19%)")  # prcomp(scale.) of the same table: 0.4427, 0.1897
    assert found.places.var(axis=0) == pytest.approx([13.28, 5.69], abs=0.01)
    assert np.corrcoef(found.places.T)[0, 1] == pytest.approx(0, abs=1e-6)


def test_of_very_many_cases_some_are_drawn_by_seed():
    found = mapped(nuclei().vectors, ROWS, way="pca", seed=0, most=100)
    assert len(found.rows) == len(found.places) == 100
    assert np.array_equal(found.rows, np.unique(found.rows))


def test_an_unknown_map_is_refused():
    with pytest.raises(RequestError, match="no map 'umpa'; did you mean 'umap'"):
        mapped(nuclei().vectors, ROWS, way="umpa", seed=0)


@pytest.mark.parametrize("width", [1, 2])
def test_one_dimension_and_constant_vectors_have_a_map(width):
    for vectors in (np.zeros((6, width)), np.arange(6.0 * width).reshape(6, width)):
        found = mapped(vectors, np.arange(6), way="pca", seed=0)
        ET.fromstring(points(found, None, title="map"))
        ET.fromstring(hexagons(found, None, title="map"))


def test_a_point_is_drawn_for_each_case_and_none_for_few_in_a_report():
    cases = nuclei()
    found = mapped(cases.vectors, ROWS, way="pca", seed=0)
    colours = colours_of(cases)
    single, report = points(found, colours, title="map"), hexagons(found, colours, title="map")
    assert single.count('class="dot') == 569 + 2  # and the legend
    assert "malignant (212)" in single
    cells = cells_of_map(found)
    drawn = sum(int(n) for code in (0, 1) if (n := sum(size >= LEAST_CASES for size in sizes(cells[colours.codes == code]))))
    assert report.count('class="density') == drawn
    assert left_out(found, colours) == sum(
        size for code in (0, 1) for size in sizes(cells[colours.codes == code]) if size < LEAST_CASES
    )


def cells_of_map(found):
    middle = [np.percentile(found.places[:, a], [0.5, 99.5]) for a in (0, 1)]
    half = max((high - low) / 2 * 1.08 for low, high in middle)
    centre = np.array([(low + high) / 2 for low, high in middle])
    return cells_of((found.places - centre) / (2 * half) + 0.5, count=across(len(found.rows)))


def sizes(cells):
    return np.unique(cells, axis=0, return_counts=True)[1].tolist()


def test_a_hexagon_holds_what_is_nearer_to_its_middle_than_to_any_other():
    places = np.random.default_rng(0).random((500, 2))
    cells = cells_of(places, count=9)
    step = np.array([1, np.sqrt(3)]) / 2 / 9
    centres = np.unique(cells, axis=0)
    away = np.linalg.norm(places[:, None] - centres * step, axis=2)
    assert np.array_equal(centres[away.argmin(axis=1)], cells)


def test_a_hexagon_never_tells_of_fewer_than_five():
    lone = Map("pca", np.arange(24), np.repeat([[0.0, 0.0], [1.0, 1.0]], [20, 4], axis=0), ("a", "b"))
    drawing = hexagons(lone, None, title="map")
    assert drawing.count("density") == 1
    assert left_out(lone, None) == 4


def test_numbers_are_coloured_in_thirds_called_by_their_limits_alone():
    cases = progression()
    colours = colours_of(cases)
    assert np.bincount(colours.codes).tolist() == pytest.approx([147, 147, 148], abs=4)
    ends = {f"{cases.target.values.min():.3g}", f"{cases.target.values.max():.3g}"}
    assert not ends & set(re.findall(r"[\d.]+", " ".join(colours.names)))
    assert by_number(np.array([1.0, 1.0, np.nan])).codes.tolist() == [0, 0, -1]
    assert by_number(np.full(3, np.nan)).codes.tolist() == [-1, -1, -1]


def test_many_classes_are_told_apart_up_to_six_colours():
    codes = np.repeat(np.arange(9), np.arange(9, 0, -1))
    colours = by_classes(codes, [f"class {n}" for n in range(9)])
    assert colours.names == ("class 0", "class 1", "class 2", "class 3", "class 4", "+4")
    assert np.bincount(colours.codes).tolist() == [9, 8, 7, 6, 5, 4 + 3 + 2 + 1]
    assert by_classes(np.array([-1, 0]), ["one"]).codes.tolist() == [-1, 0]


def test_a_column_is_coloured_by_what_it_holds():
    assert of_column(["b", None, "a ", "b", ""]).codes.tolist() == [1, -1, 0, 1, -1]
    assert of_column(["b", None, "a ", "b", ""]).names == ("a", "b")
    assert of_column([0, 1, 1, 0]).names == ("0", "1")
    assert of_column([str(n) for n in range(90)]).names == ("< 29.7", "29.7 – 59.3", "≥ 59.3")


def test_names_from_the_data_cannot_break_a_drawing():
    found = mapped(nuclei().vectors, np.arange(40), way="pca", seed=0)
    colours = by_classes(
        np.arange(40) % 2, ["<script>alert(1)</script>", 'a "quoted" & long name of a class that goes on and on']
    )
    for drawing in (points(found, colours, title="<map>"), hexagons(found, colours, title="<map>")):
        ET.fromstring(drawing)
        assert "<script" not in drawing


def test_the_report_has_maps_of_both_ways_and_the_page_of_cases_the_points():
    report, single = pictured(nuclei())
    assert [d.count("PCA 1") + d.count("UMAP 1") for d in report.drawings] == [1, 1]
    assert all('class="dot' not in drawing for drawing in report.drawings)
    assert all(drawing.count('class="dot') == 571 for drawing in single.drawings)
