"""Events as counts: the real reading of timelines, and the network and baseline of tables, so that flows can be tried quickly."""

import numpy as np
import pyarrow as pa

from osler.core.hashing import word_hash
from osler.core.table import Table
from osler.modalities.tables import Tables
from osler.modalities.timelines import Timelines

CODES = ("lab", "drug", "rare")


class Counted(Tables):
    """How often each code of CODES lies before the prediction time, and its last value."""

    name = "timelines"
    asked = Timelines.asked

    def cohort(self, question, *, folder, options, cache, purpose="train"):
        return Timelines().cohort(question, folder=folder, options=options, cache=cache, purpose=purpose)

    def public(self, options):
        return Timelines().public(options)

    def locate(self, table, *, columns, aligned=(), options=None, cache=None):
        timelines = Timelines()
        rows = timelines.locate(table, columns=columns, options=options, cache=cache)
        reading = {d.name: d.value for d in timelines.reading(rows, settings=options)}
        events = timelines.shard(rows, reading=reading, roles=frozenset({"input"}))
        codes, starts = events["codes"].values, events["codes"].offsets
        counts = {code: np.add.reduceat(np.append(codes == word_hash(code), False).astype(int), starts[:-1]) for code in CODES}
        counts = {code: np.where(np.diff(starts) > 0, n, 0) for code, n in counts.items()}
        return super().locate(Table(pa.table(counts), table.folder, first=table.first), columns=CODES)

    def reading(self, locators, *, settings):
        return super().reading(locators, settings={})
