"""From options to a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.core.errors import StudyError

if TYPE_CHECKING:
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
