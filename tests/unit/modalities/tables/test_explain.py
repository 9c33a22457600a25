"""A table's columns one by one, and what a cell says beside the training rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from osler.core.columns import Columns, Field, Words
from osler.core.hashing import word_hash
from osler.core.state import State
from osler.modalities.tables.explain import changed, explain, features, values

WARD, SEX = [word_hash(w) for w in ("icu", "rare")], [word_hash(w) for w in ("f", "m")]
FACTS = {"numbers": {"names": ["age", "dose"], "quantiles": [[20, 30, 40, 50, 60], [None] * 5]}}
STATE = State(
    {"vocabulary.0": np.sort(np.array([WARD[0]])), "vocabulary.1": np.sort(np.array(SEX))},
    {"words.0": ["icu"], "words.1": [("f", "m")[at] for at in np.argsort(SEX)]},
)


def columns_of(ages=(10.0, 25.0, 40.0, 61.0, np.nan)):
    numbers = np.array([[a, 1.5] for a in ages], np.float32)
    hashes = np.array([[WARD[at % 2], SEX[at % 2]] for at in range(len(ages))], np.int64)
    hashes[-1, 1] = 0
    words = {word_hash(w): w for w in ("icu", "rare", "f", "m")}
    keys = np.array(sorted(words))
    fields = (
        Field("numbers", "float32", (2,), labels=("age", "dose")), Field("categories", "int64", (2,), labels=("ward", "sex"))
    )  # fmt: skip
    arrays = {"numbers": numbers, "categories": hashes}
    texts = np.array([words[int(k)] for k in keys], object)
    return Columns(fields, arrays, np.ones(len(ages), bool), np.zeros((len(ages), 2), np.int64), {}, Words(keys, texts))


def test_features_are_the_columns_with_the_words_that_groups_share():
    found = features(columns_of(), state=STATE)
    assert [(f.name, f.kind) for f in found] == [("age", "number"), ("dose", "number"), ("ward", "category"), ("sex", "category")]
    assert found[2].levels == {WARD[0]: "icu"}
    assert sorted(found[3].levels.values()) == ["f", "m"]


@pytest.mark.parametrize("feature", range(4))
def test_a_change_changes_one_column_and_the_caller_keeps_his(feature):
    columns = columns_of()
    before = {name: np.array(array) for name, array in columns.arrays.items()}
    order = np.array([4, 3, 2, 1, 0])
    found = changed(columns, feature=feature, values=values(columns, feature=feature)[order])
    for other in range(4):
        wanted = values(columns, feature=other)
        np.testing.assert_array_equal(values(found, feature=other), wanted[order] if other == feature else wanted)
    for name, array in columns.arrays.items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(("row", "band"), [(0, [0.0, 0.05]), (1, [0.05, 0.25]), (2, [0.25, 0.75]), (3, [0.95, 1.0]), (4, None)])
def test_a_number_lies_in_a_band_of_training(row, band):
    told = explain(np.arange(4.0), columns_of(), row, state=STATE, facts=FACTS)["features"]
    assert told[0]["band"] == band
    assert told[1]["band"] is None  # fewer than five training cases had the column
    assert [f["attribution"] for f in told] == [0, 1, 2, 3]
    json.dumps(told, allow_nan=False)


def test_words_are_told_and_whether_training_knew_them():
    columns = columns_of()
    first, second, last = (explain(np.zeros(4), columns, row, state=STATE, facts={})["features"] for row in (0, 1, 4))
    assert (first[2]["value"], first[2]["known"]) == ("icu", True)
    assert (second[2]["value"], second[2]["known"]) == ("rare", False)
    assert (last[3]["value"], last[3]["known"]) == (None, True)
    assert (last[0]["value"], last[0]["band"]) == (None, None)
