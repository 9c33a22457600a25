"""Small sources of events beside a study's table."""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osler.core.table import Table
from osler.modalities.timelines import Timelines

INPUT = frozenset({"input"})


@dataclass
class Ward:
    """A folder with events, and the rows of a study over them."""

    folder: Path
    modality: Timelines = field(default_factory=Timelines)

    def events(self, text: str | bytes, *, name: str = "events.csv") -> Path:
        """Write a file of events."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def parquet(self, columns: dict, *, name: str = "events.parquet") -> Path:
        pq.write_table(pa.table(columns), self.folder / name)
        return self.folder / name

    def locate(self, columns: dict, **options):
        """Return the locators of a study table with `columns`, the subject first."""
        table = Table(pa.table(columns), self.folder)
        return self.modality.locate(table, columns=list(columns), options=options, cache=self.folder / "cache")

    def reading(self, locators, **settings):
        return {d.name: d.value for d in self.modality.reading(locators, settings=settings)}

    def columns(self, columns: dict, **options):
        """Return the columns of a study table, read as its options say."""
        locators = self.locate(columns, **options)
        return self.modality.shard(locators, reading=self.reading(locators, **options), roles=INPUT)

    def cases(self, columns: dict, **options):
        """Return per row the events [(days, code, value), …] as plain Python, None where the case is absent."""
        return listed(self.columns(columns, **options))


def listed(columns):
    words = dict(zip(columns.words.keys.tolist(), columns.words.texts.tolist(), strict=True))
    out = []
    for row in range(len(columns)):
        parts = (columns[name][row].tolist() for name in ("times", "codes", "values"))
        out.append([(t, words[c], v) for t, c, v in zip(*parts, strict=True)] if columns.present[row] else None)
    return out


@pytest.fixture
def ward(tmp_path) -> Ward:
    return Ward(tmp_path)
