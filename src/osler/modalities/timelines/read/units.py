"""Units of measurement: which spellings are one unit, and what turns one into another.

Spellings: UCUM (ucum.org), and those of MIMIC, eICU and PhysioNet. Molar masses in g/mol from PubChem, as the Système
International tables of clinical chemistry use them (AMA Manual of Style, 11th ed., table 17.5-1; Young, Ann Intern Med 1987;106:114).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

Linear = tuple[float, float]  # value in the other unit = scale × value + offset

# Each dimension: canonical spelling → how many base units it holds.
_DIMENSIONS: dict[str, dict[str, float]] = {
    "mass concentration": {  # g/L
        "g/l": 1.0, "g/dl": 10.0, "mg/dl": 1e-2, "mg/l": 1e-3, "ug/dl": 1e-5, "ug/l": 1e-6, "ng/dl": 1e-8, "ng/l": 1e-9,
        "mg/ml": 1.0, "ug/ml": 1e-3, "ng/ml": 1e-6, "pg/ml": 1e-9, "pg/dl": 1e-11, "g/ml": 1e3,
    },
    "amount concentration": {"mol/l": 1.0, "mmol/l": 1e-3, "umol/l": 1e-6, "nmol/l": 1e-9, "pmol/l": 1e-12, "mmol/dl": 1e-2},
    "equivalents": {"meq/l": 1e-3, "eq/l": 1.0, "ueq/l": 1e-6},
    "count": {"/l": 1.0, "/ml": 1e3, "/ul": 1e6, "k/ul": 1e9, "m/ul": 1e12, "g/l count": 1e9, "t/l count": 1e12},
    "pressure": {"mmhg": 1.0, "kpa": 7.50062, "pa": 0.00750062, "cmh2o": 0.735559, "mbar": 0.750062, "bar": 750.062},
    "mass": {"kg": 1e3, "g": 1.0, "mg": 1e-3, "ug": 1e-6, "ng": 1e-9, "lb": 453.59237, "oz": 28.349523},
    "length": {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "in": 0.0254, "ft": 0.3048},
    "volume": {"l": 1.0, "dl": 0.1, "ml": 1e-3, "ul": 1e-6},
    "time": {"s": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86400.0, "wk": 604800.0, "y": 31557600.0},
    "rate": {"/min": 1.0, "/s": 60.0, "/h": 1 / 60},
    "flow": {"l/min": 1.0, "ml/min": 1e-3, "ml/h": 1e-3 / 60, "l/h": 1 / 60, "l/s": 60.0, "ml/s": 0.06},
    "share": {"%": 1.0, "fraction": 100.0},
    "activity": {"u/l": 1.0, "ku/l": 1e3, "u/ml": 1e3, "mu/ml": 1.0, "uu/ml": 1e-3, "mu/l": 1e-3, "ukat/l": 60.0, "nkat/l": 0.06},
    "osmolality": {"mosm/kg": 1.0, "osm/kg": 1e3},
}  # fmt: skip
_HOME = {unit: (dimension, size) for dimension, units in _DIMENSIONS.items() for unit, size in units.items()}
_TEMPERATURE: dict[str, Linear] = {"cel": (1.0, 0.0), "degf": (5 / 9, -160 / 9), "k": (1.0, -273.15)}  # to °C

# Spelling (lower case, without blanks) → canonical.
_SPELLED: dict[str, str] = {
    spelling: unit
    for unit, spellings in {
        "mmhg": "mm[hg] mmhg torr mm.hg mmhg. millimeterofmercury",
        "cmh2o": "cm[h2o] cmh2o cmh20 cmsh2o",
        "cel": "cel degc deg.c c °c ?c oc celsius degreecelsius degreescelsius ℃",
        "degf": "[degf] degf deg.f f °f ?f of fahrenheit degreefahrenheit degreesfahrenheit ℉",
        "k/ul": "k/ul 10*3/ul 10^3/ul 10e3/ul x10e3/ul x10^3/ul x10*3/ul 1000/ul thou/ul thousand/ul thousand/cumm k/cumm k/mm3 10*3/mm3"
                " 10^3/mm3 x10^3/mm3 k/mcl 10^3/mcl x10^3/mcl 10*9/l 10^9/l 10e9/l x10^9/l x10*9/l x10e9/l g/lcount giga/l gpt/l th/ul"
                " 1000/mm3 10³/ul 10⁹/l x10⁹/l",
        "m/ul": "m/ul 10*6/ul 10^6/ul 10e6/ul x10e6/ul x10^6/ul mil/ul million/ul m/cumm m/mm3 10*6/mm3 10^6/mm3 m/mcl 10*12/l 10^12/l"
                " 10e12/l x10^12/l x10*12/l x10e12/l t/lcount tpt/l 10⁶/ul 10¹²/l",
        "/ul": "/ul #/ul cells/ul /mm3 cells/mm3 /cumm cells/cumm /micl /mcl cells/mcl count/ul /mm³",
        "/l": "/l #/l cells/l", "/ml": "/ml cells/ml",
        "g/dl": "g/dl gm/dl gms/dl g/100ml g% gm% g/dlcount", "mg/dl": "mg/dl mg/100ml mg% mgs/dl", "g/l": "g/l gm/l",
        "ug/dl": "ug/dl mcg/dl", "ug/l": "ug/l mcg/l", "ug/ml": "ug/ml mcg/ml", "ug": "ug mcg", "u/l": "u/l iu/l [iu]/l unit/l units/l",
        "mu/ml": "mu/ml miu/ml m[iu]/ml mu/ml", "uu/ml": "uu/ml uiu/ml u[iu]/ml mcu/ml", "mu/l": "mu/l miu/l m[iu]/l",
        "u/ml": "u/ml iu/ml [iu]/ml units/ml", "ku/l": "ku/l kiu/l",
        "mosm/kg": "mosm/kg mosm/kgh2o mosmol/kg mosm/kg.h2o",
        "/min": "/min bpm beats/min beat/min beats/minute 1/min insp/min breaths/min breath/min breaths/minute b/min resp/min rpm /minute"
                " {beats}/min {breaths}/min min-1",
        "s": "s sec secs second seconds", "min": "min mins minute minutes", "h": "h hr hrs hour hours", "d": "d day days",
        "wk": "wk week weeks", "y": "a y yr yrs year years", "ms": "ms msec",
        "kg": "kg kgs kilogram kilograms", "g": "g gm gms gram grams", "lb": "lb lbs [lb_av] pound pounds", "oz": "oz [oz_av] ounce ounces",
        "in": 'in inch inches [in_i] "', "ft": "ft feet foot [ft_i]", "cm": "cm cms centimeter centimetre", "m": "m meter metre meters",
        "ml": "ml mls cc ccs milliliter millilitre", "l": "l liter litre liters",
        "l/min": "l/min lpm l/m lit/min", "ml/min": "ml/min cc/min", "ml/h": "ml/h ml/hr cc/hr cc/h", "l/h": "l/h l/hr",
        "%": "% percent pct", "fraction": "fraction decfrc", "meq/l": "meq/l meq/liter", "mmol/l": "mmol/l mmol/liter mm/l",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Analyte:
    """A substance whose mass and amount turn into each other: the words and LOINC numbers by which a code names it, g/mol, and the
    charges of its ion, 0 where none."""

    words: str
    loinc: str
    molar_mass: float
    charges: int = 0


# The first that fits counts: "urea nitrogen" stands before "urea", "ionised calcium" needs no other mass than calcium.
ANALYTES = (
    Analyte(r"glucose|glucosa|blood sugar|dextrose", "2345-7 2339-0 2340-8 41653-7 1558-6 2341-6 14749-6 15074-8", 180.156),
    Analyte(r"creatinine|creat|kreatinin", "2160-0 38483-4 14682-9 2161-8", 113.12),
    Analyte(r"urea nitrogen|bun", "3094-0 6299-2 3097-3", 28.014),  # two nitrogens in one urea: the amount is that of urea
    Analyte(r"urea|harnstoff", "3091-6 22664-7", 60.056),
    Analyte(r"bilirubin|bili", "1975-2 1968-7 1971-1 14631-6 42719-5", 584.66),
    Analyte(r"triglycerides?", "2571-8 14927-8", 885.4),  # as triolein
    Analyte(r"cholesterol|hdl|ldl", "2093-3 2085-9 2089-1 14647-2 13457-7 18262-6", 386.65),
    Analyte(r"calcium", "2000-8 17861-6 1994-3 1995-0 49765-1", 40.078, 2),
    Analyte(r"magnesium|mg level", "2601-3 19123-9 21377-7", 24.305, 2),
    Analyte(r"phosphate|phosphorus|phosphorous", "2777-1 14879-1", 30.974),
    Analyte(r"lactate|lactic acid", "2524-7 32693-4 2518-9 14118-4 2519-7", 90.08, 1),
    Analyte(r"uric acid|urate", "3084-1 14933-6", 168.11),
    Analyte(r"sodium", "2951-2 2947-0", 22.990, 1),
    Analyte(r"potassium", "2823-3 6298-4 2828-2", 39.098, 1),
    Analyte(r"chloride", "2075-0 2069-3", 35.453, 1),
    Analyte(r"bicarbonate|hco3|total co2|carbon dioxide", "1963-8 2028-9 1959-6", 61.017, 1),
    Analyte(r"iron", "2498-4", 55.845),
    Analyte(r"ammonia", "1841-6 22763-7", 17.031),
    Analyte(r"h(?:a?e)moglobin|hgb", "718-7 20509-6 30313-1 30350-3", 16114.5),  # of one subunit, as laboratories do
    Analyte(r"albumin", "1751-7", 66500.0),
    Analyte(r"cortisol", "2143-6", 362.46),
    Analyte(r"(?:free )?t4|thyroxine", "3024-7 3026-2", 776.87),
    Analyte(r"b12|cobalamin", "2132-9", 1355.4),
    Analyte(r"folate|folic acid", "2284-8", 441.4),
    Analyte(r"vitamin d|25 hydroxyvitamin", "1989-3 62292-8", 400.64),
    Analyte(r"digoxin", "10535-3", 780.94),
    Analyte(r"acetaminophen|paracetamol", "3298-5", 151.16),
)
_LOINC = re.compile(r"(?<!\d)(\d{1,5}-\d)(?!\d)")


@functools.lru_cache(maxsize=4096)
def canonical(unit: str) -> str:
    """Return one spelling for all of a unit: "MM HG" and "mm[Hg]" are "mmhg". An unknown unit keeps its own, in lower case.

    >>> canonical("10*9/L") == canonical("K/uL"), canonical("Deg. F"), canonical("widgets")
    (True, 'degf', 'widgets')
    """
    # "m/uL" is a million per microlitre as MIMIC writes it; no laboratory reports thousandths of a cell
    text = re.sub(r"\s+", "", unit.strip()).replace("µ", "u").replace("μ", "u").casefold()
    text = re.sub(r"(?<=.)\{[^}]*\}", "", text) or text
    text = text.replace("liter", "l").replace("litre", "l") if "/" in text else text
    return _SPELLED.get(text) or _SPELLED.get(text.rstrip(".")) or text


def public_unit(unit: str) -> bool:
    """Whether a unit is one that is known here, however it is spelled, so that it tells of no patient; an annotation in braces may."""
    return "{" not in unit and (canonical(unit) in _HOME or canonical(unit) in _TEMPERATURE or not unit)


@functools.lru_cache(maxsize=1 << 17)
def words_of(code: str) -> str:
    """Return a code as lower-case words, "//", "_" and capitals inside words parted: "Heart_Rate", "HeartRate" are "heart rate"."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code)
    return re.sub(r"[^a-z0-9+%]+", " ", parted.lower()).strip()


@functools.lru_cache(maxsize=1 << 17)
def loincs_of(code: str) -> frozenset[str]:
    """Return the LOINC numbers in a code."""
    return frozenset(_LOINC.findall(code))


def named(code: str, *, words: str, loinc: str) -> bool:
    """Whether a code is called by one of `words` (a pattern over whole words) or has one of the `loinc` numbers."""
    return bool(loincs_of(code) & set(loinc.split())) or bool(re.search(rf"\b(?:{words})\b", words_of(code)))


@functools.lru_cache(maxsize=4096)
def analyte_of(code: str) -> Analyte | None:
    """Return the substance that a code names, None where none is known. A ratio of two substances is none."""
    if re.search(r"\bratio\b|clearance|excess|[a-z]/cr", code.lower()):
        return None
    return next((a for a in ANALYTES if named(code, words=a.words, loinc=a.loinc)), None)


@functools.lru_cache(maxsize=1 << 16)
def conversion(code: str, source: str, target: str) -> Linear | None:
    """Return what turns values of `code` in the unit `source` into `target`: (scale, offset), None where nothing is known to.

    >>> conversion("Glucose", "mmol/L", "mg/dL")
    (18.0156, 0.0)
    """
    one, other = canonical(source), canonical(target)
    if one == other:
        return 1.0, 0.0
    if one in _TEMPERATURE and other in _TEMPERATURE:
        (a, b), (c, d) = _TEMPERATURE[one], _TEMPERATURE[other]
        return a / c, (b - d) / c
    if one not in _HOME or other not in _HOME:
        return None
    (kind, size), (wanted, unit) = _HOME[one], _HOME[other]
    if kind == wanted:
        return _tidy(size / unit), 0.0
    between = _between(kind, wanted, analyte=analyte_of(code))
    return None if between is None else (_tidy(between * size / unit), 0.0)


def _between(kind: str, wanted: str, *, analyte: Analyte | None) -> float | None:
    """Return how many base units of `wanted` are in one of `kind` for a substance."""
    if analyte is None:
        return None
    grams = {"mass concentration": 1.0, "amount concentration": analyte.molar_mass}
    if analyte.charges:
        grams["equivalents"] = analyte.molar_mass / analyte.charges
    return grams[kind] / grams[wanted] if kind in grams and wanted in grams else None


def _tidy(value: float) -> float:
    return float(f"{value:.12g}")
