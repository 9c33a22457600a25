"""From the URI of a code system to the short name of its vocabulary, the names that OMOP uses too."""

from __future__ import annotations

import functools
import re

# HL7 Terminology (THO 5) and the Object Identifiers that C-CDA exports still carry
_URIS = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "http://hl7.org/fhir/sid/icd-10": "ICD10",
    "http://hl7.org/fhir/sid/icd-10-de": "ICD10GM",
    "http://fhir.de/codesystem/bfarm/icd-10-gm": "ICD10GM",
    "http://fhir.de/codesystem/dimdi/icd-10-gm": "ICD10GM",
    "http://fhir.de/codesystem/bfarm/ops": "OPS",
    "http://hl7.org/fhir/sid/icd-9-cm": "ICD9CM",
    "http://hl7.org/fhir/sid/icd-9-cm/diagnosis": "ICD9CM",
    "http://hl7.org/fhir/sid/icd-9-cm/procedure": "ICD9Proc",
    "http://terminology.hl7.org/codesystem/icd9": "ICD9CM",
    "http://www.cms.gov/medicare/coding/icd10": "ICD10PCS",
    "http://hl7.org/fhir/sid/icd-10-pcs": "ICD10PCS",
    "http://www.ama-assn.org/go/cpt": "CPT4",
    "https://www.cms.gov/medicare/coding/hcpcsreleasecodesets": "HCPCS",
    "http://hl7.org/fhir/sid/ndc": "NDC",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://hl7.org/fhir/sid/atc": "ATC",
    "http://www.whocc.no/atc": "ATC",
    "http://unitsofmeasure.org": "UCUM",
    "http://terminology.hl7.org/codesystem/msdrg": "DRG",
    "https://www.cms.gov/medicare/medicare-fee-for-service-payment/acuteinpatientpps/ms-drg-classifications-and-software": "DRG",
}
_OIDS = {
    "2.16.840.1.113883.6.1": "LOINC", "2.16.840.1.113883.6.96": "SNOMED", "2.16.840.1.113883.6.88": "RxNorm",
    "2.16.840.1.113883.6.90": "ICD10CM", "2.16.840.1.113883.6.3": "ICD10", "2.16.840.1.113883.6.103": "ICD9CM",
    "2.16.840.1.113883.6.104": "ICD9Proc", "2.16.840.1.113883.6.4": "ICD10PCS", "2.16.840.1.113883.6.12": "CPT4",
    "2.16.840.1.113883.6.285": "HCPCS", "2.16.840.1.113883.6.69": "NDC", "2.16.840.1.113883.12.292": "CVX",
}  # fmt: skip
KNOWN = frozenset({*_URIS.values(), *_OIDS.values()})


@functools.lru_cache(maxsize=4096)
def vocabulary(system: str | None) -> str:
    """Return the short name of a code system: a known one's own, else the last part of its URI.

    >>> vocabulary("http://loinc.org"), vocabulary("http://a.org/CodeSystem/d-labitems"), vocabulary("urn:oid:1.2.3")
    ('LOINC', 'd-labitems', 'OID:1.2.3')
    """
    if not system or not system.strip():
        return "CODE"
    plain = system.strip().partition("|")[0].rstrip("/")
    if plain.lower().startswith("urn:oid:"):
        number = plain[8:]
        return _OIDS.get(number, f"OID:{number}")
    last = next((part for part in reversed(re.split(r"[/:#]", plain)) if part), "CODE")
    return _URIS.get(plain.lower(), last)
