"""From facts to decisions on how cases are represented. Pure."""

from __future__ import annotations

from osler.core.plan import Decision
from osler.generation.representation import holdout

METHODS = ("denoising",)


def rules() -> tuple[Decision, ...]:
    """Return the decisions of the task, and what it decides otherwise of training."""
    return (
        Decision("representation.method", "denoising", "what is hidden of a case is restored from its vector", choices=METHODS),
        Decision("representation.hidden", 0.3, "share of each case that is hidden before it is restored"),
        Decision("representation.noise", 0.1, "grain on pictures, in units of the spread of their greys"),
        Decision("representation.channels", 16, "of the decoder's finest maps"),
        holdout.DECISION,
        Decision("fit.network_share", 0.8, "of the budget; reading and judging take the rest"),
    )
