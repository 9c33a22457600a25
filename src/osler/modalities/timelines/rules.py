"""From facts to decisions on the network of a timeline. Pure."""

from __future__ import annotations

from typing import Any

from osler.core.plan import Brief, Decision, Rung

ARCHITECTURES = ("gru", "lstm", "gru-d", "transformer", "none")
FEW_TIMES = 3  # of a case, from which their order tells anything
BINS = 48  # of the usual case, hours of two days; a guess, as no other number was tried
_CLOCKS = tuple(hours / 24 for hours in (1 / 60, 1 / 12, 0.25, 0.5, 1, 2, 4, 8, 12, 24, 48, 96, 168, 336, 720, 2160, 8766))


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return architecture, steps, dropout and vocabulary; sizes stand in the ladder."""
    few = brief.cases < 20_000
    how_many = f"{brief.cases} training cases {'are few' if few else 'need little of it'}"
    return (
        _architecture(brief),
        Decision(
            "summaries", True, "the network sees summaries of each code too: what is known of few cases is learned from them"
        ),
        _bin(brief),
        Decision("steps", 256, "latest steps of a case that a recurrent network walks through"),
        Decision("tokens", 512, "latest events of a case that attend to one another; their pairs cost the time"),
        Decision("latest", 4096, "events of a case that the network sees, its latest"),
        Decision("vocabulary", 4096, "codes kept, those that most cases have; the others share one"),
        Decision("drop_events", 0.1 if few else 0.0, f"share of events left out in training: {how_many}"),
        Decision("drop_summaries", 0.5 if few else 0.2, f"share of summaries left out in training: {how_many}"),
        Decision("dropout", 0.5 if few else 0.2, how_many),
        Decision("sequence_dropout", 0.3 if few else 0.1, f"of what a step holds: {how_many}"),
        Decision(
            "fit.learning_rate", 1e-3, "with 4e-3 such networks learned single stays by heart within seven epochs (docs/lab.md)"
        ),
        Decision("fit.weight_decay", 0.2, "many summaries, few cases: .2 was better than .02 (docs/lab.md)"),
        Decision("fit.wanted", 20, "epochs: on 4,000 stays the best came after 10 to 25 (docs/lab.md)"),
        Decision("fit.ensemble", 3, "networks that differ by their seed are worth more than a larger one"),
        *_batch(brief),
    )


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large, as far as the cases can feed them."""
    reason = f"for {brief.cases} training cases"
    rungs = []
    for name, least, width, depth, members, inner, layers in _SIZES:
        if brief.cases < least:
            break
        rungs.append(Rung(name, (
            Decision("width", width, f"units per layer over summaries, {reason}"),
            Decision("depth", depth, f"blocks over summaries, {reason}"),
            Decision("members", members, f"{reason}, {members} models in one network (Gorishniy et al. 2024, TabM)"),
            Decision("sequence_width", inner, f"units that go through the events, {reason}"),
            Decision("sequence_depth", layers, f"layers that go through the events, {reason}"),
        )))  # fmt: skip
    return tuple(rungs)


# name, fewest cases, width, depth, members, units and layers of the sequence
_SIZES = (
    ("tiny", 0, 32, 1, 4, 16, 1),
    ("small", 0, 64, 2, 8, 32, 1),
    ("medium", 10_000, 128, 2, 16, 64, 1),
    ("large", 50_000, 256, 2, 16, 128, 2),
)


def _architecture(brief: Brief) -> Decision:
    times = _middle(brief, "times")
    alone = brief.settings.get("summaries") is False
    choices = tuple(one for one in ARCHITECTURES if one != "none" or not alone)
    if times is not None and times < FEW_TIMES and not alone:
        reason = f"the usual case has events at {times:g} times: their order tells little"
        return Decision("architecture", "none", reason, choices=choices)
    return Decision(
        "architecture", "gru", "goes through the events in their order, at a fraction of attention's time", choices=choices
    )


def _bin(brief: Brief) -> Decision:
    """Return the size of a step: about BINS in the usual case, a length that clocks and calendars know."""
    days = _middle(brief, "days")
    wanted = (days or 1.0) / BINS
    size = min(_CLOCKS, key=lambda clock: abs(clock - wanted) / (clock + wanted))
    reason = f"days of a step: about {BINS} of them make the usual case"
    return Decision("bin", size, reason if days else "days of a step: nothing is known of how long a case is")


def _batch(brief: Brief) -> tuple[Decision, ...]:
    """Return smaller batches where events attend to one another, or where cases are very long: memory."""
    events = _middle(brief, "events") or 0
    if brief.settings.get("architecture") == "transformer":
        return (Decision("fit.batch", 64, "pairs of events take memory"),)
    return (Decision("fit.batch", 64, f"the usual case has {events:g} events: memory"),) if events > 2000 else ()


def _middle(brief: Brief, name: str) -> float | None:
    """Return the median over cases of what the facts tell `per_case`."""
    quantiles: Any = (brief.facts.get("per_case") or {}).get(name)
    return None if not quantiles else float(quantiles[len(quantiles) // 2])
