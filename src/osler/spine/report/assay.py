"""What a report says of values as assays give them: bounds, several measurements of one molecule, structural alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osler.core.account import Account
from osler.core.target import target_labels
from osler.language import Words
from osler.spine.report.data import external
from osler.spine.report.numerals import count, number


def assay(account: Account, said: Words) -> list[str]:
    """Return the sentences, none where there is nothing of the kind."""
    facts = account.tested if external(account) else account.facts.get("target", {})
    trained = () if external(account) else (*_repeated(account, said), *_alerts(account, said))
    return [*_bounds(account, facts, said), *trained]


def _alerts(account: Account, said: Words) -> Iterator[str]:
    """Say how many molecules have structural alerts."""
    for one in account.study.inputs:
        found = account.facts.get(one.name, {}).get("alerts") or {}
        if found.get("looked"):
            sets = {name.lower(): count(n) for name, n in found["sets"].items()}
            yield said.say("data.alerts", n=count(found["looked"]), some=count(found["any"]), **sets)


def _bounds(account: Account, facts: Mapping[str, Any], said: Words) -> Iterator[str]:
    """Say of how many values only a bound is known, and what became of these."""
    if found := facts.get("bounds"):
        below, above = (sum(int(one[side]) for one in found) for side in range(2))
        exact = sum(int(n) for n in facts["cases"])
        key = "data.bounds.external" if external(account) else "data.bounds"
        yield said.say(key, n=count(below + above), below=count(below), above=count(above), exact=count(exact))


def _repeated(account: Account, said: Words) -> Iterator[str]:
    """Say how far several measurements of one molecule or sequence lie apart, and what they weigh."""
    for one in account.study.inputs:
        facts = account.facts.get(one.name, {})
        spread = facts.get("replicates") or {}
        places = [at for at, n in enumerate(spread.get("molecules", ())) if n and spread["sd"][at] is not None]
        for at in places:
            told = {name: count(spread[name][at]) for name in ("molecules", "rows")}
            told |= {name: number(spread[name][at]) for name in ("sd", "median")}
            yield said.say("data.replicates", target=target_labels(account.target)[at], **told)
        if not spread and facts.get("repeated"):
            yield said.say("data.repeated", n=count(facts["repeated"]))
            if facts.get("conflicting"):
                yield said.say("data.conflicting", m=count(facts["conflicting"]))
        if (places or facts.get("repeated")) and "target.replicates" in account.plan:
            yield said.say(f"data.replicates.{account.plan['target.replicates']}")
