"""Units: spellings that are one, and factors as the clinical tables have them."""

import pytest

from osler.modalities.timelines.read.units import analyte_of, canonical, conversion


@pytest.mark.parametrize(
    ("spellings"),
    [
        ("mm[Hg]", "mmHg", "MM HG", "mm Hg", "torr"), ("K/uL", "10*9/L", "10^9/L", "x10e3/uL", "10*3/uL", "K/µL", "thou/uL"),
        ("m/uL", "10*12/L", "M/uL", "10^6/uL"), ("sec", "SECONDS", "s"), ("Deg. C", "Cel", "°C", "?C", "degC"), ("IU/L", "U/L"),
        ("Deg. F", "[degF]", "?F"), ("{beats}/min", "bpm", "BPM", "insp/min"), ("g/dl", "gm/dl", "G/DL"), ("inches", "[in_i]", "Inch"),
    ],
)  # fmt: skip
def test_spellings_of_one_unit_are_one(spellings):
    assert len({canonical(s) for s in spellings}) == 1


def test_different_units_stay_different_and_an_unknown_one_keeps_its_name():
    units = ["mg/dL", "mmol/L", "mEq/L", "%", "mmHg", "kPa", "K/uL", "m/uL", "/uL", "Cel", "[degF]", "kg", "lb", "Widgets"]
    assert len({canonical(u) for u in units}) == len(units)
    assert canonical("Widgets") == "widgets"


# Conventional to SI factors of the AMA Manual of Style (table of laboratory values)
@pytest.mark.parametrize(
    ("code", "source", "target", "factor"),
    [
        ("Glucose", "mg/dL", "mmol/L", 0.0555), ("Creatinine", "mg/dL", "umol/L", 88.4), ("Bilirubin, Total", "mg/dL", "µmol/L", 17.1),
        ("Urea Nitrogen", "mg/dL", "mmol/L", 0.357), ("Cholesterol", "mg/dL", "mmol/L", 0.0259), ("Triglycerides", "mg/dL", "mmol/L", 0.0113),
        ("Calcium, Total", "mg/dL", "mmol/L", 0.25), ("Magnesium", "mg/dL", "mmol/L", 0.411), ("Magnesium", "mEq/L", "mmol/L", 0.5),
        ("Phosphate", "mg/dL", "mmol/L", 0.323), ("Lactate", "mg/dL", "mmol/L", 0.111), ("Uric Acid", "mg/dL", "umol/L", 59.5),
        ("Sodium", "mEq/L", "mmol/L", 1.0), ("Hemoglobin", "g/dL", "g/L", 10), ("Hemoglobin", "g/dL", "mmol/L", 0.6206),
        ("LOINC//2345-7", "mg/dL", "mmol/L", 0.0555), ("Iron", "ug/dL", "umol/L", 0.179), ("WBC", "K/uL", "10*9/L", 1.0),
        ("WBC", "/uL", "K/uL", 0.001), ("pCO2", "kPa", "mm Hg", 7.5006), ("Weight", "lb", "kg", 0.4536), ("Height", "Inch", "cm", 2.54),
        ("FiO2", "fraction", "%", 100), ("Time", "min", "h", 1 / 60), ("Anything", "mg/L", "ug/mL", 1.0), ("CVP", "cmH2O", "mmHg", 0.7356),
    ],
)  # fmt: skip
def test_a_conversion_has_the_published_factor_and_goes_back(code, source, target, factor):
    scale, offset = conversion(code, source, target)
    assert scale == pytest.approx(factor, rel=6e-3)
    assert offset == 0
    assert scale * conversion(code, target, source)[0] == pytest.approx(1)


@pytest.mark.parametrize(("fahrenheit", "celsius"), [(98.6, 37), (32, 0), (-40, -40), (212, 100)])
def test_fahrenheit_and_celsius_turn_into_each_other(fahrenheit, celsius):
    scale, offset = conversion("Temperature", "Deg. F", "Deg. C")
    assert scale * fahrenheit + offset == pytest.approx(celsius)
    scale, offset = conversion("Temperature", "Cel", "[degF]")
    assert scale * celsius + offset == pytest.approx(fahrenheit)


@pytest.mark.parametrize(
    ("code", "source", "target"),
    [
        ("Some protein", "mg/dL", "mmol/L"),  # what it is is not known
        ("Glucose", "mg/dL", "mmHg"),
        ("Glucose", "widgets", "mg/dL"),
        ("Urine albumin/creatinine ratio", "mg/g", "mg/mmol"),
        ("Glucose", "mg/dL", "mEq/L"),  # no ion
        ("Weight", "kg", "cm"),
    ],
)
def test_what_nothing_is_known_to_turn_is_not_turned(code, source, target):
    assert conversion(code, source, target) is None


def test_substances_are_told_by_whole_words_and_numbers():
    assert analyte_of("BUN").molar_mass == analyte_of("Urea Nitrogen").molar_mass != analyte_of("Urea").molar_mass
    assert analyte_of("MIMIC//50912//Creatinine") is analyte_of("LOINC//2160-0")
    assert analyte_of("Creatinine clearance") is None
    assert analyte_of("12160-0") is None  # another LOINC number that ends alike
    assert analyte_of("Glucosamine") is None
