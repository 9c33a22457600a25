"""Where networks look: maps add up, depend on what was learned, and point at what decides; drawings of them."""

import base64
import io
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import PIL.Image
import pytest
import torch

from osler.blocks.fusion import Fusion, Network
from osler.contract import Batch, Encoded, InputBatch
from osler.core.attribution import Answer
from osler.core.state import State
from osler.flows.maps import FEWEST, PARTS, MeanMaps
from osler.modalities.images import Images
from osler.modalities.images.explain import visible
from osler.modalities.images.explain.sketch import phantom, sketch
from osler.modalities.images.network import ImageEncoder
from osler.spine.explain import FALLBACK, Layout, attribute, find_references, focus
from tests.unit.modalities.images.films import columns_of, films
from tests.unit.modalities.images.test_network import plan

MARK = (slice(4, 10), slice(18, 24))
LAYOUT, ONE = Layout({"film": 0}, {"film": 1}), np.eye(1)
ROWS = np.arange(300, 312)


def network_of(seed):
    torch.manual_seed(seed)
    state = State({"mean": np.full(1, 128, np.float32), "spread": np.full(1, 60, np.float32)})
    encoder = ImageEncoder(plan=plan(input_size=[28, 28], views="none", dropout=0.0, drop_path=0.0, norm="group"), state=state)
    return Network(fusion=Fusion(encoders={"film": encoder}), head=torch.nn.Linear(encoder.width, 1), output="vector")


def batches(pictures):
    def batch_of(rows):
        fields = {"pixels": torch.from_numpy(np.ascontiguousarray(pictures[rows][:, None]))}
        return Batch({"film": InputBatch(fields, torch.arange(len(rows)))}, len(rows))

    return batch_of


@pytest.fixture(scope="module")
def trained(data):
    """A small network that tells films with a bright square from films without, and those films."""
    pictures = films(data)[0][:400].copy()
    marked = np.random.default_rng(0).random(400) < 0.5
    pictures[np.ix_(marked, np.r_[MARK[0]], np.r_[MARK[1]])] = 240
    network, batch_of = network_of(0), batches(pictures)
    truth = torch.from_numpy(marked.astype(np.float32))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for step in range(60):
        rows = np.random.default_rng(step).choice(300, 32, replace=False)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(batch_of(rows))[:, 0], truth[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        right = ((network(batch_of(ROWS))[:, 0] > 0) == (truth[ROWS] > 0.5)).float().mean()
    assert right > 0.9
    return network, batch_of, marked


@pytest.fixture(scope="module")
def references(trained):
    network, batch_of, _ = trained
    return find_references([network], batch_of, np.arange(300), groups=np.arange(400), seed=0)[0]


def test_maps_add_up_to_the_score(trained, references):
    network, batch_of, _ = trained
    found = attribute(network, batch_of, ROWS, references=references, weights=ONE, layout=LAYOUT)
    way = np.abs(found.score - found.reference)
    assert found.maps["film"].shape == (12, 1, 1, 28, 28)
    np.testing.assert_allclose(found.maps["film"].sum((2, 3, 4)), found.values[..., 0], rtol=1e-6, atol=1e-9)
    assert (np.abs(found.error) < 0.01 * np.maximum(way, 1)).all()


def test_passes_of_few_nodes_give_the_same_maps(trained, references, monkeypatch):
    network, batch_of, _ = trained
    options = {"references": references, "weights": ONE, "layout": LAYOUT, "nodes": 8}
    whole = attribute(network, batch_of, ROWS[:3], **options)
    monkeypatch.setattr("osler.spine.explain.gradients.GRID_NUMBERS", 3 * 784)
    parts = attribute(network, batch_of, ROWS[:3], **options)
    np.testing.assert_allclose(parts.maps["film"], whole.maps["film"], rtol=1e-3, atol=1e-5)


def test_both_maps_point_at_what_decides(trained, references):
    network, batch_of, marked = trained
    rows = ROWS[marked[ROWS]]
    found = np.abs(attribute(network, batch_of, rows, references=references, weights=ONE, layout=LAYOUT).maps["film"]).sum((1, 2))
    area = np.zeros((28, 28), bool)
    area[2:12, 16:26] = True  # the square and what borders on it
    assert found[:, area].sum() / found.sum() > 3 * area.mean()
    looked = focus(network, batch_of, rows, weights=ONE)["film"][:, 0].mean(0)
    half = looked[: len(looked) // 2 + 1, looked.shape[1] // 2 :]
    assert half.mean() > 1.5 * looked.mean() or half.max() == looked.max()


def test_random_weights_change_the_maps(trained, references):
    """The sanity check of Adebayo (2018): a map that stays when weights are drawn anew shows edges of the picture, not the model."""
    network, batch_of, marked = trained
    rows, other = ROWS[marked[ROWS]], network_of(7).eval()
    maps = _attributed(references)
    for asked in (maps, lambda n, batch, cases: focus(n, batch, cases, weights=ONE)["film"]):
        known, drawn = (np.abs(asked(one, batch_of, rows)).ravel() for one in (network, other))
        assert np.corrcoef(known, drawn)[0, 1] < 0.7
    np.testing.assert_array_equal(maps(network, batch_of, rows), maps(network, batch_of, rows))


def _attributed(references):
    def maps(network, batch_of, rows):
        return attribute(network, batch_of, rows, references=references, weights=ONE, layout=LAYOUT).maps["film"]

    return maps


def test_what_is_compared_with_holds_no_single_picture(data):
    pictures = films(data)[0][:60].copy()
    pictures[7, :6, :] = 255 * (np.arange(28) % 2)  # as a name burned into one film
    plain = films(data)[0][:60]
    network = network_of(0)
    options = {"groups": np.arange(60), "seed": 0}
    with_name = find_references([network], batches(pictures), np.arange(60), **options)[0].lifted["film"]
    without = find_references([network], batches(plain), np.arange(60), **options)[0].lifted["film"]
    assert np.abs(with_name - without).max() < 0.1  # of a standard deviation; the name is two of them
    assert find_references([network], batches(plain), np.arange(15), **options)[0] is FALLBACK


def test_an_encoder_without_maps_has_no_focus(trained):
    batch_of = trained[1]

    class Bare(torch.nn.Module):
        width, channels = 3, ()

        def lift(self, fields):
            return fields["pixels"].float()

        def forward(self, lifted, fields):
            return Encoded(lifted.mean((2, 3)).expand(-1, 3))

    bare = Network(fusion=Fusion(encoders={"film": Bare()}), head=torch.nn.Linear(3, 1), output="vector")
    assert focus(bare, batch_of, ROWS, weights=ONE) == {}


# drawings ---------------------------------------------------------------------------------------------------------------


def images_in(svg):
    root = ET.fromstring(svg)
    links = [e.attrib["href"] for e in root.iter("{http://www.w3.org/2000/svg}image")]
    return [np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(link.split(",")[1])))) for link in links]


def test_a_picture_is_drawn_with_its_layers(data):
    columns, modality = columns_of(films(data)[0][:4]), Images()
    plain = images_in(modality.picture(columns, 2))
    assert [one.shape for one in plain] == [(28, 28)]
    attribution = np.zeros((1, 28, 28))
    attribution[0, 3, 5], attribution[0, 20, 9] = 2.0, -1.0
    svg = modality.picture(columns, 2, layers={"attribution": attribution, "focus": np.eye(4)})
    grey, _, colours, _, yellow = images_in(svg)
    assert (grey == plain[0]).all()
    assert colours[3, 5, 0] > colours[3, 5, 2]  # orange speaks for
    assert colours[20, 9, 2] > colours[20, 9, 0]  # blue against
    assert colours[3, 5, 3] == 2 * colours[20, 9, 3] or colours[3, 5, 3] > colours[20, 9, 3]
    assert (colours[..., 3] > 0).sum() == 2
    assert yellow.shape == (4, 4, 4)
    assert re.findall(r">([+-]?[\d.]+)<", svg) == ["-2", "0", "+2"]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 40, 30), (2, 9, 400), (1, 700, 300)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_every_picture_can_be_drawn(shape, dtype):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    for one in (pixels, pixels * 0):
        shown = visible(one, most=128)
        assert shown.dtype == np.uint8
        assert max(shown.shape[:2]) <= 128
    found = Images().picture(columns_of(pixels[None]), 0, layers={"attribution": np.zeros(shape), "focus": np.zeros((2, 2))})
    assert ET.fromstring(found) is not None


def test_an_absent_picture_is_not_drawn(data):
    columns = columns_of(films(data)[0][:2])
    assert Images().picture(replace(columns, present=np.array([True, False])), 1) is None


def test_the_sketch_shows_the_pattern_and_eight_draws():
    shown = images_in(sketch(plan()))
    assert len(shown) == 9
    assert (shown[0] == phantom()).all()
    assert all((one != shown[0]).mean() > 0.1 for one in shown[1:])
    still = dict.fromkeys(("rotate", "scale", "shear", "shift", "gamma", "contrast", "brightness", "noise", "erase"), 0.0)
    assert sketch(plan(**still, flip="none")) is None
    mirrored = images_in(sketch(plan(**still, flip="horizontal")))
    assert {int(np.abs(one.astype(int) - phantom()[:, ::-1]).max() <= 1) for one in mirrored[1:]} == {0, 1}


def test_mean_maps_are_of_many_cases_on_a_coarse_grid():
    answer, maps = Answer("finding", "sick", "P", np.ones(1)), MeanMaps()
    values = np.random.default_rng(0).normal(1, 1, size=(FEWEST, 1, 2, 50, 37))
    maps.add({"film": values[:-1]})
    assert maps.told([answer]) == []
    maps.add({"film": values[-1:]})
    told = maps.told([answer])[0]
    signed = np.array(told["signed"])
    assert signed.shape == (PARTS, PARTS)
    assert signed.sum() == pytest.approx(values.sum((1, 2, 3, 4)).mean(), rel=1e-3)
    assert (np.array(told["strength"]) >= np.abs(signed) - 0.1).all()
    assert told["cases"] == FEWEST
