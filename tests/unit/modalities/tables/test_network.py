"""The network over a row: any table, any gaps, one row like many, explanations by column."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer

from osler.core.columns import Columns, Field
from osler.core.state import State
from osler.modalities.tables.fit import fit
from osler.modalities.tables.network import TableEncoder

PLAN = {
    "architecture": "mlp", "embedding": "piecewise", "embedding_width": 4, "category_width": 3, "width": 16, "depth": 2,
    "members": 5, "dropout": 0.2, "bins": 6, "vocabulary": 100,
}  # fmt: skip
FORMS = list(itertools.product(["mlp", "transformer"], ["piecewise", "periodic", "none"]))


def columns_of(numbers, categories):
    fields = (Field("numbers", "float32", numbers.shape[1:]), Field("categories", "int64", categories.shape[1:]))
    arrays = {"numbers": numbers, "categories": categories}
    return Columns(fields, arrays, np.ones(len(numbers), bool), np.zeros((len(numbers), 2), np.int64))


def table(*, numbers, categories, rows=60, seed=0):
    draw = np.random.default_rng(seed)
    values = draw.normal(size=(rows, numbers)).astype(np.float32)
    values[draw.random(values.shape) < 0.1] = np.nan
    words = draw.choice([0, -77, 12, 2**61], size=(rows, categories))
    return columns_of(values, words)


def encoder_and_fields(*, numbers=4, categories=2, **plan):
    columns = table(numbers=numbers, categories=categories)
    state = fit(columns, np.arange(60), groups=np.arange(60), plan=PLAN | plan)
    torch.manual_seed(0)
    encoder = TableEncoder(plan=PLAN | plan, state=state).eval()
    return encoder, {name: torch.from_numpy(array) for name, array in columns.arrays.items()}


def vectors(encoder, fields):
    with torch.no_grad():
        return encoder(encoder.lift(fields), fields).vector


def awake(encoder):
    """Give every weight a value: blocks that start as nothing, and flags that start silent, would hide a fault."""
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)) * 0.1)
    return encoder


@pytest.mark.parametrize(("architecture", "embedding"), FORMS)
@pytest.mark.parametrize(("numbers", "categories"), [(4, 2), (3, 0), (0, 2)])
def test_every_form_gives_a_vector_per_model_and_rows_do_not_hear_one_another(architecture, embedding, numbers, categories):
    encoder, fields = encoder_and_fields(numbers=numbers, categories=categories, architecture=architecture, embedding=embedding)
    awake(encoder)
    together = vectors(encoder, fields)
    assert together.shape == (60, 5 if architecture == "mlp" else 1, encoder.width)
    alone = torch.cat([vectors(encoder, {k: v[[row]] for k, v in fields.items()}) for row in range(9)])
    torch.testing.assert_close(together[:9], alone, rtol=1e-4, atol=1e-5)
    assert together[:, 0].std(0).min() > 0


def test_rows_of_gaps_and_unknown_words_and_extremes_stay_finite():
    encoder, _ = encoder_and_fields()
    awake(encoder)
    numbers = torch.tensor([[np.nan] * 4, [np.inf, -np.inf, 3e38, -3e38], [0.0] * 4])
    strange = {"numbers": numbers, "categories": torch.tensor([[0, 0], [123456, -123456], [-(2**63), 2**63 - 1]])}
    assert torch.isfinite(vectors(encoder, strange)).all()


def test_every_float_of_lift_belongs_to_the_column_that_moves_it():
    encoder, fields = encoder_and_fields()
    fields = {k: v[:20].clone() for k, v in fields.items()}
    with torch.no_grad():
        before = encoder.lift(fields)
        assert len(encoder.owner) == before.shape[1]
        for column in range(4):
            changed = fields | {"numbers": fields["numbers"].clone()}
            changed["numbers"][:, column] += 1.7
            moved = (encoder.lift(changed) != before).any(0)
            assert moved.any()
            assert set(encoder.owner[moved].tolist()) == {column}
        for column in range(2):
            changed = fields | {"categories": fields["categories"].clone()}
            changed["categories"][:, column] = 12
            moved = (encoder.lift(changed) != before).any(0)
            assert set(encoder.owner[moved].tolist()) == {4 + column}


def test_attributions_reach_every_column():
    encoder, fields = encoder_and_fields()
    awake(encoder)
    lifted = encoder.lift(fields).detach().requires_grad_()
    encoder(lifted, fields).vector.square().sum().backward()
    by_column = torch.zeros(6).index_add(0, encoder.owner, lifted.grad.abs().sum(0))
    assert (by_column > 0).all()


def test_a_gap_that_training_never_saw_says_nothing():
    columns = table(numbers=3, categories=0)
    columns.arrays["numbers"][:, 0] = np.linspace(-1, 1, 60)  # no gap
    state = fit(columns, np.arange(60), groups=np.arange(60), plan=PLAN)
    torch.manual_seed(0)
    encoder = TableEncoder(plan=PLAN, state=state)
    fields = {name: torch.from_numpy(array) for name, array in columns.arrays.items()}
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=1e-2)
    for _ in range(20):
        optimiser.zero_grad()
        encoder(encoder.lift(fields), fields).vector.square().sum().backward()
        optimiser.step()
    encoder.eval()
    middle = {"numbers": torch.tensor([[float(state.arrays["center"][0]), 0.2, 0.3]]), "categories": torch.empty(1, 0).long()}
    lifted = encoder.lift(middle)
    flag = 3 + 3 * 6  # after the scaled numbers and their bins
    silent, speaking = lifted.clone(), lifted.clone()
    silent[:, flag] = 1
    speaking[:, flag + 1] = 1
    before = encoder(lifted, middle).vector
    torch.testing.assert_close(encoder(silent, middle).vector, before)
    assert (encoder(speaking, middle).vector - before).abs().max() > 1e-3


def test_thousands_of_columns_make_a_small_network():
    columns = table(numbers=7129, categories=0, rows=38)
    plan = PLAN | {"embedding": "none", "embedding_width": 2, "members": 8, "width": 64}
    encoder = TableEncoder(plan=plan, state=fit(columns, np.arange(38), groups=np.arange(38), plan=plan))
    fields = {name: torch.from_numpy(array) for name, array in columns.arrays.items()}
    assert encoder.lift(fields).shape == (38, 2 * 7129)
    assert sum(p.numel() for p in encoder.parameters()) < 1_100_000


@pytest.mark.parametrize("architecture", ["mlp", "transformer"])
def test_it_learns_real_patients(architecture):
    known = load_breast_cancer()
    columns = columns_of(known.data.astype(np.float32), np.empty((569, 0), np.int64))
    training, test = np.arange(400), np.arange(400, 569)
    plan = PLAN | {"architecture": architecture, "depth": 1}
    state = fit(columns, training, groups=np.arange(569), plan=plan)
    torch.manual_seed(0)
    encoder, head = TableEncoder(plan=plan, state=state), torch.nn.Linear(16, 1)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=5e-3)
    truth = torch.from_numpy(known.target).float()
    fields = {name: torch.from_numpy(array) for name, array in columns.arrays.items()}

    def raw(rows):
        part = {k: v[rows] for k, v in fields.items()}
        return head(encoder(encoder.lift(part), part).vector)[..., 0]

    for _ in range(60):
        each = raw(training)
        wanted = truth[training, None].expand_as(each)
        optimiser.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(each, wanted).backward()
        optimiser.step()
    encoder.eval()
    right = (raw(test).mean(1) > 0) == (truth[test] > 0.5)
    assert right.float().mean() > 0.93


def test_the_state_of_no_bins_and_constant_columns_is_borne():
    state = State({
        "center": np.zeros(2, np.float32), "scale": np.array([0.0, 1.0], np.float32),
        "bins": np.full((2, 1), np.nan, np.float32),
    })  # fmt: skip
    encoder = TableEncoder(plan=PLAN, state=state).eval()
    fields = {"numbers": torch.tensor([[5.0, 1.0]]), "categories": torch.empty(1, 0).long()}
    assert torch.isfinite(vectors(encoder, fields)).all()
