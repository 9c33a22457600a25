"""Which of network and baseline marks: told by whole masks, not by how sure single places are."""

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest

from osler.core.plan import Decision, Plan
from osler.core.state import State
from osler.core.table import Table
from osler.flows import grid
from osler.flows.crew import Crew
from osler.spine.fit import Source
from osler.spine.output import Blend
from tests.contract.marking import Line, Marking
from tests.contract.strips import Strips, write_strips

CASES = 30
STATES = {part: State({}, {"threshold": 0.5}) for part in ("network", "baseline")}
CAUTIOUS = Line(np.array([1.6, 0.0, -0.8]))  # of the brightness at a place: calibrated about as it should be


class EitherOr(Marking):
    """Marks without mixing parts."""

    blends: ClassVar[bool] = False


class Sure:
    """A network that answers with the true mask, of which a share is turned, and far too sure of itself."""

    def __init__(self, *, turned: float, columns) -> None:
        self.turned, self.columns = turned, columns

    def raw_map(self, source, row):
        truth = self.columns["mask"][row] > 0
        turned = np.random.default_rng(row).random(truth.shape) < self.turned
        return np.where(truth ^ turned, 40.0, -40.0)[None]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("strips")
    table = Table(pa.Table.from_pylist(write_strips(folder, cases=CASES)), folder)
    strips = Strips()
    locators = strips.locate(table, columns=["image"], aligned=["mask"])
    columns = strips.shard(locators, reading={}, roles=frozenset({"input", "target"}))
    target, _ = EitherOr().marked(columns, names=["mask"], settings={})
    return Source({"picture": strips}, {"picture": columns}, Plan([Decision("fit.batch", 4, "")]), target, "picture")


def crew(source, *, turned):
    return Crew({"picture": State()}, (Sure(turned=turned, columns=source.columns["picture"]),), CAUTIOUS)


def better(source, one, *, rows, groups=None):
    groups = np.arange(CASES) if groups is None else groups
    return grid.better(source, [(one, rows)], task=EitherOr(), states=STATES, groups=groups)


def test_better_masks_win_though_single_places_are_told_too_surely(source):
    one, rows = crew(source, turned=0.02), np.arange(CASES)
    _, raws, target = grid.sampled(source, one, rows, seed=0)
    by_loss = Blend.chosen(raws, target, task=EitherOr(), plan=source.plan)
    assert by_loss.parts == ("baseline",), "the loss of single places is no judge of masks"
    assert better(source, one, rows=rows).parts == ("network",)


def test_worse_masks_lose(source):
    assert better(source, crew(source, turned=0.3), rows=np.arange(CASES)).parts == ("baseline",)


def test_where_nothing_can_be_compared_the_network_marks(source):
    assert better(source, crew(source, turned=0.3), rows=np.empty(0, np.int64)).parts == ("network",)
