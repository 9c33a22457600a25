"""Measures of masks: laws, values by hand, resampling, slices of a patient together."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from osler.core.state import State
from osler.tasks.segmentation import Segmentation, lines
from osler.tasks.segmentation.surface import apart
from tests.unit.tasks.masks import case, hippocampus, lgg, raw_of

TASK = Segmentation()
INFO = {"kind": "exclusive", "names": ["front", "back"], "values": [[1], [2]], "channel": [0, 0], "channels": 1, "axes": 3,
        "known": [[1, 2]], "field": "mask"}  # fmt: skip
FLAT = {**INFO, "names": ["tumour"], "values": [[1]], "channel": [0], "axes": 2, "known": [[1]]}
HEADS = ("003", "006", "007", "015", "017", "019", "020", "023")


def line(marked, truth, *, info=INFO, spacing=None, sure=4.0, plan=None):
    raw = raw_of(marked, TASK.width(info), sure=sure)
    return TASK.paint(case(raw, truth=truth[None], spacing=spacing), state=State(), info=info, plan=plan or {}).line


def scores(statistics, counts=None, *, info=INFO):
    counts = np.ones((1, len(statistics)), np.int64) if counts is None else counts
    found = TASK.measures(statistics, counts, info=info)
    assert set(found) == {m.name for m in TASK.measured(info)}
    return found


def one(marked, truth, **more):
    return {name: float(v[0]) for name, v in scores(line(marked, truth, **more)[None], info=more.get("info", INFO)).items()}


def shifted(mask, by, axis=0):
    return np.roll(mask, by, axis)


@pytest.fixture(scope="module")
def statistics(data):
    """Eight heads, each shifted a little, as marked."""
    masks = [hippocampus(data, n) for n in HEADS]
    return np.stack([line(shifted(m, at % 3, at % 2), m) for at, m in enumerate(masks)])


def cube(size=6, at=10, shape=30, value=1):
    mask = np.zeros((shape,) * 3, np.uint8)
    mask[at : at + size, at : at + size, at : at + size] = value
    return mask


def test_a_perfect_mask_is_perfect(data):
    found = one(mask := hippocampus(data, "003"), mask)
    assert [found[n] for n in ("dice", "iou", "nsd", "dice_front", "nsd_back")] == [1] * 5
    assert [found[n] for n in ("hd95", "assd", "volume_error", "volume_difference", "one_sided")] == [0] * 5


def test_dice_and_distances_are_symmetric(data):
    truth = hippocampus(data, "006")
    marked = shifted(truth, 2)
    ways = one(marked, truth), one(truth, marked)
    for name in ("dice", "iou", "nsd", "hd95", "assd", "volume_difference"):
        assert ways[0][name] == pytest.approx(ways[1][name])
    assert ways[0]["iou_front"] == pytest.approx(ways[0]["dice_front"] / (2 - ways[0]["dice_front"]))


def test_values_of_the_confusion_are_those_of_sets(data):
    truth = hippocampus(data, "006")
    marked = shifted(truth, 2)
    found = one(marked, truth)
    for label, name in ((1, "front"), (2, "back")):
        t, m = truth == label, marked == label
        assert found[f"dice_{name}"] == pytest.approx(2 * (t & m).sum() / (t.sum() + m.sum()))
        assert found[f"iou_{name}"] == pytest.approx((t & m).sum() / (t | m).sum())
        assert found[f"volume_error_{name}"] == pytest.approx(abs(int(t.sum()) - int(m.sum())) / t.sum())


def test_labels_may_change_places(data):
    truth = hippocampus(data, "003")
    marked, swap = shifted(truth, 1), np.array([0, 2, 1], np.uint8)
    straight, turned = one(marked, truth), one(swap[marked], swap[truth])
    for name in ("dice", "nsd", "hd95", "assd", "volume_error"):
        assert straight[name] == pytest.approx(turned[name])
        assert straight[f"{name}_front"] == pytest.approx(turned[f"{name}_back"])


def test_what_neither_has_has_no_value_and_what_one_has_is_none_of_it():
    empty, full = np.zeros((30, 30, 30), np.uint8), cube()
    nothing = one(empty, empty)
    assert all(np.isnan(nothing[n]) for n in ("dice", "iou", "nsd", "hd95", "one_sided", "quality_error"))
    for pair in ((empty, full), (full, empty)):
        found = one(*pair)
        assert (found["dice_front"], found["iou_front"], found["nsd_front"], found["one_sided_front"]) == (0, 0, 0, 1)
        assert np.isnan(found["hd95_front"])
        assert np.isnan(found["dice_back"])
        assert found["dice"] == 0  # the mean over labels that are there


def test_a_shifted_cube_lies_as_far_away_as_it_was_shifted():
    truth = cube()
    for spacing in ((1.0, 1.0, 1.0), (0.5, 2.0, 3.0)):
        for axis in range(3):
            found = apart(truth == 1, shifted(truth, 3, axis) == 1, spacing)
            # the faces across the shift lie 3 voxels apart, and make more than 5% of the surface
            assert found.robust() == pytest.approx(3 * spacing[axis])
            assert found.within(3 * spacing[axis]) == 1
            assert found.within(0) < 1


def test_distances_scale_with_the_spacing(data):
    truth = hippocampus(data, "007") == 1
    marked = shifted(truth, 2)
    base, wide = apart(truth, marked, (1.0, 1.3, 0.7)), apart(truth, marked, (2.0, 2.6, 1.4))
    assert wide.robust() == pytest.approx(2 * base.robust())
    assert wide.average() == pytest.approx(2 * base.average())
    assert wide.within(2.0) == pytest.approx(base.within(1.0))
    assert sum(a.sum() for a in wide.area) == pytest.approx(4 * sum(a.sum() for a in base.area))


def test_a_large_ball_has_the_surface_of_a_ball():
    grid = np.indices((50, 50, 50)) - 24.5
    surface = apart((grid**2).sum(0) < 20**2, (grid**2).sum(0) < 10**2, (1.0, 1.0, 1.0))
    assert surface.area[0].sum() == pytest.approx(4 * np.pi * 20**2, rel=0.1)
    # the nearest of elements that lie a voxel apart is a little nearer than the surface
    assert surface.average() == pytest.approx(10, rel=0.07)


def test_a_mask_that_touches_the_end_of_its_grid_has_a_surface_there():
    truth = np.ones((4, 4, 4), bool)
    assert apart(truth, truth, (1.0, 1.0, 1.0)).area[0].sum() == pytest.approx(
        apart(np.pad(truth, 3), truth, (1.0, 1.0, 1.0)).area[0].sum()
    )


def test_the_tolerance_is_that_of_the_plan(data):
    truth = hippocampus(data, "003")
    marked = shifted(truth, 2)
    near, far = (one(marked, truth, plan={"target.tolerance": mm})["nsd"] for mm in (0.5, 3.0))
    assert near < one(marked, truth)["nsd"] < far == 1


def test_measures_of_resamples_are_those_of_the_cases_they_hold(statistics):
    rng = np.random.default_rng(1)
    statistics = statistics.copy()
    lines.split(statistics, 2)[2, 0, [lines.NSD, lines.HD95, lines.ASSD]] = np.nan
    counts = rng.multinomial(len(statistics), [1 / len(statistics)] * len(statistics), size=20)
    found = scores(statistics, counts)
    for r, count in enumerate(counts):
        drawn = lines.split(np.repeat(statistics, count, axis=0), 2)
        dice = np.nanmean(lines.dice(drawn), axis=0)
        assert found["dice"][r] == pytest.approx(dice.mean())
        assert found["dice_back"][r] == pytest.approx(dice[1])
        assert found["hd95"][r] == pytest.approx(np.nanmean(drawn[:, :, lines.HD95], axis=0).mean())
        away = np.abs(lines.expected(drawn) - lines.dice(drawn))
        assert found["quality_error"][r] == pytest.approx(np.nanmean(away, axis=0).mean())
        assert found["quality_correlation"][r] == pytest.approx(
            spearmanr(lines.expected(drawn).mean(1), lines.dice(drawn).mean(1)).statistic
        )
        bins = drawn[:, :, lines.FIRST_BIN :].reshape(len(drawn), 2, 3, lines.BINS).sum(0)
        ece = (np.abs(bins[:, 1] - bins[:, 2]).sum(1) / bins[:, 0].sum(1)).mean()
        assert found["ece"][r] == pytest.approx(ece)


def test_cases_without_truth_count_nothing(statistics, data):
    head = hippocampus(data, "024")
    unknown = TASK.paint(case(raw_of(head, 3)), state=State(), info=INFO, plan={}).line
    more = np.concatenate([statistics, unknown[None]])
    one_, two = scores(statistics), scores(more)
    for name in one_:
        assert one_[name][0] == pytest.approx(two[name][0], nan_ok=True)
    support = TASK.support(more, info=INFO)
    assert support == pytest.approx(TASK.support(statistics, info=INFO))
    assert set(support) == {m.name for m in TASK.measured(INFO)}


def test_the_slices_of_a_patient_are_scored_together(data):
    masks, patients = lgg(data, 4)
    marked = np.stack([shifted(m, 2) for m in masks])
    each = np.stack([line(m, t, info=FLAT) for m, t in zip(marked, masks, strict=True)])
    order = np.random.default_rng(0).permutation(len(each))
    together, first = TASK.pooled(each[order], patients[order], info=FLAT)
    assert len(together) == 4
    assert patients[order][first].tolist() == list(dict.fromkeys(patients[order].tolist()))
    for row, patient in zip(together, patients[order][first], strict=True):
        t, m = masks[patients == patient], marked[patients == patient]
        assert lines.dice(lines.split(row[None], 1))[0, 0] == pytest.approx(2 * (t & m).sum() / (t.sum() + m.sum()))
        own = lines.split(each[patients == patient], 1)[:, 0, lines.HD95]
        assert lines.split(row[None], 1)[0, 0, lines.HD95] == pytest.approx(np.nanmean(own))
    assert TASK.pooled(each, np.arange(len(each)), info=FLAT)[0] is each
    assert TASK.pooled(each, None, info=FLAT)[0] is each


def test_volumes_of_one_patient_stay_apart(statistics):
    assert TASK.pooled(statistics, np.zeros(len(statistics)), info=INFO)[0] is statistics


def test_every_measure_says_its_direction(statistics):
    better = {m.name: m.better for m in TASK.measured(INFO)}
    assert next(iter(better)) == "dice"
    assert {n for n, b in better.items() if b == "higher"} == {
        *("dice", "iou", "nsd", "quality_correlation"), *(f"{n}_{s}" for n in ("dice", "iou", "nsd") for s in ("front", "back")),
    }  # fmt: skip


def test_single_cases_are_told_worst_first(statistics):
    told = TASK.telling(statistics, info=INFO)
    dice = lines.dice(lines.split(statistics, 2)).mean(1)
    assert told.worst(2).tolist() == np.argsort(dice)[:2].tolist()
    observed, marked = told.texts(told.worst(1))
    assert observed[0].startswith("front: ")
    assert "Dice 0." in marked[0]


def test_figures_are_aggregates(data):
    masks, _ = lgg(data, 6)
    held = np.array([m for m in masks if m.any()])
    stats = np.stack([line(shifted(m, at % 4), m, info=FLAT, sure=1 + at % 3) for at, m in enumerate(held)])
    found = {f.name: f for f in TASK.figures(stats, info=FLAT)}
    assert set(found) == {"dice_cases", "calibration", "quality", "volume"}
    assert sum(found["dice_cases"].series[0].y) <= len(held)
    assert all(v == 0 or v >= 5 for v in found["dice_cases"].series[0].y)
    assert len(found["quality"].series[1].x) <= len(held) // 10
    assert TASK.figures(stats[:3], info=FLAT) == ()


def test_a_panel_tells_how_each_label_was_finished(statistics):
    state = State({}, {"pieces_how": ["the largest piece is kept: why", "all pieces are kept: why"]})
    views = TASK.views(state=state, info=INFO)
    assert [(v.label, v.about["how"][:8]) for v in views] == [("front", "the larg"), ("back", "all piec")]
    counts = np.ones((2, len(statistics)), np.int64)
    found, whole = views[1].measures(statistics, counts), scores(statistics, counts)
    for name, values in found.items():
        assert values == pytest.approx(whole[f"{name}_back"])
    assert set(found) == set(views[1].support(statistics)) == {m.name for m in views[1].measured}
    assert TASK.views(state=State({}, {"pieces_how": ["one for all"]}), info=INFO)[1].about["how"] == "one for all"
    assert TASK.views(state=State(), info=INFO) == ()
