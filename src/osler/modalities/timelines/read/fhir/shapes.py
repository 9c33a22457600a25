"""The parts of FHIR R4 resources that events are made of; the decoder skips everything else without making an object of it.

None of them can be part of a circle, so the collector of circles need not look at them.
"""

from __future__ import annotations

import msgspec


class Coding(msgspec.Struct, gc=False):
    """A symbol of a code system."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(msgspec.Struct, gc=False):
    """A CodeableConcept: one meaning in several codings, or in words."""

    coding: list[Coding] = []
    text: str | None = None


class Reference(msgspec.Struct, gc=False):
    """A pointer to another resource."""

    reference: str | None = None


class Period(msgspec.Struct, gc=False):
    """From when until when."""

    start: str | None = None
    end: str | None = None


class Quantity(msgspec.Struct, gc=False):
    """A number with its unit."""

    value: float | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Dose(msgspec.Struct, gc=False):
    """The dose within a dosage instruction (`doseAndRate`), or within an administration (`dosage`)."""

    doseQuantity: Quantity | None = None  # noqa: N815 - FHIR's own name
    dose: Quantity | None = None


class Dosage(msgspec.Struct, gc=False):
    """How a drug is to be taken."""

    doseAndRate: list[Dose] = []  # noqa: N815


class Extension(msgspec.Struct, gc=False):
    """An element of a profile; US Core keeps race and ethnicity in nested ones."""

    url: str | None = None
    valueCoding: Coding | None = None  # noqa: N815
    extension: list[Extension] = []


class Valued(msgspec.Struct, kw_only=True, gc=False):
    """What an Observation and each of its components share: a code and at most one value."""

    code: Concept | None = None
    valueQuantity: Quantity | None = None  # noqa: N815
    valueCodeableConcept: Concept | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueInteger: int | None = None  # noqa: N815
    dataAbsentReason: Concept | None = None  # noqa: N815


class Contained(msgspec.Struct, gc=False):
    """A resource inside another, as far as drugs need it."""

    id: str | None = None
    code: Concept | None = None


class Resource(Valued, tag_field="resourceType", kw_only=True, gc=False):
    """What resources may have; only an Observation has values, and two bases cannot be joined in one struct."""

    id: str | None = None
    status: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = None


class Patient(Resource, tag="Patient", kw_only=True, gc=False):
    """Birth, death, sex, race."""

    birthDate: str | None = None  # noqa: N815
    gender: str | None = None
    deceasedDateTime: str | None = None  # noqa: N815
    deceasedBoolean: bool | None = None  # noqa: N815
    extension: list[Extension] = []


class Encounter(Resource, tag="Encounter", kw_only=True, gc=False):
    """A visit or a stay."""

    kind: Coding | None = msgspec.field(name="class", default=None)
    period: Period | None = None


class Condition(Resource, tag="Condition", kw_only=True, gc=False):
    """A diagnosis."""

    verificationStatus: Concept | None = None  # noqa: N815
    recordedDate: str | None = None  # noqa: N815
    onsetDateTime: str | None = None  # noqa: N815


class Observation(Resource, tag="Observation", kw_only=True, gc=False):
    """A measurement or a finding."""

    effectiveDateTime: str | None = None  # noqa: N815
    effectiveInstant: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    issued: str | None = None
    component: list[Valued] = []


class Drug(Resource, kw_only=True, gc=False):
    """What MedicationRequest and MedicationAdministration share."""

    medicationCodeableConcept: Concept | None = None  # noqa: N815
    medicationReference: Reference | None = None  # noqa: N815
    contained: list[Contained] = []


class MedicationRequest(Drug, tag="MedicationRequest", kw_only=True, gc=False):
    """A prescription."""

    authoredOn: str | None = None  # noqa: N815
    dosageInstruction: list[Dosage] = []  # noqa: N815


class MedicationAdministration(Drug, tag="MedicationAdministration", kw_only=True, gc=False):
    """A drug that was given."""

    effectiveDateTime: str | None = None  # noqa: N815
    effectivePeriod: Period | None = None  # noqa: N815
    dosage: Dose | None = None


class Procedure(Resource, tag="Procedure", kw_only=True, gc=False):
    """What was done."""

    performedDateTime: str | None = None  # noqa: N815
    performedPeriod: Period | None = None  # noqa: N815


class Medication(Resource, tag="Medication", kw_only=True, gc=False):
    """A drug to which others point."""


class Head(msgspec.Struct, gc=False):
    """The first look at a line that is none of the above."""

    resourceType: str  # noqa: N815


Known = Patient | Encounter | Condition | Observation | MedicationRequest | MedicationAdministration | Procedure | Medication
