"""From facts to decisions on the network of sequences. Pure."""

from __future__ import annotations

from osler.core.plan import Brief, Decision, Rung

STRANDS = ("averaged", "both", "given")
ARCHITECTURES = ("dilated", "lstm")
PRECISIONS = ("float32", "bfloat16")
# Standard errors of what differs most from the other strand: up to 6 in windows around bound factors, which lie either way round, above
# 12 in promoters, which have a direction (docs/decisions/0026)
DIRECTED = 8.0
# Cramér's V of letter and place: .01 to .02 in windows around bound factors, .04 to .2 in promoters aligned to their start
PLACED = 0.03
WINDOW = 4_096  # letters that a network sees of one sequence
ENOUGH = 400_000  # sequences seen in a training, after which more rarely helps
LETTERS = {"cpu": 1 << 16, "cuda": 1 << 21}  # of a batch in prediction: a processor's cache holds few
STEP = 1 << 17  # letters of a step of training
BINS = 100


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return strands, read-out, augmentation and regularisation; sizes stand in the ladder."""
    if _along(brief):
        return _of_places(brief)
    placed, longest = _positions(brief), _longest(brief)
    return (
        _strands(brief),
        placed,
        Decision("bins", min(BINS, max(1, longest)), "equal parts of a sequence whose letters are read out apart where positions matter"),
        Decision("window", min(WINDOW, max(1, longest)), _why_window(longest)),
        _architecture(),
        *_augmentation(brief, placed=bool(placed.value)),
        *_training(brief),
    )  # fmt: skip


def _along(brief: Brief) -> bool:
    """Return whether the target has a value for each letter of this input; others beside it give a vector."""
    return brief.output == "map" and "track_strand" in brief.facts


def _of_places(brief: Brief) -> tuple[Decision, ...]:
    """Return the decisions of a target with a value for each letter: nothing is read out, so nothing tells how."""
    longest = _longest(brief)
    why = (
        "all, the longest has {:,}" if longest <= WINDOW else "pieces of the longest, of {:,}, that overlap by half in prediction"
    )
    return (
        _strands(brief),
        Decision("window", min(WINDOW, max(1, longest)), f"letters that the network sees at once: {why.format(longest)}"),
        _architecture(),
        *_augmentation(brief, placed=False),
        *(d for d in _training(brief) if d.name != "dropout"),
    )


def _architecture() -> Decision:
    return Decision("architecture", "dilated", "dilated residual convolutions see far and are fast; 'lstm' reads the filters in both"
                    " directions instead", choices=ARCHITECTURES)  # fmt: skip


def _strands(brief: Brief) -> Decision:
    score = float(brief.facts.get("strand", 0.0))
    told = f"what differs most from the other strand does so by {score:.1f} standard errors"
    if "gc" not in brief.facts:
        return Decision("strands", "given", "proteins have no other strand", choices=("given",))
    if "U" in brief.facts.get("composition", {}):
        return Decision("strands", "given", "RNA has one strand", choices=("given",))
    if score >= DIRECTED:
        return Decision("strands", "given", f"the sequences have a direction: {told}", choices=STRANDS)
    if (along := float(brief.facts.get("track_strand", 0.0))) >= DIRECTED:
        why = f"the target has a direction: what it is beside a word differs from the other strand by {along:.1f} standard errors"
        return Decision("strands", "given", why, choices=STRANDS)
    return Decision("strands", "averaged", f"either strand tells the same: {told}; training reads one of them at random, a"
                    " prediction is the mean of both", choices=STRANDS)  # fmt: skip


def _positions(brief: Brief) -> Decision:
    score = float(brief.facts.get("places", 0.0))
    told = f"letters depend on their place by {score:.3f} (Cramér's V)"
    if score >= PLACED:
        return Decision("positions", True, f"the sequences are aligned to one another: {told}; parts are read out apart")
    return Decision(
        "positions", False, f"{told}, less than {PLACED}, or lengths differ: wherever a motif stands it means the same"
    )


def _longest(brief: Brief) -> int:
    lengths = brief.facts.get("lengths") or [0.0]
    return int(lengths[-1])


def _why_window(longest: int) -> str:
    if longest <= WINDOW:
        return f"letters that the network sees of a sequence: all, the longest has {longest:,}"
    return f"letters that the network sees of a sequence, its middle: the longest has {longest:,}, too many for a batch; set more if needed"


def _augmentation(brief: Brief, *, placed: bool) -> tuple[Decision, ...]:
    shift = 0 if placed else max(0, min(8, _longest(brief) // 12))
    why = "they are aligned, and stay so (docs/lab.md)" if placed else "where a motif stands does not matter"
    return (
        Decision("shift", shift, f"letters by which a training sequence may be moved: {why}"),
        Decision("mask_letters", 0.05, "share of letters hidden in training, so that no single one decides"),
    )


def _training(brief: Brief) -> tuple[Decision, ...]:
    few = brief.cases < 10_000
    told = f"{brief.cases} training sequences {'are few' if few else 'need less of it'}"
    letters, seen = LETTERS.get(brief.device.partition(":")[0], LETTERS["cuda"]), max(1, min(WINDOW, _longest(brief)))
    return (
        Decision("dropout", 0.4 if few else 0.3, f"of the vector before the dense layer: {told}"),
        Decision("drop_inside", 0.2 if few else 0.1, f"inside residual blocks: {told}"),
        Decision(
            "fit.batch", max(8, min(64 if few else 128, STEP // seen)), f"sequences of a step, each of up to {seen:,} letters"
        ),
        Decision("fit.learning_rate", 2e-3, "peak of the one-cycle schedule, for residual convolutions with AdamW"),
        Decision("fit.weight_decay", 0.05, "of weight matrices"),
        Decision("fit.wanted", int(min(25, max(12, ENOUGH / max(1, brief.cases)))), f"epochs: about {ENOUGH:,} sequences seen"),
        Decision("fit.ensemble", 2, "networks that differ by their seed, before a larger one"),
        Decision("fit.predict_batch", max(1, min(512, letters // seen)), "sequences at once"),
        Decision("fit.precision", "bfloat16", "asked for by convolutions; kept where it is measured faster", choices=PRECISIONS),
    )


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large, as far as the cases can feed them."""
    reason = f"for {brief.cases} training sequences"
    kernel = 17 if "gc" in brief.facts else 9
    places = _along(brief)
    whole = () if places else (
        Decision("pool", 2, "neighbours of which the stronger is kept"),
        Decision("members", 4, "heads behind one network (Gorishniy et al. 2024, TabM)"),
    )  # fmt: skip
    return tuple(
        Rung(name, (
            Decision("width", width, f"filters, and channels behind them, {reason}"),
            Decision("motif", kernel, "letters that a filter of the first layer spans: as long as a motif"),
            Decision("kernel", 5, "width of the filters behind the first"),
            Decision("depth", depth + places, f"residual blocks, each looking twice as far as the one before, {reason}"),
            *whole,
        ))
        for name, least, width, depth in _SIZES
        if brief.cases >= least
    )  # fmt: skip


# Name, fewest cases, width, depth
_SIZES = (
    ("tiny", 0, 32, 2),
    ("small", 0, 48, 3),
    ("medium", 2_000, 64, 4),
    ("large", 10_000, 96, 5),
    ("huge", 30_000, 128, 5),
)
