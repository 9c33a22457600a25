"""Table E.1-1 of DICOM PS3.15 as data, and which action holds for an attribute.

`profile.csv` has a row per attribute and a column per option, as the Standard has; the action codes are those of Table E.1-1a:
D dummy, Z empty, X remove, K keep, C clean, U another UID. Some offer a choice by the attribute's type in its object (X/Z/D: X
for type 3, Z for type 2, D for type 1). `required.csv` tells these types for the storage classes of PS3.3: the first column
holds the classes' UIDs without their common start, the others the tags of type 1 or 1C and of type 2 or 2C. Inside sequences,
and in classes that are not listed, the strongest of the offered codes holds, which is right for every type.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from osler.interop.deidentify.options import Options

CLASSES = "1.2.840.10008.5.1.4."
_GROUPS = {"50XXXXXX", "60XX3000", "60XX4000"}  # rows for whole groups of elements


@dataclass(frozen=True, slots=True)
class Row:
    """An attribute of the table: `tag` in eight hexadecimal digits, the action of the basic profile, and those of the options."""

    tag: str
    keyword: str
    basic: str
    options: Mapping[str, str]


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """Return the table's rows by tag."""
    found = []
    for line in _lines("profile.csv"):
        tag, keyword, basic = line.pop("tag"), line.pop("keyword"), line.pop("basic")
        found.append(Row(tag, keyword, basic, {name: action for name, action in line.items() if action}))
    return tuple(found)


@lru_cache(maxsize=1)
def required() -> Mapping[str, Mapping[str, int]]:
    """Return of each storage class which tags are of type 1 and 2; those not named are of type 3 or do not occur."""
    found: dict[str, Mapping[str, int]] = {}
    for line in _lines("required.csv"):
        types = {**dict.fromkeys(line["type_2"].split(), 2), **dict.fromkeys(line["type_1"].split(), 1)}
        found.update({CLASSES + name: types for name in line["sop_classes"].split()})
    return found


class Profile:
    """The actions that hold under `options`."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._known: dict[str, dict[int, str]] = {}

    def actions(self, sop_class: str, *, nested: bool) -> dict[int, str]:
        """Return the action of each tag of the table, one letter of X Z D K C U, in an object of `sop_class`."""
        types = None if nested else required().get(sop_class)
        place = "" if types is None else sop_class
        if place not in self._known:
            self._known[place] = {int(row.tag, 16): self._action(row, types) for row in rows() if row.tag not in _GROUPS}
        return self._known[place]

    def retained(self) -> frozenset[int]:
        """Return the tags that an option keeps although the basic profile would not."""
        return frozenset(int(row.tag, 16) for row in rows() if row.tag not in _GROUPS and self._chosen(row) == "K")

    def _action(self, row: Row, types: Mapping[str, int] | None) -> str:
        return self._chosen(row) or offered(row.basic, None if types is None else types.get(row.tag, 3))

    def _chosen(self, row: Row) -> str:
        """Return what options say of the row: cleaning wins over keeping, where they differ."""
        said = {row.options[name] for name in self.options.columns if name in row.options} & {"K", "C"}
        return "C" if "C" in said else "K" if "K" in said else ""


@lru_cache(maxsize=64)
def profile_of(options: Options) -> Profile:
    """Return the actions under `options`, looked up once."""
    return Profile(options)


def offered(codes: str, kind: int | None) -> str:
    """Return the code among those of `codes` that an attribute of type `kind` needs; None is a type that is not known.

    >>> offered("X/Z/D", 3), offered("X/Z/D", 1), offered("X/Z/U*", 1), offered("X/D", 2)
    ('X', 'D', 'U', 'D')
    """
    known = [code.rstrip("*") for code in codes.split("/")]
    if kind == 3:
        return known[0]
    if kind == 2:
        return "Z" if "Z" in known else known[-1]
    return known[-1]


def _lines(name: str) -> Iterator[dict[str, str]]:
    text = files("osler.interop.deidentify").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
