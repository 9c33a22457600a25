"""The real MIMIC-III demo: every row is accounted for, and nothing is told before it was known."""

import csv
import functools
import gzip
import hashlib
import json
from collections import Counter
from datetime import datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest
import yaml

from osler.core.errors import RequestError
from osler.datasets import get
from osler.datasets.icd9 import NAMES, chapter
from osler.datasets.registry import MIMIC3

# rows by `zcat TABLE.csv.gz | tail -n +2 | wc -l`; those of CHARTEVENTS and LABEVENTS are the home's own figures
ROWS = {
    "ADMISSIONS": 129, "CALLOUT": 77, "CAREGIVERS": 7567, "CHARTEVENTS": 758_355, "CPTEVENTS": 1579, "DATETIMEEVENTS": 15_551,
    "DIAGNOSES_ICD": 1761, "DRGCODES": 297, "D_CPT": 134, "D_ICD_DIAGNOSES": 14_567, "D_ICD_PROCEDURES": 3882, "D_ITEMS": 12_487,
    "D_LABITEMS": 753, "ICUSTAYS": 136, "INPUTEVENTS_CV": 34_799, "INPUTEVENTS_MV": 13_224, "LABEVENTS": 76_074,
    "MICROBIOLOGYEVENTS": 2003, "OUTPUTEVENTS": 11_320, "PATIENTS": 100, "PRESCRIPTIONS": 10_398, "PROCEDUREEVENTS_MV": 753,
    "PROCEDURES_ICD": 506, "SERVICES": 163, "TRANSFERS": 524,
}  # fmt: skip
SUBJECTS = ("10006", "10011", "40124", "43746")  # two of each of the source's charting systems
CODED = ("ICD9CM", "ICD9Proc", "DRG", "CPT4")


@pytest.fixture(scope="module")
def study(data, tmp_path_factory):
    return get("mimic3-demo", to=tmp_path_factory.mktemp("mimic") / "m", mirror=data / "records")


@pytest.fixture(scope="module")
def events(study):
    vocabulary = pl.col("code").str.split("//").list.first().alias("vocabulary")
    return pl.read_parquet(study.parent / "events.parquet").with_columns(vocabulary)


@pytest.fixture(scope="module")
def cases(study):
    table = pl.read_csv(study.parent / "table.csv", infer_schema=False)
    return table.with_columns(pl.col("admitted").str.to_datetime(time_unit="us"))


def opened(data, name):
    """Yield a table's rows, each parsed by Python's csv."""
    with gzip.open(data / "records" / "mimic3demo" / f"{name}.csv.gz", "rt", newline="") as stream:
        yield from csv.DictReader(stream)


@pytest.fixture(scope="module")
def raw(data):
    return functools.cache(lambda name: list(opened(data, name)))


@pytest.fixture(scope="module")
def chart(data):
    """The chart in one pass: rows marked as errors, units of the others, and the rows of a few patients."""
    errors, units, rows = 0, Counter(), {subject: [] for subject in SUBJECTS}
    for row in opened(data, "CHARTEVENTS"):
        errors += row["error"] == "1"
        if row["error"] != "1" and row["value"]:
            units[row["valueuom"]] += 1
        if row["subject_id"] in rows:
            rows[row["subject_id"]].append(row)
    return SimpleNamespace(errors=errors, units=units, rows=rows)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None


def counts(study):
    return json.loads((study.parent / "counts.json").read_text(encoding="utf-8"))


# accounts -------------------------------------------------------------------------------------------------------------


def test_the_rows_of_all_25_tables_are_used_or_left_out_for_a_reason(study, events):
    tables = counts(study)["tables"]
    assert set(tables) == set(ROWS) == set(MIMIC3)
    assert {name: part["rows"] for name, part in tables.items()} == ROWS
    for part in tables.values():
        assert part["rows"] == part["used"] + sum(part["left out"].values())
    assert sum(part["events"] for part in tables.values()) == counts(study)["events"] == events.height


def test_what_is_left_out_is_what_the_raw_tables_say(study, raw, chart):
    tables = counts(study)["tables"]
    assert tables["CHARTEVENTS"]["left out"]["marked as an error"] == chart.errors == 648
    assert tables["LABEVENTS"]["left out"] == {"nothing recorded": sum(not r["value"] for r in raw("LABEVENTS"))}
    rewritten = {t: sum(r["statusdescription"] == "Rewritten" for r in raw(t)) for t in ("INPUTEVENTS_MV", "PROCEDUREEVENTS_MV")}
    assert {t: sum(tables[t]["left out"].values()) for t in rewritten} == rewritten
    used = {name for name, part in tables.items() if part["used"]}
    assert set(ROWS) - used == {"CAREGIVERS", "D_CPT", "D_ICD_DIAGNOSES", "D_ICD_PROCEDURES", "D_ITEMS", "D_LABITEMS"}


def test_events_of_single_tables_equal_their_used_rows(study, events):
    tables = counts(study)["tables"]
    found = Counter(events["vocabulary"].to_list())
    assert found["LAB"] == tables["LABEVENTS"]["used"] == 76_070
    assert found["CHART"] == tables["CHARTEVENTS"]["used"] == 754_982
    assert found["INPUT"] == tables["INPUTEVENTS_CV"]["used"] + tables["INPUTEVENTS_MV"]["used"]
    for vocabulary, table in {
        "ICD9CM": "DIAGNOSES_ICD",
        "ICD9Proc": "PROCEDURES_ICD",
        "DRG": "DRGCODES",
        "CPT4": "CPTEVENTS",
    }.items():
        assert found[vocabulary] == tables[table]["rows"]


# beside another parse -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", SUBJECTS)
def test_charted_values_and_labs_equal_another_parse(subject, events, raw, chart):
    labels = {r["itemid"]: f"{r['label']} ({r['itemid']})" for r in raw("D_ITEMS")}
    labs = {r["itemid"]: f"{r['label']}, {r['fluid'].lower()} ({r['itemid']})" for r in raw("D_LABITEMS")}
    wanted = Counter()
    for vocabulary, rows, names in (("CHART", chart.rows[subject], labels), ("LAB", raw("LABEVENTS"), labs)):
        for r in rows:
            if r["subject_id"] == subject and r.get("error") != "1" and r["value"]:
                number = float(r["valuenum"]) if r["valuenum"] else None
                code = f"{vocabulary}//{' '.join(names[r['itemid']].split())}".replace("//", "\0", 1).replace("//", "/")
                wanted[at(r["charttime"]), code.replace("\0", "//"), number, r["value"] if number is None else None] += 1
    ours = events.filter(pl.col("subject") == subject, pl.col("vocabulary").is_in(["CHART", "LAB"]))
    assert Counter(ours.select("time", "code", "value", "text").iter_rows()) == wanted
    assert wanted.total() > 500


def test_units_are_those_of_the_rows_with_the_sign_of_a_degree_mended(events, chart):
    written = chart.units
    ours = Counter(events.filter(pl.col("vocabulary") == "CHART")["unit"].to_list())
    assert ours["mmHg"] == written["mmHg"]
    assert (ours["°F"], ours["°C"]) == (written["?F"], written["?C"])
    assert ours[None] == written[""] + written["."] + written["..."]


def test_rates_have_the_slashes_that_one_charting_system_lost(events, raw):
    written = Counter(
        r["rateuom"]
        for t in ("INPUTEVENTS_CV", "INPUTEVENTS_MV")
        for r in raw(t)
        if r["rate"] and r.get("statusdescription") != "Rewritten"
    )
    ours = Counter(events.filter(pl.col("vocabulary") == "INPUT")["unit"].to_list())
    assert ours["mcg/kg/min"] == written["mcgkgmin"] + written["mcg/kg/min"] > 4000
    assert not {"mcghr", "mcgmin", "mcgkgmin", "mghr", "mgmin", "mgkghr", "Uhr", "Umin"} & set(ours)


def test_a_code_names_one_item_of_one_vocabulary(events):
    codes = events["code"].unique()
    assert codes.str.count_matches("//").max() == 1
    items = codes.filter(codes.str.starts_with("LAB//") | codes.str.starts_with("CHART//"))
    numbers = items.str.extract(r"^(.*?)//.*\((\d+)\)$", 2)
    assert numbers.null_count() == 0
    assert numbers.n_unique() == len(items)


def test_the_fluid_stands_in_a_laboratory_code(events):
    acid = {c for c in events["code"].unique() if c.startswith("LAB//pH, ")}
    assert {"LAB//pH, blood (50820)", "LAB//pH, urine (51491)"} <= acid


def test_codes_of_diagnoses_have_their_point_and_title(events):
    codes = set(events["code"].unique())
    assert {"ICD9CM//428.0 (CHF NOS)", "ICD9CM//995.91 (Sepsis)", "ICD9Proc//36.05"} <= codes
    assert any(c.startswith("ICD9CM//V45.81 (") for c in codes)
    assert any(c.startswith(("ICD9CM//E879.6 (", "ICD9CM//E878.")) for c in codes)


# nothing before it was known ------------------------------------------------------------------------------------------


def test_codes_of_a_stay_stand_at_its_discharge_and_never_before(events, raw):
    ends = {}
    for r in raw("ADMISSIONS"):
        ends.setdefault(r["subject_id"], set()).add(at(r["dischtime"]))
    coded = events.filter(pl.col("vocabulary").is_in(CODED))
    assert coded.height == sum(ROWS[t] for t in ("DIAGNOSES_ICD", "PROCEDURES_ICD", "DRGCODES", "CPTEVENTS"))
    for subject, time in coded.select("subject", "time").unique().iter_rows():
        assert time in ends[subject]


def test_each_admissions_diagnoses_stand_at_its_own_discharge(events, raw):
    end = {r["hadm_id"]: at(r["dischtime"]) for r in raw("ADMISSIONS")}
    wanted = Counter((r["subject_id"], end[r["hadm_id"]]) for r in raw("DIAGNOSES_ICD"))
    ours = events.filter(pl.col("vocabulary") == "ICD9CM")
    assert Counter(ours.select("subject", "time").iter_rows()) == wanted


def test_deaths_stand_at_the_hour_of_death_or_the_end_of_its_day(events, raw):
    hours = {r["subject_id"]: at(r["deathtime"]) for r in raw("ADMISSIONS") if r["deathtime"]}
    later = {r["subject_id"]: at(r["dod"]).replace(hour=23, minute=59, second=59) for r in raw("PATIENTS")}
    wanted = {subject: hours.get(subject, end) for subject, end in later.items()}
    assert dict(events.filter(pl.col("code") == "death").select("subject", "time").iter_rows()) == wanted


def test_no_case_sees_its_own_end_its_codes_or_what_grew(events, cases):
    seen = cases.select("admission", "subject", "admitted").join(events, on="subject")
    seen = seen.filter(pl.col("time") <= pl.col("admitted") + timedelta(hours=24), pl.col("time") > pl.col("admitted"))
    late = ("death", "discharge", *CODED, "ORGANISM", "SUSCEPTIBILITY")
    assert seen.filter(pl.col("vocabulary").is_in(late)).height == 0
    assert seen["admission"].n_unique() == cases.height  # each case has something to see


def test_a_planted_code_before_discharge_would_be_seen(events, cases):
    # the test above can fail: a diagnosis an hour after admission is what it looks for
    case = cases.row(0, named=True)
    planted = events.filter(pl.col("subject") == case["subject"], pl.col("vocabulary") == "ICD9CM").head(1)
    planted = planted.with_columns(pl.lit(case["admitted"] + timedelta(hours=1)).alias("time"))
    seen = cases.head(1).select("subject", "admitted").join(planted, on="subject")
    assert (
        seen.filter(pl.col("time") <= pl.col("admitted") + timedelta(hours=24), pl.col("time") > pl.col("admitted")).height == 1
    )


def test_drugs_stand_at_the_end_of_the_day_on_which_they_began(events, raw):
    wanted = Counter((r["subject_id"], at(r["startdate"]).date()) for r in raw("PRESCRIPTIONS"))
    drugs = events.filter(pl.col("vocabulary") == "DRUG")
    assert Counter((s, t.date()) for s, t in drugs.select("subject", "time").iter_rows()) == wanted
    assert set(drugs["time"].dt.strftime("%H:%M:%S").unique()) == {"23:59:59"}


def test_a_rate_stands_at_its_start_and_an_amount_at_its_end(events, raw):
    rows = [r for r in raw("INPUTEVENTS_MV") if r["statusdescription"] != "Rewritten"]
    wanted = Counter(
        (r["subject_id"], at(r["starttime" if r["rate"] else "endtime"]), float(r["rate"] or r["amount"])) for r in rows
    )
    known = raw("INPUTEVENTS_CV")
    written = Counter(
        (r["subject_id"], at(r["charttime"]), float(r["rate"] or r["amount"]) if r["rate"] or r["amount"] else None)
        for r in known
    )
    ours = Counter(events.filter(pl.col("vocabulary") == "INPUT").select("subject", "time", "value").iter_rows())
    assert ours == wanted + written


def test_specimens_stand_where_they_were_taken_and_what_grew_at_discharge(events, raw):
    rows = raw("MICROBIOLOGYEVENTS")
    end = {r["hadm_id"]: at(r["dischtime"]) for r in raw("ADMISSIONS")}
    taken = [at(r["charttime"]) or at(r["chartdate"]).replace(hour=23, minute=59, second=59) for r in rows]
    specimens = {(r["subject_id"], t, f"SPECIMEN//{r['spec_type_desc']}") for r, t in zip(rows, taken, strict=True)}
    grown = {
        (r["subject_id"], max(t, end[r["hadm_id"]]), f"ORGANISM//{r['org_name']}")
        for r, t in zip(rows, taken, strict=True)
        if r["org_name"]
    }
    found = {
        v: set(events.filter(pl.col("vocabulary") == v).select("subject", "time", "code").iter_rows())
        for v in ("SPECIMEN", "ORGANISM")
    }
    assert found == {"SPECIMEN": specimens, "ORGANISM": grown}


def test_only_sex_is_known_at_any_time(events, raw):
    always = events.filter(pl.col("time").is_null())
    assert dict(always.select("subject", "code").iter_rows()) == {
        r["subject_id"]: f"GENDER//{r['gender']}" for r in raw("PATIENTS")
    }


# cases ----------------------------------------------------------------------------------------------------------------


def test_a_case_is_an_admission_that_lasted_more_than_24_hours(study, cases, raw):
    def ended(r):
        return min(filter(None, (at(r["dischtime"]), at(r["deathtime"]))))

    rows = [r for r in raw("ADMISSIONS") if ended(r) > at(r["admittime"]) + timedelta(hours=24)]
    assert set(cases["admission"]) == {r["hadm_id"] for r in rows}
    assert counts(study)["cases"] == {"admissions": 129, "cases": 118, "left out": {"ended within 24 hours": 11}}
    died = {r["hadm_id"]: r["hospital_expire_flag"] for r in rows}
    assert dict(cases.select("admission", "died").iter_rows()) == died


def test_ages_are_whole_years_at_admission_and_obscured_ones_are_90(cases, events, raw):
    born = {r["subject_id"]: at(r["dob"]) for r in raw("PATIENTS")}
    for subject, admitted, age in cases.select("subject", "admitted", pl.col("age").cast(int)).iter_rows():
        whole = admitted.year - born[subject].year - ((admitted.month, admitted.day) < (born[subject].month, born[subject].day))
        assert age == (90 if whole > 200 else whole)
    obscured = {s for s, b in born.items() if b.year < 2000}
    births = set(events.filter(pl.col("code") == "birth")["subject"])
    assert births == set(born) - obscured
    assert len(obscured) == 8


def test_chapters_are_those_of_the_admissions_own_diagnoses(cases, raw):
    ranges = {
        "icd9 infections": (1, 139),
        "icd9 circulatory": (390, 459),
        "icd9 respiratory": (460, 519),
        "icd9 injury and poisoning": (800, 999),
    }
    codes = {}
    for r in raw("DIAGNOSES_ICD"):
        codes.setdefault(r["hadm_id"], []).append(r["icd9_code"])
    for row in cases.iter_rows(named=True):
        own = codes[row["admission"]]
        for name, (low, high) in ranges.items():
            assert row[name] == str(int(any(c[0].isdigit() and low <= int(c[:3]) <= high for c in own)))
        assert row["icd9 external causes"] == str(int(any(c.startswith("E") for c in own)))
        assert row["icd9 health factors"] == str(int(any(c.startswith("V") for c in own)))


def test_chapters_begin_and_end_where_the_tabular_list_has_them():
    # ICD-9-CM, tabular list: 001-139, 140-239, 240-279, 280-289, 290-319, 320-389, 390-459, 460-519, 520-579, 580-629, 630-679, 680-709,
    # 710-739, 740-759, 760-779, 780-799, 800-999, E000-E999, V01-V91
    first = (1, 140, 240, 280, 290, 320, 390, 460, 520, 580, 630, 680, 710, 740, 760, 780, 800)
    last = (*(n - 1 for n in first[1:]), 999)
    frame = pl.DataFrame({"low": [f"{n:03d}0" for n in first], "high": [f"{n:03d}.9" for n in last]})
    assert frame.select(chapter("low")).to_series().to_list() == list(NAMES[:17])
    assert frame.select(chapter("high")).to_series().to_list() == list(NAMES[:17])
    odd = pl.DataFrame({"code": ["E8497", "V4581", "000", "", None, "I50.9"]})
    assert odd.select(chapter("code")).to_series().to_list() == ["external causes", "health factors", None, None, None, None]


def test_answers_are_inputs_of_neither_study(study, cases):
    for name in ("study.yaml", "diagnosis.yaml"):
        keys = yaml.safe_load((study.parent / name).read_text(encoding="utf-8"))
        inputs = keys["inputs"]["admission"]["columns"]
        assert inputs == ["age", "gender", "admission_type", "admission_location", "insurance"]
        assert keys["inputs"]["events"]["columns"] == ["subject", "admitted"]
        assert keys["group"] == "subject"
        answers = [c for c in cases.columns if c.startswith("icd9 ")]
        asked = [keys["target"]] if isinstance(keys["target"], str) else keys["target"]
        assert set(answers) | {"died"} <= {*asked, *keys["exclude"]} | (set(answers) if "icd9 *" in keys["exclude"] else set())
    assert len(asked) == 16
    assert all(10 <= cases[name].cast(int).sum() <= cases.height - 10 for name in asked)


def test_the_files_as_their_home_has_them_give_the_same_study(data, study, tmp_path):
    """The home's files are not packed, and their times have no zone; its list of sums has one blank."""
    sums = []
    for name in MIMIC3:
        content = gzip.decompress((data / "records" / "mimic3demo" / f"{name}.csv.gz").read_bytes()).replace(b"+00:00", b"")
        (tmp_path / f"{name}.csv").write_bytes(content)
        sums.append(f"{hashlib.sha256(content).hexdigest()} {name}.csv\n")
    (tmp_path / "SHA256SUMS.txt").write_text("".join(sums))
    again = get("mimic3-demo", to=tmp_path / "m", mirror=tmp_path)
    for file in ("events.parquet", "table.csv", "counts.json", "study.yaml", "diagnosis.yaml"):
        assert (again.parent / file).read_bytes() == (study.parent / file).read_bytes()


# bad input ------------------------------------------------------------------------------------------------------------


def test_a_table_without_a_column_and_a_cut_one_are_told(data, tmp_path):
    from osler.datasets.mimic3 import admissions

    folder = data / "records" / "mimic3demo"
    files = {f"{name}.csv": folder / f"{name}.csv.gz" for name in MIMIC3}
    cut, other = tmp_path / "LABEVENTS.csv.gz", tmp_path / "ADMISSIONS.csv"
    cut.write_bytes((folder / "LABEVENTS.csv.gz").read_bytes()[:100_000])
    other.write_text("row_id,subject\n1,2\n")
    with pytest.raises(RequestError, match=r"'ADMISSIONS\.csv' is no table with hadm_id, dischtime that can be read"):
        admissions(files | {"ADMISSIONS.csv": other})
    with pytest.raises(RequestError, match=r"'LABEVENTS\.csv\.gz' is no table with subject_id, itemid, .* that can be read"):
        admissions(files | {"LABEVENTS.csv": cut})
