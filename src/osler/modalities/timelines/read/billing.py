"""When the codes of a stay exist: billing codes are assigned after the patient has left, whatever date they carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osler.core.errors import StudyError, did_you_mean
from osler.modalities.timelines.case import DAY

# Names as in OMOP's table `vocabulary`. Coders assign these from the finished record, so in a stay they are known from its end.
BILLED = frozenset({
    "ICD9CM", "ICD10CM", "ICD10", "ICD10GM", "ICD9Proc", "ICD10PCS", "OPS", "CPT4", "HCPCS", "DRG", "MS-DRG", "APR-DRG", "OPCS4",
})  # fmt: skip
STAY = DAY  # a visit that lasts longer than this is a stay, whatever it is called
DISCHARGED, RECORDED = "discharge", "recorded"

# Why an event could not be used; none of these words comes from the data.
BROKEN = "line or row that cannot be read"  # not JSON, not a resource, a line too long, another number of cells
SUBJECTLESS = "no subject"
CODELESS = "no code"
TIMELESS = "no time that can be read"
VALUELESS = "value said to be absent"
STATUS = "taken back, cancelled or not done"
OPEN_STAY = "code of a stay without an end"  # it is not known before the data end
UNKNOWN_STAY = "code of a visit that is not in the data"  # nothing tells when it came to be
TWICE = "file that is there twice"


def coded(options: Mapping[str, Any]) -> str:
    """Return the option `coded`: "discharge" (the default) or "recorded"; raises StudyError for anything else."""
    given = options.get("coded", DISCHARGED)
    if given not in {DISCHARGED, RECORDED}:
        raise StudyError(
            f"option 'coded' is '{given}'{did_you_mean(str(given), [DISCHARGED, RECORDED])}; 'discharge': codes of a stay are known "
            "from its end; 'recorded': from the time that stands beside them"
        )
    return str(given)
