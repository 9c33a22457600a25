"""Any panel as a table: a line per operating point, subgroup, level or site, a column per measure; subgroups as a forest too."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from osler.core.account import Account
from osler.core.panel import Panel, Row
from osler.language import Words
from osler.spine.report.forest import Line, draw_forest
from osler.spine.report.numerals import NONE, count, number, with_interval
from osler.spine.report.table import Cell, cell, hint, label, letter, primary

SUBGROUP = "subgroup"
OWN_KINDS = {"missing": "subgroup.missing", "pooled": "outcome.pooled"}  # labels that do not come from the data
MOST_IN_CARD = 4
OPEN_UP_TO = 4  # panels of one kind; more are folded


@dataclass(frozen=True, slots=True)
class PanelRow:
    """One line: its label, a remark below it, the number of cases, what is known about it, its measures."""

    label: str
    remark: str
    cases: str
    facts: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class PanelTable:
    """One panel ready to be shown; `name` is its key in scores.json, `counted` whether its rows rest on different cases."""

    name: str
    title: str
    caption: str
    counted: bool
    facts: tuple[str, ...]
    measures: tuple[str, ...]
    rows: tuple[PanelRow, ...]
    footnotes: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    opened: bool


@dataclass(frozen=True, slots=True)
class Forest:
    """A forest plot of the subgroups by one measure."""

    title: str
    svg: str
    reading: str


def further(account: Account, words: Words) -> tuple[PanelTable, ...]:
    """Return every panel but those of subgroups."""
    found = [panel for panel in account.scores.panels if not _parted(panel)]
    return tuple(panel_table(p, words, opened=len(found) <= OPEN_UP_TO) for p in found)


def subgroups(account: Account, words: Words) -> tuple[PanelTable, ...]:
    """Return the panels of subgroups."""
    found = [panel for panel in account.scores.panels if _parted(panel)]
    return tuple(panel_table(p, words, opened=len(found) <= OPEN_UP_TO) for p in found)


def forests(account: Account, words: Words) -> tuple[Forest, ...]:
    """Return the subgroups drawn by the primary measure and by calibration in the large, where there are any."""
    panels = [panel for panel in account.scores.panels if _parted(panel) and panel.rows]
    known = {name for panel in panels for row in panel.rows for name in row.values}
    names = [name for name in (primary(account), "calibration_intercept") if name in known and name is not None]
    return tuple(_forest(account, panels, name, words) for name in names)


def panel_table(panel: Panel, words: Words, *, opened: bool = True) -> PanelTable:
    """Return any panel as a table; what of `about` has a word `about.<key>` gets a column of its own."""
    facts = [k for k in dict.fromkeys(k for row in panel.rows for k in row.about) if f"about.{k}" in words]
    names = list(dict.fromkeys(name for row in panel.rows for name in row.values))
    notes = dict.fromkeys(value.note for row in panel.rows for value in row.values.values() if value.note)
    letters = {note: letter(at) for at, note in enumerate(notes)}
    head, title = _head(panel.name), panel_title(panel.name, words)
    return PanelTable(
        name=panel.name,
        title=title,
        caption=words.get(f"panel.{head}.caption", ""),
        counted=len({row.cases for row in panel.rows}) > 1,
        facts=tuple(words[f"about.{key}"] for key in facts),
        measures=tuple(label(name, words) for name in names),
        rows=tuple(_row(panel, row, facts, names, words=words, letters=letters) for row in panel.rows),
        footnotes=tuple((letters[note], words[note]) for note in notes),
        notes=tuple(words[note] for note in panel.notes),
        opened=opened,
    )


def panel_title(name: str, words: Words) -> str:
    """Return what a panel is called: `subgroup.sex` by the word `panel.subgroup` with the name `sex` in it."""
    head, tail = _head(name), name.partition(".")[2]
    known = words.get(f"panel.{head}", head.replace("_", " "))
    return words.say("measure.of", measure=known, name=tail) if tail else known


def row_label(panel: Panel, row: Row, words: Words) -> str:
    """Return a row's name. Names of categories come from the data and are never translated."""
    kind = str(row.about.get("kind", ""))
    if kind in OWN_KINDS:
        return words.say(OWN_KINDS[kind], n=row.about.get("categories", 0)) if kind == "pooled" else words.say(OWN_KINDS[kind])
    return row.label if _parted(panel) and kind == "category" else words[row.label]


def _row(
    panel: Panel, row: Row, facts: Sequence[str], names: Sequence[str], *, words: Words, letters: Mapping[str, str]
) -> PanelRow:
    return PanelRow(
        label=row_label(panel, row, words),
        remark=words[str(row.about["how"])] if row.about.get("how") else "",
        cases=count(row.cases),
        facts=tuple(_fact(row.about.get(key)) for key in facts),
        cells=tuple(cell(row.values.get(name), words, letters) for name in names),
    )


def _fact(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "✓", False: NONE, None: NONE}[value]
    if isinstance(value, int):
        return count(value)
    return number(value) if isinstance(value, float) else str(value)


def _parted(panel: Panel) -> bool:
    return _head(panel.name) == SUBGROUP


def _head(name: str) -> str:
    return name.partition(".")[0]


def _forest(account: Account, panels: Sequence[Panel], name: str, words: Words) -> Forest:
    whole = account.scores.test.get(name)
    lines = [Line(words.say("forest.all"), value=whole, cases=account.scores.counts.get("cases"))] if whole else []
    for panel in panels:
        lines.append(Line(panel.name.partition(".")[2], heading=True))
        lines += [Line(row_label(panel, row, words), value=row.values.get(name), cases=row.cases) for row in panel.rows]
    ideal = {"calibration_intercept": 0.0, "calibration_slope": 1.0}.get(name)
    title = label(name, words)
    reading = words.say("forest.ideal" if ideal is not None else "forest.reading")
    at = whole.value if whole and math.isfinite(whole.value) else None
    svg = draw_forest(lines, whole=at if ideal is None else ideal, title=words.say("forest.title", measure=title))
    return Forest(title, svg, words.say("list.sentence").join(part for part in (hint(name, words), reading) if part))


def brief_tables(account: Account, words: Words) -> tuple[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]], ...]:
    """Return title, head and lines of every panel with rows for the card: its first measures alone."""
    found = []
    for panel in account.scores.panels:
        table = panel_table(panel, words)
        names = list(dict.fromkeys(name for row in panel.rows for name in row.values))[:MOST_IN_CARD]
        if table.rows:
            counted = (words.say("data.cases"),) if table.counted else ()
            head = (words.say("panels.row"), *counted, *table.facts, *table.measures[:MOST_IN_CARD])
            told = [[with_interval(row.values[n], words) if n in row.values else NONE for n in names] for row in panel.rows]
            lines = (
                (row.label, *((row.cases,) if counted else ()), *row.facts, *cells)
                for row, cells in zip(table.rows, told, strict=True)
            )
            found.append((table.title, head, tuple(lines)))
    return tuple(found)
