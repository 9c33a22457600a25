"""Numbers stand as readers of medical papers expect them."""

import math

import pytest

from osler.core.scores import Value
from osler.language import words
from osler.spine.report.numerals import alone, closed, duration, interval, number, plain, share, with_interval
from osler.spine.report.scale import Scale, extent, shortened

ENGLISH, CHINESE = words("en"), words("zh")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.99342, "0.993"),
        (0.9999, "1.000"),
        (1.0, "1.000"),
        (54.234, "54.2"),
        (2891.3, "2,891"),
        (0.03123, "0.0312"),
        (0.01, "0.0100"),
        (0.1, "0.100"),
        (-0.5, "−0.500"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (0.0000123, "1.23×10⁻⁵"),
        (-4.2e12, "−4.20×10¹²"),
        (math.nan, "–"),
        (math.inf, "–"),
        (None, "–"),
    ],
)
def test_three_significant_digits(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value(0.93, 0.9014, 0.9622), "0.930 (0.901 to 0.962)"),
        (Value(0.00123, -0.0102, 0.0131), "0.0012 (−0.0102 to 0.0131)"),
        (Value(55.71, 49.2, 64.0), "55.7 (49.2 to 64.0)"),
        (Value(1.0, 0.978, 1.0), "1.000 (0.978 to 1.000)"),
        (Value(0.71), "0.710"),
        (Value(0.71, 0.6, math.nan), "0.710"),
        (Value(math.nan, 0.1, 0.2), "–"),
    ],
)
def test_value_and_interval_share_their_places(value, text):
    assert with_interval(value, ENGLISH) == text


def test_chinese_interval():
    assert with_interval(Value(0.93, 0.9, 0.96), CHINESE) == "0.930（0.900 至 0.960）"
    assert interval(Value(0.93), CHINESE) == ""
    assert alone(Value(2e-6)) == "2.00×10⁻⁶"


@pytest.mark.parametrize(
    ("part", "text"), [(0, "0%"), (1, "100%"), (0.0004, "<0.1%"), (0.9999, ">99.9%"), (0.3741, "37.4%"), (math.nan, "–")]
)
def test_a_share_that_is_not_all_is_not_told_as_all(part, text):
    assert share(part) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.21, "0.2 s"), (42, "42 s"), (74.2, "1.2 min"), (7300, "2.0 h")])
def test_durations(seconds, text):
    assert duration(seconds, ENGLISH) == text


def test_values_of_decisions_stand_in_one_line():
    assert plain(0.002) == "0.002"
    assert plain([1, None, True, {"a": 0.1}]) == "1, –, true, a: 0.1"
    assert plain("") == ""
    assert closed("by time", ENGLISH) == "by time."
    assert closed("by time.", ENGLISH) == "by time."


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.951, 1.002, ["0.96", "0.98", "1.00"]),
        (-74, 93, ["−50", "0", "50"]),
        (0, 3e9, ["0.00", "1.00×10⁹", "2.00×10⁹", "3.00×10⁹"]),
    ],
)
def test_ticks_are_round(low, high, labels):
    assert [text for _, text in Scale(low, high, 0, 100).ticks(6)] == labels


def test_an_axis_has_an_extent_whatever_it_holds():
    assert extent([]) == (0.0, 1.0)
    assert extent([None, math.nan]) == (0.0, 1.0)
    low, high = extent([5.0, 5.0])
    assert low < 5 < high
    assert extent([2.0, 4.0], zero=True)[0] == 0.0


def test_long_names_are_cut_by_their_width():
    assert shortened("short", 10) == "short"
    assert shortened("a very long name", 8) == "a very…"
    assert shortened("血红蛋白浓度", 8) == "血红蛋…"
