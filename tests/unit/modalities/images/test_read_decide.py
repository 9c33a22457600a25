"""Decisions on reading rest on headers, have reasons, and can be set."""

import numpy as np
import pyarrow as pa
import pytest

from osler.core.errors import PlanError, StudyError
from osler.core.plan import Brief
from osler.core.table import Table
from osler.modalities.images import Images
from tests.unit.modalities.images.conftest import photo


def test_every_decision_has_a_reason_and_labels_are_not_asked_for(folder):
    decisions = folder.columns(folder.put("a.png", photo()))[0]
    assert all(d.reason for d in decisions.values())
    assert decisions["size"].value == [48, 64]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": [0, 10]}, r"'size' cannot be \[0, 10\]; wanted two whole numbers"),
        ({"size": [10]}, "'size' cannot be"),
        ({"size": "large"}, "'size' cannot be 'large'"),
        ({"size": [60_000, 60_000]}, "'size' cannot be"),
        ({"channels": 2}, r"'channels' cannot be 2; 1 column\(s\) make 1 \(grey\) or 3 \(colours\)"),
        ({"channels": True}, "'channels' cannot be True"),
        ({"dtype": "float64"}, "'dtype' cannot be 'float64'; it is one of: 'uint8'"),
        ({"fit": "crop"}, "'fit' cannot be 'crop'; it is one of: 'stretch', 'pad'"),
        ({"pad": 300}, "'pad' cannot be 300; 'uint8' holds 0 to 255"),
        ({"pad": float("nan")}, "'pad' cannot be nan"),
        ({"range": [5, 5]}, "'range' cannot be"),
        ({"window": [40, 0]}, "'window' cannot be"),
        ({"window": "bone"}, "'window' cannot be 'bone'"),
        ({"interpolation": "magic"}, "'interpolation' cannot be 'magic'"),
        ({"alpha": "pink", "bits": 8}, "'alpha' cannot be 'pink'"),
        ({"bits": 12}, "'bits' cannot be 12"),
    ],
)
def test_values_that_cannot_be_are_told(folder, settings, message):
    with pytest.raises(PlanError, match=message):
        folder.columns(folder.put("a.png", photo()), **settings)


def test_what_is_set_is_done(folder):
    decisions, columns = folder.columns(folder.put("a.png", photo()), size=[96, 80], channels=3, dtype="uint16", bits="any")
    assert columns["pixels"].shape == (1, 3, 96, 80)
    assert columns["pixels"].dtype == "uint16"
    assert {decisions[n].source for n in ("size", "channels", "dtype", "bits")} == {"user"}


def test_a_missing_column_is_told(folder):
    table = Table(pa.table({"scan": ["a.png"]}), folder.path)
    with pytest.raises(StudyError, match="the table has no column 'scans'; did you mean 'scan'"):
        Images().locate(table, columns=("scans",))


def test_without_a_readable_file_there_are_still_decisions(folder):
    decisions, columns = folder.columns(folder.put("a.png", b""), None)
    assert decisions["size"].value == [64, 64]
    assert not columns.present.any()
    assert list(columns.refusals) == [0]


def test_no_decision_of_the_network_has_the_name_of_one_on_reading(folder):
    modality = Images()
    decisions, columns = folder.columns(*[folder.put(f"{k}.png", photo(seed=k)) for k in range(8)])
    brief = Brief(modality.facts(columns, np.arange(8)), {}, "classification", "vector", "cpu", 1.0, 8, 8)
    ruled = {d.name for d in [*modality.rules(brief), *(d for rung in modality.ladder(brief) for d in rung.decisions)]}
    assert ruled
    assert not ruled & set(decisions)
