"""The model card: what the model is for, what it was made from, how good it is, and what it does not show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from osler.core.account import Account
from osler.language import Words, words
from osler.spine.report import data
from osler.spine.report.answer import answer, by_origin, warnings
from osler.spine.report.drift import drift_told
from osler.spine.report.inputs import InputTable, inputs
from osler.spine.report.numerals import NONE, closed, columns, count, few, number, with_interval
from osler.spine.report.page import limits
from osler.spine.report.panels import brief_tables
from osler.spine.report.question import flow_told, question_told
from osler.spine.report.sample import sample_told
from osler.spine.report.table import PARTS, label, score_table
from osler.spine.report.tripod import items

MOST_NAMED = 30  # columns named in the card; the report lists them all


def write_card(account: Account) -> str:
    """Return `card.md` in the study's language: Markdown in which every name that comes from the data is escaped."""
    said = words(account.study.language)
    blocks = [
        *_head(account, said),
        *_use(said),
        *_question(account, said),
        *_data(account, said),
        *_scores(account, said),
        *_drift(account, said),
    ]
    blocks += [*_sample(account, said), *_limits(account, said)]
    return "\n\n".join([*blocks, *_reporting(account, said), *_versions(account, said)]) + "\n"


def escaped(text: str) -> str:
    """Return `text` so that Markdown shows it as it is: no markup, no HTML, no break of line or table."""
    # a line break and its kin would end a table's row; a bare address becomes a link, and some signs matter at the start only
    flat = " ".join(text.split())
    marked = re.sub(r"([\\`*_\[\]<>|~&$])", r"\\\1", flat).replace("://", "\\://").replace("www.", "www\\.")
    return re.sub(r"^([#+=-]|\d+(?=[.)](?:\s|$)))", lambda m: f"\\{m[0]}" if not m[0].isdigit() else f"{m[0]}\\", marked)


def _head(account: Account, said: Words) -> list[str]:
    first, joint = answer(account, said), said.say("list.sentence")
    lines = [f"# {escaped(first.title)}", escaped(first.asked), f"**{escaped(first.found)}**"]
    lines += [escaped(joint.join(s for s in (*first.verdict, first.predicts) if s))]
    cautions = [joint.join([w.title, *(closed(s, said) for s in w.sentences)]) for w in warnings(account, said)]
    return [*lines, f"## {said.say('section.warnings')}", _bullets(cautions)] if cautions else lines


def _use(said: Words) -> list[str]:
    return [f"## {said.say('card.use')}", _bullets(said.say(f"card.use.{key}") for key in ("for", "by", "not", "authors"))]


def _question(account: Account, said: Words) -> list[str]:
    told = question_told(account, said)
    if told is None:
        return []
    flow = flow_told(account, said)
    return [f"## {said.say('section.question')}", _bullets([*told.sentences, *([flow] if flow else []), *told.notes])]


def _data(account: Account, said: Words) -> list[str]:
    facts = [said.say("card.cases", used=count(data.cases(account)), refused=count(data.refused(account)))]
    facts += [said.say("card.part", part=said.say(f"split.{p.name}"), n=count(p.cases)) for p in data.parts(account)]
    facts += [closed(said[account.split], said)] if account.split else []
    for one in (c for o in data.outcome(account) for c in o.categories):
        name = said.say("outcome.pooled", n=one.pooled) if one.pooled else one.name
        facts.append(said.say("card.outcome", name=name, told=few(one.cases, one.share, said)))
        if one.tested is not None:
            now = few(one.tested, one.tested_share, said)
            facts.append(said.say(by_origin("card.outcome.tested", account, said), name=name, told=now))
    facts += _spread(account, said)
    facts += [_named(table, said) for table in inputs(account, said)]
    return [f"## {said.say('section.data')}", _bullets(facts)]


def _spread(account: Account, said: Words) -> Iterator[str]:
    for name, what, value, now in data.spread(account):
        yield said.say("card.spread", target=name, what=said[what], value=number(value))
        if now is not None:
            yield said.say(by_origin("card.spread.tested", account, said), target=name, what=said[what], value=number(now))


def _named(table: InputTable, said: Words) -> str:
    names = data.listed([c.name for c in table.columns], said, most=MOST_NAMED)
    return said.say("card.input", name=table.name, modality=table.modality, columns=columns(table.total, said), names=names)


def _scores(account: Account, said: Words) -> list[str]:
    parts = [p for p in PARTS if getattr(account.scores, p)]
    head = [said.say("scores.measure"), *(said.say(f"part.{p}") for p in parts)]
    rows = []
    found = score_table(account, said)
    for row in found.rows:
        values = [getattr(account.scores, p).get(row.name) for p in parts]
        rows.append([label(row.name, said), *(with_interval(v, said) if v else NONE for v in values)])
    table = (
        [_table(head, rows), said.say(by_origin("scores.caption", account, said))]
        if rows
        else [said.say("answer.none", n=count(data.test_cases(account)))]
    )
    trained = [said.say("scores.members") + ":", _bullets(said[m] for m in account.members)] if account.members else []
    left = [found.left] if found.left else []
    return [f"## {said.say('section.scores')}", *table, *left, *trained, *_panels(account, said)]


def _panels(account: Account, said: Words) -> list[str]:
    return [part for title, head, rows in brief_tables(account, said) for part in (f"### {escaped(title)}", _table(head, rows))]


def _drift(account: Account, said: Words) -> list[str]:
    told = drift_told(account.drift, said)
    if told is None:
        return []
    return [f"## {said.say('section.drift')}", _bullets([told.summary, *told.outcome, *told.sentences])]


def _sample(account: Account, said: Words) -> list[str]:
    told = sample_told(account.sample, said)
    return [f"## {said.say('section.sample')}", _bullets(told)] if told else []


def _limits(account: Account, said: Words) -> list[str]:
    return [f"## {said.say('section.limits')}", _bullets(limits(account, said))]


def _reporting(account: Account, said: Words) -> list[str]:
    head = [said.say(f"tripod.head.{part}") for part in ("item", "topic", "state", "section")]
    rows = [
        [
            i.number,
            said.say(f"tripod.{i.number}"),
            said.say(f"tripod.state.{i.state}"),
            said.say(f"section.{i.section}") if i.section else NONE,
        ]
        for i in items(account)
    ]
    return [f"## {said.say('section.tripod')}", said.say("tripod.caption"), _table(head, rows)]


def _versions(account: Account, said: Words) -> list[str]:
    told = [f"{name} {version}" for name, version in account.versions.items()]
    return [f"## {said.say('section.versions')}", _bullets(told)] if told else []


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
