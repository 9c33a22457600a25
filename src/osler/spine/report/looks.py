"""What can be looked at as a whole: where in a picture attributions lie on average, and what training does to pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osler.core.account import Account
from osler.language import Words
from osler.spine.report.numerals import count, number

SIDE = 190.0
FOR, AGAINST, STRONG = (213, 94, 0), (0, 114, 178), (90, 60, 140)  # of pictures, as in explanations of single cases


@dataclass(frozen=True, slots=True)
class Look:
    """One drawing with its title and sentences; `svg` holds no word."""

    title: str
    svg: str
    sentences: tuple[str, ...]


def looks(account: Account, said: Words) -> tuple[Look, ...]:
    """Return the drawings, none where no input can be looked at."""
    told = account.scores.explanation.get("maps") or ()
    maps = [_map(one, said) for one in told]
    trained = [
        Look(said.say("looks.training", input=name), svg, (said.say("looks.training.how"),))
        for name, svg in account.sketches.items()
    ]
    patterns = [pattern(one, said) for one in account.scores.explanation.get("recurring") or () if one.get("svg")]
    return (*maps, *patterns, *trained)


def _map(one: Mapping[str, Any], said: Words) -> Look:
    signed, strength = one["signed"], one["strength"]
    name = f"{one['target']}: {one['level']}" if one["level"] else str(one["target"])
    title = said.say("looks.map", input=str(one["input"]), target=name)
    most = max(abs(v) for row in signed for v in row) or 1.0
    how = said.say("looks.map.how", n=count(one["cases"]), most=number(most))
    svg = _cells(strength, 0.0, signs=False) + _cells(signed, SIDE + 14, signs=True)
    high = SIDE * len(strength) / len(strength[0])
    box = f'viewBox="0 0 {2 * SIDE + 14:.0f} {high:.0f}" width="{2 * SIDE + 14:.0f}" height="{high:.0f}"'
    return Look(title, f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {box} role="img">{svg}</svg>', (how,))


def pattern(one: Mapping[str, Any], said: Words) -> Look:
    """Return a recurring pattern with its name and sentences."""
    return Look(_pattern_name(one, said), str(one["svg"]), _pattern_told(one, said))


def _pattern_name(one: Mapping[str, Any], said: Words) -> str:
    """Return what a recurring pattern is called: its likest letters, its input and the answer that it speaks for or against."""
    name = f"{one['target']}: {one['level']}" if one["level"] else str(one["target"])
    side = "high" if one.get("contribution") is None else one["side"]
    return said.say(f"looks.recurring.{side}", input=str(one["input"]), target=name, consensus=str(one["consensus"]))


def _pattern_told(one: Mapping[str, Any], said: Words) -> tuple[str, ...]:
    """Return the sentences below a recurring pattern: how often it is found, what it adds, and what is known that is like it."""
    places = {"sites": count(one["sites"]), "cases": count(one["cases"]), "n": count(one["of_cases"])}
    adds = one.get("contribution")
    sentences = [said.say("looks.recurring.how", **places)]
    sentences += [
        said["looks.recurring.richer"] if adds is None else said.say("looks.recurring.adds", adds=number(adds, decimals=2))
    ]
    known = [said.say("looks.recurring.known", name=f"{k['name'] or k['identifier']} ({k['identifier']})", pearson=number(k["pearson"]),
                      q=number(k["q"])) for k in one.get("known", ())]  # fmt: skip
    sentences += [said.say("looks.recurring.none", n=count(one["of"]))] if "of" in one and not known else known
    return tuple(sentences)


def _cells(rows: Sequence[Sequence[float]], left: float, *, signs: bool) -> str:
    pitch = SIDE / len(rows[0])
    most = max(abs(v) for row in rows for v in row) or 1.0
    high = pitch * len(rows)
    ground = f'<rect x="{left:.1f}" y="0" width="{SIDE:.1f}" height="{high:.1f}" fill="rgb(245,245,245)"/>'
    return ground + "".join(
        f'<rect x="{left + pitch * j:.2f}" y="{pitch * i:.2f}" width="{pitch + 0.2:.2f}" height="{pitch + 0.2:.2f}"'
        f' fill="rgb{(FOR if value > 0 else AGAINST) if signs else STRONG}" fill-opacity="{abs(value) / most:.3f}"/>'
        for i, row in enumerate(rows)
        for j, value in enumerate(row)
    )
