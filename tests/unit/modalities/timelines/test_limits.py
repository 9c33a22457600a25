"""What cannot be is masked, and nothing that a living patient can have."""

import numpy as np
import polars as pl
import pytest

from osler.modalities.timelines.read.limits import LIMITS, limits_of, rule_of


def span(code, values, *, unit=""):
    return limits_of(code, unit=unit, values=np.array(values, float))


def test_blood_has_the_narrow_ph_and_other_fluids_the_wide_one():
    assert span("pH", [7.4, 7.31, 7.2, 7.45, 70]) == (6.3, 8.0)
    assert span("pH", [5.0, 6.5, 7.0, 8.5, 5.5]) == (0.0, 14.0)
    assert rule_of("Urine pH") is None
    assert span("LOINC//2744-1", [7.4, 7.3, 7.4, 7.4]) == (6.3, 8.0)


def test_a_temperature_without_a_unit_is_judged_by_what_most_values_are():
    low, high = span("Temp", [37.0, 36.5, 38.2, 98.6])
    assert high < 98.6
    low, high = span("Temp", [98.6, 99.1, 101.3, 37.0])
    assert low > 37.0
    assert low < 60
    assert high > 115
    assert span("Temperature", [98.6, 99.0], unit="Deg. F") == pytest.approx((46.4, 116.6))


def test_a_limit_comes_in_the_unit_of_the_code():
    assert span("Glucose", [5.0, 6.1], unit="mmol/L")[1] == pytest.approx(222, abs=1)
    assert span("Weight", [150, 180], unit="lb")[1] == pytest.approx(1543, abs=1)
    assert span("Height", [66, 70], unit="Inch") == pytest.approx((7.87, 110.2), abs=0.1)
    assert span("Glucose", [5.0], unit="widgets") is None


def test_a_unit_in_the_name_counts_where_no_other_is_said():
    assert span("Admission Weight (lbs.)", [150, 720])[1] == pytest.approx(1543, abs=1)
    assert span("Height (inches)", [70, 66])[1] == pytest.approx(110.2, abs=0.1)
    assert span("Temperature Fahrenheit", [98.6])[1] == pytest.approx(116.6)


@pytest.mark.parametrize(
    ("code", "most"),
    [("GCS - Eye Opening", 4), ("GCS - Verbal Response", 5), ("GCS - Motor Response", 6), ("GCS Total", 15), ("GCS", 15), ("LOINC//9267-6", 4),
     ("GCSEyes", 4), ("Glasgow coma scale motor", 6), ("Verbal Response", 5), ("Glasgow Coma Scale", 15)],
)  # fmt: skip
def test_the_parts_of_the_coma_scale_have_their_own_limits(code, most):
    assert span(code, [3.0, 3.0, 4.0]) == (3.0 if most == 15 else 1.0, most)


def test_a_limit_that_most_values_break_is_no_limit_of_the_code():
    assert span("Heart rate", [10_000, 20_000, 80]) is None
    assert span("Weight", [2500, 3100, 3400]) is None  # grams of newborns, with no unit said
    assert span("Heart rate", []) is None


@pytest.mark.parametrize(
    "code",
    ["HR Alarm [High]", "Heart Rate Alarm - Low", "Temperature set", "Daily Weight change", "Urine glucose", "CSF glucose",
     "Respiratory Rate (Set)", "Albumin/Globulin ratio", "Pleural pH", "Skin Temperature", "Blanket Temp", "Inspired Gas Temp.", "Ideal weight", "Creatinine ratio",
     "PAP [Diastolic]", "Pulmonary Artery Pressure systolic"],
)  # fmt: skip
def test_settings_alarms_and_other_fluids_are_left_alone(code):
    assert rule_of(code) is None


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("HR", [0, 30, 300, 480]), ("Temp", [13.7, 28, 41.5, 46.5]), ("SaO2", [0, 40, 100]), ("pH", [6.4, 7.4, 7.3, 7.2, 7.9]),
        ("Weight", [0.4, 70, 635]), ("Height", [24, 272]), ("GCS", [3, 15]), ("Glucose", [10, 2656]), ("K", [1.0, 14]), ("Na", [89, 255]),
        ("SysABP", [7, 370]), ("PaCO2", [8, 501]), ("PaO2", [15, 1800]), ("FiO2", [0.21, 1.0, 21, 100]), ("Urine", [0, 20_000]),
        ("Creatinine", [0.1, 73]), ("HCT", [6, 80]), ("Age", [0, 122]), ("RespRate", [0, 120]), ("Lactate", [0.2, 40]),
    ],
)  # fmt: skip
def test_what_has_been_survived_is_never_masked(code, values):
    low, high = span(code, values)
    assert all(low <= v <= high for v in values)


def test_a_blood_pressure_of_nothing_is_no_measurement():
    low, _ = span("SysABP", [0.0, 80.0, 120.0])
    assert low > 0  # the mean circulatory filling pressure, when the heart stands still, is about 7 mmHg (Rothe 1993)


def test_every_rule_says_where_it_is_from_and_can_hold_a_value():
    for rule in LIMITS:
        assert rule.source
        assert rule.low < rule.high


def test_real_stays_lose_only_what_cannot_be(data):
    """PhysioNet 2012, set a: heights of -1, temperatures of -17.8 (0 °F, turned) and pH of 735 are there, and are all that goes."""
    import tarfile

    rows = []
    with tarfile.open(data / "records/physionet2012/set-a.tar.gz") as archive:
        for number, member in enumerate(m for m in archive if m.name.endswith(".txt")):
            if number == 1200:
                break
            rows.append(
                pl.read_csv(
                    archive.extractfile(member).read(), schema_overrides={"Value": pl.Float64}, truncate_ragged_lines=True
                )
            )
    events = pl.concat(rows)
    share = {}
    for (code,), part in events.group_by("Parameter"):
        values = part["Value"].drop_nulls().to_numpy()
        if (found := span(code, values)) is not None:
            share[code] = float(((values < found[0]) | (values > found[1])).mean())
    assert {"HR", "pH", "Temp", "Weight", "Height", "SaO2", "Na", "GCS"} <= set(share)
    assert 0.3 < share.pop("Height") < 0.6  # -1 where it was not measured
    assert max(share.values()) < 0.05
    assert share["HR"] == share["Na"] == share["SaO2"] == share["GCS"] == 0


def test_real_charts_lose_only_what_cannot_be(data, ward):
    """The labels of the MIMIC-III demo, by hand: what was masked there are zeros, slipped points, and codes of other fluids; of blood
    pressures in a systemic artery 70 zeros and 5 below."""
    place = data / "records/mimic3demo"
    columns = ["subject_id", "itemid", "charttime", "value", "valuenum", "valueuom"]
    events = pl.read_csv(place / "CHARTEVENTS.csv.gz", infer_schema_length=0, columns=columns)
    labels = pl.read_csv(place / "D_ITEMS.csv.gz", infer_schema_length=0, columns=["itemid", "label"])
    events.join(labels, on="itemid").drop("itemid").rename({"label": "code"}).write_parquet(ward.folder / "events.parquet")
    locators = ward.locate({"subject_id": ["10006"], "when": ["2165-01-01"]})
    reading = ward.reading(locators)
    assert reading["masked"] == {
        "Previous WeightF": 49, "Previous Weight": 5, "Creatinine (0-1.3)": 5, "Arterial Blood Pressure mean": 5, "Creatinine": 3,
        "Inspired O2 Fraction": 1, "Potassium (serum)": 1, "Arterial BP [Systolic]": 31, "Arterial BP [Diastolic]": 30, "Arterial BP Mean": 3,
        "Non Invasive Blood Pressure systolic": 2, "Non Invasive Blood Pressure mean": 1, "NBP [Diastolic]": 1,
        "Arterial Blood Pressure systolic": 1, "Arterial Blood Pressure diastolic": 1,
    }  # fmt: skip
    assert len(reading["limits"]) > 80
