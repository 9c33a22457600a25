"""A draft of a paper's methods and results, every number filled in; what only the authors know stands in brackets."""

from __future__ import annotations

from collections.abc import Iterator

from osler.core.account import Account
from osler.core.plan import Plan
from osler.language import Words, words
from osler.spine.report import data
from osler.spine.report.answer import TRACKS, asked, by_origin, found, leaks_told, predicts, routine_notes, verdict
from osler.spine.report.card import escaped
from osler.spine.report.numerals import closed, count, duration, few, number, with_interval
from osler.spine.report.question import flow_told, question_told
from osler.spine.report.table import label, primary

CASE_PARTS = ("tune", "calibrate", "test")


def write_methods(account: Account) -> str:
    """Return `methods.md` in the study's language: Markdown, every name that comes from the data escaped."""
    said = words(account.study.language)
    blocks = [f"# {said.say('methods.title')}", said.say("methods.caption")]
    blocks += [f"## {said.say('methods.head.methods')}", *(_paragraph(part, said) for part in _methods(account, said))]
    blocks += [f"## {said.say('methods.head.results')}", *(_paragraph(part, said) for part in _results(account, said))]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _methods(account: Account, said: Words) -> Iterator[list[str]]:
    if told := question_told(account, said):
        yield [*told.sentences, flow_told(account, said), *told.notes]
    yield [*_cases(account, said), *_outcome(account, said)]
    if data.external(account):
        yield [said.say(by_origin("methods.applied", account, said), asked=asked(account, said))]
    else:
        yield [*_split(account, said)]
        yield [asked(account, said), *_models(account, said)]
    compared = [said.say("methods.marks")] if data.marked_labels(account) else []
    compared += [said.say("methods.tracks")] if account.study.task == TRACKS else []
    yield [*compared, said.say("methods.measures"), *routine_notes(account, said)]


def _cases(account: Account, said: Words) -> Iterator[str]:
    used, refused, left = data.cases(account), data.refused(account), data.left_out(account)
    yield said.say("methods.rows", rows=count(used + refused + left), used=count(used))
    if left:
        yield said.say("data.left", n=count(left))
    if refused:
        reasons = [said.say("methods.reason", n=count(n), reason=said[sentence]) for _, sentence, n in data.refusals(account)[:5]]
        yield said.say("methods.refused", n=count(refused), reasons=said.say("list.clause").join(reasons))
    groups, column = account.counts.get("groups"), account.study.roles.group
    if groups and column:
        yield said.say("methods.groups", n=count(groups), column=column)


def _outcome(account: Account, said: Words) -> Iterator[str]:
    marked = bool(data.marked_labels(account))
    for one in data.outcome(account):
        told = [(c, c.cases, c.share) for c in one.categories]
        yield said.say("methods.outcome.marks" if marked else "methods.outcome", target=one.name, classes=_classes(told, said))
        now = [(c, c.tested, c.tested_share) for c in one.categories if c.tested is not None]
        if now:
            key = "methods.outcome.marks.tested" if marked else by_origin("methods.outcome.tested", account, said)
            yield said.say(key, classes=_classes(now, said))
    spread = {(target, what): (before, now) for target, what, before, now in data.spread(account)}
    for target in dict.fromkeys(target for target, _ in spread):
        mean, sd = spread.get((target, "mean")), spread.get((target, "sd"))
        if mean and sd:
            yield said.say("methods.number", target=target, mean=number(mean[0]), sd=number(sd[0]))
            if mean[1] is not None and sd[1] is not None:
                key = by_origin("methods.number.tested", account, said)
                yield said.say(key, target=target, mean=number(mean[1]), sd=number(sd[1]))


def _classes(told: list[tuple[data.Category, int, float]], said: Words) -> str:
    parts = (
        said.say("methods.class", name=c.name or said.say("outcome.pooled", n=c.pooled), told=few(cases, part, said))
        for c, cases, part in told
    )
    return said.say("list.comma").join(parts)


def _split(account: Account, said: Words) -> Iterator[str]:
    yield closed(said[account.split], said)
    for warning in leaks_told(account, said):
        yield from (warning.title, *(closed(sentence, said) for sentence in warning.sentences))
    parts = {part.name: count(part.cases) for part in data.parts(account)}
    others = [said.say("methods.part", part=said.say(f"split.{p}"), n=parts[p]) for p in CASE_PARTS if p in parts]
    if others:
        yield said.say("methods.parts", training=parts.get("training", "0"), others=said.say("list.comma").join(others))


def _models(account: Account, said: Words) -> Iterator[str]:
    plan = account.plan
    versions = said.say("list.comma").join(f"{name} {version}" for name, version in account.versions.items())
    minutes = duration(60 * account.study.budget, said)
    yield said.say("methods.models", versions=versions, budget=minutes, seed=account.study.seed)
    if all(f"fit.{name}" in plan for name in ("epochs", "learning_rate", "batch", "weight_decay", "ema")):
        yield said.say("methods.fit", **_fitting(plan, said))
    yield from (closed(said[member], said) for member in account.members)
    yield said.say(by_origin("methods.output", account, said))


def _fitting(plan: Plan, said: Words) -> dict[str, str]:
    rate, decay = (f"{plan[f'fit.{name}']:g}" for name in ("learning_rate", "weight_decay"))
    return {"epochs": _epochs(plan, said), "batch": count(plan["fit.batch"]), "rate": rate, "decay": decay,
            "ema": f"{plan['fit.ema']:g}"}  # fmt: skip


def _epochs(plan: Plan, said: Words) -> str:
    """Return how many epochs networks had: from the fewest to the most, where some were planned anew."""
    planned, last = int(plan["fit.epochs"]), {which: total for which, _, total in plan.get("fit.replanned", [])}
    trainings = int(plan.get("split.folds", 1)) * int(plan.get("fit.members", 1))
    each = [last.get(number, planned) for number in range(trainings)]
    low, high = count(min(each)), count(max(each))
    return low if low == high else said.say("interval.ends", low=low, high=high)


def _results(account: Account, said: Words) -> Iterator[list[str]]:
    yield [found(account, said), *_others(account, said)]
    compared = verdict(account, said) if account.scores.verdict else ()
    yield [*compared, predicts(account, said)]


def _others(account: Account, said: Words) -> Iterator[str]:
    first = primary(account)
    values = [
        said.say("methods.value", measure=label(name, said), value=with_interval(value, said))
        for name, value in account.scores.test.items()
        if name != first
    ]
    if values:
        yield said.say("methods.values", values=said.say("list.clause").join(values))


def _paragraph(sentences: list[str], said: Words) -> str:
    return escaped(said.say("list.sentence").join(sentence for sentence in sentences if sentence))
