"""Patients and their visits as events."""

from __future__ import annotations

from osler.modalities.timelines.case import ADMISSION, BIRTH, DEATH, DISCHARGE, PARTED
from osler.modalities.timelines.read.fhir import shapes
from osler.modalities.timelines.read.fhir.events import Events
from osler.modalities.timelines.read.fhir.moments import birth, moment
from osler.modalities.timelines.read.fhir.stays import Pointed, identity, kind, span

_EXTENSIONS = {"us-core-race": "race", "us-core-ethnicity": "ethnicity"}


def patient(resource: shapes.Patient, *, events: Events, pointed: Pointed) -> None:
    """Add birth, death, and what is known at any time: sex, race, ethnicity."""
    if resource.birthDate:
        events.add(resource.id, birth(resource.birthDate, zone=pointed.zone), code=BIRTH)
    # a death without its date is counted: nobody can say whether it comes before the prediction
    if resource.deceasedDateTime or resource.deceasedBoolean:
        events.add(resource.id, moment(resource.deceasedDateTime, zone=pointed.zone), code=DEATH)
    if resource.gender:
        events.add(resource.id, None, code="sex", text=resource.gender, always=True)
    for extension in resource.extension:
        name = _EXTENSIONS.get((extension.url or "").rpartition("/")[2])
        shown = next((e.valueCoding.display for e in extension.extension if e.valueCoding and e.valueCoding.display), None)
        if name and shown:
            events.add(resource.id, None, code=name, text=shown, always=True)


def encounter(resource: shapes.Encounter, *, events: Events, pointed: Pointed) -> None:
    """Add begin and end of a visit."""
    subject = identity(resource.subject, of="Patient")
    start, end = span(resource.period, zone=pointed.zone)
    name = f"{PARTED}{kind(resource)}" if kind(resource) else ""
    events.add(subject, start, code=ADMISSION + name)
    if resource.period and resource.period.end:
        events.add(subject, end, code=DISCHARGE + name)
