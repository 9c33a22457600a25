"""Cases on their own grids: how a file lies, windows, motion, tiles, and the way back to the file."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.core.plan import Brief, Plan
from osler.modalities.images import Images
from osler.modalities.images.case import ImageFiles
from osler.modalities.images.grids.augment import augment
from osler.modalities.images.grids.case import COUNTS, MASK, SEEDS, TRUTH, UNMARKED, VOLUME, Place
from osler.modalities.images.grids.place import placed
from osler.modalities.images.grids.resample import matrix, resampled, resampled_labels
from osler.modalities.images.grids.sizes import planned
from osler.modalities.images.grids.tiles import tile_weights
from osler.modalities.images.grids.windows import gather, windows
from osler.modalities.images.read.volume import load_mask, load_volume, write_mask
from osler.spine.fit.member import Joined

ROLES = frozenset({"input", "target", "truth", "baseline"})
STILL = {"rotate": 0.0, "tilt": 0.0, "scale": 0.0, "gamma": 0.0, "contrast": 0.0, "brightness": 0.0, "noise": 0.0, "mirror": []}
LIES = [(order, signs) for order in itertools.permutations(range(3)) for signs in itertools.product((1, -1), repeat=3)]


def affine_of(order, signs, spacing=(1.0, 2.0, 3.0)):
    """An affine whose file axis a runs along world axis order[a], forwards or backwards."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * spacing[axis]
    affine[:3, 3] = (-11, 7, 23)
    return affine


def read(folder, names, *, settings=None):
    """Columns of volumes with masks, and the reading decisions."""
    images = Images()
    files = [
        ImageFiles((str(folder / f"{n}.nii.gz"),), ("image",), (str(folder / f"{n}-mask.nii.gz"),), ("mask",)) for n in names
    ]
    decided = images.reading(files, settings=settings or {})
    reading = {d.name: d.value for d in decided}
    return images, images.shard(files, reading=reading, roles=ROLES), Plan(decided)


def write_case(folder, name, values, mask, affine):
    write_mask(folder / f"{name}.nii.gz", values, affine=affine)
    write_mask(folder / f"{name}-mask.nii.gz", mask, affine=affine)


@pytest.fixture
def hippocampus(data):
    """Six real volumes with their masks, as columns."""
    folder = data / "images" / "hippocampus"
    names = sorted(p.name for p in (folder / "images").iterdir())[:6]
    images = Images()
    files = [ImageFiles((str(folder / "images" / n),), ("image",), (str(folder / "labels" / n),), ("mask",)) for n in names]
    decided = images.reading(files, settings={})
    columns = images.shard(files, reading={d.name: d.value for d in decided}, roles=ROLES)
    return images, columns, Plan(decided)


def planned_for(images, columns, plan, *, rung=0, **changed):
    """The plan of a study on these cases, with a rung's sizes."""
    rows = np.arange(len(columns))
    brief = Brief(
        images.facts(columns, rows), {"names": []}, "segmentation", "map", "cpu", 5.0, len(rows), len(rows), settings={}
    )
    whole = plan.with_decisions(images.rules(brief)).with_decisions(images.ladder(brief)[rung].decisions)
    return whole.set_by_user(changed)


@pytest.mark.parametrize(("order", "signs"), LIES)
def test_a_file_in_any_orientation_is_stored_in_ras_and_comes_back_as_it_was(order, signs):
    affine = affine_of(order, signs)
    place = placed((3, 4, 5), affine)
    values = np.arange(60.0).reshape(1, 3, 4, 5)
    stored = place.to_stored(values)
    assert (place.to_own(stored) == values).all()
    # along the stored axes index differences are positive world differences
    corner = np.zeros(3, int)
    for axis in range(3):
        step = corner.copy()
        step[axis] = 1
        at = [np.argwhere(values[0] == stored[0][tuple(c)])[0] for c in (corner, step)]
        moved = affine[:3, :3] @ (at[1] - at[0])
        assert moved[axis] > 0
        assert abs(moved).sum() == moved[axis]
    assert np.allclose(place.spacing(), [np.abs(affine[world, :3]).sum() for world in range(3)])
    again = Place.of(place.array(), axes=3)
    assert (again.order, again.turned, again.grid.shape) == (place.order, place.turned, place.grid.shape)
    assert (again.grid.affine == affine).all()


@given(st.lists(st.floats(-180, 180), min_size=3, max_size=3), st.lists(st.floats(0.2, 6), min_size=3, max_size=3))
@settings(max_examples=50, deadline=None)
def test_an_oblique_file_lies_on_three_different_axes(angles, spacing):
    from scipy.spatial.transform import Rotation

    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    place = placed((2, 3, 4), affine)
    assert sorted(place.order) == [0, 1, 2]
    assert np.allclose(sorted(place.spacing()), sorted(spacing))


@pytest.mark.parametrize(("places", "wanted"), [(7, 7), (7, 19), (40, 13), (1, 5), (5, 1)])
@pytest.mark.parametrize("kernel", ["cubic", "linear"])
def test_resampling_keeps_a_constant_and_inside_a_slope(places, wanted, kernel):
    weights = matrix(places, wanted, kernel=kernel)
    assert np.allclose(weights.sum(1), 1, atol=1e-5)
    middles = (np.arange(wanted) + 0.5) * places / wanted - 0.5
    reach = 2 * max(1, places / wanted)
    inside = (middles > reach) & (middles < places - 1 - reach)
    assert np.allclose(
        (weights @ np.arange(places, dtype=float))[inside], middles[inside], atol=1e-4 if wanted >= places else 0.03
    )


def test_resampling_to_the_same_shape_changes_nothing_and_labels_stay_labels():
    values = np.random.default_rng(0).normal(size=(2, 5, 6, 7)).astype(np.float32)
    assert (resampled(values, (5, 6, 7), kernel="cubic") == values).all()
    mask = np.zeros((1, 8, 8, 8), np.uint8)
    mask[0, :4] = 3
    mask[0, 6:, :2] = UNMARKED
    large = resampled_labels(mask, (16, 16, 16))
    assert set(np.unique(large)) == {0, 3, UNMARKED}
    assert (large == 3).mean() == 0.5
    assert (resampled_labels(large, (8, 8, 8)) == mask).all()


def test_a_mask_is_written_voxel_exact_in_the_geometry_of_its_source(data, tmp_path):
    folder = data / "images" / "hippocampus"
    name = min(p.name for p in (folder / "images").iterdir())
    values, mask = (load_volume(str(folder / part / name)).values for part in ("images", "labels"))
    for number, (order, signs) in enumerate(LIES[::7]):
        affine = affine_of(order, signs, spacing=(1.0, 1.2, 0.9))
        turned = np.ascontiguousarray(values[0].transpose(np.argsort(order)))
        own = np.ascontiguousarray(mask[0].transpose(np.argsort(order)).astype(np.uint8))
        write_case(tmp_path, f"c{number}", (turned / turned.max() * 250).astype(np.uint8), own, affine)
        images, columns, _ = read(tmp_path, [f"c{number}"], settings={"spacing": [1.5, 1.5, 1.5]})
        assert columns.present.all(), columns.refusals
        assert (images.truth(columns, 0)[0] == own).all()
        path = images.write_marks(own[None], columns, 0, folder=tmp_path, name=f"out{number}")
        again = load_volume(str(path))
        assert (again.values[0] == own).all()
        assert np.abs(again.affine - affine).max() < 1e-4
        assert (load_mask(str(path), like=own.shape, affine=affine)[0] == own).all()
        # what is said on the stored grid comes back where it was: one-hot truth, resampled there and back, is nearly the truth
        stored = np.asarray(columns[MASK][0])
        raw = np.concatenate([(stored == v).astype(np.float32) for v in (0, 1, 2)])
        slabs = list(images.restored(raw, columns, 0))
        back = np.concatenate(slabs, axis=1)
        assert back.shape == (3, *own.shape)
        assert (back.argmax(0) == own).mean() > 0.97


def test_truth_is_kept_apart_only_where_the_stored_grid_is_another(hippocampus):
    images, columns, _ = hippocampus
    for row in range(len(columns)):
        assert np.asarray(columns[TRUTH][row]).size == 0
        assert images.truth(columns, row).shape[1:] == images.grid(columns, row).shape
        counts = np.bincount(images.truth(columns, row).ravel(), minlength=256)
        assert (np.asarray(columns[COUNTS])[row, 0] == counts).all()
        for column, value, *at in np.asarray(columns[SEEDS][row]):
            assert np.asarray(columns[MASK][row])[column, *at] == value


def test_windows_see_labels_and_reach_over_the_ends_of_small_cases(hippocampus):
    images, columns, plan = hippocampus
    plan = planned_for(images, columns, plan, patch=[16, 24, 64], foreground=1.0)
    rows = np.array([0, 1, 2, 3, 4, 5] * 6)
    cut = windows(columns, rows, plan=plan, generator=np.random.default_rng(1), moved=False)
    assert (cut[:, :, 1] - cut[:, :, 0] == [16, 24, 64]).all()
    found = gather(columns, rows, windows=cut, names=(VOLUME, MASK))
    seen = [set(np.unique(m)) - {0, UNMARKED} for m in found[MASK].numpy()]
    assert all(seen)
    assert set().union(*seen) == {1, 2}
    assert (found[MASK] == UNMARKED).any()  # the last axis is shorter than its window
    wide = windows(columns, rows, plan=plan, generator=np.random.default_rng(1), moved=True)
    assert (wide[:, :, 1] - wide[:, :, 0] >= np.ceil(np.array([16, 24, 64]) * 1.3) - 1).all()
    middles = (wide.mean(-1) - cut.mean(-1)).astype(float)
    assert np.abs(middles).max() <= 1


def test_a_window_that_is_not_moved_is_the_window(hippocampus):
    images, columns, plan = hippocampus
    plan = planned_for(images, columns, plan, patch=[16, 24, 16], **STILL)
    rows = np.arange(6)
    plain = windows(columns, rows, plan=plan, generator=np.random.default_rng(3), moved=False)
    wide = windows(columns, rows, plan=plan, generator=np.random.default_rng(3), moved=True)
    wide -= (wide.sum(-1) - plain.sum(-1))[..., None] // 2  # the middles of an odd and an even side lie half a place apart
    even = np.stack([plain[..., 0] - 4, plain[..., 1] + 4], axis=-1)
    moved = augment(
        gather(columns, rows, windows=even, names=(VOLUME, MASK)), plan=plan, generator=torch.Generator().manual_seed(0)
    )
    still = gather(columns, rows, windows=plain, names=(VOLUME, MASK))
    assert (moved[MASK] == still[MASK]).all()
    assert torch.allclose(moved[VOLUME], still[VOLUME].float(), rtol=1e-4, atol=still[VOLUME].abs().max() * 1e-5)


def test_masks_move_with_their_volumes():
    plan = {**STILL, "patch": [24, 24, 24], "rotate": 30.0, "tilt": 20.0, "scale": 0.2, "mirror": [0], "aspect": [1.0, 1.0, 2.0]}
    mask = torch.zeros(4, 1, 36, 36, 36, dtype=torch.uint8)
    mask[:, :, 14:24, 10:20, 12:30] = 1
    moved = augment({VOLUME: mask.float() * 100, MASK: mask}, plan=plan, generator=torch.Generator().manual_seed(5))
    assert moved[VOLUME].shape == moved[MASK].shape == (4, 1, 24, 24, 24)
    # where the volume is surely inside or outside, the mask says so
    sure = (moved[VOLUME] > 99) | (moved[VOLUME] < 1)
    assert sure.float().mean() > 0.7
    assert ((moved[VOLUME] > 50)[sure] == (moved[MASK] == 1)[sure]).all()
    assert not (moved[MASK][0] == moved[MASK][1]).all()


def test_tiles_cover_a_case_and_a_constant_stays_one(hippocampus):
    images, columns, plan = hippocampus
    for patch in ([16, 16, 16], [64, 64, 64], [16, 64, 24]):
        own = planned_for(images, columns, plan, patch=patch)
        for row in (0, 3):
            cut = images.tiles(columns, row, plan=own)
            assert (cut[:, :, 1] - cut[:, :, 0] == patch).all()
            joined = Joined(images.stored(columns, row), torch.from_numpy(tile_weights(tuple(patch))))
            for tile in cut:
                joined.add(torch.full((1, 2, *patch), 3.0), tile[None])
            whole = joined.whole()
            assert whole.shape == (2, *images.stored(columns, row))
            assert np.allclose(whole, 3.0, atol=1e-4)


@given(
    st.lists(st.integers(1, 600), min_size=2, max_size=3),
    st.lists(st.floats(0.3, 8), min_size=3, max_size=3),
    st.sampled_from([48**3, 128**2]),
    st.integers(2, 7),
)
@settings(max_examples=100, deadline=None)
def test_windows_fit_the_steps_of_the_network(shape, spacing, places, stages):
    patch, strides, filters = planned(shape, spacing[: len(shape)], places=places, stages=stages)
    total = np.prod(strides, axis=0)
    assert (np.array(patch) % total == 0).all()
    assert len(strides) == len(filters) <= stages
    assert strides[0] == [1] * len(shape)
    assert all(max(s) == 2 for s in strides[1:])
    assert np.prod(patch) <= places * 4  # rounding up to whole steps may add


def test_slices_far_apart_are_not_halved_before_the_others_are_as_coarse():
    patch, strides, filters = planned([320, 320, 20], [0.6, 0.6, 3.6], places=96**3, stages=6)
    assert [s[2] for s in strides[:4]] == [1, 1, 1, 2]
    assert filters[0] == [3, 3, 1]
    assert patch[2] <= 20


def test_a_case_of_another_kind_is_refused_and_the_others_go_on(tmp_path):
    volume = np.arange(10 * 11 * 12).reshape(10, 11, 12).astype(np.uint8)
    mask = (volume > 100).astype(np.uint8)
    for name in ("a", "b", "c", "d"):
        write_case(tmp_path, name, volume, mask, np.diag([1, 1, 3, 1.0]))
    write_mask(tmp_path / "b-mask.nii.gz", mask[:-1], affine=np.diag([1, 1, 3, 1.0]))
    write_mask(tmp_path / "c-mask.nii.gz", mask, affine=np.diag([1, 1, 2, 1.0]))
    (tmp_path / "d.nii.gz").write_bytes((tmp_path / "d.nii.gz").read_bytes()[:40])
    _, columns, _ = read(tmp_path, ["a", "b", "c", "d"])
    assert columns.present.tolist() == [True, False, False, False]
    assert {row: why.column for row, why in columns.refusals.items()} == {1: "mask", 2: "mask", 3: "image"}


@pytest.mark.parametrize("sampled", [False, True])
def test_features_of_places_are_the_same_in_slabs_as_of_the_whole(data, sampled, monkeypatch):
    from osler.modalities.images.grids import baseline

    images, files = Images(), [ImageFiles((str(data / "images/heads/ct_template_2mm.nii.gz"),), ("image",))]
    decided = images.reading(files, settings={"form": "grid", "own_grid": True})
    columns = images.shard(files, reading={d.name: d.value for d in decided}, roles=frozenset({"input"}))
    row, generator = np.array([0]), lambda: np.random.default_rng(0) if sampled else None
    whole = baseline.baseline_features(columns, row, generator=generator())
    monkeypatch.setattr(baseline, "SLAB", 1 << 16)
    slabs = list(baseline._slabs(images.stored(columns, 0), whole.places))
    assert len(slabs) > 8
    assert sum(len(at) for *_, at in slabs) == len(whole.places)
    cut = baseline.baseline_features(columns, row, generator=generator())
    assert np.array_equal(cut.places, whole.places)
    assert np.abs(cut.matrix - whole.matrix).max() < 1e-4
