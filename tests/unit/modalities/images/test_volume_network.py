"""The network over volumes, the rules that choose it, and what is drawn of it."""

import re
from dataclasses import replace

import nibabel
import numpy as np
import pytest
import torch

from osler.core.plan import Brief, Decision, Plan
from osler.core.state import State
from osler.core.target import Target
from osler.modalities.images import Images
from osler.modalities.images.augment import augment
from osler.modalities.images.volumes.network import VolumeEncoder
from osler.modalities.images.volumes.view import VIEWS
from tests.unit.modalities.images.test_volumes import ROLES, Files, body, files, hippocampi

__all__ = ["files"]

FORM = {
    "input_size": [16, 12, 8], "halvings": 1, "stages": 2, "width": 8, "depth": 1, "norm": "batch", "layout": "channels-last",
    "normalise": "study", "views": "left-right", "dropout": 0.1, "drop_path": 0.1, "view": "3-D", "axis": 2, "pool": "mean",
    "flip": "left-right", "rotate": 0.0, "tilt": 0.0, "scale": 0.0, "shear": 0.0, "shift": 0.0, "gamma": 0.0, "contrast": 0.0,
    "brightness": 0.0, "noise": 0.0, "erase": 0.0, "aspect": [1.0, 1.0, 2.0],
}  # fmt: skip
STATE = State({"mean": np.full(2, 128, np.float32), "spread": np.full(2, 60, np.float32)})


def plan(**values):
    return Plan(Decision(k, v, "") for k, v in {**FORM, **values}.items())


def pixels(cases=3, size=(16, 12, 8)):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 255, (cases, 2, *size), np.uint8))


def encoder(**values):
    torch.manual_seed(0)
    found = VolumeEncoder(plan=plan(**values), state=STATE)
    for module in found.modules():  # away from the start, at which units are their shortcuts and pooling is even
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.BatchNorm3d, torch.nn.GroupNorm, torch.nn.Linear)):
            torch.nn.init.normal_(module.weight)
    return found.eval()


def vectors(found, values):
    return found(found.lift({"pixels": values}), {}).vector


@pytest.mark.parametrize(
    ("values", "shapes"),
    [
        ({}, [(8, 8, 6, 4), (16, 4, 3, 2)]),
        ({"view": "slices"}, [(8, 8, 6, 8), (16, 4, 3, 8)]),
        ({"view": "2.5-D", "axis": 0, "pool": "attention"}, [(8, 16, 6, 4), (16, 16, 3, 2)]),
    ],
)
def test_maps_lie_as_the_volume_does(values, shapes):
    found = encoder(**values)
    encoded = found(found.lift({"pixels": pixels()}), {})
    assert [m.shape[1:] for m in encoded.maps] == shapes
    assert encoded.vector.shape == (3, 2, found.width)
    assert found.train()(found.lift({"pixels": pixels()}), {}).vector.shape == (3, found.width)


@pytest.mark.parametrize("view", VIEWS)
def test_a_batch_equals_one_by_one_and_layouts_and_mirror_images_agree(view):
    found, values = encoder(view=view, pool="attention"), pixels()
    together = vectors(found, values)
    for at in range(3):
        torch.testing.assert_close(vectors(found, values[at : at + 1])[0], together[at], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        vectors(encoder(view=view, pool="attention", layout="contiguous"), values), together, rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(vectors(found, values.flip(-3)).flip(1), together, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[:, 0], together[:, 1], atol=1e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("pool", ["mean", "attention"])
def test_slices_by_themselves_have_no_order_and_with_neighbours_they_have(axis, pool):
    values = pixels()
    order = torch.randperm(values.shape[2 + axis], generator=torch.Generator().manual_seed(1))
    mixed = values.index_select(2 + axis, order)
    alone, beside = (encoder(view=view, axis=axis, pool=pool, views="none") for view in ("slices", "2.5-D"))
    torch.testing.assert_close(vectors(alone, mixed), vectors(alone, values), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(vectors(beside, mixed), vectors(beside, values), atol=1e-3)


def test_a_volume_scaled_by_itself_has_no_brightness():
    found = encoder(normalise="case")
    torch.testing.assert_close(vectors(found, pixels() * 0.5 + 9.0), vectors(found, pixels()), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1, 1), (3, 20, 5), (16, 2, 1)])
@pytest.mark.parametrize("view", VIEWS)
def test_other_sizes_pass_through(view, size):
    assert torch.isfinite(vectors(encoder(view=view), pixels(size=size))).all()


# motion ----------------------------------------------------------------------------------------------------------------


def moved(values, **settings):
    generator = torch.Generator().manual_seed(3)
    return augment({"pixels": values}, warps={"pixels": "linear"}, plan=plan(**settings), generator=generator)["pixels"]


def test_only_left_and_right_are_mirrored():
    values = pixels(16).float()
    found = moved(values)
    kinds = set()
    for one, other in zip(values, found, strict=True):
        as_it_was, mirrored = torch.allclose(one, other, atol=1e-2), torch.allclose(one.flip(1), other, atol=1e-2)
        assert as_it_was != mirrored
        kinds.add(mirrored)
    assert kinds == {True, False}


def test_a_turn_in_the_axial_plane_keeps_each_slice_and_a_tilt_does_not():
    ramp = torch.arange(8.0).expand(4, 1, 16, 12, 8).clone()
    flat = {"flip": "none", "rotate": 40.0}
    torch.testing.assert_close(moved(ramp, **flat), ramp, rtol=1e-4, atol=1e-3)
    assert (moved(ramp, **flat, tilt=20.0) - ramp).abs().max() > 0.5


def test_turns_are_of_millimetres():
    """A ball stays a ball: of places twice as far apart along k, it is turned out of the plane as in the world."""
    grid = torch.stack(
        torch.meshgrid(torch.arange(32) - 15.5, torch.arange(32) - 15.5, 2 * (torch.arange(16) - 7.5), indexing="ij")
    )
    ball = torch.exp(-(grid**2).sum(0) / 50)[None, None].expand(8, 1, 32, 32, 16).clone() * 100
    found = moved(ball, flip="none", rotate=30.0, tilt=40.0)
    assert (found - ball).abs().max() < 4
    assert (moved(ball, flip="none", rotate=30.0, tilt=40.0, aspect=[1.0, 1.0, 1.0]) - ball).abs().max() > 15


# rules -----------------------------------------------------------------------------------------------------------------


def brief(
    *, spacing=(1.0, 1.0, 1.0), shape=(1, 48, 48, 48), cases=300, groups=300, budget=10.0, device="cpu", settings=None, **facts
):
    known = {
        "form": "volume",
        "shape": list(shape),
        "spacing": list(spacing),
        "placed": True,
        "unlike": 0.1,
        "mirror": {},
        **facts,
    }
    target = {"names": ["grade"], "classes": [["low", "high"]]}
    return Brief(known, target, "classification", "vector", device, budget, cases, groups, settings=settings or {})


def decided(**asked):
    return {d.name: d for d in Images().rules(brief(**asked))}


@pytest.mark.parametrize(
    ("asked", "view", "axis", "said"),
    [
        ({}, "3-D", 2, "filters go through all three axes"),
        ({"spacing": (1, 1, 3)}, "2.5-D", 2, "slices lie 3.0 times as far apart"),
        ({"spacing": (4, 1, 1)}, "2.5-D", 0, "slices lie 4.0 times as far apart"),
        ({"spacing": (1, 1, 7)}, "slices", 2, "neighbours have little to do"),
        ({"shape": (1, 64, 64, 3)}, "slices", 2, "there are 3 slices"),
        ({"groups": 30}, "2.5-D", 2, "30 groups train"),
        ({"cases": 100_000, "budget": 1.0}, "2.5-D", 2, "5 passes over 100,000 cases"),
        ({"cases": 100_000, "budget": 1.0, "device": "cuda"}, "3-D", 2, "all three axes"),
    ],
)
def test_the_view_follows_from_spacing_cases_and_budget(asked, view, axis, said):
    found = decided(**asked)
    assert (found["view"].value, found["axis"].value) == (view, axis)
    assert said in found["view"].reason


def test_the_ladder_follows_the_view_also_that_of_the_user():
    whole, slices = Images().ladder(brief()), Images().ladder(brief(settings={"view": "slices"}))
    assert [len(whole), len(slices)] == [4, 4]
    sizes = [next(d.value for d in rung.decisions if d.name == "input_size") for rung in whole]
    assert sizes == sorted(sizes)
    assert sizes[0] == [32, 32, 32]
    assert [d.value for d in whole[0].decisions] != [d.value for d in slices[0].decisions]
    thin = Images().ladder(brief(shape=(1, 96, 96, 12), spacing=(1.0, 1.0, 5.0)))
    assert next(d.value for d in thin[0].decisions if d.name == "input_size") == [48, 48, 12]
    assert len(Images().ladder(brief(device="cuda", cases=2_000))) == 5


def test_only_where_nothing_speaks_of_sides_left_and_right_are_mirrored():
    named = replace(brief(), target={"names": ["side"], "classes": [["left", "right"]]})
    assert decided()["flip"].value == decided()["views"].value == "left-right"
    assert next(d for d in Images().rules(named) if d.name == "flip").value == "none"
    assert decided(placed=False)["flip"].value == "none"
    told = decided(mirror={"left-right": {"seen": 0.9, "kept": -0.4}})["flip"]
    assert (told.value, "measured" in told.reason) == ("none", True)
    assert decided(mirror={"left-right": {"seen": 0.9, "kept": 0.9}})["flip"].value == "left-right"


def test_which_hippocampus_it_is_is_measured_to_be_about_side(data):
    """Odd and even numbers of this data set are the two sides of a head; the classes' names say nothing of it."""
    files, names = hippocampi(data)
    locators = files.locators(*names)
    reading = {d.name: d.value for d in Images().reading(locators, settings={"size": [20, 28, 20]})}
    columns = Images().shard(locators, reading=reading, roles=ROLES)
    odd = np.array([int(name[-10:-7]) % 2 for name in names], float)
    sides = Target(
        odd[:, None], np.ones((len(names), 1), bool), {"kind": "binary", "names": ["number"], "classes": [["even", "odd"]]}
    )
    labels = [nibabel.load(files.folder.parent / "labels" / name) for name in names]
    amount = np.array([(np.asarray(label.dataobj) > 0).sum() / 1000 for label in labels])
    size = Target(amount[:, None], np.ones((len(names), 1), bool), {"kind": "number", "names": ["ml"]})
    rows = np.arange(len(names))
    about_side, about_size = (Images().facts(columns, rows, target=t) for t in (sides, size))
    assert about_side["mirror"]["left-right"]["seen"] > 0.7
    assert about_side["mirror"]["left-right"]["kept"] < 0
    assert about_size["mirror"]["left-right"]["kept"] > 0.1  # the sides differ a little in size
    assert about_side["placed"]  # also those whose affine is the identity, as they say so
    assert about_side["spacing"] == pytest.approx([2, 2, 2], abs=0.3)


# drawing ---------------------------------------------------------------------------------------------------------------


def test_three_slices_are_drawn_with_letters_and_layers_under_them(files):
    _, columns = files.columns(*(files.put(f"{n}.nii.gz", body(seed=n)) for n in range(2)))
    size = columns["pixels"].shape[2:]
    why = np.zeros((1, *(n // 2 for n in size)))
    why[0, 2, 3, 4] = 2.0
    alone = Images().picture(columns, 0)
    both = Images().picture(columns, 0, layers={"attribution": why, "focus": np.abs(why[0])})
    assert [svg.count("<image") for svg in (alone, both)] == [3, 3 + 6 + 6]
    letters = re.findall(r"<text[^>]*>([RLAPSI])</text>", alone)
    assert "".join(letters) == "RLAP" + "RLSI" + "APSI"
    assert "+2" in both
    assert Images().picture(replace(columns, present=np.zeros(2, bool)), 0) is None


def test_letters_are_left_out_where_sides_are_not_known(tmp_path):
    import PIL.Image

    pages = [PIL.Image.fromarray(body()[:, :, k].astype(np.uint16).T) for k in range(12)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    _, columns = Files(tmp_path).columns("pages.tif", "pages.tif")
    assert "<text" not in Images().picture(columns, 0)
