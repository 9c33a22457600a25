"""Spans of time as people write them."""

import pytest

from osler.core.duration import UNITS, duration
from osler.core.errors import StudyError

HOUR = UNITS["h"]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("48h", 48), ("48 H", 48), ("2d", 48), ("2 days", 48), ("30min", 0.5), ("1d 12h", 36), ("1 d, 12 h", 36),
        ("1.5h", 1.5), ("2w", 336), ("1y", 8766), ("0h", 0), ("90s", 0.025), (" 6 hours ", 6),
    ],
)  # fmt: skip
def test_a_span_is_whole_microseconds(text, hours):
    found = duration(text)
    assert found == hours * HOUR
    assert isinstance(found, int)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no duration; wanted a number with s, min, h"),
        ("soon", "'soon' is no duration"),
        ("48", "'48' is no duration"),
        (48, "48 is no duration"),
        (None, "None is no duration"),
        ("-2h", "'-2h' is no duration"),
        ("2h -", "'2h -' is no duration"),
        ("1h2", "'1h2' is no duration"),
        ("30m", "may be minutes or months"),
        ("3 months", "may be minutes or months"),
        ("2hous", "no unit 'hous'"),
        ("900y", "longer than 200 years"),
        ("9" * 400 + "h", "longer than 200 years"),
    ],
)
def test_nonsense_is_told_with_what_is_wanted(text, message):
    with pytest.raises(StudyError, match=message):
        duration(text)


def test_the_message_names_what_the_span_is_of():
    with pytest.raises(StudyError, match=r"^window: 'x' is no duration"):
        duration("x", of="window")
