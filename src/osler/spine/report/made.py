"""The report, card and page of cases of what makes or represents: the sections of its judgement, with data, plan and limits."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from osler.core.account import Account
from osler.core.judgement import Section
from osler.core.made import MadeAccount
from osler.core.scores import Scores
from osler.language import Words, words
from osler.spine.report import data, numerals
from osler.spine.report.answer import Warn, leaks_told
from osler.spine.report.card import escaped
from osler.spine.report.drawing import Drawing, draw
from osler.spine.report.page import HTML_LANGUAGE, ways
from osler.spine.report.panels import PanelTable, panel_table
from osler.spine.report.plan import grouped, set_by_user
from osler.spine.report.template import style, template

LIMITS = ("limit.research", "limit.device", "made.limit.interval", "made.limit.transport")


@dataclass(frozen=True, slots=True)
class Told:
    """A section ready to be shown: words in the reader's language, images in base64."""

    name: str
    title: str
    text: tuple[str, ...]
    panels: tuple[PanelTable, ...]
    figures: tuple[Drawing, ...]
    drawings: tuple[str, ...]
    images: tuple[tuple[str, str], ...]


def documents_of(account: MadeAccount) -> dict[str, str]:
    """Return everything that is written of a training that makes, by file name."""
    return {
        "scores.json": json.dumps(account.numbers(), indent=1, ensure_ascii=False),
        "report.html": write_report(account),
        "card.md": write_card(account),
    }


def write_report(account: MadeAccount) -> str:
    """Return the report as one HTML page in the study's language: aggregates, and what was made."""
    said = words(account.study.language)
    plain = _plain(account)
    content = {
        "account": account,
        "language": HTML_LANGUAGE[said.language],
        "style": style(),
        "title": title_of(account, said),
        "kind": said[f"task.{account.study.task}"],
        "asked": _asked(account, said),
        "found": said[account.judgement.headline],
        "warnings": _warnings(account, said),
        "about": _about(account, said),
        "parts": data.parts(plain),
        "outcome": data.outcome(plain),
        "label": _label(account, said),
        "refusals": data.refusals(plain),
        "sections": tuple(told(section, said) for section in account.judgement.sections),
        "limits": _limits(account, said),
        "plan": grouped(account.plan, said),
        "chosen": set_by_user(account.plan, said),
        "total_time": sum(account.timing.values()),
    }
    return template("made.html.jinja").render(**content, **ways(said))


def write_cases(sections: Sequence[Section], *, title: str, language: str) -> str:
    """Return the page of single cases beside a bundle: it is the user's own."""
    said = words(language)
    content = {"language": HTML_LANGUAGE[said.language], "style": style(), "title": title}
    return template("made_cases.html.jinja").render(**content, sections=tuple(told(s, said) for s in sections), **ways(said))


def write_card(account: MadeAccount) -> str:
    """Return `card.md` in the study's language."""
    said = words(account.study.language)
    blocks = [f"# {escaped(title_of(account, said))}", escaped(_asked(account, said))]
    blocks += [f"**{escaped(said[account.judgement.headline])}**"]
    cautions = [" ".join([w.title, *w.sentences]) for w in _warnings(account, said)]
    blocks += [f"## {said.say('section.warnings')}", _bullets(cautions)] if cautions else []
    blocks += [f"## {said.say('card.use')}", _bullets(said.say(f"card.use.{key}") for key in ("for", "by", "not", "authors"))]
    blocks += [f"## {said.say('section.data')}", escaped(said.say("list.sentence").join(_about(account, said)))]
    for section in account.judgement.sections:
        blocks += [f"## {escaped(said[section.title])}", *(escaped(said[text]) for text in section.text)]
        blocks += [block for panel in section.panels for block in _table(panel_table(panel, said), said)]
    return "\n\n".join([*blocks, f"## {said.say('section.limits')}", _bullets(_limits(account, said))]) + "\n"


def told(section: Section, said: Words) -> Told:
    """Return a section in the reader's words."""
    full = (figure.to_dict() for figure in section.figures)
    return Told(
        name=section.name,
        title=said[section.title],
        text=tuple(said[text] for text in section.text),
        panels=tuple(panel_table(panel, said) for panel in section.panels),
        figures=tuple(draw(figure, said) for figure in full if figure.get("series") or figure.get("heat")),
        drawings=section.drawings,
        images=tuple((said[caption], base64.b64encode(png).decode()) for caption, png in section.images),
    )


def title_of(account: MadeAccount, said: Words) -> str:
    """Return the study's title, or what is made."""
    return account.study.title or said.say(f"made.title.{account.study.task}")


def _plain(account: MadeAccount) -> Account:
    """Return the account as that of a training without scores, for what both reports tell alike."""
    return Account(
        study=account.study, plan=account.plan, scores=Scores({}, {}, {}, None, account.counts), target=account.info,
        facts=account.facts, split=account.split, counts=account.counts, refused=account.refused, leaks=account.leaks,
        versions=account.versions, timing=account.timing,
    )  # fmt: skip


def _asked(account: MadeAccount, said: Words) -> str:
    study = account.study
    names = numerals.columns(sum(len(one.columns) for one in study.inputs), said)
    kinds = said.say("list.comma").join(dict.fromkeys(said.get(f"modality.{i.modality}", i.modality) for i in study.inputs))
    asked = said.say(f"made.asked.{study.task}", columns=names, modalities=kinds)
    read = {column for one in study.inputs for column in one.columns}  # a target may be an input
    targets = said.say("list.comma").join(name for name in study.targets if name not in read)
    return asked if not targets else said.say("list.sentence").join([asked, said.say("made.asked.target", targets=targets)])


def _about(account: MadeAccount, said: Words) -> list[str]:
    plain = _plain(account)
    used, refused, left = data.cases(plain), data.refused(plain), data.left_out(plain)
    counts = {"rows": numerals.count(used + refused + left), "used": numerals.count(used), "refused": numerals.count(refused)}
    parts = [said.say("data.rows", **counts)]
    parts += [said.say("data.left", n=numerals.count(left))] if left else []
    groups = account.counts.get("groups")
    parts += [said.say("data.groups", n=numerals.count(groups))] if groups else []
    return [*parts, numerals.closed(said[account.split], said)] if account.split else parts


def _label(account: MadeAccount, said: Words) -> str:
    if not account.info.get("names"):
        return said.say("made.label.none")
    return said.say("made.label.numbers", names=said.say("list.comma").join(map(str, account.info["names"])))


def _warnings(account: MadeAccount, said: Words) -> tuple[Warn, ...]:
    own = tuple(Warn("warn", said[sentence], ()) for sentence in account.judgement.warnings)
    group = () if account.study.roles.group else (Warn("note", said.say("warn.group"), (said.say("warn.group.why"),)),)
    return (*leaks_told(_plain(account), said), *own, *group)


def _limits(account: MadeAccount, said: Words) -> tuple[str, ...]:
    return (*(said.say(name) for name in LIMITS), *(said[note] for note in account.judgement.notes))


def _table(table: PanelTable, said: Words) -> Iterator[str]:
    if not table.rows:
        return
    head = (said.say("panels.row"), *table.measures)
    lines = [(row.label, *(f"{c.value} ({c.interval})" if c.interval else c.value for c in row.cells)) for row in table.rows]
    rows = [head, tuple("---" for _ in head), *lines]
    yield "\n".join("| " + " | ".join(part if part == "---" else escaped(part) for part in row) + " |" for row in rows)


def _bullets(sentences: Any) -> str:
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)
