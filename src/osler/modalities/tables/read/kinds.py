"""From what a survey counted to the kind of each column. Rules only: no cell is looked at here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osler.core.errors import PlanError, did_you_mean
from osler.core.names import names_identifier
from osler.core.plan import Decision
from osler.modalities.tables.case import KINDS, LEFT_OUT
from osler.modalities.tables.read.cells import DECIMAL, THOUSANDS, is_text
from osler.modalities.tables.read.survey import MOST, Survey

# 19 of 20 cells: a column of numbers holds a few "<5" and "haemolysed"; a column of codes, some of which look like numbers, is
# below (measured in the MIMIC-III demo: ICD-9 diagnoses 0.89, the results of all laboratory tests together 0.88).
SHARE = 0.95
PADDED = 0.01  # more numbers than this with a zero in front are codes (ICD-9 diagnoses 0.04, doses mistyped as "05" 0.001)
LONG = 40  # bytes a cell: in MIMIC-III the longest categories have 30 in the mean (CPT sections), titles of diagnoses 55


@dataclass(frozen=True, slots=True)
class _Column:
    """The counts of one column."""

    name: str
    kind: Any
    rows: int
    low: float
    high: float
    different: int
    followed: int
    count: Mapping[str, int]

    def most(self, number: int) -> bool:
        return number >= SHARE * self.count["cells"]

    @property
    def constant(self) -> bool:
        full = self.count["cells"] == self.rows
        return full and (self.low == self.high if self.count["numbers"] == self.rows else self.different == 1)

    @property
    def unique(self) -> bool:
        return self.different == self.followed and self.followed >= 10


def decide(seen: Survey, *, settings: Mapping[str, Any]) -> tuple[Decision, ...]:
    """Return the decisions `kinds`, `left_out`, `commas` and `dates`, with the user's own in their place.

    Raises PlanError for a column or a value that does not exist.
    """
    user = _checked(settings, names=seen.names)
    columns = _columns(seen)
    commas = _commas(columns) | user["commas"]
    orders = {c.name: order for c in columns if (order := _order(c))} | user["dates"]
    kinds: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for column in columns:
        kind, reason = _kind(column, comma=commas.get(column.name), order=orders.get(column.name))
        if column.name in user["kinds"]:
            kind, reason = user["kinds"][column.name], "set by the user"
        kinds[column.name] = kind
        if kind in LEFT_OUT:
            reasons[column.name] = reason
    commas = {name: comma for name, comma in commas.items() if kinds[name] == "number"}
    orders = {name: order for name, order in orders.items() if kinds[name] == "date"}
    return (
        Decision("kinds", kinds, _summary(kinds, columns), "user" if user["kinds"] else "headers"),
        Decision("left_out", reasons, "columns that tell nothing about a case that is not in the table, and why", "headers"),
        Decision("commas", commas, "what a comma in a number means, where one is written", "headers"),
        Decision("dates", orders, "whether day or month comes first, where only some cells show it", "headers"),
    )


def _checked(settings: Mapping[str, Any], *, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    wanted = {"kinds": KINDS, "commas": (DECIMAL, THOUSANDS), "dates": ("dmy", "mdy")}
    known, faults = set(names), []
    for setting, values in wanted.items():
        given = settings.get(setting, {})
        if not isinstance(given, Mapping):
            faults.append(f"'{setting}' must map columns to {_listed(values)}; it is a {type(given).__name__}")
            continue
        faults += [f"'{setting}': no column '{c}' in this input{did_you_mean(str(c), names)}" for c in given if c not in known]
        faults += [
            f"'{setting}': column '{c}' cannot be {v!r}{did_you_mean(str(v), values)}"
            for c, v in given.items()
            if v not in values
        ]
    if faults:
        raise PlanError("\n".join(faults))
    return {setting: dict(settings.get(setting, {})) for setting in wanted}


def _listed(values: tuple[str, ...]) -> str:
    return "one of " + ", ".join(f"'{v}'" for v in values)


def _columns(seen: Survey) -> list[_Column]:
    names = list(seen.counts)
    counts = zip(*(seen.counts[n].tolist() for n in names), strict=True)
    rest = zip(seen.low.tolist(), seen.high.tolist(), seen.different.tolist(), seen.followed.tolist(), strict=True)
    return [
        _Column(name, kind, seen.rows, *numbers, dict(zip(names, count, strict=True)))
        for name, kind, numbers, count in zip(seen.names, seen.types, rest, counts, strict=True)
    ]


def _commas(columns: list[_Column]) -> dict[str, str]:
    """Return what a comma means by column. Cells such as "1,234" follow what the table's other columns show."""
    clear = {m: sum(c.count[m] for c in columns) for m in (DECIMAL, THOUSANDS)}
    table = "" if clear[DECIMAL] == clear[THOUSANDS] else max(clear, key=lambda m: clear[m])
    meanings = {}
    for column in columns:
        count = column.count
        if not count[DECIMAL] + count[THOUSANDS] + count["unclear"]:
            continue
        own = DECIMAL if count[DECIMAL] > count[THOUSANDS] else THOUSANDS if count[THOUSANDS] > count[DECIMAL] else table
        if own:
            meanings[column.name] = own
    return meanings


def _order(column: _Column) -> str | None:
    """Return which comes first, day or month, where the cells show it."""
    day, month = column.count["day_first"], column.count["month_first"]
    if day + month == 0 or min(day, month) > (1 - SHARE) * (day + month):
        return None
    return "dmy" if day > month else "mdy"


def _kind(column: _Column, *, comma: str | None, order: str | None) -> tuple[str, str]:
    """Return the kind of a column and, where it is left out, the reason."""
    if not column.count["cells"]:
        return "empty", "no cell holds anything"
    if column.constant:
        return "constant", "every row holds the same"
    return _text_kind(column, comma=comma, order=order) if is_text(column.kind) else _typed_kind(column)


def _typed_kind(column: _Column) -> tuple[str, str]:
    import pyarrow as pa

    if pa.types.is_boolean(column.kind):
        return "boolean", ""
    if pa.types.is_temporal(column.kind):
        return "date", ""
    if pa.types.is_primitive(column.kind) or pa.types.is_decimal(column.kind):
        return _number_kind(column)
    return "text", f"cells are of the type {column.kind}, which is no table's"


def _number_kind(column: _Column) -> tuple[str, str]:
    if column.unique and not column.count["fractions"] and names_identifier(column.name):
        return "identifier", "a whole number that differs from row to row, named like an identifier"
    return "number", ""


def _text_kind(column: _Column, *, comma: str | None, order: str | None) -> tuple[str, str]:
    count = column.count
    numbers = count["numbers"] + (count[comma] + count["unclear"] if comma else 0)
    if column.most(numbers) and count["zeros"] <= PADDED * numbers:
        return _number_kind(column)
    if count["truths"] == count["cells"]:
        return "boolean", ""
    if column.most(count["dates"] + (count["either"] if order else 0)):
        return "date", ""
    return _words_kind(column, numbers=numbers, ordered=bool(order))


def _words_kind(column: _Column, *, numbers: int, ordered: bool) -> tuple[str, str]:
    count = column.count
    hint = ""
    if count["either"] and not ordered and column.most(count["dates"] + count["either"]):
        hint = "; its dates do not show whether day or month comes first: set dates to dmy or mdy, and its kind to date"
    elif numbers > 0.5 * count["cells"]:
        hint = f"; fewer than {SHARE:.0%} of its cells are numbers: set its kind to number to take the others for missing"
    words = max(1, count["cells"] - count["numbers"])
    if count["letters"] > LONG * words and column.different > 0.2 * column.followed and column.different > 20:
        return "text", "long text that mostly differs from row to row" + hint
    if column.unique or (column.different > 0.9 * column.followed and column.followed >= 100):
        return "identifier", "it differs from row to row" + hint
    if column.different > MOST:
        return "identifier", f"more than {MOST:,} different values" + hint
    return "category", hint


def _summary(kinds: Mapping[str, str], columns: list[_Column]) -> str:
    """Return a sentence for the user. Counts stand here and not in values, so that a new row keeps the cache."""
    counted = Counter(kinds.values())
    parts = [", ".join(f"{counted[k]} {k}" for k in KINDS if counted[k]) or "no column"]
    lost = {c.name: c.count["cells"] - _readable(c) for c in columns if kinds[c.name] == "number" and is_text(c.kind)}
    lost = {name: number for name, number in lost.items() if number > 0}
    if lost:
        most = sorted(lost, key=lambda name: -lost[name])[:5]
        named = ", ".join(f"'{name}' {lost[name]}" for name in most) + (", …" if len(lost) > len(most) else "")
        parts.append(f"a column is a number where {SHARE:.0%} of its cells are; cells that are none count as missing: {named}")
    return "; ".join(parts)


def _readable(column: _Column) -> int:
    count = column.count
    return count["numbers"] + max(count[DECIMAL], count[THOUSANDS]) + count["unclear"]
