"""From facts to decisions on how cases are represented. Pure."""

from __future__ import annotations

from osler.core.plan import Brief, Decision
from osler.generation.representation import holdout

METHODS = ("contrastive", "denoising", "variational")
LOSSES = ("others", "redundancy")
ENOUGH = 400_000  # pictures seen in a contrastive training


def rules(brief: Brief, *, name: str) -> tuple[Decision, ...]:
    """Return the decisions of the task, and what it decides otherwise of training and of the input `name`."""
    method = _method(brief, name=name)
    chosen = str(brief.settings.get(method.name, method.value))
    return (
        method,
        *_of_method(chosen),
        holdout.DECISION,
        *_input(brief, name=name),
        *_training(chosen, brief, pictured=_pictured(brief, name)),
    )


def _pictured(brief: Brief, name: str) -> bool:
    return "shape" in brief.facts[name]


def _method(brief: Brief, *, name: str) -> Decision:
    if _pictured(brief, name):
        return Decision(
            "representation.method", "contrastive",
            "cut-outs of one picture show the same, and need no decoder; on small radiographs restoring came as far (docs/lab.md)",
            choices=METHODS,
        )  # fmt: skip
    return Decision("representation.method", "denoising", "what is hidden of a case is restored from its vector", choices=METHODS)


def _of_method(method: str) -> tuple[Decision, ...]:
    hidden = Decision("representation.hidden", 0.3, "share of each case that is hidden before it is restored, or looked at")
    channels = Decision("representation.channels", 16, "of the decoder's finest maps")
    if method == "contrastive":
        return (
            Decision("representation.loss", "others", "which looks belong together, among all of the batch", choices=LOSSES),
            Decision("representation.temperature", 0.2, "how sharply the nearest others count"),
            Decision("representation.projected", 128, "numbers that are compared; the vector before them is kept"),
            Decision("representation.crop", 0.5, "least share of a picture's area that a look shows"),
            Decision(
                "representation.light", 1.0, "contrast and brightness of looks differ up to this share of the greys' spread"
            ),
            hidden,
        )
    if method == "variational":
        return (
            Decision("representation.size", 64, "numbers of a vector"),
            Decision(
                "representation.beta", 1e-3, "weight of the clouds' distance from the standard one beside the error of a float"
            ),
            channels,
        )
    return hidden, Decision("representation.noise", 0.1, "grain on pictures, in units of the spread of their greys"), channels


def _input(brief: Brief, *, name: str) -> tuple[Decision, ...]:
    if not _pictured(brief, name):
        return ()
    return (Decision(f"inputs.{name}.dropout", 0.0, "vectors are kept whole: nothing of them is left to chance"),)


def _training(method: str, brief: Brief, *, pictured: bool) -> tuple[Decision, ...]:
    share = Decision("fit.network_share", 0.8, "of the budget; reading and judging take the rest")
    if method != "contrastive":
        return (share,)
    cases = max(brief.cases, 1)
    batch = min(128, max(32, 1 << (cases // 8).bit_length()))
    told = Decision(
        "fit.batch", batch, "others to be told from; twice as many steps were better than twice as many others (docs/lab.md)"
    )
    if not pictured:
        return share, told
    wanted = int(min(200, max(20, ENOUGH / cases)))
    return share, told, Decision("fit.wanted", wanted, f"epochs: about {ENOUGH:,} looks at pictures, for no two are alike")
