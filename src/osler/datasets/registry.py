"""Which data sets there are, and what is known of each.

Strings and numbers only: a converter is named, and imported when its data set is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from osler.core.errors import RequestError, did_you_mean


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file at a data set's home: `name` relative to it, `sha256` in lower-case hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A public data set.

    `licence` is what its home states, `home` where it comes from, for a person to read. `package` names the installed
    package that ships `files`, with the folder inside it ("sklearn:datasets/data"). `rows` and `table_sha256` are those of
    the `table.csv` that `convert` ("module:function") makes of the files.
    """

    name: str
    title: str
    licence: str
    home: str
    package: str
    files: tuple[SourceFile, ...]
    convert: str
    rows: int
    table_sha256: str


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter gives: the table's `header`, its `rows` as text, and the `study` in the keys of study.yaml."""

    header: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]
    study: Mapping[str, object]


_ENTRIES = (
    Entry(
        name="breast-cancer",
        title="Breast cancer Wisconsin (diagnostic): cell nuclei of fine needle aspirates, malignant or benign",
        licence="BSD-3-Clause, as scikit-learn ships it; for the source see its home",
        home="https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
        package="sklearn:datasets/data",
        files=(SourceFile("breast_cancer.csv", "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed"),),
        convert="osler.datasets.local:breast_cancer",
        rows=569,
        table_sha256="af399a019264f7999e6b395ee90576e46564867aa4c8a40797c96be87dc1be55",
    ),
    Entry(
        name="diabetes",
        title="Diabetes (Efron and others 2004): disease progression one year after baseline",
        licence="BSD-3-Clause, as scikit-learn ships it; for the source see its home",
        home="https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        package="sklearn:datasets/data",
        files=(
            SourceFile("diabetes_data_raw.csv.gz", "7fc0ded571454b1982210d3bb43f0aca44eae01a0b8654a3b24022bdb6b38009"),
            SourceFile("diabetes_target.csv.gz", "8e53f65eb811df43c206f3534bb3af0e5fed213bc37ed6ba36310157d6023803"),
        ),
        convert="osler.datasets.local:diabetes",
        rows=442,
        table_sha256="36e3fd6f8158bdc41f916d8989653227e5a5dd506c508de3f33febb48213e641",
    ),
)


def entries() -> tuple[Entry, ...]:
    """Return all data sets, by name."""
    return tuple(sorted(_ENTRIES, key=lambda entry: entry.name))


def entry(name: str) -> Entry:
    """Return the data set called `name`; raises RequestError with the near miss where there is none."""
    known = {e.name: e for e in _ENTRIES}
    if name not in known:
        raise RequestError(f"no data set '{name}'{did_you_mean(name, sorted(known))}")
    return known[name]
