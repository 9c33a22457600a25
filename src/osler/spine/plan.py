"""From facts to decisions, and from the budget to sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from osler.contract import Modality, Task
from osler.core.errors import PlanError
from osler.core.plan import Brief, Decision, Plan, Rung
from osler.core.processors import processors

NETWORK_SHARE = 0.6  # of the budget; the rest is for the baseline, scoring and reading
SHORT = 0.005  # seconds of a step
PRECISIONS = ("float32", "bfloat16")
JOINS = ("mixed", "side by side")
TUNINGS = ("whole", "short", "linear")
FEW_OUTPUTS = 10  # each of them is tuned, whatever the budget
SHORT_TUNING = 1 / 20  # of the time of tuning each of many labels (measured 1/40 of 300: docs/lab.md), and
CHOOSING = 1.6  # times that of one label, on which settings are chosen (measured 0.4 to 2.6 with 16 labels and 160 to 700 cases)
SHORT_OF_CLASSES = 1 / 4  # of the time of tuning one model of many classes (measured with 40)
_FLOAT32 = Decision(
    "fit.precision", "float32", "bfloat16 is taken where it was measured faster on this device", "rule", PRECISIONS
)
WEIGHTS = Decision("weights", "", "first weights are drawn; a folder of weights, or a bundle, may be set to start from")
OVERHEAD = 1.3  # of an epoch beside its steps: scoring, averaging, checkpoint (measured 1.1 to 1.4)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the rules see besides facts: sizes of the training part, device, what the user allows and set; `outputs` raw outputs, which
    are the `classes` of one outcome or belong to one outcome each; `most` networks that differ by their seed alone."""

    task: str
    output: str
    cases: int
    groups: int
    folds: int
    budget: float
    device: str
    settings: Mapping[str, Any]
    outputs: int = 1
    classes: bool = False
    most: int = 3


def brief(circumstances: Circumstances, *, facts: Mapping[str, Any], target: Mapping[str, Any], prefix: str) -> Brief:
    """Return what one input's (or the task's) rules see."""
    start = f"{prefix}." if prefix else ""
    own = {k[len(start) :]: v for k, v in circumstances.settings.items() if k.startswith(start)}
    c = circumstances
    return Brief(facts, target, c.task, c.output, c.device, c.budget, c.cases, c.groups, settings=own)  # type: ignore[arg-type]


def decide(
    *,
    task: Task,
    modalities: Mapping[str, Modality],
    facts: Mapping[str, Mapping[str, Any]],
    target: Mapping[str, Any],
    circumstances: Circumstances,
) -> tuple[Plan, tuple[tuple[Decision, ...], ...]]:
    """Return all decisions but sizes, and the ladder of sizes of all inputs together, from small to large."""
    decisions = [*task.rules(brief(circumstances, facts={}, target=target, prefix=""))]
    ladders: list[tuple[Rung, ...]] = []
    asked: list[Decision] = []
    for name, modality in modalities.items():
        own = brief(circumstances, facts=facts[name], target=target, prefix=f"inputs.{name}")
        ruled = (*modality.rules(own), WEIGHTS)
        decisions += [d.under(f"inputs.{name}") for d in ruled if not d.name.startswith("fit.")]
        asked += [d for d in ruled if d.name.startswith("fit.")]
        rungs = tuple(Rung(r.name, tuple(d.under(f"inputs.{name}") for d in r.decisions)) for r in modality.ladder(own))
        ladders.append(rungs)
    decisions += _overruled(fit_rules(circumstances, inputs=len(modalities)), asked)
    return Plan(decisions), tuple(level(ladders, at) for at in range(max((len(x) for x in ladders), default=0)))


def _overruled(rules: Sequence[Decision], asked: Sequence[Decision]) -> list[Decision]:
    """Return the rules on training, each replaced by what inputs ask for instead: the least of what several ask."""
    return [min((a for a in asked if a.name == rule.name), key=lambda a: a.value, default=rule) for rule in rules]


def fit_rules(circumstances: Circumstances, *, inputs: int) -> tuple[Decision, ...]:
    """Return the decisions on training that hold for every modality."""
    cases = max(circumstances.cases, 1)
    batch = min(1024, max(16, 1 << round(math.log2(max(cases, 16) / 12))))
    batch = min(batch, 256) if cases < 100_000 else batch
    epoch_cases = min(cases, 500_000)
    threads = processors()
    return (
        Decision("fit.batch", batch, "about twelve steps an epoch on small data, at most 256 below 100,000 cases"),
        Decision(
            "fit.learning_rate",
            4e-3,
            "peak of the one-cycle schedule; of 2e-3 and 5e-3 the higher was better on three tables, worse on none (docs/lab.md)",
        ),
        Decision("fit.weight_decay", 0.02, "on matrices alone; biases and scales are not decayed"),
        Decision("fit.clip", 1.0, "norm of the gradient, against single wild batches"),
        Decision("fit.ema", 0.99, "decay of the averaged weights that are scored and kept"),
        Decision("fit.ensemble", 1, "networks that must fit into the time before a larger size is taken, without cross-fitting"),
        Decision("fit.wanted", 0, "epochs after which more rarely helps; 0: about 4,000 steps, 12 to 80 epochs"),
        Decision("fit.epoch_cases", epoch_cases, "cases of an epoch; more than half a million are sampled anew each epoch"),
        Decision("fit.rounds", 1, "times that an epoch takes each case; more where windows are cut of it"),
        Decision("fit.predict_batch", 4096, "cases at once in scoring and prediction"),
        Decision("fit.threads", threads, "processors of this machine", "measured"),
        Decision(
            "baseline.effort",
            _baseline_effort(circumstances),
            "settings of the boosted trees that are tried, as the budget allows",
        ),
        _baseline_tuning(circumstances),
        Decision(
            "baseline.cases", _baseline_cases(circumstances), "cases on which the tuned baseline is trained, as the budget allows"
        ),
        Decision("baseline.rows", 50_000, "cases on which the baseline is tuned; more change its settings little"),
        _FLOAT32,
        Decision("fit.overhead", OVERHEAD, "an epoch in units of its steps: scoring, averaging and checkpoint beside them"),
        *_compared(circumstances),
        Decision(
            "explain.seconds",
            round(min(60.0, max(1.0, 6 * circumstances.budget)), 1),
            "for attributions, exchanges and effects of the report: a tenth of the budget, 1 to 60 s; 0 leaves them out",
        ),
        *fusion_rules(inputs=inputs),
    )


def _compared(circumstances: Circumstances) -> tuple[Decision, ...]:
    """Return the networks' share of the budget, half of it where they are trained from drawn weights too."""
    share = Decision("fit.network_share", NETWORK_SHARE, "of the budget; the baseline, reading and scoring take the rest")
    settings = circumstances.settings
    if not any(name.startswith("inputs.") and name.endswith(".weights") and value for name, value in settings.items()):
        return (share,)
    why = "the same networks are trained from drawn weights too, for half of the time each: the report says what the start gained"
    compared = Decision("fit.compare_start", True, why)
    if not settings.get(compared.name, True):
        return (share, compared)
    return (
        replace(share, value=NETWORK_SHARE / 2, reason=f"{share.reason}; the other half is for networks from drawn weights"),
        compared,
    )


def fusion_rules(*, inputs: int) -> tuple[Decision, ...]:
    """Return how the vectors of several inputs are joined; with one input nothing is."""
    several = inputs > 1
    return (
        Decision("fusion.drop", 0.15 if several else 0.0, "present inputs are dropped in training so that one may be missing"),
        Decision("fusion.join", *_join(several=several), choices=JOINS),
        Decision("fusion.dropout", 0.3, "of the block that mixes inputs"),
    )


def _join(*, several: bool) -> tuple[str, str]:
    return ("mixed", "inputs may change what others mean") if several else ("side by side", "one input has nothing to mix with")


_LATE: tuple[tuple[str, Any], ...] = (
    ("epochs", 1),
    ("members", 1),
    ("seconds", 0.0),
    ("allowance", 0.0),
    ("limit", 0.0),
    ("replanned", []),
)


REPLANNED = Decision("fit.replanned", [], "every training had the epochs that were planned", "measured")


def unmeasured() -> tuple[Decision, ...]:
    """Return the decisions that `fit_to_budget` adds, with placeholder values, to check what a user sets."""
    return tuple(Decision(f"fit.{name}", value, "") for name, value in _LATE)


def check_counts(plan: Plan) -> None:
    """Raise PlanError for a count below 1 and for a rate that is not above 0, all faults together."""
    counts = [
        f"fit.{name}" for name in ("epochs", "members", "ensemble", "batch", "epoch_cases", "predict_batch", "threads", "rounds")
    ]
    faults = [f"'{name}' is {plan[name]!r}; it is at least 1" for name in counts if plan[name] < 1]
    above = [f"fit.{name}" for name in ("learning_rate", "clip", "network_share", "overhead")]
    faults += [f"'{name}' is {plan[name]!r}; it is above 0" for name in above if not plan[name] > 0]
    faults += [
        f"'fit.replanned' holds {line!r}; wanted three whole numbers: a training, an epoch from 1 on, and no fewer epochs in all"
        for line in plan.get("fit.replanned", [])
        if not _pace(line)
    ]
    if faults:
        raise PlanError("\n".join(faults))


def _pace(line: Any) -> bool:
    """Whether a line says of a training after which epoch there are how many."""
    whole = isinstance(line, list) and len(line) == 3 and all(type(value) is int for value in line)
    return whole and line[0] >= 0 and 1 <= line[1] <= line[2]


def steps_of(plan: Mapping[str, Any], cases: int) -> int:
    """Return the steps of an epoch of so many training cases."""
    return max(1, math.ceil(min(cases * plan["fit.rounds"], plan["fit.epoch_cases"]) / plan["fit.batch"]))


def wanted_epochs(plan: Mapping[str, Any], cases: int) -> int:
    """Return the epochs after which more training rarely helps: `fit.wanted`, else about 4,000 steps, 12 to 80 epochs."""
    if plan["fit.wanted"] > 0:
        return int(plan["fit.wanted"])
    steps = steps_of(plan, cases)
    return int(min(80, max(12, 4000 / steps)))


def fit_to_budget(
    plan: Plan,
    ladder: Sequence[tuple[Decision, ...]],
    *,
    seconds_per_step: Callable[[Plan], float],
    circumstances: Circumstances,
    seconds: Callable[[], float],
) -> Plan:
    """Return the plan with the size, epochs and number of networks that fit into `seconds()` of network training, what is
    left after the timings so far.

    Each rung is timed once, from small to large, until one does not fit; the largest that can train as long as it wants
    is taken, else the smallest with as many epochs as there is time for. What the user set is not touched.
    """
    settings = circumstances.settings
    steps = steps_of(plan, circumstances.cases)
    wanted = int(settings.get("fit.epochs", wanted_epochs(plan, circumstances.cases)))
    each = steps * plan["fit.overhead"] * max(circumstances.folds, plan["fit.ensemble"])  # folds are an ensemble already
    chosen, per_step = _climbed(
        plan,
        ladder,
        seconds_per_step=seconds_per_step,
        circumstances=circumstances,
        fits=lambda cost: cost * each * wanted <= seconds() * (1 + 1e-9),
    )
    cost = per_step * steps * plan["fit.overhead"]
    left = seconds()
    free = "fit.epochs" in settings
    # a rung that fits exactly must not lose an epoch to rounding
    affordable = int(left / max(cost * circumstances.folds, 1e-9) + 1e-6)
    epochs = wanted if free else max(1, min(wanted, affordable))
    most = 1 if circumstances.folds > 1 else circumstances.most
    members = max(1, min(most, affordable // max(wanted, 1)))
    why = f"{cost:.3g} s an epoch measured, {circumstances.folds} trainings, {left:.0f} s for networks"
    return chosen.with_decisions([
        Decision("fit.epochs", epochs, f"{wanted} wanted; {why}", "measured"),
        Decision("fit.members", members, f"networks per fold that differ by their seed; {why}", "measured"),
        Decision("fit.seconds", round(cost * epochs, 3), "expected of one training", "measured"),
        *_clock(left / (circumstances.folds * members), expected=cost * epochs, free=free),
        REPLANNED,
    ])  # fmt: skip


def _climbed(
    plan: Plan,
    ladder: Sequence[tuple[Decision, ...]],
    *,
    seconds_per_step: Callable[[Plan], float],
    circumstances: Circumstances,
    fits: Callable[[float], bool],
) -> tuple[Plan, float]:
    """Return the largest size whose time of a step `fits`, else the smallest, and that time.

    Networks that ask for half precision are asked for it on the first rung, and once more on the last where they had no use for it;
    those on accelerators on the last: there it is large steps that gain.
    """
    settings, free = circumstances.settings, "fit.precision" not in circumstances.settings
    asked = free and plan["fit.precision"] == "bfloat16"
    base = plan.with_decisions([_FLOAT32]) if free else plan
    chosen, cost, several = base, 0.0, False
    first = chosen
    for number, rung in enumerate(ladder or ((),)):
        # the rung's own names alone: a reading decision in `plan` joins what the user set with what was seen
        sized = base.with_decisions(rung).set_by_user({d.name: settings[d.name] for d in rung if d.name in settings})
        sized, per_step = _on_threads(sized, seconds_per_step, fixed=several or "fit.threads" in settings)
        if number == 0 and asked and circumstances.device == "cpu":
            sized, per_step = _faster_precision(sized, seconds_per_step, cost=per_step)
        if number and not fits(per_step):
            break
        chosen, cost, first = sized, per_step, sized if number == 0 else first
        # larger steps are shared and halved as smaller ones are
        base = base.with_decisions(d for d in sized.decisions if d.name == "fit.precision")
        several = sized["fit.threads"] > 1
    again = asked and chosen["fit.precision"] == "float32" and chosen is not first  # large products gain where small ones do not
    if free and (circumstances.device != "cpu" or again):
        return _faster_precision(chosen, seconds_per_step, cost=cost)
    return chosen, cost


def _clock(allowance: float, *, expected: float, free: bool) -> tuple[Decision, Decision]:
    """Return the time of one training; none where epochs were set and count alone (`free`)."""
    if free:
        told = "no clock: the epochs were set"
        return Decision("fit.allowance", 0.0, told), Decision("fit.limit", 0.0, told)
    # a machine that was busy for a while is no reason to end a training of half a second in a budget of minutes
    value = round(max(2 * expected, allowance), 3)
    return (
        Decision("fit.allowance", round(allowance, 3), "seconds of the budget for one training", "measured"),
        Decision("fit.limit", value, "seconds that end one training: twice what is expected, or its share of the budget"),
    )


def _baseline_cases(circumstances: Circumstances) -> int:
    """Return how many cases the final fit may take: 100,000 per minute, at least those that tune it."""
    return int(min(10_000_000, max(50_000, 100_000 * circumstances.budget)))


def _baseline_effort(circumstances: Circumstances) -> int:
    """Return how many settings of boosted trees there is time for; each output has at least one, whatever the budget."""
    return int(min(4, max(1, _baseline_seconds(circumstances) / _baseline_setting(circumstances))))


def _baseline_tuning(circumstances: Circumstances) -> Decision:
    """Return how the baseline of many outputs keeps to its share of the budget (docs/lab.md)."""
    share, setting, outputs = _baseline_seconds(circumstances), _baseline_setting(circumstances), circumstances.outputs
    short = SHORT_OF_CLASSES if circumstances.classes else SHORT_TUNING + CHOOSING / outputs
    value = "linear" if short * setting > share else "short" if setting > share else "whole"
    if outputs <= FEW_OUTPUTS:
        value = "whole"
    reason = {
        "whole": f"{outputs} {'output has' if outputs == 1 else 'outputs have'} each the settings that are best for it",
        "short": f"{outputs} outputs: one set of settings for all, chosen on a few, as the budget allows",
        "linear": f"{outputs} outputs: linear models that share their settings, since trees of all would not fit in the budget",
    }[value]
    return Decision("baseline.tuning", value, reason, choices=TUNINGS)


def _baseline_seconds(circumstances: Circumstances) -> float:
    return circumstances.budget * 60 * (1 - NETWORK_SHARE)


def _baseline_setting(circumstances: Circumstances) -> float:
    """Return the seconds of one setting of boosted trees: about 1 s per 2,000 cases, fold and output."""
    return circumstances.folds * max(0.4, min(circumstances.cases, 50_000) / 2000) * max(1, circumstances.outputs)


def _on_threads(plan: Plan, seconds_per_step: Callable[[Plan], float], *, fixed: bool) -> tuple[Plan, float]:
    """Return the plan with one thread or all, whichever is faster, and its time of a step.

    Steps under SHORT are not tried with more than one: handing them out takes longer, and a busy machine makes them wait.
    """
    many = int(plan["fit.threads"])
    if fixed or many == 1:
        return plan, seconds_per_step(plan)
    one = Decision("fit.threads", 1, f"one step takes less than {1000 * SHORT:.0f} ms: too short to share", "measured")
    alone = seconds_per_step(plan.with_decisions([one]))
    if alone < SHORT:
        return plan.with_decisions([one]), alone
    together = seconds_per_step(plan)
    reason = f"a step takes {1000 * alone:.3g} ms with one thread, {1000 * together:.3g} ms with {many}"
    chosen = Decision("fit.threads", many if together < alone else 1, reason, "measured")
    return plan.with_decisions([chosen]), min(alone, together)


def _faster_precision(plan: Plan, seconds_per_step: Callable[[Plan], float], *, cost: float) -> tuple[Plan, float]:
    """Return the plan in bfloat16 where a step is a tenth faster with it, and the time of a step."""
    half = plan.with_decisions([replace(_FLOAT32, value="bfloat16")])
    other = seconds_per_step(half)
    reason = f"a step takes {1000 * other:.3g} ms beside {1000 * cost:.3g} ms in float32"
    if other > 0.9 * cost:
        return plan.with_decisions([replace(_FLOAT32, reason=f"bfloat16 is not faster here: {reason}", source="measured")]), cost
    return plan.with_decisions([replace(_FLOAT32, value="bfloat16", reason=reason, source="measured")]), other


def level(ladders: Sequence[tuple[Rung, ...]], at: int) -> tuple[Decision, ...]:
    """Return the sizes of all `ladders` together at place `at`; a short ladder stays on its last rung."""
    return tuple(d for rungs in ladders if rungs for d in rungs[min(at, len(rungs) - 1)].decisions)
