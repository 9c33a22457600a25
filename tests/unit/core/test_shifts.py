"""A change of a column is told when it is clear, and by chance rarely."""

import numpy as np
import pytest

from osler.core.shifts import SURE, apart, changed, errors_of, more, number_finding, part_of, surprising


def finding(before, now, *, count=400, there=400, rows=400, **named):
    return number_finding(before, now, count=count, there=there, rows=rows, **named)[0]


def figures(mean=0.0, sd=1.0, missing=0.0, outside=0.01):
    return {"mean": mean, "sd": sd, "missing": missing, "outside": outside}


def test_a_share_of_fewer_than_five_is_not_told():
    assert part_of(2, 3) is None
    assert part_of(3, 100) is None
    assert part_of(0, 100) == 0
    assert part_of(25, 100) == 0.25


def test_means_are_compared_in_standard_deviations():
    assert apart(figures(1.0, 2.0), figures(2.0, 2.0)) == pytest.approx(0.5)
    assert apart(figures(), {**figures(), "mean": None}) is None
    assert apart(figures(sd=0.0), figures(sd=0.0)) is None


def test_the_gravest_change_is_told():
    assert finding(figures(), figures()) == ""
    assert finding(figures(), figures(mean=0.4)) == "mean"
    assert finding(figures(5.5, 1.2), figures(99.0, 21.0)) == "unit"
    assert finding(figures(), figures(outside=0.2)) == "outside"
    assert finding(figures(), figures(missing=0.3)) == "missing"
    assert finding(figures(), {**figures(), "mean": None, "missing": 1.0}, count=0) == "empty"
    assert finding({**figures(), "unreadable": 0.0}, {**figures(), "unreadable": 0.9}) == "text"


def test_few_cases_say_little():
    assert finding(figures(), figures(mean=0.4), count=20) == ""
    assert not more(0.0, 0.1, 30)
    assert more(0.0, 0.1, 300)
    assert not changed(0.2, None, 300)
    assert not surprising(0.5, 10)
    assert surprising(0.5, 20)


def test_more_is_asked_where_many_columns_are_compared():
    assert errors_of(1) == errors_of(5) == SURE
    assert 3.6 < errors_of(200) < 3.7
    assert finding(figures(), figures(mean=0.25), errors=3.0) == "mean"
    assert finding(figures(), figures(mean=0.25), errors=3.6) == ""


def test_of_twenty_sets_of_like_cases_about_one_is_alarmed():
    generator = np.random.default_rng(0)
    columns, cases, alarms = 200, 100, 0
    for _ in range(200):
        old, new = generator.normal(size=(2, cases, columns))
        before, now = (zip(v.mean(0), v.std(0, ddof=1), strict=True) for v in (old, new))
        found = [finding(figures(*b), figures(*n), count=cases, there=cases, rows=cases, errors=errors_of(columns))
                 for b, n in zip(before, now, strict=True)]  # fmt: skip
        alarms += any(found)
    assert alarms <= 24  # 99 % of the numbers that a chance of one in twenty gives are below 19
