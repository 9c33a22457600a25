"""One hospital in four shapes: a few patients of the MIMIC-III demo as MEDS, FHIR and OMOP, made when the tests run."""

import csv
import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from osler.core.errors import OslerError
from osler.modalities.timelines.read.source import Source, reader

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOCAL = "http://mimic.mit.edu/fhir/CodeSystem/d-labitems"
SYSTEMS = {
    "LOINC": "http://loinc.org",
    "ICD9CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "d-labitems": LOCAL,
}


def micro(text, *, end=False):
    """Microseconds of "2165-08-12 13:00:00+00:00"; `end` the last one of its day."""
    at = (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)
    return at - at % 86_400_000_000 + 86_400_000_000 - 1 if end else at


def rows(data, name, subjects=None):
    """Rows of one MIMIC table as dictionaries, of some subjects."""
    with gzip.open(data / "records" / "mimic3demo" / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if subjects is None or row["subject_id"] in subjects]


class Hospital:
    """The tables of the first `patients` patients."""

    def __init__(self, data, *, patients):
        everyone = rows(data, "PATIENTS")
        self.patients = everyone[:patients]
        self.subjects = {row["subject_id"] for row in self.patients}
        self.admissions, self.labs, self.diagnoses, self.drugs = (
            rows(data, name, self.subjects) for name in ("ADMISSIONS", "LABEVENTS", "DIAGNOSES_ICD", "PRESCRIPTIONS")
        )
        self.drugs = [row for row in self.drugs if row["startdate"] and row["ndc"] not in {"", "0"}]
        self.ends = {row["hadm_id"]: row["dischtime"] for row in self.admissions}
        self.loinc = {row["itemid"]: row["loinc_code"] for row in rows(data, "D_LABITEMS")}
        self.concepts = {}

    def lab(self, row):
        """Vocabulary and symbol of a laboratory result."""
        symbol = self.loinc.get(row["itemid"])
        return ("LOINC", symbol) if symbol else ("d-labitems", row["itemid"])

    def concept(self, vocabulary, symbol):
        """A number for a code, as a site's own concepts have."""
        return self.concepts.setdefault((vocabulary, symbol), 2_000_000_001 + len(self.concepts))

    # MEDS -----------------------------------------------------------------------------------------------------------

    def meds(self, folder, *, parts=3):
        """Write the events as MEDS in `parts` files, and an official split."""
        events = [*self._people(), *self._visits(), *self._coded(), *self._lab_events()]
        (folder / "data" / "train").mkdir(parents=True)
        (folder / "metadata").mkdir()
        for part in range(parts):
            chosen = sorted(self.subjects)[part::parts]
            write_meds(folder / "data" / "train" / f"{part}.parquet", [e for e in events if e[0] in chosen])
        splits = {"subject_id": [int(s) for s in sorted(self.subjects)]}
        names = ["train", "tuning", "held_out"]
        splits["split"] = [names[i % 3] for i in range(len(self.subjects))]
        pq.write_table(pa.table(splits), folder / "metadata" / "subject_splits.parquet")
        return folder

    def _people(self):
        for row in self.patients:
            yield row["subject_id"], micro(row["dob"]), "MEDS_BIRTH", None, None
            yield row["subject_id"], None, "sex", None, {"F": "female", "M": "male"}[row["gender"]]
            if row["dod"]:
                yield row["subject_id"], micro(row["dod"], end=True), "MEDS_DEATH", None, None

    def _visits(self):
        for row in self.admissions:
            yield row["subject_id"], micro(row["admittime"]), "admission//inpatient", None, None
            yield row["subject_id"], micro(row["dischtime"]), "discharge//inpatient", None, None

    def _coded(self):
        for row in self.diagnoses:
            if row["icd9_code"]:
                yield row["subject_id"], micro(self.ends[row["hadm_id"]]), f"ICD9CM//{row['icd9_code']}", None, None
        for row in self.drugs:
            yield row["subject_id"], micro(row["startdate"], end=True), f"NDC//{row['ndc']}", None, None

    def _lab_events(self):
        for row in self.labs:
            number, text = value(row)
            if number is not None or text is not None:
                yield row["subject_id"], micro(row["charttime"]), "//".join(self.lab(row)), number, text

    # FHIR -----------------------------------------------------------------------------------------------------------

    def fhir(self, folder):
        """Write the resources as bulk data, laboratory results packed."""
        folder.mkdir()
        write_lines(folder / "Patient.ndjson", map(self._patient, self.patients))
        write_lines(folder / "Encounter.ndjson", map(self._encounter, self.admissions))
        # as an export of MIMIC-III would have it: a date of admission, which is not when the code came to be
        write_lines(folder / "Condition.ndjson", (self._condition(r) for r in self.diagnoses if r["icd9_code"]))
        write_lines(folder / "MedicationRequest.ndjson", map(self._request, self.drugs))
        write_lines(folder / "Observation.000.ndjson.gz", filter(None, map(self._observation, self.labs)))
        return folder

    def _patient(self, row):
        told = {"resourceType": "Patient", "id": row["subject_id"], "gender": {"F": "female", "M": "male"}[row["gender"]]}
        dead = {"deceasedDateTime": row["dod"][:10]} if row["dod"] else {}
        return {**told, "birthDate": row["dob"][:10], **dead}

    def _encounter(self, row):
        period = {"start": iso(row["admittime"]), "end": iso(row["dischtime"])}
        return {
            "resourceType": "Encounter", "id": f"v{row['hadm_id']}", "status": "finished", "class": {"code": "IMP"},
            "subject": subject(row), "period": period,
        }  # fmt: skip

    def _condition(self, row):
        admitted = next(a["admittime"] for a in self.admissions if a["hadm_id"] == row["hadm_id"])
        return {
            "resourceType": "Condition", "id": row["row_id"], "subject": subject(row), "recordedDate": admitted[:10],
            "encounter": {"reference": f"Encounter/v{row['hadm_id']}"}, "code": coding("ICD9CM", row["icd9_code"]),
        }  # fmt: skip

    def _request(self, row):
        return {
            "resourceType": "MedicationRequest", "status": "completed", "subject": subject(row),
            "authoredOn": row["startdate"][:10], "medicationCodeableConcept": coding("NDC", row["ndc"]),
        }  # fmt: skip

    def _observation(self, row):
        number, text = value(row)
        if number is None and text is None:
            return None
        given = {"valueString": text} if number is None else {"valueQuantity": {"value": number, "unit": row["valueuom"] or None}}
        return {
            "resourceType": "Observation", "id": row["row_id"], "status": "final", "subject": subject(row),
            "effectiveDateTime": iso(row["charttime"]), "code": coding(*self.lab(row)), **given,
        }  # fmt: skip

    # OMOP -----------------------------------------------------------------------------------------------------------

    def omop(self):
        """Return the tables of OMOP by their names."""
        labs = [(row, *value(row)) for row in self.labs]
        labs = [lab for lab in labs if lab[1] is not None or lab[2] is not None]
        frames = {
            "person": [
                (int(r["subject_id"]), {"F": 8532, "M": 8507}[r["gender"]], *(int(p) for p in r["dob"][:10].split("-")))
                for r in self.patients
            ],
            "visit_occurrence": [
                (int(r["hadm_id"]), int(r["subject_id"]), 9201, r["admittime"][:19], r["dischtime"][:19]) for r in self.admissions
            ],
            "condition_occurrence": [self._occurred(r) for r in self.diagnoses if r["icd9_code"]],
            "drug_exposure": [
                (int(r["subject_id"]), 0, self.concept("NDC", r["ndc"]), r["startdate"][:10], int(r["hadm_id"]))
                for r in self.drugs
            ],
            "measurement": [
                (int(r["subject_id"]), self.concept(*self.lab(r)), r["charttime"][:19], n, t, r["valueuom"] or None)
                for r, n, t in labs
            ],
            "death": [(int(r["subject_id"]), r["dod"][:10]) for r in self.patients if r["dod"]],
        }
        frames["concept"] = [(number, v, s, f"name of {s}") for (v, s), number in self.concepts.items()]
        return {name: pl.DataFrame(frames[name], schema=SCHEMAS[name], orient="row") for name in frames}

    def _occurred(self, row):
        admitted = next(a["admittime"] for a in self.admissions if a["hadm_id"] == row["hadm_id"])
        concept = self.concept("ICD9CM", row["icd9_code"])
        return int(row["subject_id"]), 0, concept, admitted[:10], int(row["hadm_id"])


SCHEMAS = {
    "person": ["person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth"],
    "visit_occurrence": [
        "visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_datetime", "visit_end_datetime"
    ],
    "condition_occurrence": [
        "person_id", "condition_concept_id", "condition_source_concept_id", "condition_start_date", "visit_occurrence_id"
    ],
    "drug_exposure": [
        "person_id", "drug_concept_id", "drug_source_concept_id", "drug_exposure_start_date", "visit_occurrence_id"
    ],
    "measurement": {
        "person_id": pl.Int64, "measurement_concept_id": pl.Int64, "measurement_datetime": pl.String,
        "value_as_number": pl.Float64, "value_source_value": pl.String, "unit_source_value": pl.String,
    },
    "death": {"person_id": pl.Int64, "death_date": pl.String},
    "concept": ["concept_id", "vocabulary_id", "concept_code", "concept_name"],
}  # fmt: skip


def value(row):
    """Number and word of a laboratory result, at most one of them."""
    number = float(row["valuenum"]) if row["valuenum"] else None
    return number, (row["value"].strip() or None) if number is None else None


def iso(text):
    return text.replace(" ", "T")


def subject(row):
    return {"reference": f"Patient/{row['subject_id']}"}


def coding(vocabulary, symbol):
    return {"coding": [{"system": SYSTEMS[vocabulary], "code": symbol}]}


def write_meds(path, events):
    columns = list(zip(*events, strict=True)) if events else [[]] * 5
    schema = pa.schema([
        ("subject_id", pa.int64()), ("time", pa.timestamp("us")), ("code", pa.string()), ("numeric_value", pa.float32()),
        ("text_value", pa.large_string()),
    ])  # fmt: skip
    columns[0] = [int(s) for s in columns[0]]
    pq.write_table(pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema), path)


def write_lines(path, resources):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        for resource in resources:
            file.write(json.dumps(resource) + "\n")


def write_csv(folder, frames, *, upper=False, separator=",", ending=".csv"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        shown = frame.rename(str.upper) if upper else frame
        text = shown.write_csv(separator=separator).encode()
        path = folder / f"{name.upper() if upper else name}{ending}"
        path.write_bytes(gzip.compress(text) if ending.endswith(".gz") else text)
    return folder


def read(kind, place, **options):
    """Return all events of a source as tuples, sorted, and the counts of what was refused: the whole of a consumer."""
    events, refused = [], Counter()
    for piece in reader(kind).pieces(Source(place, kind, options)):
        assert piece.rows.column_names == ["subject", "time", "code", "value", "text", "unit"]
        assert str(piece.rows.schema.field("time").type) == "int64"
        assert str(piece.rows.schema.field("value").type) == "double"
        events += zip(*(piece.rows[name].to_pylist() for name in piece.rows.column_names), strict=True)
        refused.update(piece.refused)
    return sorted(events, key=lambda e: tuple((v is not None, v) for v in e)), dict(refused)


def attempted(kind, place):
    """Return the events and "", or none and what was told; any other error than ours is a failure."""
    try:
        return read(kind, place)[0], ""
    except OslerError as error:
        return [], str(error)


def unitless(events):
    """Return events without units, values to single precision, so that MEDS can be compared."""
    return [(s, t, c, None if v is None else float(pa.scalar(v, pa.float32()).as_py()), x) for s, t, c, v, x, _ in events]
