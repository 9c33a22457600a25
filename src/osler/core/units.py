"""Which change of unit a change of scale looks like."""

from __future__ import annotations

import math

# Larger over smaller of two units in use side by side. Molar masses: glucose 180.16, creatinine 113.12, cholesterol 386.65,
# triglycerides 885.7 (as triolein), bilirubin 584.66, urea nitrogen 28.01, uric acid 168.11, calcium 40.08, phosphorus 30.97 g/mol.
PAIRS = (
    (18.016, "mg/dL / mmol/L (glucose)"),
    (88.42, "µmol/L / mg/dL (creatinine), mg/dL / mmol/L (triglycerides)"),
    (38.67, "mg/dL / mmol/L (cholesterol)"),
    (17.104, "µmol/L / mg/dL (bilirubin)"),
    (59.48, "µmol/L / mg/dL (uric acid)"),
    (7.5006, "mmHg / kPa"),
    (365.25, "days / years"),
    (30.44, "days / months"),
    (12.0, "months / years"),
    (7.0, "days / weeks"),
    (24.0, "hours / days"),
    (60.0, "minutes / hours"),
    (4.008, "mg/dL / mmol/L (calcium)"),
    (3.097, "mg/dL / mmol/L (phosphate)"),
    (2.801, "mg/dL / mmol/L (urea nitrogen)"),
    (2.54, "cm / inches"),
    (2.2046, "pounds / kg"),
)
WIDE, NARROW = 0.12, 0.04  # of the logarithm: a factor under SMALL can also be another kind of patients
SMALL = 5.0
SPREAD = 0.4  # of the logarithm, by which the spread may differ from the factor
MIDDLE = 0.3  # standard deviations from 0 within which a mean tells nothing of the scale
FAHRENHEIT = (1.8, 32.0)
DEGREES = 4.0  # by which body temperatures spread at most; wider columns with such a mean are something else


def unit_change(before: tuple[float, float], now: tuple[float, float]) -> tuple[str, str] | None:
    """Return (how many times larger, which units) for two pairs of mean and standard deviation, None where it looks like none.

    >>> unit_change((5.5, 1.2), (99.0, 21.0)), unit_change((37.0, 0.5), (98.6, 0.9)), unit_change((5.5, 1.2), (6.1, 1.3))
    (('18', 'mg/dL / mmol/L (glucose)'), ('', '°F / °C'), None)
    """
    if min(before[1], now[1]) <= 0:
        return None
    if heat := _temperature(before, now):
        return heat
    spread = math.log(now[1] / before[1])
    central = max(abs(mean) / sd for mean, sd in (before, now)) < MIDDLE
    if not central and (before[0] * now[0] <= 0):
        return None
    scale = spread if central else math.log(now[0] / before[0])
    if spread * scale <= 0:
        return None
    power = round(abs(scale) / math.log(10))
    known = [*PAIRS, *([(10.0**power, "")] if power else [])]
    near = [(abs(abs(scale) - math.log(f)), f, name) for f, name in known if _fits(abs(scale), abs(spread), f)]
    if not near:
        return None
    _, factor, name = min(near)
    return _times(math.copysign(math.log(factor), scale)), name


def _fits(scale: float, spread: float, factor: float) -> bool:
    wide = factor >= SMALL
    return abs(scale - math.log(factor)) <= (WIDE if wide else NARROW) and abs(spread - math.log(factor)) <= (
        SPREAD if wide else 2 * NARROW
    )


def _times(scale: float) -> str:
    factor = math.exp(abs(scale))
    told = f"{factor:,.0f}" if factor >= 100 else f"{factor:.3g}"
    return told if scale > 0 else f"1/{told}"


def _temperature(before: tuple[float, float], now: tuple[float, float]) -> tuple[str, str] | None:
    slope, start = FAHRENHEIT
    for old, new, name in ((before, now, "°F / °C"), (now, before, "°C / °F")):
        warm = 30 < old[0] < 43 and old[1] < DEGREES
        if warm and abs(new[0] - (slope * old[0] + start)) < max(1.0, new[1]) and 0.5 < new[1] / (slope * old[1]) < 2:
            return "", name
    return None
