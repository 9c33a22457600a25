"""The report: one HTML page that needs nothing else, not even a script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osler.core.account import Account
from osler.language import Words, words
from osler.spine.report import data, numerals
from osler.spine.report.adding import adding
from osler.spine.report.answer import HOLDS, ROUTINE, answer, by_origin, warnings
from osler.spine.report.assay import assay
from osler.spine.report.drawing import Drawing, draw
from osler.spine.report.drift import drift_told
from osler.spine.report.inputs import inputs
from osler.spine.report.looks import looks
from osler.spine.report.overall import overall
from osler.spine.report.panels import forests, further, subgroups
from osler.spine.report.plan import grouped, set_by_user
from osler.spine.report.question import question_told
from osler.spine.report.sample import sample_told
from osler.spine.report.table import score_table
from osler.spine.report.template import style, template
from osler.spine.report.tripod import items

LIMITS = ("research", "device", "interval", "cause")
HTML_LANGUAGE = {"en": "en", "zh": "zh-Hans"}


def write_report(account: Account) -> str:
    """Return the report as one HTML page in the study's language.

    It holds aggregates only. Every name that comes from the data is escaped. Raises RequestError for a language that
    Osler has no words in.
    """
    said = words(account.study.language)
    return template("page.html.jinja").render(**_content(account, said), **ways(said))


def drawings(account: Account, said: Words) -> tuple[Drawing, ...]:
    """Return the figures that hold something to draw."""
    curves = account.scores.curves.items()
    classes = data.classes_of(account)
    full = ({"name": name, **f} for name, f in curves if isinstance(f, Mapping) and (f.get("series") or f.get("heat")))
    return tuple(draw(_with_classes(f, classes), said) for f in full)


def _with_classes(figure: dict[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """A matrix over numbered classes gets their names: who reads "2" as a class must count."""
    numbered = list(range(len(classes) + 1))
    if not classes or list(figure.get("x_edges") or ()) != numbered or list(figure.get("y_edges") or ()) != numbered:
        return figure
    return {**figure, "x_edges": classes, "y_edges": classes}


def limits(account: Account, said: Words) -> tuple[str, ...]:
    """Return what the report does not show, as sentences."""
    group = account.study.roles.group
    own = (
        [said.say("limit.group.known", group=group)]
        if group
        else [said.say("limit.group.none")]
        if data.ungrouped(account)
        else []
    )
    external = data.external(account)
    names = [*LIMITS, "external" if external else "transport"]
    names += ["threshold"] if account.study.task == "classification" else []
    return (*(said.say(by_origin(f"limit.{name}", account, said)) for name in names), *([] if external else own))


def _content(account: Account, said: Words) -> dict[str, Any]:
    first = answer(account, said)
    return {
        "account": account,
        "language": HTML_LANGUAGE[said.language],
        "style": style(),
        "answer": first,
        "forest": draw(first.forest, said) if first.forest else None,
        "warnings": warnings(account, said),
        "parts": () if data.external(account) else data.parts(account),
        "refusals": data.refusals(account),
        "outcome": data.outcome(account),
        "outcome_pooled": any(c.pooled for o in data.outcome(account) for c in o.categories),
        "spread": data.spread(account),
        "positive": _positive(account, said),
        "tested_key": by_origin("data.outcome.tested", account, said),
        "about": _about(account, said),
        "how": (said.say(by_origin("scores.caption", account, said)), *_threshold(account, said), *_intervals(account, said)),
        "scores": score_table(account, said),
        "figures": drawings(account, said),
        "adding": adding(account, said),
        "explanation": overall(account.scores.explanation, said),
        "looks": looks(account, said),
        "further": further(account, said),
        "subgroups": subgroups(account, said),
        "forests": forests(account, said),
        "inputs": inputs(account, said),
        "plan": grouped(account.plan, said),
        "chosen": set_by_user(account.plan, said),
        "limits": limits(account, said),
        "drift": drift_told(account.drift, said),
        "sample": sample_told(account.sample, said),
        "question": question_told(account, said),
        "tripod": items(account),
        "total_time": sum(account.timing.values()),
    }


def _about(account: Account, said: Words) -> list[str]:
    used, refused, groups = data.cases(account), data.refused(account), account.counts.get("groups")
    left = data.left_out(account)
    told = {"rows": numerals.count(used + refused + left), "used": numerals.count(used), "refused": numerals.count(refused)}
    parts = [said.say("data.rows", **told)]
    parts += [said.say("data.left", n=numerals.count(left))] if left else []
    parts += [said.say("data.groups", n=numerals.count(groups))] if groups else []
    parts += assay(account, said)
    return [*parts, numerals.closed(said[account.split], said)] if account.split else parts


def _threshold(account: Account, said: Words) -> tuple[str, ...]:
    """Return at which threshold measures of decisions were taken, where there is one outcome of two classes."""
    panel = next((panel for panel in account.scores.panels if panel.name == "operating_points"), None)
    row = next((row for row in panel.rows if row.label == "in use"), None) if panel else None
    if row is None or not isinstance(row.about.get("threshold"), float):
        return ()
    return (said.say("scores.threshold", value=numerals.number(row.about["threshold"]), how=said[str(row.about.get("how", ""))]),)


def _intervals(account: Account, said: Words) -> tuple[str, ...]:
    """Return how intervals were made, without what the caption says already."""
    return tuple(said[n] for n in account.scores.notes if n.startswith(ROUTINE) and not n.startswith(HOLDS))


def _positive(account: Account, said: Words) -> str:
    """Return what counts as having the outcome, where there are two classes."""
    positive = account.target.get("positive")
    if account.target.get("kind") != "binary" or not isinstance(positive, str):
        return ""
    return said.say("data.positive", target=account.study.targets[0], name=positive)


def ways(said: Words) -> dict[str, Any]:
    """Return how templates say words and numbers."""
    return {
        "say": said.say,
        "word": lambda text: said[str(text)],
        "number": numerals.number,
        "count": numerals.count,
        "share": numerals.share,
        "few": lambda cases, part: numerals.few(cases, part, said),
        "columns": lambda total: numerals.columns(total, said),
        "duration": lambda seconds: numerals.duration(seconds, said),
    }
