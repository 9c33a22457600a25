"""Times as tables hold them: strings in several formats and zones, typed columns, clocks and plain numbers."""

import datetime as dt
import zoneinfo

import numpy as np
import pyarrow as pa
import pytest

from osler.core.errors import StudyError
from osler.modalities.timelines.case import ALWAYS
from osler.modalities.timelines.read.times import order_of, read_times
from osler.modalities.timelines.read.zone import zone_of


def stamp(*parts, zone=dt.UTC, micro=0):
    """Return microseconds since 1970 of a moment, by Python's own clock."""
    moment = dt.datetime(*parts, microsecond=micro, tzinfo=zone).astimezone(dt.UTC)
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


TEN = stamp(2024, 1, 31, 10, 0, 0)
MIDNIGHT = stamp(2024, 1, 31)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-01-31 10:00:00", TEN), ("2024-01-31T10:00:00", TEN), ("2024-01-31T10:00:00Z", TEN), ("2024-01-31 10:00:00 UTC", TEN),
        ("2024-01-31T12:00:00+02:00", TEN), ("2024-01-31T12:00:00+0200", TEN), ("2024-01-31T04:30:00-05:30", TEN),
        ("2024-01-31 11:00:00+01", TEN), ("2024-01-31T10:00:00.123456Z", TEN + 123456), ("2024-01-31T10:00:00.5", TEN + 500_000),
        ("2024-01-31 10:00", TEN), ("2024-01-31T12:00+02:00", TEN), ("2024/01/31 10:00", TEN), ("31.01.2024 10:00", TEN),
        ("31/01/2024 10:00:00", TEN), ("01/31/2024 10:00 AM", TEN), ("31-JAN-2024 10:00", TEN), ("31 January 2024 10:00", TEN),
        ("31Jan2024", MIDNIGHT), ("2024-01-31", MIDNIGHT), ("20240131", MIDNIGHT), ("202401311000", TEN), ("20240131100000", TEN),
        ("1/31/2024 12:00 am", MIDNIGHT), (" 2024-01-31 ", MIDNIGHT),
    ],
)  # fmt: skip
def test_a_moment_is_the_same_however_it_is_written(text, wanted):
    found = read_times(pa.array([text]))
    assert (found.at.tolist(), found.bad.tolist(), found.relative.tolist()) == ([wanted], [False], [False])


def test_formats_and_zones_may_be_mixed_in_one_column():
    found = read_times(pa.array(["2024-01-31 10:00:00", None, "2024-01-31T12:00:00+02:00", "31.01.2024 10:00", "soon"]))
    assert found.at.tolist() == [TEN, ALWAYS, TEN, TEN, ALWAYS]
    assert found.bad.tolist() == [False, False, False, False, True]


@pytest.mark.parametrize(
    "text",
    ["soon", "2024-02-30", "2024-13-01", "2024-01-31 25:00", "2024-01-31 10:61:00", "32.01.2024", "03/04/2020", "12:61", "1e5", "7",
     "99999-01-01", "2024-01-31\0", "\0", "31 Foo 2024", "9" * 30],
)  # fmt: skip
def test_what_is_no_time_is_bad_and_never_another_time(text):
    found = read_times(pa.array([text]))
    assert found.bad.tolist() == [True]
    assert found.at.tolist() == [ALWAYS]


@pytest.mark.parametrize("text", ["", " ", "NA", "NaN", "null", "NaT", ".", None])
def test_an_empty_cell_is_neither_a_time_nor_bad(text):
    found = read_times(pa.array([text], pa.string()))
    assert (found.at.tolist(), found.bad.tolist()) == ([ALWAYS], [False])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("00:00", 0), ("00:07", 420), ("47:37", 171_420), ("100:00:01", 360_001), ("-1:30", -5400), ("0:00:00.5", 0.5)],
)
def test_a_clock_that_starts_with_the_case_may_pass_24_hours(text, seconds):
    found = read_times(pa.array([text]))
    assert (found.at[0], found.relative[0]) == (seconds * 1e6, True)


@pytest.mark.parametrize(("clock", "seconds"), [("days", 129_600), ("hours", 5400), ("minutes", 90), ("seconds", 1.5)])
@pytest.mark.parametrize("cells", [pa.array(["1.5"]), pa.array([1.5]), pa.array([1.5], pa.float32())])
def test_a_number_counts_as_the_clock_says(clock, seconds, cells):
    found = read_times(cells, clock=clock)
    assert (found.at[0], found.relative[0], found.bad[0]) == (seconds * 1e6, True, False)


def test_a_number_without_a_clock_and_one_without_end_are_bad():
    assert read_times(pa.array([1.5])).bad.tolist() == [True]
    found = read_times(pa.array([np.inf, 1e300, np.nan, None, -1.0]), clock="hours")
    assert found.bad.tolist() == [True, True, False, False, False]
    assert found.at.tolist() == [ALWAYS, ALWAYS, ALWAYS, ALWAYS, -3_600_000_000]


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Kolkata"])
def test_naive_times_are_those_of_the_zone_as_python_has_it(name):
    zone = zoneinfo.ZoneInfo(name)
    for month in (1, 7):
        text = f"2024-{month:02d}-15 10:00:00"
        wanted = stamp(2024, month, 15, 10, zone=zone)
        for cells in (pa.array([text]), pa.array([np.datetime64(f"2024-{month:02d}-15T10", "us")])):
            assert read_times(cells, zone=name).at.tolist() == [wanted]
    assert read_times(pa.array(["2024-01-31T10:00:00Z", "47:00"]), zone=name).at.tolist() == [TEN, 47 * 3_600_000_000]


def test_an_hour_that_a_zone_skips_or_has_twice_is_still_a_time():
    found = read_times(pa.array(["2020-03-29 02:30:00", "2020-10-25 02:30:00"]), zone="Europe/Berlin")
    assert found.at.tolist() == [stamp(2020, 3, 29, 1, 30), stamp(2020, 10, 25, 0, 30)]


def test_an_unknown_zone_is_told_with_the_near_miss():
    with pytest.raises(StudyError, match=r"no time zone 'Europe/Pariss'; did you mean 'Europe/Paris'\?"):
        zone_of("Europe/Pariss")


def test_the_order_of_day_and_month_is_taken_from_days_beyond_12():
    assert order_of(pa.array(["03/04/2020", "13/04/2020"])) == "dmy"
    assert order_of(pa.array(["03/04/2020", "04/13/2020"])) == "mdy"
    assert order_of(pa.array(["03/04/2020", "13/04/2020", "04/13/2020"])) == ""
    assert read_times(pa.array(["03/04/2020"]), order="dmy").at.tolist() == [stamp(2020, 4, 3)]
    assert read_times(pa.array(["03/04/2020"]), order="mdy").at.tolist() == [stamp(2020, 3, 4)]


def test_typed_columns_are_read_as_they_are():
    zoned = pa.array([dt.datetime(2024, 1, 31, 10, tzinfo=dt.UTC), None], pa.timestamp("ms", "Europe/Paris"))
    assert read_times(zoned).at.tolist() == [TEN, ALWAYS]
    assert read_times(pa.array([dt.date(2024, 1, 31)])).at.tolist() == [MIDNIGHT]
    length = read_times(pa.array([dt.timedelta(hours=50)]))
    assert (length.at.tolist(), length.relative.tolist()) == ([50 * 3_600_000_000], [True])
    assert read_times(pa.array([b"2024"])).bad.tolist() == [True]
    assert read_times(pa.array(["2024-01-31"]).dictionary_encode()).at.tolist() == [MIDNIGHT]


DAYS_END = MIDNIGHT + 86_400_000_000 - 1


@pytest.mark.parametrize("text", ["2024-01-31", "20240131", "31.01.2024", "31Jan2024", " 31/01/2024 ", "2024-01-31Z"])
def test_a_date_without_a_clock_lasts_until_its_day_is_over(text):
    found = read_times(pa.array([text, None, "2024-01-31 10:00:00", "47:37"]))
    assert (found.at[0], found.until[0]) == (MIDNIGHT, DAYS_END)
    assert found.until[1:].tolist() == found.at[1:].tolist()


def test_a_typed_date_lasts_until_its_day_is_over_in_its_zone():
    found = read_times(pa.array([dt.date(2024, 3, 31), None]), zone="Europe/Berlin")  # a day of 23 hours
    first, after = (stamp(2024, month, day, zone=zoneinfo.ZoneInfo("Europe/Berlin")) for month, day in ((3, 31), (4, 1)))
    assert (found.at.tolist(), found.until.tolist()) == ([first, ALWAYS], [after - 1, ALWAYS])


@pytest.mark.parametrize("cells", [pa.array(["2024-01-31 00:00:00"]), pa.array([np.datetime64("2024-01-31T00", "us")])])
def test_midnight_is_a_time_of_day_unless_it_is_said_to_be_a_date(cells):
    assert read_times(cells).until.tolist() == [MIDNIGHT]
    assert read_times(cells, midnight=True).until.tolist() == [DAYS_END]


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "../../etc/passwd"])
def test_a_name_that_means_another_zone_on_another_machine_is_none(name):
    with pytest.raises(StudyError, match="there is no time zone"):
        zone_of(name)
