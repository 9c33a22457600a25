"""Diagnoses, findings, drugs and procedures as events."""

from __future__ import annotations

from osler.modalities.timelines.read.billing import STATUS, VALUELESS
from osler.modalities.timelines.read.fhir import shapes
from osler.modalities.timelines.read.fhir.events import Events
from osler.modalities.timelines.read.fhir.moments import moment
from osler.modalities.timelines.read.fhir.stays import Pointed, identity, word

_UNTRUE = frozenset({"refuted", "entered-in-error"})


def condition(resource: shapes.Condition, *, events: Events, pointed: Pointed) -> None:
    """Add a diagnosis at the time from which it is known; when the disease began is no such time, unless `coded: recorded`."""
    verified = resource.verificationStatus.coding if resource.verificationStatus else []
    if any(c.code in _UNTRUE for c in verified):
        events.refused[STATUS] += 1
        return
    told = resource.recordedDate or (None if pointed.discharge else resource.onsetDateTime)
    _coded(resource, told, events=events, pointed=pointed)


def procedure(resource: shapes.Procedure, *, events: Events, pointed: Pointed) -> None:
    """Add what was done, at its end."""
    _coded(resource, resource.performedDateTime or _end(resource.performedPeriod), events=events, pointed=pointed)


def observation(resource: shapes.Observation, *, events: Events, pointed: Pointed) -> None:
    """Add a finding and each of its components."""
    told = resource.effectiveDateTime or resource.effectiveInstant or _end(resource.effectivePeriod) or resource.issued
    panel = resource.component and not _has_value(resource)
    for part in resource.component if panel else (resource, *resource.component):
        _coded(resource, told, events=events, pointed=pointed, of=part)


def request(resource: shapes.MedicationRequest, *, events: Events, pointed: Pointed) -> None:
    """Add a prescription with its first dose."""
    doses = [rate.doseQuantity for dosage in resource.dosageInstruction for rate in dosage.doseAndRate]
    _drug(resource, resource.authoredOn, dose=doses[0] if doses else None, events=events, pointed=pointed)


def administration(resource: shapes.MedicationAdministration, *, events: Events, pointed: Pointed) -> None:
    """Add a drug that was given, when it began to be given."""
    period = resource.effectivePeriod
    told = resource.effectiveDateTime or (period.start if period else None)
    _drug(resource, told, dose=resource.dosage.dose if resource.dosage else None, events=events, pointed=pointed)


def _drug(resource: shapes.Drug, told: str | None, *, dose: shapes.Quantity | None, events: Events, pointed: Pointed) -> None:
    code = word(resource.medicationCodeableConcept) or _meant(resource, pointed=pointed)
    _put(resource, told, code=code, events=events, pointed=pointed, value=dose.value if dose else None, unit=_unit(dose))


def _meant(resource: shapes.Drug, *, pointed: Pointed) -> str | None:
    """Return the code of the drug that a reference means, inside the resource or beside it."""
    reference = resource.medicationReference.reference if resource.medicationReference else None
    if reference and reference.startswith("#"):
        return next((word(c.code) for c in resource.contained if c.id == reference[1:]), None)
    return pointed.drugs.get(identity(resource.medicationReference, of="Medication") or "")


def _coded(
    resource: shapes.Resource, told: str | None, *, events: Events, pointed: Pointed, of: shapes.Valued | None = None
) -> None:
    part = of or resource
    if part.dataAbsentReason and not _has_value(part):
        events.refused[VALUELESS] += 1
        return
    value, text, unit = _value(part)
    _put(resource, told, code=word(part.code), events=events, pointed=pointed, value=value, text=text, unit=unit)


def _put(
    resource: shapes.Resource, told: str | None, *, code: str | None, events: Events, pointed: Pointed,
    value: float | None = None, text: str | None = None, unit: str | None = None,
) -> None:  # fmt: skip
    """Add one event when it is known, or count why not."""
    time = pointed.known(resource, code, recorded=moment(told, zone=pointed.zone))
    if isinstance(time, str):
        events.refused[time] += 1
        return
    events.add(identity(resource.subject, of="Patient"), time, code=code, value=value, text=text, unit=unit)


def _has_value(part: shapes.Valued) -> bool:
    return any(
        value is not None
        for value in (part.valueQuantity, part.valueCodeableConcept, part.valueString, part.valueBoolean, part.valueInteger)
    )


def _value(part: shapes.Valued) -> tuple[float | None, str | None, str | None]:
    """Return number, word and unit of what has at most one value."""
    if part.valueQuantity is not None:
        return part.valueQuantity.value, None, _unit(part.valueQuantity)
    if part.valueInteger is not None:
        return float(part.valueInteger), None, None
    if part.valueBoolean is not None:
        return None, "true" if part.valueBoolean else "false", None
    if part.valueString is not None:
        return None, part.valueString.strip() or None, None
    return None, _shown(part.valueCodeableConcept), None


def _shown(concept: shapes.Concept | None) -> str | None:
    """Return the word of a coded value: what is shown, else the symbol."""
    if concept is None:
        return None
    first = next((c for c in concept.coding if c.display or c.code), None)
    told = (first.display or first.code if first else None) or concept.text
    return told.strip() or None if told else None


def _unit(quantity: shapes.Quantity | None) -> str | None:
    """Return the unit: the symbol where the system is UCUM, else as written."""
    if quantity is None:
        return None
    ucum = quantity.code if quantity.system == "http://unitsofmeasure.org" else None
    return ucum or quantity.unit or quantity.code


def _end(period: shapes.Period | None) -> str | None:
    return (period.end or period.start) if period else None
