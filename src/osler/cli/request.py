"""From options to a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import StudyError

if TYPE_CHECKING:
    from osler.flows.screening import Top
    from osler.spine.study import Request


def leak_word(*, drop: bool, allow: bool) -> str | None:
    """Return what to do about leaks, None where nothing was said."""
    if drop and allow:
        raise StudyError("--drop-leaks and --allow-leaks contradict each other; give one")
    return "drop" if drop else "allow" if allow else None


def request_of(
    table: Path,
    *,
    roles: dict[str, Any],
    target: list[str] | None,
    inputs: list[str] | None,
    exclude: list[str] | None,
    subgroups: list[str] | None,
    settings: list[str] | None,
    rest: dict[str, Any],
) -> Request:
    """Return the request; what was not given stays None, so that study.yaml or a default speaks."""
    from osler.spine.study import Request

    return Request(
        table_or_study=table,
        target=tuple(target or ()),
        inputs=tuple(inputs or ()),
        exclude=tuple(exclude or ()),
        subgroups=tuple(subgroups or ()),
        settings=tuple(settings or ()),
        **roles,
        **rest,
    )


def sources_of(given: list[str] | None) -> dict[str, str]:
    """Return by input the place of its events, as --source names them; raises StudyError with all faults."""
    found: dict[str, str] = {}
    faults = []
    for one in given or ():
        name, equals, place = one.partition("=")
        if not (name and equals and place):
            faults.append("--source: wanted INPUT=PLACE, such as events=/data/events.parquet")
        elif name in found:
            faults.append(f"--source: input '{name}' has two places; give one")
        found[name] = place
    if faults:
        raise StudyError(faults)
    return found


def top_of(most: int | None, *, by: str | None, lowest: bool) -> Top | None:
    """Return how many of the best predictions to keep, None for all; raises RequestError for a choice among all rows."""
    from osler.core.errors import RequestError
    from osler.flows.screening import Top

    if most is None and (by is not None or lowest):
        raise RequestError("--by and --lowest choose what --top keeps; give --top with a number")
    return None if most is None else Top(most, by, lowest)


def variants_asked(table: str, *, reference: Path | None, assembly: str | None, others: dict[str, Any]) -> Path | None:
    """Return the reference on which the variants in `table` are scored, None where it holds none; raises RequestError for options that
    do not go with it: `others` have no meaning for variants."""
    from osler.core.errors import RequestError
    from osler.core.variants import OPENS, is_variants

    if not is_variants(table):
        if reference is not None or assembly is not None:
            raise RequestError(f"--reference and --assembly go with a file of variants, which ends in {', '.join(OPENS)}")
        return None
    wrong = [name for name, value in others.items() if value]
    if wrong:
        raise RequestError(f"{', '.join(wrong)}: not for a file of variants, of which every record is written")
    if reference is None:
        raise RequestError("variants are scored on a reference: give the FASTA file of the genome with --reference")
    return reference
