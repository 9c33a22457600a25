"""Changes of unit are told from changes of patients."""

import numpy as np
import pytest

from osler.core.units import PAIRS, unit_change


@pytest.mark.parametrize(
    ("factor", "times", "unit"),
    [
        (10, "10", ""),
        (1000, "1,000", ""),
        (0.1, "1/10", ""),
        (0.001, "1/1,000", ""),
        (18.016, "18", "glucose"),
        (1 / 18.016, "1/18", "glucose"),
        (88.42, "88.4", "creatinine"),
        (7.5006, "7.5", "kPa"),
        (2.2046, "2.2", "pounds"),
    ],
)
def test_a_change_of_unit_is_named(factor, times, unit):
    before = (80.0, 15.0)
    found = unit_change(before, (factor * 80 * 1.02, factor * 15 * 0.97))
    assert found is not None
    assert found[0] == times
    assert unit in found[1]
    assert bool(unit) == bool(found[1])


def test_values_around_zero_are_judged_by_their_spread():
    assert unit_change((0.01, 1.0), (-0.3, 10.0)) == ("10", "")
    assert unit_change((0.01, 1.0), (0.2, 1.4)) is None


def test_temperatures():
    assert unit_change((37.1, 0.7), (98.8, 1.26)) == ("", "°F / °C")
    assert unit_change((37.1, 0.7), (38.4, 0.9)) is None


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ((80, 15), (95, 18)),
        ((80, 15), (40, 15)),
        ((80, 15), (800, 15)),
        ((5, 5), (10.5, 15)),
        ((80, 15), (-800, 150)),
        ((80, 0), (800, 0)),
    ],
)
def test_other_patients_are_no_other_unit(before, now):
    assert unit_change(before, now) is None


def test_pairs_can_be_told_apart_from_powers_of_ten():
    assert all(abs(np.log10(f) - round(np.log10(f))) > 0.02 for f, _ in PAIRS)


def test_a_wide_column_near_37_is_no_temperature():
    """The standard error of a nucleus' area in breast cancer, 40 ± 46: among more malignant cases it is 54 ± 55."""
    assert unit_change((40.0, 46.0), (54.4, 55.0)) is None
    assert unit_change((37.0, 0.5), (98.6, 0.9)) == ("", "°F / °C")
