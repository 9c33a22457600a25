"""What the classical model sees of a row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from osler.core.table import Table
from osler.modalities.tables import Tables

TABLES = Tables()


def test_numbers_stay_and_words_become_codes_of_the_vocabulary():
    cells = {"age": [*map(str, range(30))], "sex": [*(["f", "m", "m"] * 10)[:29], None], "rare": ["never", *["often"] * 29]}
    cells["age"][2] = ""
    table = Table(pa.table(cells), None)
    locators = TABLES.locate(table, columns=table.columns)
    settings = {"kinds": {"age": "number", "sex": "category", "rare": "category"}}
    reading = {d.name: d.value for d in TABLES.reading(locators, settings={})} | settings
    columns = TABLES.shard(locators, reading=reading, roles=frozenset({"input"}))
    state = TABLES.fit(columns, np.arange(30), groups=np.arange(30), plan={})
    rows = np.array([29, 2, 0, 0])
    given = TABLES.baseline_features(columns, rows, state=state)
    assert given.names == ("age", "sex", "rare")
    assert given.categorical.tolist() == [False, True, True]
    assert given.matrix.dtype == np.float32
    assert given.positions.tolist() == [0, 1, 2, 3]
    age, sex, rare = given.matrix.T
    np.testing.assert_array_equal(age, [29, np.nan, 0, 0])
    assert np.isnan(sex[0])
    assert {sex[1], sex[2]} == {0, 1}
    assert rare[1] == 0  # the only word that five groups share
    assert np.isnan(rare[2])


def test_an_absent_case_is_all_gaps(data):
    import polars as pl

    frame = pl.read_csv(data / "records" / "support2.csv", n_rows=200, infer_schema=False)
    table = Table(frame.select("num_age", "num_wblc", "fac_dzgroup").to_arrow(), None)
    locators = TABLES.locate(table, columns=table.columns)
    reading = {d.name: d.value for d in TABLES.reading(locators, settings={})}
    columns = TABLES.shard(locators, reading=reading, roles=frozenset({"input"}))
    state = TABLES.fit(columns, np.arange(200), groups=np.arange(200), plan={})
    columns.present[7] = False
    given = TABLES.baseline_features(columns, np.arange(200), state=state)
    assert np.isnan(given.matrix[7]).all()
    np.testing.assert_allclose(given.matrix[8, 0], float(frame["num_age"][8]), rtol=1e-6)
