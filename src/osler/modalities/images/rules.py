"""From facts to decisions on the network of pictures. Pure."""

from __future__ import annotations

from osler.core.plan import Brief, Decision, Rung


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return the decisions that do not depend on size."""
    return (Decision("dropout", 0.2, f"{brief.cases} pictures"),)


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large."""
    sizes = (("tiny", 16), ("small", 24), ("medium", 32))
    return tuple(
        Rung(name, (Decision("width", width, f"channels of the first stage, for {brief.cases} pictures"),))
        for name, width in sizes
    )
