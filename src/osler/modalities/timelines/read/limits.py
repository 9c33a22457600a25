"""What cannot be: values that no living patient has, by variable.

Limits are wide on purpose: what has been survived and published lies inside. They catch a slipped point (a pH of 73), a unit
that was not said (98.6 °C), a code for "missing" (−1). A limit is used for a code only where most of its values keep it;
else the name, or the unit, meant something else. The published extremes are quoted from memory, and the limits wider than they are.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import numpy as np

from osler.modalities.timelines.read.units import Linear, canonical, conversion, loincs_of, words_of

MOST = 0.5  # share of a code's values that must keep a limit for it to be the code's


@dataclass(frozen=True, slots=True)
class Limit:
    """The lowest and highest value that can be, in `unit`, of codes that `words` (whole words) or LOINC numbers name.

    `exact` are whole names by which public data sets call it. `typical` (low, high) is where three in four of the values
    of the meant variable lie; where they do not, `otherwise` holds. `source` says where the numbers are from.
    """

    words: str
    loinc: str
    exact: str
    unit: str
    low: float
    high: float
    source: str
    typical: tuple[float, float] | None = None
    otherwise: tuple[float, float] | None = None


# Codes with these words speak of something else than the patient's own value, or of another fluid.
_OTHER = (
    r"alarms?|set|setting|goal|target|limits?|threshold|ideal|predicted|change|delta|difference|gap|ratio|index|trigger|urine|urinary|stool"
    r"|csf|cerebrospinal|pleural|ascites|ascitic|joint|synovial|fluid|gastric|dialysate|drain|bath|blanket|water|room|ambient|skin"
    r"|inspired gas|gas temp|cooling|warmer|heater|incubator|device|machine|bed|pacemaker|pacer|paced|birth|dose|rate of|source|site|route|method|type|time"
    r"|duration|score|admit|daily|gain|loss|fetal|pad"
    r"|pap|pulmonary|ventricular|atrial|venous pressure"
)
_BLOOD_GAS = "11558-4 2744-1 2746-6 2745-8 33254-4"
LIMITS = (
    Limit(r"arterial ph|ph art|ph arterial|ph venous|venous ph|art ph|blood ph|ph", _BLOOD_GAS, "ph", "", 6.3, 8.0,
          "6.33 survived after near-drowning (Opdahl 1997), 6.38 with lactic acidosis (Ahmad 2002)",
          typical=(6.8, 7.8), otherwise=(0.0, 14.0)),
    Limit(r"temperature|temp|body temperature|core temp", "8310-5 8329-5 8331-1 8332-9 8333-7 60830-9", "temp tempc temperature", "Cel", 8.0, 47.0,
          "survived: 9 °C on purpose (Niazi 1958), 46.5 °C (Slovis 1982)"),
    Limit(r"heart rate|heartrate|pulse rate|pulse|hr", "8867-4 8889-8 8893-0", "hr pulse heart_rate", "/min", 0.0, 650.0,
          "600 per minute recorded (Chhabra 2012)"),
    Limit(r"respiratory rate|resp rate|resprate|rr|respiration rate", "9279-1", "resprate rr resp", "/min", 0.0, 200.0, "twice what infants in distress reach"),
    Limit(r"sa ?o2|spo2|o2 ?sat|o2 saturation|oxygen saturation|arterial o2 saturation|pulse oximetry|sp o2", "2708-6 59408-5 20564-1 2713-6",
          "sao2 spo2 o2sat", "%", 0.0, 100.5, "a share; half a point for rounding"),
    Limit(r"systolic|sysabp|nisysabp|sbp|diastolic|diasabp|nidiasabp|dbp|mean arterial pressure|arterial bp mean|map|nimap|blood pressure mean",
          "8480-6 8462-4 8478-0 76534-7 76535-4 76536-2 8479-8", "sysabp nisysabp diasabp nidiasabp map nimap sbp dbp", "mmHg", 1.0, 500.0,
          "480/350 in weight lifters (MacDougall 1985); with the heart at rest about 7 are left (Rothe 1993), so 0 is a line that is not connected"),
    Limit(r"weight|body weight", "29463-7 3141-9 3142-7 8335-2", "weight", "kg", 0.2, 700.0,
          "635 kg and 212 g are the extremes on record"),
    Limit(r"height|body height|length", "8302-2 3137-7 3138-5", "height", "cm", 20.0, 280.0, "272 cm the tallest, 24 cm the shortest survivor at birth"),
    Limit(r"age|age years|age in years", "30525-0", "age", "y", 0.0, 125.0, "122.4 years the longest life; MIMIC writes 300 for those over 89"),
    Limit(r"(?:gcs|glasgow coma scale|coma scale) ?eyes?(?: opening)?|eye opening", "9267-6", "", "", 1.0, 4.0, "by definition (Teasdale 1974)"),
    Limit(r"(?:gcs|glasgow coma scale|coma scale) ?verbal(?: response)?|verbal response", "9270-0", "", "", 1.0, 5.0, "by definition"),
    Limit(r"(?:gcs|glasgow coma scale|coma scale) ?motor(?: response)?|motor response", "9268-4", "", "", 1.0, 6.0, "by definition"),
    Limit(r"(?:gcs|glasgow coma scale|coma scale)(?! ?(?:eye|verbal|motor))", "9269-2", "gcs", "", 3.0, 15.0, "by definition"),
    Limit(r"fio2|fi o2|inspired oxygen|inspired o2 fraction", "3150-6 19994-3 19996-8", "fio2", "", 0.05, 100.5,
          "a share, written as a fraction or in per cent"),
    Limit(r"pa?o2|po2", "11556-8 2703-7 2705-2 19255-9", "pao2 po2", "mmHg", 0.0, 2300.0, "pure oxygen at three atmospheres"),
    Limit(r"pa?co2|pco2", "11557-6 2019-8 2021-4", "paco2 pco2", "mmHg", 0.0, 550.0, "501 mmHg survived (Slinger 1997)"),
    Limit(r"sodium|serum na", "2951-2 2947-0", "na sodium", "mmol/L", 60.0, 300.0, "wider than what is known to have been survived"),
    Limit(r"potassium|serum k", "2823-3 6298-4", "k potassium", "mmol/L", 0.5, 30.0, "14 mmol/L survived (Tran 2005); lysed samples read higher"),
    Limit(r"glucose", "2345-7 2339-0 41653-7", "glucose", "mg/dL", 0.0, 4000.0, "2,656 mg/dL survived (2008)"),
    Limit(r"creatinine|creat", "2160-0 38483-4", "creatinine", "mg/dL", 0.0, 100.0, "wider than what is known to have been survived"),
    Limit(r"h(?:a?e)moglobin|hgb", "718-7 20509-6", "hgb hemoglobin", "g/dL", 0.0, 35.0, "polycythaemia stays under 30"),
    Limit(r"h(?:a?e)matocrit|hct", "4544-3 20570-8", "hct hematocrit", "%", 0.0, 90.0, "a share"),
    Limit(r"lactate|lactic acid", "2524-7 32693-4 2518-9", "lactate", "mmol/L", 0.0, 100.0, "wider than what is known to have been survived"),
    Limit(r"bilirubin|bili", "1975-2", "bilirubin", "mg/dL", 0.0, 150.0, "wider than what is known to have been survived"),
    Limit(r"albumin", "1751-7", "albumin", "g/dL", 0.0, 15.0, "hyperalbuminaemia stays under 10"),
    # amounts and concentrations cannot be less than nothing; how high they go is not known well enough to say
    Limit(r"bun|urea nitrogen|urea|wbc|white blood cells?|platelets?|platelet count|alt|ast|alp|alkaline phosphatase|alanine aminotransferase"
          r"|asparate aminotransferase|aspartate aminotransferase|troponin|troponin [it]|cholesterol|magnesium|calcium|phosphate|chloride"
          r"|bicarbonate|hco3|inr|ptt|fibrinogen|ck|creatine kinase|crp|d dimer|urine output|uric acid|urate|ammonia|ferritin",
          "3094-0 6690-2 777-3 1742-6 1920-8 6768-6 2093-3 2601-3 2000-8 2777-1 2075-0 1963-8 5895-7 3173-2 804-5",
          "urine bun wbc platelets alt ast alp troponini troponint cholesterol mg hco3", "", 0.0, np.inf, "an amount"),
)  # fmt: skip


_EXACT = {name.replace("_", ""): rule for rule in reversed(LIMITS) for name in rule.exact.split()}


@functools.lru_cache(maxsize=1 << 17)
def rule_of(code: str) -> Limit | None:
    """Return the rule that speaks of a code, None where none does."""
    words = words_of(code)
    exact = _EXACT.get(words.replace(" ", ""))
    if exact is not None:
        return exact
    numbers = loincs_of(code)
    by_number = next((r for r in LIMITS if numbers & set(r.loinc.split())), None) if numbers else None
    if by_number is not None or re.search(rf"\b(?:{_OTHER})\b", words):
        return by_number
    return next((r for r in LIMITS if re.search(rf"\b(?:{r.words})\b", words)), None)


def public_name(code: str) -> bool:
    """Whether a code is a name that data sets share, so that it tells of no patient."""
    return words_of(code).replace(" ", "") in _EXACT


def limits_of(code: str, *, unit: str, values: np.ndarray) -> tuple[float, float] | None:
    """Return the lowest and highest value of `code` that can be, in `unit` ("" where none is said), judged with its `values`.

    Without a unit, the one is taken in which most of the values can be; None where there is no rule, or none fits.
    """
    rule = rule_of(code)
    values = values[np.isfinite(values)]
    if rule is None or not len(values):
        return None
    for scale, offset in _ways(code, rule, unit or _unit_in(code)):
        low, high = (scale * bound + offset for bound in (rule.low, rule.high))
        if rule.typical is not None and _share(values, rule.typical) < 0.75:
            return rule.otherwise
        if _share(values, (low, high)) >= MOST:
            return low, high
    return None


_IN_NAMES = {
    r"lbs?|pounds?": "lb",
    r"inch|inches": "in",
    r"fahrenheit|deg ?f": "degf",
    r"celsius|deg ?c": "cel",
    r"kpa": "kpa",
    r"mmol l": "mmol/L",
}


def _unit_in(code: str) -> str:
    """Return the unit that the name of a code says, "" where it says none: "Admission Weight (lbs.)"."""
    words = words_of(code)
    return next((unit for pattern, unit in _IN_NAMES.items() if re.search(rf"\b(?:{pattern})\b", words)), "")


def _ways(code: str, rule: Limit, unit: str) -> list[Linear]:
    """Return from the rule's unit to that of the values; of a temperature without unit both are tried."""
    if not rule.unit or (canonical(unit) == "" and canonical(rule.unit) != "cel"):
        return [(1.0, 0.0)]
    if canonical(unit) == "":
        return [(1.0, 0.0), (1.8, 32.0)]
    way = conversion(code, rule.unit, unit)
    return [] if way is None else [way]


def _share(values: np.ndarray, span: tuple[float, float]) -> float:
    return float(((values >= span[0]) & (values <= span[1])).mean())
