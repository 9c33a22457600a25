"""The tables of MIMIC-III (Johnson and others 2016, doi:10.1038/sdata.2016.35) as events.

An event stands at the moment from which it was known, as far as the tables tell: codes that are given for billing at discharge,
a dose that is the total of an infusion at its end, what has a date but no hour at the end of that day. Dates are shifted per
patient by the source and left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from osler.datasets.mimic3_tables import Files, Part, end_of_day, moment, number, opened, part, reason, word

if TYPE_CHECKING:
    import polars as pl

OBSCURED = 200  # years: births of patients above 89 are moved back by 300 years
# Units lost signs at the source: temperatures that of a degree, the rates of one charting system their slashes. Dots stand for no unit.
MENDED = {
    "?F": "°F", "?C": "°C", ".": None, "...": None,
    "mcghr": "mcg/hr", "mcgmin": "mcg/min", "mcgkgmin": "mcg/kg/min", "mghr": "mg/hr", "mgmin": "mg/min", "mgkghr": "mg/kg/hr",
    "Uhr": "U/hr", "Umin": "U/min",
}  # fmt: skip
NO_EVENTS = {
    "CAREGIVERS": "who charted; nothing of a patient",
    "D_CPT": "dictionary; CPTEVENTS has its words itself",
    "D_ICD_DIAGNOSES": "dictionary",
    "D_ICD_PROCEDURES": "dictionary",
    "D_ITEMS": "dictionary",
    "D_LABITEMS": "dictionary",
}


def events(files: Files) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Return the events of all tables, and by table what became of its rows.

    Raises RequestError for a table that cannot be read or lacks a column.
    """
    import polars as pl

    stays = opened(files, "ADMISSIONS", "hadm_id", "dischtime").select("hadm_id", moment("dischtime").alias("discharged"))
    items, labs = _items(files), _lab_items(files)
    parts = {name: make(files) for name, make in _PLAIN.items()}
    parts |= {name: make(files, items) for name, make in _CHARTED.items()}
    parts |= {name: make(files, stays) for name, make in _CODED.items()}
    parts["LABEVENTS"] = _laboratory(files, labs)
    counts: dict[str, Any] = {name: part.counts for name, part in parts.items()}
    for name, why in NO_EVENTS.items():
        rows = opened(files, name, "row_id").height
        counts[name] = {"rows": rows, "used": 0, "events": 0, "left out": {why: rows}}
    return pl.concat([part.events for part in parts.values()]), dict(sorted(counts.items()))


# what an item is called -----------------------------------------------------------------------------------------------


def _items(files: Files) -> pl.DataFrame:
    """Return `item` by itemid: a label is not unique, so its number stands behind it."""
    import polars as pl

    found = opened(files, "D_ITEMS", "itemid", "label")
    return found.select("itemid", pl.format("{} ({})", pl.col("label").fill_null("item"), "itemid").alias("item"))


def _lab_items(files: Files) -> pl.DataFrame:
    """Return `item` by itemid; the fluid belongs to the label: a pH of 5 can be urine's and cannot be blood's."""
    import polars as pl

    found = opened(files, "D_LABITEMS", "itemid", "label", "fluid")
    fluid = pl.col("fluid").fill_null("unknown fluid").str.to_lowercase()
    return found.select("itemid", pl.format("{}, {} ({})", pl.col("label").fill_null("item"), fluid, "itemid").alias("item"))


def _named(frame: pl.DataFrame, names: pl.DataFrame, *, key: str = "itemid") -> pl.DataFrame:
    import polars as pl

    found = frame.join(names, on=key, how="left", maintain_order="left")
    return found.with_columns(pl.col("item").fill_null(pl.format("item ({})", key)))


def _unit(column: str) -> pl.Expr:
    import polars as pl

    return pl.col(column).replace(MENDED)


# persons and places ---------------------------------------------------------------------------------------------------


def _patients(files: Files) -> Part:
    """Return sexes, births that are not obscured, and deaths after discharge, of which the date alone is known."""
    import polars as pl

    stays = opened(files, "ADMISSIONS", "subject_id", "admittime", "deathtime")
    known = stays.group_by("subject_id").agg(moment("admittime").min().alias("first"), moment("deathtime").min().alias("died"))
    frame = opened(files, "PATIENTS", "subject_id", "gender", "dob", "dod").join(
        known, on="subject_id", how="left", maintain_order="left"
    )
    plausible = (pl.col("first") - moment("dob")).dt.total_days() < OBSCURED * 365
    return part(
        frame,
        {"time": None, "code": word("GENDER", "gender")},
        {"time": pl.when(plausible).then(moment("dob")), "code": pl.lit("birth")},
        {"time": pl.when(pl.col("died").is_null()).then(end_of_day("dod")), "code": pl.lit("death")},
    )


def _admissions(files: Files) -> Part:
    import polars as pl

    times = ("admittime", "dischtime", "deathtime", "edregtime", "edouttime")
    frame = opened(files, "ADMISSIONS", "subject_id", *times, "admission_type", "discharge_location", "diagnosis")
    return part(
        frame,
        {"time": moment("admittime"), "code": word("admission", "admission_type")},
        {"time": moment("admittime"), "code": word("ADMITTED FOR", "diagnosis")},
        {"time": moment("edregtime"), "code": pl.lit("EMERGENCY ROOM//in")},
        {"time": moment("edouttime"), "code": pl.lit("EMERGENCY ROOM//out")},
        {"time": moment("deathtime"), "code": pl.lit("death")},
        {"time": moment("dischtime"), "code": word("discharge", "discharge_location")},
    )


def _intensive(files: Files) -> Part:
    frame = opened(files, "ICUSTAYS", "subject_id", "first_careunit", "last_careunit", "intime", "outtime")
    return part(
        frame,
        {"time": moment("intime"), "code": word("ICU IN", "first_careunit")},
        {"time": moment("outtime"), "code": word("ICU OUT", "last_careunit")},
    )


def _transfers(files: Files) -> Part:
    import polars as pl

    frame = opened(files, "TRANSFERS", "subject_id", "eventtype", "curr_careunit", "curr_wardid", "intime")
    place = frame.with_columns(place=pl.coalesce("curr_careunit", pl.format("ward {}", "curr_wardid")))
    left = reason((pl.col("eventtype") == "discharge", "discharge: ADMISSIONS tells it"))
    return part(place, {"time": moment("intime"), "code": word("TRANSFER", "place")}, left=left)


def _services(files: Files) -> Part:
    frame = opened(files, "SERVICES", "subject_id", "transfertime", "curr_service")
    return part(frame, {"time": moment("transfertime"), "code": word("SERVICE", "curr_service")})


def _callouts(files: Files) -> Part:
    frame = opened(files, "CALLOUT", "subject_id", "createtime", "outcometime", "callout_service", "callout_outcome")
    return part(
        frame,
        {"time": moment("createtime"), "code": word("CALLOUT", "callout_service")},
        {"time": moment("outcometime"), "code": word("CALLOUT OUTCOME", "callout_outcome")},
    )


def _prescriptions(files: Files) -> Part:
    import polars as pl

    frame = opened(files, "PRESCRIPTIONS", "subject_id", "startdate", "drug", "dose_val_rx", "dose_unit_rx")
    dose = number("dose_val_rx")
    return part(
        frame,
        {
            "time": end_of_day("startdate"),
            "code": word("DRUG", "drug"),
            "value": dose,
            "unit": pl.when(dose.is_not_null()).then("dose_unit_rx"),
            "text": pl.when(dose.is_null()).then("dose_val_rx"),
        },
    )


# what was charted -----------------------------------------------------------------------------------------------------


def _measured(vocabulary: str, *, time: str = "charttime", value: str = "valuenum") -> dict[str, Any]:
    """Return the kind of a measurement: a number in its unit, or else the text."""
    import polars as pl

    found = number(value)
    return {
        "time": moment(time),
        "code": word(vocabulary, "item"),
        "value": found,
        "unit": _unit("valueuom"),
        "text": pl.when(found.is_null()).then("value"),
    }


def _chart(files: Files, items: pl.DataFrame) -> Part:
    import polars as pl

    columns = ("subject_id", "itemid", "charttime", "value", "valuenum", "valueuom", "error")
    frame = _named(opened(files, "CHARTEVENTS", *columns), items)
    left = reason(
        (pl.col("error") == "1", "marked as an error"),
        (pl.col("value").is_null() & pl.col("valuenum").is_null(), "nothing recorded"),
    )
    return part(frame, _measured("CHART"), left=left)


def _laboratory(files: Files, items: pl.DataFrame) -> Part:
    import polars as pl

    frame = _named(opened(files, "LABEVENTS", "subject_id", "itemid", "charttime", "value", "valuenum", "valueuom"), items)
    left = reason((pl.col("value").is_null() & pl.col("valuenum").is_null(), "nothing recorded"))
    return part(frame, _measured("LAB"), left=left)


def _dates(files: Files, items: pl.DataFrame) -> Part:
    """Return charted dates (a line's insertion) as days from the date to the charting."""
    import polars as pl

    frame = _named(opened(files, "DATETIMEEVENTS", "subject_id", "itemid", "charttime", "value", "error"), items)
    days = (moment("charttime") - moment("value")).dt.total_seconds() / 86_400
    kind = {"time": moment("charttime"), "code": word("DATE", "item"), "value": days, "unit": pl.lit("d")}
    left = reason((pl.col("error") == "1", "marked as an error"), (moment("value").is_null(), "nothing recorded"))
    return part(frame, kind, left=left)


def _outputs(files: Files, items: pl.DataFrame) -> Part:
    import polars as pl

    frame = _named(opened(files, "OUTPUTEVENTS", "subject_id", "itemid", "charttime", "value", "valueuom", "iserror"), items)
    left = reason((pl.col("iserror") == "1", "marked as an error"), (pl.col("value").is_null(), "nothing recorded"))
    return part(frame, _measured("OUTPUT", value="value"), left=left)


def _given(*, start: str, end: str) -> dict[str, Any]:
    """Return the kind of what was given: a rate is known when it is set, an amount when it is in."""
    import polars as pl

    rate = number("rate")
    return {
        "time": pl.when(rate.is_null()).then(moment(end)).otherwise(moment(start)),
        "code": word("INPUT", "item"),
        "value": pl.coalesce(rate, number("amount")),
        "unit": pl.when(rate.is_null()).then("amountuom").otherwise(_unit("rateuom")),
    }


_GIVEN = ("subject_id", "itemid", "amount", "amountuom", "rate", "rateuom")
_REWRITTEN = "rewritten: another row stands for it"


def _inputs_carevue(files: Files, items: pl.DataFrame) -> Part:
    import polars as pl

    frame = _named(opened(files, "INPUTEVENTS_CV", *_GIVEN, "charttime", "stopped"), items)
    kind = _given(start="charttime", end="charttime")
    return part(frame, {**kind, "text": pl.when(kind["value"].is_null()).then("stopped")})


def _inputs_metavision(files: Files, items: pl.DataFrame) -> Part:
    import polars as pl

    frame = _named(opened(files, "INPUTEVENTS_MV", *_GIVEN, "starttime", "endtime", "statusdescription"), items)
    left = reason((pl.col("statusdescription") == "Rewritten", _REWRITTEN))
    return part(frame, _given(start="starttime", end="endtime"), left=left)


def _procedures_charted(files: Files, items: pl.DataFrame) -> Part:
    """Return procedures at their start; how long they took was not known then and is left out."""
    import polars as pl

    frame = _named(opened(files, "PROCEDUREEVENTS_MV", "subject_id", "itemid", "starttime", "statusdescription"), items)
    left = reason((pl.col("statusdescription") == "Rewritten", _REWRITTEN))
    return part(frame, {"time": moment("starttime"), "code": word("PROCEDURE", "item")}, left=left)


# what is known from discharge on --------------------------------------------------------------------------------------


def _microbiology(files: Files, stays: pl.DataFrame) -> Part:
    """Return specimens when they were taken, and what grew of them at discharge: no table tells when a result came."""
    import polars as pl

    columns = ("subject_id", "hadm_id", "chartdate", "charttime", "spec_type_desc", "org_name", "ab_name", "interpretation")
    frame = opened(files, "MICROBIOLOGYEVENTS", *columns).join(stays, on="hadm_id", how="left", maintain_order="left")
    taken = pl.coalesce(moment("charttime"), end_of_day("chartdate"))
    found = part(
        frame,
        {"time": taken, "code": word("SPECIMEN", "spec_type_desc")},
        {"time": pl.max_horizontal(taken, "discharged"), "code": word("ORGANISM", "org_name")},
        {
            "time": pl.max_horizontal(taken, "discharged"),
            "code": pl.concat_str(word("SUSCEPTIBILITY", "org_name"), pl.lit(" to "), "ab_name"),
            "text": pl.col("interpretation"),
        },
    )
    # a specimen has a row per organism and drug
    return Part(found.rows, found.left, found.events.unique(maintain_order=True))


def _coded(frame: pl.DataFrame, stays: pl.DataFrame, code: pl.Expr) -> Part:
    """Return codes at discharge; those of an admission that is not there have no time."""
    import polars as pl

    joined = frame.join(stays, on="hadm_id", how="left", maintain_order="left")
    return part(joined, {"time": pl.col("discharged"), "code": code})


def _titled(files: Files, name: str, *columns: str, dictionary: str, pattern: str) -> pl.DataFrame:
    """Return a table of ICD-9 codes with `item`, the code with its point and its short title."""
    import polars as pl

    titles = opened(files, dictionary, "icd9_code", "short_title").unique("icd9_code", keep="first", maintain_order=True)
    frame = opened(files, name, *columns).join(titles, on="icd9_code", how="left", maintain_order="left")
    pointed = pl.col("icd9_code").str.replace(pattern, "$1.$2")
    title = pl.format("{} ({})", pointed, "short_title")
    return frame.with_columns(pl.coalesce(title, pointed).alias("item"))


def _diagnoses(files: Files, stays: pl.DataFrame) -> Part:
    columns = ("subject_id", "hadm_id", "icd9_code")
    frame = _titled(files, "DIAGNOSES_ICD", *columns, dictionary="D_ICD_DIAGNOSES", pattern=r"^(E\d{3}|V\d{2}|\d{3})(\d+)$")
    return _coded(frame, stays, word("ICD9CM", "item"))


def _procedures(files: Files, stays: pl.DataFrame) -> Part:
    columns = ("subject_id", "hadm_id", "icd9_code")
    frame = _titled(files, "PROCEDURES_ICD", *columns, dictionary="D_ICD_PROCEDURES", pattern=r"^(\d{2})(\d+)$")
    return _coded(frame, stays, word("ICD9Proc", "item"))


def _groups(files: Files, stays: pl.DataFrame) -> Part:
    import polars as pl

    frame = opened(files, "DRGCODES", "subject_id", "hadm_id", "drg_type", "drg_code")
    return _coded(frame.with_columns(item=pl.format("{} {}", "drg_type", "drg_code")), stays, word("DRG", "item"))


def _billed(files: Files, stays: pl.DataFrame) -> Part:
    import polars as pl

    frame = opened(files, "CPTEVENTS", "subject_id", "hadm_id", "cpt_cd", "subsectionheader")
    item = pl.coalesce(pl.format("{} ({})", "cpt_cd", "subsectionheader"), "cpt_cd")
    return _coded(frame.with_columns(item=item), stays, word("CPT4", "item"))


_PLAIN: Mapping[str, Callable[[Files], Part]] = {
    "PATIENTS": _patients,
    "ADMISSIONS": _admissions,
    "ICUSTAYS": _intensive,
    "TRANSFERS": _transfers,
    "SERVICES": _services,
    "CALLOUT": _callouts,
    "PRESCRIPTIONS": _prescriptions,
}
_CHARTED: Mapping[str, Callable[[Files, pl.DataFrame], Part]] = {
    "CHARTEVENTS": _chart,
    "DATETIMEEVENTS": _dates,
    "INPUTEVENTS_CV": _inputs_carevue,
    "INPUTEVENTS_MV": _inputs_metavision,
    "OUTPUTEVENTS": _outputs,
    "PROCEDUREEVENTS_MV": _procedures_charted,
}
_CODED: Mapping[str, Callable[[Files, pl.DataFrame], Part]] = {
    "MICROBIOLOGYEVENTS": _microbiology,
    "DIAGNOSES_ICD": _diagnoses,
    "PROCEDURES_ICD": _procedures,
    "DRGCODES": _groups,
    "CPTEVENTS": _billed,
}
