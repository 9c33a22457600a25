"""From facts to decisions on the network of a timeline. Pure."""

from __future__ import annotations

from osler.core.plan import Brief, Decision, Rung

ARCHITECTURES = ("gru", "lstm", "gru-d", "transformer", "none")


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return architecture, embeddings, dropout and vocabulary; sizes stand in the ladder."""
    return (
        Decision("architecture", "gru", "goes through the events in their order", choices=ARCHITECTURES),
        Decision("summaries", True, "the network sees summaries of each code too"),
        Decision("bin", 1 / 24, "days"),
        Decision("steps", 256, "latest steps"),
        Decision("tokens", 512, "latest events that attend to one another"),
        Decision("events", 4096, "latest events of a case that are seen"),
        Decision("vocabulary", 4096, "codes kept, the most frequent ones"),
        Decision("drop_events", 0.0, "share of events left out in training"),
        Decision("drop_summaries", 0.5, "share of summaries left out in training"),
        Decision("dropout", 0.5, "of vectors"),
        Decision("sequence_dropout", 0.3, "of steps"),
        Decision("fit.learning_rate", 1e-3, ""),
        Decision("fit.weight_decay", 0.2, ""),
    )


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large, as far as the cases can feed them."""
    return (
        Rung(
            "small",
            (
                Decision("width", 64, "units"),
                Decision("depth", 2, "blocks"),
                Decision("members", 8, "models"),
                Decision("sequence_width", 32, "units"),
                Decision("sequence_depth", 1, "layers"),
            ),
        ),
    )
