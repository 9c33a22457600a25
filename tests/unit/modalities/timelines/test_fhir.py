"""FHIR bulk data, real events first."""

import gzip
import json

import numpy as np
import pytest

from osler.core.errors import StudyError, TableError
from osler.modalities.timelines.read import fhir
from osler.modalities.timelines.read.fhir import lines, resources
from osler.modalities.timelines.read.fhir.moments import birth, moment
from osler.modalities.timelines.read.fhir.shapes import Reference
from osler.modalities.timelines.read.fhir.stays import identity
from osler.modalities.timelines.read.fhir.systems import vocabulary
from osler.modalities.timelines.read.source import Source, reader
from tests.unit.modalities.timelines.hospital import Hospital, attempted, micro, read, unitless, write_csv, write_lines

P = {"reference": "Patient/1"}
AT = "2020-01-02T08:00:00Z"
CODE = {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}
ICD = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I50.9"}]}


def at(text):
    return micro(f"{text}+00:00")


def write(folder, *resources, name="all.ndjson"):
    folder.mkdir(exist_ok=True)
    write_lines(folder / name, resources)
    return folder


def found(*resources, folder, **options):
    return read("fhir", write(folder, *resources), **options)


def observation(**more):
    return {"resourceType": "Observation", "status": "final", "subject": P, "effectiveDateTime": AT, "code": CODE, **more}


def encounter(kind="IMP", start="2020-01-01T10:00:00Z", end="2020-01-05T12:00:00Z", **more):
    period = {"start": start, **({"end": end} if end else {})}
    given = {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": kind}, "subject": P}
    return {**given, "period": period, **more}


def condition(**more):
    given = {"resourceType": "Condition", "subject": P, "encounter": {"reference": "Encounter/e"}, "code": ICD}
    return {**given, "recordedDate": "2020-01-01T11:00:00Z", **more}


# real -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hospital(data):
    return Hospital(data, patients=6)


def test_real_resources_hold_the_same_events_as_meds_and_omop(hospital, tmp_path):
    events, refused = read("fhir", hospital.fhir(tmp_path / "fhir"))
    meds, _ = read("meds", hospital.meds(tmp_path / "meds"))
    omop, _ = read("omop", write_csv(tmp_path / "omop", hospital.omop()))
    assert refused == {}
    assert len(events) > 1000
    assert unitless(events) == unitless(meds)
    assert events == omop


@pytest.mark.slow
def test_all_hundred_patients_are_the_same_in_each_shape(data, tmp_path):
    everyone = Hospital(data, patients=100)
    events, refused = read("fhir", everyone.fhir(tmp_path / "fhir"))
    assert (len(events), refused) == (87_309, {})
    assert unitless(events) == unitless(read("meds", everyone.meds(tmp_path / "meds"))[0])
    assert events == read("omop", write_csv(tmp_path / "omop", everyone.omop()))[0]


def test_each_kind_is_recognised_by_its_own_reader_alone_also_in_a_folder_of_mixed_things(hospital, tmp_path):
    places = {
        "meds": hospital.meds(tmp_path / "meds"),
        "fhir": hospital.fhir(tmp_path / "fhir"),
        "omop": write_csv(tmp_path / "omop", hospital.omop()),
    }
    for place in places.values():
        (place / "README.md").write_text("x")
        (place / "picture.png").write_bytes(b"\x89PNG")
        (place / "other.csv").write_text("a,b\n1,2\n")
        (place / "notes.parquet").write_bytes(b"no table")
    kinds = {kind: [name for name, place in places.items() if reader(kind).recognises(place)] for kind in places}
    assert kinds == {kind: [kind] for kind in places}
    assert len({len(read(kind, place)[0]) for kind, place in places.items()}) == 1


def test_it_is_recognised_by_its_content(hospital, tmp_path):
    place = hospital.fhir(tmp_path / "fhir")
    assert fhir.recognises(place)
    assert fhir.recognises(place / "Observation.000.ndjson.gz")
    assert fhir.relative(Source(place, "fhir")) is False
    assert len(fhir.files(Source(place, "fhir"))) == 5
    assert not fhir.recognises(tmp_path / "nothing")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.ndjson").write_text('{"a": 1}\n')
    assert not fhir.recognises(tmp_path / "other")


def test_small_pieces_give_the_same(hospital, tmp_path, monkeypatch):
    place = hospital.fhir(tmp_path / "fhir")
    whole = read("fhir", place)
    monkeypatch.setattr(resources, "ROWS", 100)
    assert max(len(piece.rows) for piece in fhir.pieces(Source(place, "fhir"))) <= 110
    assert read("fhir", place) == whole


# when codes exist -----------------------------------------------------------------------------------------------------


def time_of(code, *given, folder, **options):
    times = [t for _, t, c, *_ in found(*given, folder=folder, **options)[0] if c == code]
    return times[0] if times else None


def test_a_diagnosis_of_a_stay_is_known_from_its_discharge(tmp_path):
    # the encounter stands behind what points to it: order in the files does not matter
    given = (condition(), encounter())
    assert time_of("ICD10CM//I50.9", *given, folder=tmp_path) == at("2020-01-05 12:00:00")
    assert time_of("ICD10CM//I50.9", *given, folder=tmp_path, coded="recorded") == at("2020-01-01 11:00:00")


def test_the_date_of_the_discharge_is_not_later_than_the_discharge(tmp_path):
    given = (condition(recordedDate="2020-01-05"), encounter())
    assert time_of("ICD10CM//I50.9", *given, folder=tmp_path) == at("2020-01-05 12:00:00")


def test_a_code_recorded_after_the_discharge_is_known_from_then(tmp_path):
    given = (condition(recordedDate="2020-02-01T00:00:00Z"), encounter())
    assert time_of("ICD10CM//I50.9", *given, folder=tmp_path) == at("2020-02-01 00:00:00")


@pytest.mark.parametrize(
    ("end", "known"), [("2020-01-01T10:20:00Z", "2020-01-01 11:00:00"), ("2020-01-05T12:00:00Z", "2020-01-05 12:00:00")]
)
def test_a_visit_of_minutes_keeps_the_recorded_time_and_a_long_one_does_not(tmp_path, end, known):
    assert time_of("ICD10CM//I50.9", condition(), encounter(kind="AMB", end=end), folder=tmp_path) == at(known)


def test_codes_of_a_stay_without_an_end_are_left_out_and_counted(tmp_path):
    events, refused = found(condition(), encounter(end=None), folder=tmp_path)
    assert [e[2] for e in events] == ["admission//inpatient"]
    assert refused == {"code of a stay without an end": 1}


def test_codes_of_an_encounter_that_is_not_there_are_left_out_and_counted(tmp_path):
    assert found(condition(), folder=tmp_path) == ([], {"code of a visit that is not in the data": 1})


def test_a_problem_list_without_an_encounter_keeps_its_time(tmp_path):
    assert time_of("ICD10CM//I50.9", condition(encounter=None), folder=tmp_path) == at("2020-01-01 11:00:00")


def test_the_onset_of_a_disease_is_not_when_it_is_known(tmp_path):
    given = condition(recordedDate=None, onsetDateTime="2001-05-01", encounter=None)
    assert found(given, folder=tmp_path) == ([], {"no time that can be read": 1})
    assert time_of("ICD10CM//I50.9", given, folder=tmp_path, coded="recorded") == at("2001-05-01 23:59:59.999999")


def test_a_diagnosis_without_a_time_is_known_from_the_end_of_its_visit(tmp_path):
    given = (condition(recordedDate=None), encounter(kind="AMB", end="2020-01-01T10:20:00Z"))
    assert time_of("ICD10CM//I50.9", *given, folder=tmp_path) == at("2020-01-01 10:20:00")


@pytest.mark.parametrize(
    ("system", "waits"),
    [
        ("http://www.ama-assn.org/go/cpt", True),
        ("http://terminology.hl7.org/CodeSystem/MSDRG", True),
        ("http://loinc.org", False),
    ],
)
def test_billing_codes_wait_for_the_discharge_in_whatever_resource_they_are(tmp_path, system, waits):
    code = {"coding": [{"system": system, "code": "291"}]}
    given = (observation(code=code, encounter={"reference": "Encounter/e"}), encounter())
    expected = at("2020-01-05 12:00:00") if waits else at("2020-01-02 08:00:00")
    assert time_of(f"{vocabulary(system)}//291", *given, folder=tmp_path) == expected


def test_procedures_wait_too_and_drugs_do_not(tmp_path):
    done = {"resourceType": "Procedure", "status": "completed", "subject": P, "encounter": {"reference": "Encounter/e"}}
    rxnorm = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "6809"}]}
    drug = {"resourceType": "MedicationRequest", "status": "active", "subject": P, "encounter": {"reference": "Encounter/e"}}
    given = (
        {**done, "performedPeriod": {"start": AT, "end": "2020-01-02T09:00:00Z"}, "code": ICD},
        {**drug, "authoredOn": AT, "medicationCodeableConcept": rxnorm},
        encounter(),
    )
    assert time_of("ICD10CM//I50.9", *given, folder=tmp_path) == at("2020-01-05 12:00:00")
    assert time_of("RxNorm//6809", *given, folder=tmp_path) == at("2020-01-02 08:00:00")
    assert time_of("ICD10CM//I50.9", *given, folder=tmp_path, coded="recorded") == at("2020-01-02 09:00:00")


# resources --------------------------------------------------------------------------------------------------------------


def test_a_patient(tmp_path):
    race = {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"}
    coded = {
        "url": "ombCategory",
        "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3", "display": "White"},
    }
    given = {"resourceType": "Patient", "id": "1", "birthDate": "1950", "gender": "female", "deceasedDateTime": "2020-06-01"}
    events, refused = found({**given, "extension": [{**race, "extension": [coded]}]}, folder=tmp_path)
    assert [(t, c, x) for _, t, c, _, x, _ in events] == [
        (None, "race", "White"),
        (None, "sex", "female"),
        (at("1950-06-15 00:00:00"), "birth", None),
        (at("2020-06-01 23:59:59.999999"), "death", None),
    ]
    assert refused == {}


def test_a_death_without_its_date_is_counted(tmp_path):
    given = {"resourceType": "Patient", "id": "1", "deceasedBoolean": True}
    assert found(given, folder=tmp_path) == ([], {"no time that can be read": 1})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"valueQuantity": {"value": 5, "unit": "mg per dl", "code": "mg/dL", "system": "http://unitsofmeasure.org"}},
            (5.0, None, "mg/dL"),
        ),
        ({"valueQuantity": {"value": 5.5, "unit": "units", "code": "U", "system": "http://a.org"}}, (5.5, None, "units")),
        ({"valueCodeableConcept": {"coding": [{"code": "10828004", "display": "Positive"}]}}, (None, "Positive", None)),
        ({"valueCodeableConcept": {"text": "trace"}}, (None, "trace", None)),
        ({"valueString": "1.5e1"}, (None, "1.5e1", None)),
        ({"valueString": " cloudy "}, (None, "cloudy", None)),
        ({"valueBoolean": False}, (None, "false", None)),
        ({"valueInteger": 3}, (3.0, None, None)),
        ({}, (None, None, None)),
    ],
)
def test_values(tmp_path, given, expected):
    assert found(observation(**given), folder=tmp_path)[0] == [("1", at("2020-01-02 08:00:00"), "LOINC//2345-7", *expected)]


def test_a_panel_is_its_components_and_an_absent_value_is_counted(tmp_path):
    def part(code, **value):
        return {"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value}

    absent = {"dataAbsentReason": {"coding": [{"code": "unknown"}]}}
    parts = [part("8480-6", valueQuantity={"value": 120}), part("8462-4", **absent)]
    events, refused = found(observation(component=parts, **absent), folder=tmp_path)
    assert [(e[2], e[3]) for e in events] == [("LOINC//8480-6", 120.0)]
    assert refused == {"value said to be absent": 1}
    events, _ = found(observation(component=parts[:1], valueInteger=1), folder=tmp_path)
    assert {e[2] for e in events} == {"LOINC//8480-6", "LOINC//2345-7"}


def test_drugs_by_code_by_reference_and_contained(tmp_path):
    ndc = {"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": "1"}]}
    given = {"resourceType": "MedicationAdministration", "status": "completed", "subject": P, "effectivePeriod": {"start": AT}}
    dose = {"dosage": {"dose": {"value": 40, "unit": "mg"}}}
    events, refused = found(
        {**given, "medicationReference": {"reference": "Medication/m"}, **dose},
        {**given, "medicationReference": {"reference": "#c"}, "contained": [{"resourceType": "Medication", "id": "c", "code": {"text": "Aspirin"}}]},
        {**given, "medicationReference": {"reference": "Medication/elsewhere"}},
        {"resourceType": "Medication", "id": "m", "code": ndc},
        folder=tmp_path,
    )  # fmt: skip
    assert [(e[2], e[3], e[5]) for e in events] == [("NDC//1", 40.0, "mg"), ("TEXT//Aspirin", None, None)]
    assert refused == {"no code": 1}


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_what_was_taken_back_is_counted(tmp_path, status):
    assert found(observation(status=status), folder=tmp_path) == ([], {"taken back, cancelled or not done": 1})


def test_a_refuted_diagnosis_is_counted(tmp_path):
    given = condition(encounter=None, verificationStatus={"coding": [{"code": "refuted"}]})
    assert found(given, folder=tmp_path) == ([], {"taken back, cancelled or not done": 1})


def test_a_planned_encounter_is_no_visit(tmp_path):
    assert found(encounter(status="planned"), folder=tmp_path) == ([], {"taken back, cancelled or not done": 1})


@pytest.mark.parametrize(
    ("system", "name"),
    [
        ("http://loinc.org", "LOINC"),
        ("http://snomed.info/sct", "SNOMED"),
        ("http://snomed.info/sct|http://snomed.info/sct/900000000000207008", "SNOMED"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "ICD10CM"),
        ("urn:oid:2.16.840.1.113883.6.96", "SNOMED"),
        ("urn:oid:1.2.3", "OID:1.2.3"),
        ("http://a.org/fhir/CodeSystem/lab-items/", "lab-items"),
        (None, "CODE"),
    ],
)
def test_systems_have_short_names(system, name):
    assert vocabulary(system) == name


def test_a_known_vocabulary_is_preferred(tmp_path):
    code = {"coding": [{"system": "http://a.org/local", "code": "x"}, {"system": "http://loinc.org", "code": "1-8"}], "text": "t"}
    assert found(observation(code=code), folder=tmp_path)[0][0][2] == "LOINC//1-8"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Patient/1", "1"), ("Patient/1/_history/3", "1"), ("https://a.org/fhir/Patient/1", "1"), ("urn:uuid:ab-1", "ab-1"),
        ("Group/1", None), ("#p", None), ("1", None), ("Patient/", None), (None, None),
    ],
)  # fmt: skip
def test_references(reference, expected):
    assert identity(Reference(reference), of="Patient") == expected


def test_what_is_about_nobody_is_counted(tmp_path):
    assert found(observation(subject={"reference": "Group/1"}), folder=tmp_path) == ([], {"no subject": 1})


@pytest.mark.parametrize(
    ("text", "early", "late"),
    [
        ("2019", "2019-01-01 00:00:00", "2019-12-31 23:59:59.999999"),
        ("2019-02", "2019-02-01 00:00:00", "2019-02-28 23:59:59.999999"),
        ("2019-12", "2019-12-01 00:00:00", "2019-12-31 23:59:59.999999"),
        ("2019-02-28", "2019-02-28 00:00:00", "2019-02-28 23:59:59.999999"),
        ("2019-02-28T10:00:00+02:00", "2019-02-28 08:00:00", "2019-02-28 08:00:00"),
        ("2019-02-28T10:00:00.123Z", "2019-02-28 10:00:00.123", "2019-02-28 10:00:00.123"),
        ("2019-02-28T10:00:00", "2019-02-28 10:00:00", "2019-02-28 10:00:00"),
    ],
)
def test_partial_dates_are_known_when_they_are_over(text, early, late):
    assert moment(text, late=False) == at(early)
    assert moment(text) == at(late)


@pytest.mark.parametrize(
    "text", ["", "2019-02-30", "2019-13", "2019-W05", "20190228", "yesterday", "0000", "9999-12-31T10:00", "x" * 10_000, None]
)
def test_what_is_no_time_is_none(text):
    assert moment(text) is None or text == "9999-12-31T10:00"


def test_births_are_as_omop_has_them():
    assert birth("1950") == at("1950-06-15 00:00:00")
    assert birth("1950-03") == at("1950-03-01 00:00:00")


def test_a_time_zone_can_be_given_for_times_without_one(tmp_path):
    given = observation(effectiveDateTime="2020-07-01T10:00:00")
    assert found(given, folder=tmp_path, zone="Europe/Berlin")[0][0][1] == at("2020-07-01 08:00:00")
    with pytest.raises(StudyError, match="zone: there is no time zone 'Middle Earth'"):
        found(given, folder=tmp_path, zone="Middle Earth")


# what is wrong ----------------------------------------------------------------------------------------------------------


def spoilt(folder, *bad):
    """A folder with one good line and these bad ones."""
    write(folder, observation())
    with (folder / "all.ndjson").open("ab") as file:
        file.writelines(line + b"\n" for line in bad)
    return folder


@pytest.mark.parametrize(
    "line",
    [
        b'{"resourceType": "Observation", "status"', b"line or row that cannot be read", b"[1, 2]", b"\x00\x00\x00", b"\xff\xfe\x00{", b"null", b"[" * 100_000,
        b'{"resourceType": "Observation", "code": "text"}', b'{"resourceType": "Observation", "valueQuantity": {"value": "5"}}',
        b'{"no": "type"}', b'{"resourceType": "Observation"}{"resourceType": "Observation"}',
    ],
)  # fmt: skip
def test_broken_lines_are_counted_and_the_others_kept(tmp_path, line):
    events, refused = read("fhir", spoilt(tmp_path, line))
    assert len(events) == 1
    assert refused == {"line or row that cannot be read": 1}


def test_blank_lines_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path):
    content = ("\ufeff" + json.dumps(observation()) + "\r\n\r\n  \r\n" + json.dumps(observation())).encode()
    (tmp_path / "x.ndjson").write_bytes(content)
    events, refused = read("fhir", tmp_path)
    assert len(events) == 2
    assert refused == {}


def test_a_huge_line_is_counted_and_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST", 1 << 10)
    huge = json.dumps(observation(note="x" * 5000)).encode()
    place = spoilt(tmp_path, huge)
    with (place / "all.ndjson").open("ab") as file:
        file.write(json.dumps(observation()).encode() + b"\n" + huge)  # the last line has no end
    events, refused = read("fhir", place)
    assert len(events) == 2
    assert refused == {"line or row that cannot be read": 2}


def test_a_file_in_which_every_line_is_broken_is_told_without_its_content(tmp_path):
    write(tmp_path, observation())
    (tmp_path / "bad.ndjson").write_text("\n\nsecret one\nsecret two\n")
    with pytest.raises(TableError, match=r"'bad.ndjson': no line is a FHIR resource, from line 3 on; wanted NDJSON") as told:
        read("fhir", tmp_path)
    assert "secret" not in str(told.value)


def test_other_types_are_read_past(tmp_path):
    assert found({"resourceType": "Practitioner", "id": "1", "name": "x"}, observation(), folder=tmp_path)[1] == {}


def test_a_bundle_is_told_to_be_exported(tmp_path):
    with pytest.raises(
        TableError, match=r"no resource about a patient in 1 files; found: Bundle \(1\). A Bundle is to be exported as NDJSON"
    ):
        found({"resourceType": "Bundle", "entry": []}, folder=tmp_path)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(TableError, match=r"has no NDJSON file; wanted one resource a line in files that end in .ndjson"):
        read("fhir", tmp_path)


def test_a_packed_file_that_is_cut_off_is_told(tmp_path):
    write_lines(tmp_path / "Observation.ndjson.gz", [observation()] * 1000)
    path = tmp_path / "Observation.ndjson.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TableError, match=r"'Observation.ndjson.gz' is damaged or cut off"):
        read("fhir", tmp_path)


def test_a_file_packed_and_plain_is_told_and_a_copy_counted(tmp_path):
    write(tmp_path, observation(), name="a.ndjson")
    write(tmp_path, observation(), name="b.ndjson")
    events, refused = read("fhir", tmp_path)
    assert len(events) == 1
    assert refused == {"file that is there twice": 1}
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress((tmp_path / "a.ndjson").read_bytes()))
    with pytest.raises(TableError, match=r"'a.ndjson.gz' lies beside 'a.ndjson'; leave one of the two out"):
        read("fhir", tmp_path)


def test_damage_of_any_kind_is_counted_or_told_and_never_quoted(tmp_path):
    path = write(tmp_path, *[observation(valueString="secretword"), condition(), encounter()] * 30) / "all.ndjson"
    whole, generator, kept = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(100):
        spoilt = np.frombuffer(whole, np.uint8).copy()
        at = generator.integers(len(spoilt), size=generator.integers(1, 40))
        spoilt[at] = generator.integers(256, size=len(at))
        path.write_bytes(spoilt[: generator.integers(1, len(spoilt) + 1)].tobytes())
        events, error = attempted("fhir", tmp_path)
        kept += len(events)
        assert "secretword" not in error
    assert kept > 1000


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    outside = write(tmp_path / "outside", observation())
    place = write(tmp_path / "inside", observation(valueInteger=1), name="a.ndjson")
    (place / "b.ndjson").symlink_to(outside / "all.ndjson")
    with pytest.raises(TableError, match=r"'b.ndjson' in 'inside' is a link that leads out of the folder"):
        read("fhir", place)
