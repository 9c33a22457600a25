"""The network over pictures: shapes, views, layouts, and a training that is taken up in half precision."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from osler.core.columns import Columns, Field
from osler.core.plan import Decision, Plan
from osler.core.state import State
from osler.core.target import Target
from osler.modalities.images import Images
from osler.modalities.images.network import ImageEncoder
from osler.spine.fit import NetworkMember, PredictorObjective, Run, Source, fit
from osler.tasks.classification import Classification

FORM = {
    "input_size": [20, 20], "width": 8, "stages": 3, "halvings": 1, "depth": 1, "norm": "batch", "layout": "channels-last",
    "normalise": "study", "views": "horizontal", "dropout": 0.1, "drop_path": 0.1, "flip": "horizontal", "rotate": 10.0,
    "scale": 0.1, "shear": 0.0, "shift": 0.1, "gamma": 0.1, "contrast": 0.1, "brightness": 0.1, "noise": 0.1, "erase": 0.1,
}  # fmt: skip
FIT = {
    "fit.epochs": 3, "fit.epoch_cases": 1000, "fit.batch": 16, "fit.learning_rate": 3e-3, "fit.weight_decay": 0.05, "fit.clip": 1.0,
    "fit.ema": 0.9, "fit.predict_batch": 7, "fit.precision": "bfloat16", "fusion.drop": 0.0, "fusion.join": "side by side", "fusion.dropout": 0.0, "target.prior": [0.0],
}  # fmt: skip
STATE = State({"mean": np.full(2, 128, np.float32), "spread": np.full(2, 60, np.float32)})


def plan(**values) -> Plan:
    return Plan(Decision(k, v, "") for k, v in {**FORM, **values}.items())


def pixels(cases=4, size=(20, 20)) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 255, (cases, 2, *size), np.uint8))


def encoder(**values) -> ImageEncoder:
    torch.manual_seed(0)
    found = ImageEncoder(plan=plan(**values), state=STATE)
    for module in found.modules():  # away from the start, at which units are their shortcuts
        if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.GroupNorm)):
            torch.nn.init.normal_(module.weight)
    return found.eval()


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_maps_from_fine_to_coarse_and_a_vector_per_view(norm):
    found = encoder(norm=norm)
    lifted = found.lift({"pixels": pixels()})
    encoded = found(lifted, {})
    assert lifted.shape == (4, 2, 20, 20)
    assert [m.shape[1:] for m in encoded.maps] == [(8, 10, 10), (16, 5, 5), (32, 3, 3)]
    assert encoded.strides == (2, 4, 8)
    assert tuple(m.shape[1] for m in encoded.maps) == found.channels
    assert encoded.vector.shape == (4, 2, found.width)
    assert found.train()(lifted, {}).vector.shape == (4, found.width)


def test_a_picture_and_its_mirror_image_have_the_same_views():
    found = encoder()
    one = found(found.lift({"pixels": pixels()}), {}).vector
    other = found(found.lift({"pixels": pixels().flip(-1)}), {}).vector
    torch.testing.assert_close(one, other.flip(1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (20, 7)])
def test_other_sizes_pass_through(size):
    found = encoder()
    assert torch.isfinite(found(found.lift({"pixels": pixels(size=size)}), {}).vector).all()


def test_the_layout_changes_speed_and_not_the_answer():
    one, other = encoder(), encoder(layout="contiguous")
    first, second = (e(e.lift({"pixels": pixels()}), {}).vector for e in (one, other))
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-5)


def test_a_picture_scaled_by_itself_has_no_brightness():
    found = encoder(normalise="picture")
    half = (pixels() // 2).float()
    one, other = found.lift({"pixels": half}), found.lift({"pixels": half * 2 + 1})
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert torch.isfinite(found.lift({"pixels": torch.full((1, 2, 5, 5), 9)})).all()


def source(cases=40) -> Source:
    values = (pixels(cases).float() * torch.linspace(0.2, 1, cases)[:, None, None, None]).to(torch.uint8).numpy()
    columns = Columns(
        (Field("pixels", "uint8", (2, 20, 20), warp="linear"),),
        {"pixels": values},
        np.ones(cases, bool),
        np.zeros((cases, 2), np.int64),
    )
    info = {"kind": "binary", "names": ["y"], "classes": [["a", "b"]], "positive": "b"}
    target = Target((np.arange(cases)[:, None] >= cases // 2).astype(float), np.ones((cases, 1), bool), info)
    decided = Plan([Decision(k, v, "") for k, v in FIT.items()] + [d.under("inputs.scan") for d in plan().decisions])
    return Source({"scan": Images()}, {"scan": columns}, decided, target)


def trained(folder) -> NetworkMember:
    given = source()
    member = NetworkMember.built(
        modalities=given.modalities,
        task=Classification(),
        info=given.target.info,
        states={"scan": STATE},
        plan=given.plan,
        seed=0,
    )
    objective = PredictorObjective(network=member.network, task=Classification(), plan=given.plan)
    run = Run(given.plan, 0, 0, folder)
    fit(objective, lambda rows, at: given.batch(rows, seed=at), rows=np.arange(30), tune=lambda: given.batches(np.arange(30, 40), size=7), run=run)  # fmt: skip
    return member


def test_a_training_in_half_precision_that_was_stopped_ends_with_the_same_bytes(tmp_path, monkeypatch):
    whole = trained(tmp_path / "whole").network.state_dict()
    again = trained(tmp_path / "again").network.state_dict()
    calls = []
    step = PredictorObjective.step

    def dying(self, *args, **more):
        calls.append(0)
        if len(calls) == 4:  # in the second epoch
            raise KeyboardInterrupt
        return step(self, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(PredictorObjective, "step", dying)
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "killed")
    resumed = trained(tmp_path / "killed").network.state_dict()
    for name, values in whole.items():
        assert torch.equal(values, again[name]), name
        assert torch.equal(values, resumed[name]), name
    assert any("running_mean" in name for name in whole)


def test_prediction_does_not_depend_on_the_batch_or_on_the_precision_of_training(tmp_path):
    member, given = trained(tmp_path), source()
    together = member.raw(given, np.arange(40))
    alone = np.concatenate([member.raw(given, np.array([row])) for row in range(40)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    exact = replace(given, plan=given.plan.set_by_user({"fit.precision": "float32"}))
    np.testing.assert_array_equal(member.raw(exact, np.arange(40)), together)


def test_large_pictures_are_seen_as_means_of_areas():
    given = source()
    columns = given.columns["scan"]
    found = Images().gather(columns, np.arange(3), plan=plan(input_size=[10, 5]), windows=None, names=["pixels"])["pixels"]
    wanted = columns["pixels"][:3].reshape(3, 2, 10, 2, 5, 4).mean((3, 5))
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5)
    whole = Images().gather(columns, np.arange(3), plan=plan(), windows=None, names=["pixels"])["pixels"]
    assert whole.dtype == torch.uint8
