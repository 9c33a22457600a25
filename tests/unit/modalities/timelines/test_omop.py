"""OMOP CDM tables in files, real events first."""

import gzip

import numpy as np
import polars as pl
import pytest

from osler.core.errors import StudyError, TableError
from osler.modalities.timelines.read import omop
from osler.modalities.timelines.read.source import Source
from tests.unit.modalities.timelines.hospital import Hospital, attempted, micro, read, unitless, write_csv

DAY = 86_400_000_000
PERSON = pl.DataFrame({"person_id": [1], "gender_concept_id": [8532], "year_of_birth": [1950]})


def day(text):
    return micro(f"{text} 00:00:00+00:00")


@pytest.fixture(scope="module")
def hospital(data):
    return Hospital(data, patients=6)


def place(folder, **frames):
    """A folder of CSV files with one person and these tables."""
    return write_csv(folder, {"person": PERSON, **frames})


def visit(start="2020-01-01 10:00:00", end="2020-01-05 12:00:00", kind=9201, number=10):
    return pl.DataFrame({
        "visit_occurrence_id": [number], "person_id": [1], "visit_concept_id": [kind], "visit_start_datetime": [start],
        "visit_end_datetime": [end],
    }, schema_overrides={"visit_end_datetime": pl.String})  # fmt: skip


def diagnosis(number=10, date="2020-01-01"):
    return pl.DataFrame(
        {"person_id": [1], "condition_concept_id": [316139], "condition_start_date": [date], "visit_occurrence_id": [number]}
    )


def events_of(folder, code, **options):
    return [(t, v, x, u) for _, t, c, v, x, u in read("omop", folder, **options)[0] if c == code]


# real -----------------------------------------------------------------------------------------------------------------


def test_real_tables_hold_the_same_events_as_meds(hospital, tmp_path):
    events, refused = read("omop", write_csv(tmp_path / "omop", hospital.omop()))
    meds, _ = read("meds", hospital.meds(tmp_path / "meds"))
    assert refused == {}
    assert len(events) > 1000
    assert unitless(events) == unitless(meds)


@pytest.mark.parametrize("form", ["csv.gz", "upper", "tabs", "parquet", "parts"])
def test_every_form_of_file_gives_the_same(hospital, tmp_path, form):
    frames = hospital.omop()
    plain = read("omop", write_csv(tmp_path / "plain", frames))
    folder = tmp_path / form
    if form in {"parquet", "parts"}:
        for name, frame in frames.items():
            (folder / name).mkdir(parents=True)
            cut = len(frame) // 2 if form == "parts" else 0
            frame[cut:].write_parquet(folder / name / "1.parquet" if form == "parts" else folder / f"{name}.parquet")
            if cut:
                frame[:cut].write_parquet(folder / name / "0.parquet")
    else:
        ending = {"csv.gz": ".csv.gz"}.get(form, ".csv")
        write_csv(folder, frames, upper=form == "upper", separator="\t" if form == "tabs" else ",", ending=ending)
    assert omop.recognises(folder)
    assert read("omop", folder) == plain


def test_units_and_words_of_real_results_are_kept(hospital, tmp_path):
    events, _ = read("omop", write_csv(tmp_path / "omop", hospital.omop()))
    assert {"mg/dL", "mEq/L"} <= {e[5] for e in events}
    assert {e[4] for e in events if e[2].startswith(("LOINC", "d-labitems")) and e[3] is None} - {None}


def test_small_chunks_give_the_same(hospital, tmp_path, monkeypatch):
    folder = write_csv(tmp_path / "omop", hospital.omop())
    whole = read("omop", folder)
    monkeypatch.setattr("osler.modalities.timelines.read.omop.disk._BLOCK", 1 << 12)
    assert len(list(omop.pieces(Source(folder, "omop")))) > 20
    assert read("omop", folder) == whole


# when codes exist -----------------------------------------------------------------------------------------------------


def test_a_diagnosis_of_a_stay_is_known_from_its_discharge(tmp_path):
    folder = place(tmp_path, visit_occurrence=visit(), condition_occurrence=diagnosis())
    assert events_of(folder, "OMOP//316139")[0][0] == micro("2020-01-05 12:00:00+00:00")
    assert events_of(folder, "OMOP//316139", coded="recorded")[0][0] == day("2020-01-02") - 1


def test_a_code_recorded_after_the_discharge_is_known_from_then(tmp_path):
    folder = place(tmp_path, visit_occurrence=visit(), condition_occurrence=diagnosis(date="2020-02-01"))
    assert events_of(folder, "OMOP//316139")[0][0] == day("2020-02-02") - 1


def test_the_date_of_the_discharge_is_not_later_than_the_discharge(tmp_path):
    folder = place(tmp_path, visit_occurrence=visit(), condition_occurrence=diagnosis(date="2020-01-05"))
    assert events_of(folder, "OMOP//316139")[0][0] == micro("2020-01-05 12:00:00+00:00")


def test_a_visit_of_minutes_keeps_the_recorded_time_and_a_long_one_does_not(tmp_path):
    short = place(tmp_path / "a", visit_occurrence=visit(end="2020-01-01 10:20:00", kind=9202), condition_occurrence=diagnosis())
    long = place(tmp_path / "b", visit_occurrence=visit(kind=9202), condition_occurrence=diagnosis())
    assert events_of(short, "OMOP//316139")[0][0] == day("2020-01-02") - 1
    assert events_of(long, "OMOP//316139")[0][0] == micro("2020-01-05 12:00:00+00:00")


def test_codes_of_a_stay_without_an_end_are_left_out_and_counted(tmp_path):
    folder = place(tmp_path, visit_occurrence=visit(end=None), condition_occurrence=diagnosis())
    events, refused = read("omop", folder)
    assert "OMOP//316139" not in {e[2] for e in events}
    assert refused == {"code of a stay without an end": 1}
    assert len(events_of(folder, "OMOP//316139", coded="recorded")) == 1


def test_codes_of_a_visit_that_is_not_there_are_left_out_and_counted(tmp_path):
    folder = place(tmp_path, visit_occurrence=visit(), condition_occurrence=diagnosis(number=99))
    assert read("omop", folder)[1] == {"code of a visit that is not in the data": 1}


def test_a_problem_list_without_a_visit_keeps_its_time(tmp_path):
    folder = place(tmp_path, condition_occurrence=diagnosis().with_columns(visit_occurrence_id=None))
    assert events_of(folder, "OMOP//316139")[0][0] == day("2020-01-02") - 1


@pytest.mark.parametrize(("vocabulary", "waits"), [("DRG", True), ("CPT4", True), ("ICD10CM", True), ("LOINC", False)])
def test_billing_codes_wait_for_the_discharge_in_whatever_table_they_are(tmp_path, vocabulary, waits):
    row = pl.DataFrame({
        "person_id": [1], "observation_concept_id": [0], "observation_source_concept_id": [77],
        "observation_datetime": ["2020-01-01 11:00:00"], "visit_occurrence_id": [10],
    })  # fmt: skip
    concept = pl.DataFrame({"concept_id": [77], "concept_name": ["x"], "vocabulary_id": [vocabulary], "concept_code": ["291"]})
    folder = place(tmp_path, visit_occurrence=visit(), observation=row, concept=concept)
    expected = "2020-01-05 12:00:00+00:00" if waits else "2020-01-01 11:00:00+00:00"
    assert events_of(folder, f"{vocabulary}//291")[0][0] == micro(expected)


def test_procedures_wait_too_and_laboratory_results_and_drugs_do_not(tmp_path):
    at = "2020-01-02 08:00:00"
    tables = {
        "procedure_occurrence": {"procedure_concept_id": 1, "procedure_datetime": at},
        "measurement": {"measurement_concept_id": 2, "measurement_datetime": at},
        "drug_exposure": {"drug_concept_id": 3, "drug_exposure_start_datetime": at},
        "device_exposure": {"device_concept_id": 4, "device_exposure_start_datetime": at},
    }
    frames = {name: pl.DataFrame([{"person_id": 1, "visit_occurrence_id": 10, **row}]) for name, row in tables.items()}
    folder = place(tmp_path, visit_occurrence=visit(), **frames)
    assert events_of(folder, "OMOP//1")[0][0] == micro("2020-01-05 12:00:00+00:00")
    assert {events_of(folder, f"OMOP//{i}")[0][0] for i in (2, 3, 4)} == {micro("2020-01-02 08:00:00+00:00")}


# the rows ---------------------------------------------------------------------------------------------------------------


def test_persons_visits_periods_and_deaths(tmp_path):
    period = pl.DataFrame(
        {"person_id": [1], "observation_period_start_date": ["2010-01-01"], "observation_period_end_date": ["2021-01-01"]}
    )
    death = pl.DataFrame({"person_id": [1], "death_date": ["2020-06-01"]})
    person = PERSON.with_columns(race_concept_id=8527, ethnicity_concept_id=0, ethnicity_source_value=pl.lit("unknown"))
    events, _ = read(
        "omop", write_csv(tmp_path, {"person": person, "visit_occurrence": visit(), "observation_period": period, "death": death})
    )
    assert [(t, c, x) for _, t, c, _, x, _ in events] == [
        (None, "ethnicity", "unknown"),
        (None, "race", "White"),
        (None, "sex", "female"),
        (day("1950-06-15"), "birth", None),
        (day("2010-01-01"), "followed//from", None),
        (micro("2020-01-01 10:00:00+00:00"), "admission//inpatient", None),
        (micro("2020-01-05 12:00:00+00:00"), "discharge//inpatient", None),
        (day("2020-06-02") - 1, "death", None),
        (day("2021-01-02") - 1, "followed//until", None),
    ]


@pytest.mark.parametrize(
    ("parts", "born"),
    [
        ({"year_of_birth": 1950, "month_of_birth": 3, "day_of_birth": 4}, "1950-03-04"),
        ({"year_of_birth": 1950, "month_of_birth": 3}, "1950-03-01"),
        ({"year_of_birth": 1950, "birth_datetime": "1950-07-08T00:00:00"}, "1950-07-08"),
        ({"year_of_birth": 1950, "month_of_birth": 2, "day_of_birth": 31}, None),
    ],
)
def test_births_are_as_exact_as_they_are_told(tmp_path, parts, born):
    events, refused = read(
        "omop",
        write_csv(
            tmp_path,
            {"person": pl.DataFrame([{"person_id": 1, **parts}]), "death": pl.DataFrame({"person_id": [], "death_date": []})},
        ),
    )
    assert [e[1] for e in events] == ([day(born)] if born else [])
    assert refused == ({} if born else {"no time that can be read": 1})


def measured(**columns):
    return pl.DataFrame([{"person_id": 1, "measurement_concept_id": 5, "measurement_date": "2020-01-01", **columns}])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"value_as_number": 7.4, "value_source_value": "7.4", "unit_concept_id": 8840}, (7.4, None, "mg/dL")),
        ({"value_as_concept_id": 9191, "unit_source_value": "mmol"}, (None, "Positive", None)),
        ({"value_as_number": 0.0, "value_as_concept_id": 9191}, (0.0, None, None)),
        ({"value_as_number": 3, "unit_source_value": "mmol"}, (3.0, None, "mmol")),
        ({"value_source_value": " NEG "}, (None, "NEG", None)),
    ],
)
def test_values_are_numbers_before_words(tmp_path, columns, expected):
    concepts = pl.DataFrame({
        "concept_id": [8840, 9191], "concept_name": ["milligram per deciliter", "Positive"], "domain_id": ["Unit", "Meas Value"],
        "vocabulary_id": ["UCUM", "SNOMED"], "concept_code": ["mg/dL", "10828004"],
    })  # fmt: skip
    folder = place(tmp_path, measurement=measured(**columns), concept=concepts)
    assert [e[1:] for e in events_of(folder, "OMOP//5")] == [expected]


def test_codes_come_from_the_concept_then_the_source_concept_then_the_source_value(tmp_path):
    rows = pl.DataFrame({
        "person_id": [1, 1, 1, 1], "measurement_concept_id": [5, 0, 0, 0], "measurement_source_concept_id": [6, 6, 0, None],
        "measurement_source_value": ["a", "b", "c", None], "measurement_date": ["2020-01-01"] * 4,
    })  # fmt: skip
    concepts = pl.DataFrame(
        {"concept_id": [5, 6], "vocabulary_id": ["LOINC", "Local"], "concept_code": ["1-8", "X"], "concept_name": ["", ""]}
    )
    folder = place(tmp_path, measurement=rows, concept=concepts)
    events, refused = read("omop", folder)
    assert sorted(e[2] for e in events if "//" in e[2]) == ["LOINC//1-8", "Local//X", "MEASUREMENT//c"]
    assert refused == {"no code": 1}
    assert sorted(e[2] for e in read("omop", folder, codes="source")[0] if "//" in e[2]) == [
        "Local//X",
        "Local//X",
        "MEASUREMENT//c",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-01-02 03:04:05", "2020-01-02 03:04:05+00:00"),
        ("2020-01-02T03:04:05.250", "2020-01-02 03:04:05.250+00:00"),
        ("2020-01-02 03:04", "2020-01-02 03:04:00+00:00"),
        ("2020-01-02 03:04:05+02:00", "2020-01-02 01:04:05+00:00"),
        ("2020-01-02T03:04:05Z", "2020-01-02 03:04:05+00:00"),
        ("2020-01-02 03:04:05-0530", "2020-01-02 08:34:05+00:00"),
        ("2020-01-02 03:04:05+00", "2020-01-02 03:04:05+00:00"),
        ("20200102", "2020-01-02 23:59:59.999999+00:00"),
        ("2020-01-02", "2020-01-02 23:59:59.999999+00:00"),
        ("", "2020-01-01 23:59:59.999999+00:00"),
    ],
)
def test_times_as_text(tmp_path, text, expected):
    folder = place(tmp_path, measurement=measured(measurement_datetime=text))
    assert events_of(folder, "OMOP//5")[0][0] == micro(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-07-01 10:00:00", "2020-07-01 08:00:00+00:00"),
        ("2020-01-01 10:00:00", "2020-01-01 09:00:00+00:00"),
        ("2020-07-01", "2020-07-01 21:59:59.999999+00:00"),
        ("2020-07-01 10:00:00Z", "2020-07-01 10:00:00+00:00"),
        ("2020-10-25 02:30:00", "2020-10-25 00:30:00+00:00"),  # shown twice: the first
        ("2020-03-29 02:30:00", "2020-03-29 01:30:00+00:00"),  # never shown: an hour later
    ],
)
def test_times_are_read_in_the_zone_that_is_given(tmp_path, text, expected):
    folder = place(tmp_path, measurement=measured(measurement_datetime=text))
    assert events_of(folder, "OMOP//5", zone="Europe/Berlin")[0][0] == micro(expected)


def test_midnight_is_a_clock_unless_said_otherwise(tmp_path):
    folder = place(tmp_path, measurement=measured(measurement_datetime="2020-01-02 00:00:00"))
    assert events_of(folder, "OMOP//5")[0][0] == day("2020-01-02")
    assert events_of(folder, "OMOP//5", midnight="date")[0][0] == day("2020-01-03") - 1


# what is wrong ----------------------------------------------------------------------------------------------------------


def test_rows_that_cannot_be_used_are_counted_and_the_others_kept(tmp_path):
    folder = place(tmp_path, measurement=measured())
    with (folder / "measurement.csv").open("ab") as file:
        file.write(b"1,5\n,5,2020-01-01\n1,5,the 3rd\n1,5,2020-01-01,9,9\n1,what,2020-01-01\n1,5,20\x0020\n1,5,2020-01-03\n")
    events, refused = read("omop", folder)
    assert len([e for e in events if e[2] == "OMOP//5"]) == 2
    assert refused == {"line or row that cannot be read": 2, "no subject": 1, "no time that can be read": 2, "no code": 1}


def test_rows_that_are_all_broken_are_counted(tmp_path):
    (tmp_path / "person.csv").write_text("person_id,gender_concept_id\n1,2,3\n1\n")
    (tmp_path / "death.csv").write_text("person_id,death_date\n")
    assert read("omop", tmp_path) == ([], {"line or row that cannot be read": 2})


def test_text_that_is_not_utf_8_costs_only_its_wrong_signs(tmp_path):
    folder = place(tmp_path, measurement=measured(value_source_value="caf"))
    path = folder / "measurement.csv"
    path.write_bytes(path.read_bytes().replace(b"caf", b"caf\xe9"))
    assert events_of(folder, "OMOP//5")[0][2] == "caf\ufffd"


def test_a_missing_column_is_named_with_the_near_miss(tmp_path):
    folder = place(tmp_path, measurement=measured().rename({"measurement_concept_id": "measurment_concept_id"}))
    with pytest.raises(
        TableError,
        match=r"table 'measurement' of '.*' has no column 'measurement_concept_id'; did you mean 'measurment_concept_id'\?",
    ):
        read("omop", folder)


def test_a_table_without_any_time_is_told(tmp_path):
    folder = place(tmp_path, measurement=measured().drop("measurement_date"))
    with pytest.raises(TableError, match="has no time: neither 'measurement_datetime' nor 'measurement_date'"):
        read("omop", folder)


def test_a_folder_without_persons_is_told(tmp_path):
    folder = write_csv(tmp_path, {"measurement": measured()})
    assert not omop.recognises(folder)
    with pytest.raises(TableError, match=r"has no table 'person'; wanted the tables of OMOP CDM v5.4, found measurement"):
        read("omop", folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="found none of OMOP's"):
        read("omop", tmp_path / "empty")


def test_a_table_that_is_there_twice_is_told(tmp_path):
    folder = place(tmp_path)
    PERSON.write_parquet(folder / "person.parquet")
    with pytest.raises(TableError, match=r"table 'person' is in '.*' 2 times: 'person.csv', 'person.parquet'; leave one"):
        read("omop", folder)


def test_a_packed_file_that_is_cut_off_is_told(tmp_path):
    folder = place(tmp_path)
    content = gzip.compress(measured().write_csv().encode() * 100)
    (folder / "measurement.csv.gz").write_bytes(content[:-20])
    with pytest.raises(TableError, match=r"'measurement.csv.gz' is damaged or cut off"):
        read("omop", folder)


def test_an_empty_file_is_told(tmp_path):
    folder = place(tmp_path)
    (folder / "measurement.csv").touch()
    with pytest.raises(TableError, match=r"table 'measurement' of .* has no column 'person_id'"):
        read("omop", folder)


def test_cells_that_are_lists_are_told_and_other_types_are_read_as_what_they_mean(tmp_path):
    folder = place(tmp_path)
    rows = measured(value_as_number="7.5", measurement_datetime=True).with_columns(
        person_id=pl.lit(1.0), unit_source_value=pl.lit(b"mg")
    )
    rows.write_parquet(folder / "measurement.parquet")
    assert events_of(folder, "OMOP//5") == [(day("2020-01-02") - 1, 7.5, None, "mg")]
    rows.with_columns(person_id=[[1]]).write_parquet(folder / "measurement.parquet")
    with pytest.raises(TableError, match=r"column 'person_id' of table 'measurement' of .* holds lists or records"):
        read("omop", folder)


def test_a_row_of_many_megabytes_is_told_without_its_content(tmp_path):
    folder = place(tmp_path, measurement=measured(value_source_value="secret" * 3_000_000))
    with pytest.raises(TableError, match=r"'measurement.csv' is damaged or cut off") as told:
        read("omop", folder)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_damage_of_any_kind_is_counted_or_told_and_never_quoted(hospital, tmp_path, ending):
    folder = place(tmp_path)
    real = hospital.omop()["measurement"][:300].with_columns(value_source_value=pl.lit("secretword"))
    path = folder / f"measurement{ending}"
    real.write_csv(path) if ending == ".csv" else real.write_parquet(path)
    whole, generator, told = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(60):
        spoilt = np.frombuffer(whole, np.uint8).copy()
        at = generator.integers(len(spoilt), size=generator.integers(1, 40))
        spoilt[at] = generator.integers(256, size=len(at))
        path.write_bytes(spoilt[: generator.integers(1, len(spoilt) + 1)].tobytes())
        _, error = attempted("omop", folder)
        assert "secretword" not in error
        told += error != ""
    assert told or ending == ".csv"


def test_other_files_in_the_folder_are_left(tmp_path):
    folder = place(tmp_path, measurement=measured())
    (folder / "README.md").write_text("x")
    (folder / "notes.csv").write_text("a\n1\n")
    assert sorted(p.name for p in omop.files(Source(folder, "omop"))) == ["measurement.csv", "person.csv"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coded": "dischrge"}, r"option 'coded' is 'dischrge'; did you mean 'discharge'\?"),
        ({"codes": "sources"}, r"option 'codes' is 'sources'; did you mean 'source'\?"),
        ({"midnight": "night"}, "option 'midnight' is 'night'"),
    ],
)
def test_options_that_cannot_be_are_told(tmp_path, options, message):
    with pytest.raises(StudyError, match=message):
        read("omop", place(tmp_path), **options)
