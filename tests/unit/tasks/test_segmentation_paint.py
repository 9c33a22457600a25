"""From raw maps to marks, slab by slab: calibrated, scored, with the pieces that are left out."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import softmax

from osler.core.errors import OslerError
from osler.core.grid import Grid
from osler.core.marks import MarkedCase
from osler.core.state import State
from osler.core.target import Target
from osler.tasks.segmentation import Segmentation, lines
from tests.unit.tasks.masks import case, hippocampus, lgg, raw_of

TASK = Segmentation()
INFO = {"kind": "exclusive", "names": ["front", "back"], "values": [[1], [2]], "channel": [0, 0], "channels": 1, "axes": 3,
        "known": [[1, 2]], "field": "mask"}  # fmt: skip
WHOLE = {**INFO, "kind": "overlapping", "names": ["whole", "back"], "values": [[1, 2], [2]]}
FLAT = {**INFO, "names": ["tumour"], "values": [[1]], "channel": [0], "axes": 2, "known": [[1]]}


def noisy(mask, outputs, *, seed=0, sure=3.0):
    rng = np.random.default_rng(seed)
    return raw_of(mask, outputs, sure=sure) + rng.normal(0, 1, (outputs, *mask.shape)).astype(np.float32)


def paint(raw, truth=None, *, info=INFO, state=None, plan=None, **more):
    return TASK.paint(case(raw, truth=truth, **more), state=state or State(), info=info, plan=plan or {})


def test_marks_are_the_values_of_the_most_probable_labels(data):
    head = hippocampus(data, "003")
    info = {**INFO, "values": [[5, 6], [9]]}
    found = paint(raw_of(head, 3), info=info)
    assert found.marks.dtype == np.uint8
    assert np.array_equal(found.marks, np.array([0, 5, 9], np.uint8)[head][None])


@pytest.mark.parametrize("info", [INFO, WHOLE], ids=["exclusive", "regions"])
def test_slabs_say_the_same_as_the_whole(data, info):
    head = hippocampus(data, "006")
    raw = noisy(head, TASK.width(info))
    pieces = State({"slope": np.full(1, 0.7)}, {"pieces": [{"keep": "largest"}, {"keep": "over", "least": 20.0}]})
    for state in (State(), pieces):
        whole, cut = (paint(raw, head[None], info=info, state=state, slab=s) for s in (10**6, 3))
        assert np.array_equal(whole.marks, cut.marks)
        assert cut.line == pytest.approx(whole.line, rel=1e-6, nan_ok=True)
        assert cut.cells == pytest.approx(whole.cells, rel=1e-6)


def test_sums_over_probabilities_are_those_of_the_softmax(data):
    head = hippocampus(data, "007")
    raw = noisy(head, 3)
    found = paint(raw, head[None], state=State({"slope": np.array([1.5])}))
    chance = softmax(1.5 * raw.astype(float), axis=0)
    part = lines.split(found.line[None], 2)[0]
    for label in (1, 2):
        marked, p = found.marks[0] == label, chance[label]
        assert part[label - 1, lines.CHANCE] == pytest.approx(p.sum(), rel=1e-5)
        assert part[label - 1, lines.CHANCE_MARKED] == pytest.approx(p[marked].sum(), rel=1e-5)
        told = (p >= 0.01) | (head == label)
        bins = part[label - 1, lines.FIRST_BIN :].reshape(3, lines.BINS)
        assert bins.sum(axis=1) == pytest.approx([told.sum(), p[told].sum(), (head == label).sum()], rel=1e-4)
        assert found.cells[f"quality_{INFO['names'][label - 1]}"] == pytest.approx(
            2 * p[marked].sum() / (p.sum() + marked.sum()), rel=1e-5
        )


def test_the_expected_dice_of_honest_probabilities_is_near_the_actual():
    rng = np.random.default_rng(0)
    z = np.cumsum(rng.normal(size=(60, 60)), axis=0)
    raw = np.stack([np.zeros_like(z), z]).astype(np.float32)
    truth = (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(np.uint8)
    part = lines.split(paint(raw, truth[None], info=FLAT).line[None], 1)
    assert lines.expected(part)[0, 0] == pytest.approx(lines.dice(part)[0, 0], abs=0.03)


def test_volumes_are_millilitres_and_areas_square_millimetres(data):
    head = hippocampus(data, "003")
    found = paint(raw_of(head, 3), spacing=(0.5, 2.0, 3.0))
    assert found.cells["volume_front"] == pytest.approx((head == 1).sum() * 3 / 1000)
    slices, _ = lgg(data, 1)
    flat = paint(raw_of(slices[10], 2), info=FLAT, spacing=(0.5, 2.0))
    assert flat.cells["area_tumour"] == pytest.approx(slices[10].sum())
    assert set(flat.cells) == {"area_tumour", "quality"}


def test_without_truth_all_that_needs_it_is_unknown(data):
    head = hippocampus(data, "003")
    part = lines.split(paint(noisy(head, 3)).line[None], 2)[0]
    known = [lines.MARKED, lines.VOLUME_MARKED, lines.CHANCE, lines.CHANCE_MARKED]
    assert np.isfinite(part[:, known]).all()
    assert np.isnan(np.delete(part, known, axis=1)).all()


def test_an_empty_mark_has_no_quality():
    found = paint(raw_of(np.zeros((8, 8), np.uint8), 2), info=FLAT)
    assert found.cells["area_tumour"] == 0
    assert np.isnan(found.cells["quality"])


@pytest.mark.parametrize("info", [INFO, WHOLE], ids=["exclusive", "regions"])
def test_places_that_nobody_looked_at_count_nothing(data, info):
    head = hippocampus(data, "006")
    raw = noisy(head, TASK.width(info))
    sparse = np.where(np.arange(head.shape[0])[:, None, None] % 2, head, 255).astype(np.uint8)
    part = lines.split(paint(raw, sparse[None], info=info).line[None], 2)
    half = lines.split(paint(raw[:, 1::2], head[None, 1::2], info=info).line[None], 2)
    for field in (lines.TRUE, lines.MARKED, lines.BOTH, lines.CHANCE, lines.CHANCE_MARKED):
        assert part[0, :, field] == pytest.approx(half[0, :, field], rel=1e-5)
    assert part[0, :, lines.FIRST_BIN :] == pytest.approx(half[0, :, lines.FIRST_BIN :], rel=1e-5)
    assert np.isnan(part[0, :, lines.DISTANCES]).all()  # between slices that nobody looked at there is no surface
    nobody = lines.split(paint(raw, np.full_like(head, 255)[None], info=info).line[None], 2)
    assert np.isnan(nobody[0, :, lines.TRUE]).all()


def test_regions_overlap_and_have_a_channel_each(data):
    head = hippocampus(data, "003")
    raw = np.stack([np.where(head > 0, 3, -3), np.where(head == 2, 3, -3)]).astype(np.float32)
    found = paint(raw, head[None], info=WHOLE)
    assert np.array_equal(found.marks, np.stack([head > 0, head == 2]).astype(np.uint8))
    assert lines.dice(lines.split(found.line[None], 2)).tolist() == [[1.0, 1.0]]


def test_raw_outputs_that_are_no_numbers_stop_the_run():
    raw = np.zeros((2, 8, 8), np.float32)
    raw[1, 3, 3] = np.nan
    with pytest.raises(OslerError, match="training has diverged"):
        paint(raw, info=FLAT)
    short = case(np.zeros((2, 8, 8), np.float32))
    from dataclasses import replace

    with pytest.raises(OslerError, match="ended after 4 of 8 slices"):
        TASK.paint(replace(short, slabs=lambda: iter([np.zeros((2, 4, 8), np.float32)])), state=State(), info=FLAT, plan={})


def test_a_temperature_is_found_on_lines(data):
    head = hippocampus(data, "003")
    rng = np.random.default_rng(0)
    places = rng.choice(head.size, 4000, replace=False)
    chance = softmax(noisy(head, 3).reshape(3, -1)[:, places].T.astype(float), axis=1)
    number = (rng.random(len(places))[:, None] > np.cumsum(chance, axis=1)).sum(axis=1)
    logits = 2.5 * np.log(chance)  # too sure by a factor
    target = Target(number[:, None].astype(float), np.ones((len(places), 1), bool), INFO)
    state = TASK.settle(logits, target, np.arange(len(places)), plan={})
    assert state.arrays["slope"] == pytest.approx([0.4], abs=0.04)
    assert "temperature: 4000 places" in state.values["calibration"][0]
    off = TASK.settle(logits, target, np.arange(len(places)), plan={"target.calibration": "none"})
    assert off.arrays["slope"].tolist() == [1.0]
    few = TASK.settle(logits[:20], target.take(np.arange(20)), np.arange(20), plan={})
    assert few.arrays["slope"].tolist() == [1.0]


def test_each_region_has_a_temperature_of_its_own():
    rng = np.random.default_rng(0)
    z = rng.normal(0, 2, (5000, 2))
    truth = rng.random(z.shape) < 1 / (1 + np.exp(-z))
    values = np.where(truth[:, 1], 2, truth[:, 0]).astype(float)[:, None]
    info = {**WHOLE, "values": [[1], [2]]}
    keep = ~(truth[:, 0] & truth[:, 1])
    seen = np.ones((int(keep.sum()), 1), bool)
    state = TASK.settle(
        np.stack([2 * z[keep, 0], z[keep, 1] / 2], 1), Target(values[keep], seen, info), np.arange(len(seen)), plan={}
    )
    assert state.arrays["slope"][0] < 0.7
    assert state.arrays["slope"][1] > 1.4


def with_crumbs(mask, *, seed, count=12, label=1):
    """Marks with single wrong pieces far from the truth."""
    rng, marked = np.random.default_rng(seed), mask.copy()
    free = np.argwhere(mask == 0)
    for place in free[rng.choice(len(free), count, replace=False)]:
        marked[tuple(place)] = label
    return marked


def test_the_largest_piece_is_kept_where_crumbs_were_added_and_all_where_the_truth_is_in_two(data):
    heads = [hippocampus(data, n) for n in ("003", "006", "007", "015", "017", "019")]
    dirty = [case(raw_of(with_crumbs(h, seed=at), 3), truth=h[None]) for at, h in enumerate(heads)]
    state = TASK.polish(iter(dirty), state=State({"slope": np.ones(1)}), info=INFO, plan={})
    assert state.values["pieces"][0]["keep"] in {"largest", "over"}
    assert state.values["pieces"][1]["keep"] == "all"
    assert "before" in state.values["pieces_how"][0]
    assert state.values["tolerance"] == 1.0
    after = paint(raw_of(with_crumbs(heads[0], seed=0), 3), heads[0][None], state=state)
    before = paint(raw_of(with_crumbs(heads[0], seed=0), 3), heads[0][None])
    assert lines.dice(lines.split(after.line[None], 2))[0, 0] > lines.dice(lines.split(before.line[None], 2))[0, 0]
    assert after.cells["volume_front"] < before.cells["volume_front"]

    halves = [h.copy() for h in heads]
    for half in halves:
        middle = np.argwhere(half == 1).mean(0).astype(int)
        half[:, middle[1] - 1 : middle[1] + 1][half[:, middle[1] - 1 : middle[1] + 1] == 1] = 0
    parted = TASK.polish([case(raw_of(h, 3), truth=h[None]) for h in halves], state=State(), info=INFO, plan={})
    assert [rule["keep"] for rule in parted.values["pieces"]] == ["all", "all"]
    assert np.array_equal(paint(raw_of(halves[0], 3), state=parted).marks[0], halves[0])


def test_of_all_labels_the_largest_piece_is_kept_where_that_is_best(data):
    heads = [hippocampus(data, n) for n in ("003", "006", "007", "015", "017")]

    def spoiled(h):
        marked = np.pad(h, [(0, 0), (0, 0), (0, 14)])
        marked[4:14, 4:20, -10:] = 2  # larger than the true piece of either label, but not than both together
        marked[4:14, 20:22, -10:] = 1
        return marked

    cases = [case(raw_of(spoiled(h), 3), truth=np.pad(h, [(0, 0), (0, 0), (0, 14)])[None]) for h in heads]
    state = TASK.polish(cases, state=State(), info=INFO, plan={})
    assert state.values["pieces_whole"] is True
    assert np.array_equal(paint(raw_of(spoiled(heads[0]), 3), state=state).marks[0][:, :, :-14], heads[0])


def slices(person, group):
    """Ten slices of a person, two with a lesion that is found in small pieces, eight with a wrong crumb of the same size alone."""
    for at in range(10):
        truth, marked = np.zeros((1, 20, 20), np.uint8), np.zeros((20, 20), np.uint8)
        if at < 2:
            truth[0, 4:10, 4 + person : 10 + person] = 1
            for i, j in ((4, 4), (4, 8), (8, 4), (8, 8)):
                marked[i : i + 2, j + person : j + person + 2] = 1
        else:
            marked[15:17, at : at + 2] = 1
        raw = np.stack([np.zeros((20, 20), np.float32), marked * np.float32(8) - 4])
        yield MarkedCase(lambda raw=raw: iter([raw]), Grid((20, 20), np.eye(4)), truth, group)


@pytest.mark.parametrize(("known", "keep"), [(True, "all"), (False, "over")])
def test_slices_of_a_patient_choose_together_as_they_are_scored(known, keep):
    cases = [one for person in range(6) for one in slices(person, person if known else None)]
    state = TASK.polish(iter(cases), state=State({"slope": np.ones(1)}), info=FLAT, plan={})
    assert state.values["pieces"][0]["keep"] == keep, state.values["pieces_how"]
    assert ("6 cases" if known else "60 cases") in state.values["pieces_how"][0]


def test_few_cases_choose_nothing_and_the_plan_may_switch_it_off(data):
    head = hippocampus(data, "003")
    few = TASK.polish([case(raw_of(head, 3), truth=head[None])], state=State(), info=INFO, plan={})
    assert few.values["pieces_how"] == ["all pieces are kept: 1 cases are too few to choose by"]
    off = TASK.polish([case(raw_of(head, 3), truth=head[None])] * 6, state=State(), info=INFO, plan={"target.pieces": "all"})
    assert off.values["pieces_how"] == ["all pieces are kept: set in the plan"]


def test_erasing_pieces_keeps_the_sums_right(data):
    head = hippocampus(data, "003")
    raw = noisy(head, 3, sure=2.0)
    found = paint(raw, head[None], state=State({}, {"pieces": [{"keep": "largest"}] * 2}))
    chance = softmax(raw.astype(float), axis=0)
    part = lines.split(found.line[None], 2)[0]
    for label in (1, 2):
        marked = found.marks[0] == label
        assert part[label - 1, lines.MARKED] == marked.sum()
        assert part[label - 1, lines.CHANCE_MARKED] == pytest.approx(chance[label][marked].sum(), rel=2e-3)


BIG = """
import resource, numpy as np
from osler.core.grid import Grid
from osler.core.marks import MarkedCase
from osler.core.state import State
from osler.tasks.segmentation import Segmentation
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
shape = (120, 256, 256)
truth = np.zeros((1, *shape), np.uint8)
truth[:, 20:100, 40:200, 40:200] = 1
def slabs():
    for at in range(0, shape[0], 8):
        yield np.stack([np.zeros((8, *shape[1:]), np.float32), truth[0, at:at + 8] * np.float32(8) - 4])
info = {"kind": "exclusive", "names": ["x"], "values": [[1]], "channel": [0], "channels": 1, "axes": 3, "known": [[1]], "field": "mask"}
task = Segmentation()
from scipy import ndimage, spatial
state = State({}, {"pieces": [{"keep": "largest"}]})
found = task.paint(MarkedCase(slabs, Grid(shape, np.eye(4)), truth), state=state, info=info, plan={})
assert found.marks.any()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) * 1024 / truth.size)
"""


def test_a_large_case_never_lies_whole_in_memory_as_floats():
    done = subprocess.run([sys.executable, "-c", BIG], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert float(done.stdout) < 15  # bytes a voxel: it takes 9, and 26 with the whole case as one slab


@pytest.mark.parametrize("info", [INFO, WHOLE], ids=["exclusive", "regions"])
def test_whole_cases_make_probabilities_honest_and_leave_marks_as_they_are(data, info):
    outputs, rng, cases, chances = TASK.width(info), np.random.default_rng(0), [], []
    for at, name in enumerate(("003", "006", "007", "015", "017", "019")):
        honest = noisy(hippocampus(data, name), 3, seed=at, sure=2.0) + np.array([3.0, 0, 0], np.float32)[:, None, None, None]
        p = softmax(honest, axis=0)
        truth = (rng.random(p.shape[1:]) > np.cumsum(p, axis=0)).sum(axis=0).clip(0, 2).astype(np.uint8)
        if info is INFO:
            spoiled = 2 * honest + np.array([-1.0, 1.0, 0.0], np.float32)[:, None, None, None]
        else:
            odds = [np.log((1 - p[0]) / p[0]), np.log(p[2] / (1 - p[2]))]
            spoiled = np.stack([2 * odds[0] + 1, 0.5 * odds[1] - 1])
        cases.append(case(spoiled.astype(np.float32), truth=truth[None]))
        chances.append((spoiled.astype(np.float32), truth))
    state = TASK.polish(iter(cases), state=State({"slope": np.ones(1)}), info=info, plan={"target.pieces": "all"})
    assert state.arrays["intercept"].shape == (outputs,)
    assert "whole cases" in state.values["calibration"][0]
    told, true = np.zeros(2), np.zeros(2)
    for raw, truth in chances:
        found = paint(raw, truth[None], info=info, state=state)
        part = lines.split(found.line[None], 2)[0]
        told += part[:, lines.CHANCE]
        true += part[:, lines.TRUE]
        assert np.array_equal(found.marks, paint(raw, info=info).marks)
    assert told == pytest.approx(true, rel=0.05)
    off = TASK.polish(
        iter(cases), state=State({"slope": np.ones(1)}), info=info, plan={"target.calibration": "none", "target.pieces": "all"}
    )
    assert "intercept" not in off.arrays
