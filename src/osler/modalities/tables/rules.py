"""From facts to decisions on the network of a table. Pure."""

from __future__ import annotations

from osler.core.plan import Brief, Decision, Rung

ARCHITECTURES = ("mlp", "transformer")
EMBEDDINGS = ("piecewise", "periodic", "none")
WIDE = 500  # columns of numbers from which each gets no embedding of its own
TOKENS = 200  # columns from which attention between them costs more than it tells


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return architecture, embeddings, dropout and vocabulary; sizes stand in the ladder."""
    numbers, words = _numbers(brief), _words(brief)
    return (
        _architecture(columns=numbers + len(words)),
        _embedding(brief, numbers=numbers),
        Decision("bins", _bins(brief), "quantile bins per column: about 25 cases in each, at most 32 bins"),
        _dropout(brief),
        Decision("category_width", _category_width(words), "floats per category; few words need few, thousands of columns too"),
        Decision("vocabulary", 1000, "words kept per column, the most frequent ones; the others share one code"),
    )


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large, as far as the cases can feed them."""
    token = brief.settings.get("architecture") == "transformer"
    sizes = _TOKEN_SIZES if token else _DENSE_SIZES
    reason = f"for {brief.cases} training cases"
    rungs = []
    for name, least, width, depth, members in sizes:
        if brief.cases < least:
            break
        many = "" if token else f", {members} models in one network (Gorishniy et al. 2024, TabM)"
        rungs.append(Rung(name, (
            Decision("width", width, f"units per layer, {reason}"),
            Decision("depth", depth, f"blocks, {reason}"),
            Decision("members", members, f"{reason}{many}"),
            Decision("embedding_width", _embedding_width(brief, width=width), "floats per number, fewer where columns are many"),
        )))  # fmt: skip
    return tuple(rungs)


# name, fewest cases, width, depth, members
_DENSE_SIZES = (
    ("tiny", 0, 32, 1, 4),
    ("small", 0, 64, 2, 8),
    ("medium", 0, 128, 2, 16),
    ("large", 10_000, 256, 2, 16),  # on 5,000 cases it was no better than small (docs/lab.md)
    ("huge", 50_000, 256, 3, 32),
    ("giant", 200_000, 512, 3, 32),
)
_TOKEN_SIZES = (
    ("tiny", 0, 32, 1, 1),
    ("small", 0, 64, 2, 1),
    ("medium", 1_000, 128, 3, 1),
    ("large", 10_000, 192, 3, 1),
    ("huge", 50_000, 256, 4, 1),
)


def _numbers(brief: Brief) -> int:
    return len(brief.facts.get("numbers", {}).get("names", ()))


def _words(brief: Brief) -> list[int]:
    facts = brief.facts.get("categories", {})
    return list(facts.get("words", ())) or [0] * len(facts.get("names", ()))


def _architecture(*, columns: int) -> Decision:
    reason = "as accurate as attention between columns at a fraction of its time (Gorishniy et al. 2024)"
    few = columns <= TOKENS
    choices = ARCHITECTURES if few else ARCHITECTURES[:1]
    return Decision("architecture", "mlp", reason if few else f"{columns} columns are too many for attention", choices=choices)


def _embedding(brief: Brief, *, numbers: int) -> Decision:
    if numbers == 0:
        return Decision("embedding", "none", "there are no numbers", choices=EMBEDDINGS)
    if numbers > WIDE or numbers * 2 > brief.cases:
        reason = f"{numbers} columns of numbers beside {brief.cases} cases: scaled numbers alone"
        return Decision("embedding", "none", reason, choices=EMBEDDINGS)
    reason = "numbers are told by their place among quantiles, so that steps and bends are easy (Gorishniy et al. 2022)"
    return Decision("embedding", "piecewise", reason, choices=EMBEDDINGS)


def _embedding_width(brief: Brief, *, width: int) -> int:
    return max(2, min(16 if width >= 256 else 8, 2048 // max(_numbers(brief), 1)))


def _bins(brief: Brief) -> int:
    return max(4, min(32, brief.cases // 25))


def _dropout(brief: Brief) -> Decision:
    few = brief.cases < 20_000  # on 5,000 cases 0.3 had the lower loss out of fold than 0.1 (docs/lab.md)
    return Decision("dropout", 0.3 if few else 0.1, f"{brief.cases} training cases {'are few' if few else 'need little of it'}")


def _category_width(words: list[int]) -> int:
    if not words:
        return 1
    return max(1, min(8, max(words), 4096 // len(words)))
