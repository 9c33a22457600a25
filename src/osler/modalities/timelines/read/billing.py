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
BROKEN = "broken"  # not JSON, not a resource, or a line too long
SUBJECTLESS = "no subject"
CODELESS = "no code"
TIMELESS = "no time"
VALUELESS = "value absent"  # the source says itself that there is no value
STATUS = "status"  # entered in error, cancelled, not done
OPEN_STAY = "stay without an end"  # its codes are not known before the data end
UNKNOWN_STAY = "visit not in the data"  # nothing tells when its codes came to be
LONG_TEXT = "text too long"  # the event is kept, its text is not
TWICE = "file twice"


def coded(options: Mapping[str, Any]) -> str:
    """Return the option `coded`: "discharge" (the default) or "recorded"; raises StudyError for anything else."""
    given = options.get("coded", DISCHARGED)
    if given not in {DISCHARGED, RECORDED}:
        raise StudyError(
            f"option 'coded' is '{given}'{did_you_mean(str(given), [DISCHARGED, RECORDED])}; 'discharge': codes of a stay are known "
            "from its end; 'recorded': from the time that stands beside them"
        )
    return str(given)
