"""From facts to decisions on the network of molecules. Pure."""

from __future__ import annotations

from osler.core.plan import Brief, Decision, Rung

READOUTS = ("mean", "sum", "attention")
PRECISIONS = ("float32", "bfloat16")


def rules(brief: Brief) -> tuple[Decision, ...]:
    """Return readout, dropout and whether descriptors are joined in; sizes stand in the ladder."""
    few = brief.cases < 5_000
    hasty = brief.cases < 1_000
    told = f"{brief.cases} training molecules "
    told += (
        "are few steps in 50 epochs: what is left out slows them more than it guards"
        if hasty
        else "need little of it (docs/lab.md)"
    )
    return (
        Decision("readout", "sum", "the atoms' sum: less error than their mean on lipophilicity, elsewhere alike (docs/lab.md)", choices=READOUTS),
        Decision("descriptors", False, "RDKit's descriptors are the baseline's: a network of the structure alone makes the bundle no worse, on larger"
                 " sets better, and what it says can be drawn on atoms and bonds (docs/lab.md)"),
        Decision("drop_descriptors", 0.3 if few else 0.1, "share of descriptors left out in training, where they are joined in"),
        Decision("dropout", 0.0 if hasty else 0.1, told),
        Decision("message_dropout", 0.0, "share of messages left out in training, each as a whole: it slowed short trainings (docs/lab.md)"),
        Decision("mask_atoms", 0.0, "share of atoms hidden in training (Hu et al. 2020); no gain was measured yet"),
        Decision("fit.batch", 64 if few else 128, "molecules of a step"),
        Decision("fit.learning_rate", 1e-3, "peak of the one-cycle schedule; Chemprop's own"),
        Decision("fit.weight_decay", 0.02, "of weight matrices"),
        Decision("fit.precision", "bfloat16", "asked for by messages; kept where it is measured faster", choices=PRECISIONS),
        Decision("fit.wanted", 50 if few else 30, "epochs after which more rarely helps; Chemprop's own are 50"),
        Decision("fit.ensemble", 1, "a larger network before several of them: one of 192 units erred 14% less than one of 64 (docs/lab.md)"),
    )  # fmt: skip


def ladder(brief: Brief) -> tuple[Rung, ...]:
    """Return the sizes from small to large, as far as the cases can feed them."""
    reason = f"for {brief.cases} training molecules"
    return tuple(
        Rung(name, (
            Decision("width", width, f"units of a message, {reason}"),
            Decision("steps", steps, f"steps of messages: an atom knows of bonds so far away, {reason}"),
            Decision("depth", depth, f"blocks behind the readout, {reason}"),
            Decision("members", members, f"{reason}, {members} heads behind one graph network (Gorishniy et al. 2024)"),
        ))
        for name, least, width, steps, depth, members in _SIZES
        if brief.cases >= least
    )  # fmt: skip


# Name, fewest cases, width, steps, depth, members. Of 3,360 drug-like molecules in batches of 64 an epoch took 0.56, 1.3, 1.7 and 2.6 s
# of one processor (bfloat16 but for the first), where Chemprop's took 6.3 s in the same run (docs/lab.md).
_SIZES = (
    ("tiny", 0, 64, 2, 1, 4),
    ("small", 0, 128, 3, 1, 8),
    ("medium", 0, 192, 3, 1, 8),
    ("large", 20_000, 256, 4, 2, 8),
)
