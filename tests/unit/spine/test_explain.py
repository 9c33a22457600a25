"""Attributions add up, references are aggregates, exchanges keep patients together, effects are those of the function."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from osler.blocks.fusion import Fusion, Network
from osler.contract import Batch, Encoded, InputBatch
from osler.core.state import State
from osler.spine.explain import (
    FALLBACK,
    Layout,
    References,
    attribute,
    edges,
    exchanged,
    find_references,
    level_effect,
    number_effect,
)
from osler.spine.explain.effects import place

GROUPS = np.arange(300)


class Plain(nn.Module):
    """Lifts a row to itself and its square, owned by the row's columns; `body` is the network."""

    def __init__(self, columns, body, width):
        super().__init__()
        self.width, self.channels, self.body = width, (), body
        self.register_buffer("owner", torch.arange(columns).repeat(2))

    def lift(self, fields):
        return torch.cat([fields["x"], fields["x"] ** 2], dim=1)

    def forward(self, lifted, fields):
        return Encoded(self.body(lifted))


class Picture(nn.Module):
    """Lifts pictures: no vector per case."""

    width, channels = 1, ()

    def lift(self, fields):
        return fields["x"][:, :, None]

    def forward(self, lifted, fields):
        return Encoded(torch.tanh(lifted).sum((1, 2))[:, None])


def network_of(encoders, outputs=2, seed=0):
    torch.manual_seed(seed)
    fusion = Fusion(encoders=encoders)
    with torch.no_grad():
        for absent in fusion.absent:
            absent.normal_()
    return Network(fusion=fusion, head=nn.Linear(fusion.width, outputs), output="vector").eval()


def batches(values, *, absent=()):
    """Return a function from rows to batches; `absent` names inputs and the rows that lack them."""
    lacking = dict(absent)

    def batch_of(rows):
        inputs = {}
        for name, x in values.items():
            here = np.flatnonzero(~np.isin(rows, lacking.get(name, ())))
            fields = {"x": torch.from_numpy(x[rows[here]])} if len(here) else {}
            inputs[name] = InputBatch(fields, torch.from_numpy(here))
        return Batch(inputs, len(rows))

    return batch_of


def table(columns=4, rows=300, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def smooth(columns=4, width=16):
    torch.manual_seed(1)
    return Plain(columns, nn.Sequential(nn.Linear(2 * columns, width), nn.SiLU(), nn.LayerNorm(width), nn.Linear(width, 3)), 3)


def test_a_linear_network_is_its_coefficients_times_the_differences():
    body = nn.Linear(8, 2)
    network, x = network_of({"t": Plain(4, body, 2)}, outputs=1), table()
    points = np.random.default_rng(3).normal(size=(3, 8)).astype(np.float32)
    references = References(np.array([0.5, 0.3, 0.2]), {"t": points})
    rows = np.arange(20)
    found = attribute(
        network, batches({"t": x}), rows, references=references, weights=np.array([[2.0]]), layout=Layout({"t": 0}, {"t": 4})
    )
    with torch.no_grad():
        slope = 2.0 * (network.head.weight @ body.weight).numpy()[0]
    lifted = np.concatenate([x[rows], x[rows] ** 2], axis=1)
    each = (lifted - references.weight @ points) * slope
    np.testing.assert_allclose(found.values[:, 0], each[:, :4] + each[:, 4:], rtol=1e-4, atol=1e-5)
    assert np.abs(found.error).max() < 1e-5


def test_attributions_of_a_network_add_up_for_every_output():
    network, x = network_of({"t": smooth()}), table()
    batch_of = batches({"t": x})
    (references,) = find_references([network], batch_of, np.arange(300), groups=GROUPS, seed=0)
    weights = np.array([[1.0, 0.0], [0.5, -0.5], [0.0, 3.0]])
    found = attribute(network, batch_of, np.arange(70), references=references, weights=weights, layout=Layout({"t": 0}, {"t": 4}))
    with torch.no_grad():
        raw = network(batch_of(np.arange(70))).numpy()
    np.testing.assert_allclose(found.score, raw @ weights.T, rtol=1e-5, atol=1e-6)
    assert found.values.shape == (70, 3, 4)
    assert np.abs(found.error).max() < 1e-3 * np.ptp(found.score)
    # they say something: shuffled among features they would not add up to the same score case by case
    assert np.abs(found.values).max() > 0.05


def test_more_nodes_are_taken_until_attributions_add_up():
    kinked = Plain(4, nn.Sequential(nn.Linear(8, 64), nn.Hardtanh(-0.05, 0.05), nn.Linear(64, 3)), 3)
    network, x = network_of({"t": kinked}), table()
    options = {"references": FALLBACK, "weights": np.array([[20.0, 0.0]]), "layout": Layout({"t": 0}, {"t": 4})}
    rough = attribute(network, batches({"t": x}), np.arange(40), nodes=8, **options)
    fine = attribute(network, batches({"t": x}), np.arange(40), **options)
    assert np.abs(fine.error).max() < 0.3 * np.abs(rough.error).max()


def test_a_column_that_the_network_does_not_read_gets_nothing():
    encoder = smooth()
    with torch.no_grad():
        encoder.body[0].weight[:, [2, 6]] = 0.0
    network, x = network_of({"t": encoder}), table()
    found = attribute(
        network, batches({"t": x}), np.arange(10), references=FALLBACK, weights=np.eye(2), layout=Layout({"t": 0}, {"t": 4})
    )
    assert (found.values[..., 2] == 0).all()
    assert (found.values[..., 1] != 0).all()


def test_a_case_explained_alone_is_explained_as_among_others():
    network, x = network_of({"t": smooth()}), table()
    options = {"references": FALLBACK, "weights": np.eye(2), "layout": Layout({"t": 0}, {"t": 4})}
    many = attribute(network, batches({"t": x}), np.arange(30), **options)
    alone = attribute(network, batches({"t": x}), np.array([17]), **options)
    np.testing.assert_allclose(alone.values[0], many.values[17], rtol=1e-3, atol=1e-5)


def test_inputs_together_add_up_and_an_absent_one_gets_nothing():
    network, x = network_of({"t": smooth(), "p": Picture()}), table()
    values = {"t": x, "p": table(6, seed=2)}
    batch_of = batches(values, absent={"p": [1, 2], "t": [5]}.items())
    references = find_references([network], batch_of, np.arange(300), groups=GROUPS, seed=0)[0]
    assert {name: points.shape[1:] for name, points in references.lifted.items()} == {"t": (8,), "p": (6, 1)}
    assert len(references.lifted["p"]) == 1  # pictures are compared with one in the middle
    layout = Layout({"t": 0, "p": 4}, {"t": 4, "p": 1})
    found = attribute(network, batch_of, np.arange(8), references=references, weights=np.eye(2), layout=layout)
    assert found.values.shape == (8, 2, 5)
    assert np.abs(found.error).max() < 2e-3
    assert (found.values[[1, 2], :, 4] == 0).all()
    assert (found.values[5, :, :4] == 0).all()
    assert (found.values[[0, 3, 4, 5], :, 4] != 0).all()


@pytest.mark.parametrize("rows", [5, 12, 300])
def test_references_are_means_of_at_least_five_groups(rows):
    network, x = network_of({"t": smooth()}), table()
    batch_of = batches({"t": x})
    (found,) = find_references([network], batch_of, np.arange(rows), groups=GROUPS, seed=0)
    assert found.weight.sum() == pytest.approx(1.0)
    assert found.weight.min() * rows > 4.99
    assert found.lifted["t"].shape == (len(found.weight), 8)
    lifted = np.concatenate([x[:rows], x[:rows] ** 2], axis=1)
    np.testing.assert_allclose(found.weight @ found.lifted["t"], lifted.mean(0), atol=2e-3)
    assert not any(np.allclose(point, case, atol=1e-3) for point in found.lifted["t"] for case in lifted)


def test_references_of_few_patients_with_many_rows_are_not_one_patients():
    network, x = network_of({"t": smooth()}), table()
    x[:250] = x[0]  # one patient in 250 rows: a cluster of rows would be this patient
    (found,) = find_references([network], batches({"t": x}), np.arange(300), groups=np.maximum(np.arange(300) - 249, 0), seed=0)
    lifted = np.concatenate([x[0], x[0] ** 2])
    assert not any(np.allclose(point, lifted, atol=1e-2) for point in found.lifted["t"])


def test_too_few_cases_leave_the_fallback():
    network, x = network_of({"t": smooth()}), table()
    found = find_references([network], batches({"t": x}), np.arange(4), groups=GROUPS, seed=0)
    assert found == (FALLBACK,)
    assert References.of(State()) is FALLBACK


def test_references_come_back_from_a_bundle():
    network, x = network_of({"t": smooth()}), table()
    (found,) = find_references([network], batches({"t": x}), np.arange(300), groups=GROUPS, seed=0)
    again = References.of(State.joined({"a": found.state()}).part("a"))
    assert np.array_equal(again.weight, found.weight)
    assert np.array_equal(again.lifted["t"], found.lifted["t"])


# exchanges --------------------------------------------------------------------------------------------------------------


def test_cases_exchange_among_themselves():
    found = exchanged(None, 50, generator=np.random.default_rng(0))
    assert sorted(found) == list(range(50))
    assert (found != np.arange(50)).any()


@pytest.mark.parametrize("sizes", [[3] * 40, list(range(1, 21))])
def test_groups_exchange_as_wholes(sizes):
    groups = np.repeat(np.arange(len(sizes)), sizes)
    groups = groups[np.random.default_rng(1).permutation(len(groups))]
    found = exchanged(groups, len(groups), generator=np.random.default_rng(0))
    lender = groups[found]
    for group in np.unique(groups):
        assert len(np.unique(lender[groups == group])) == 1  # all of a patient's values come from one other
    assert (lender != groups).mean() > 0.7
    if len(set(sizes)) == 1:
        assert sorted(found) == list(range(len(groups)))


def test_few_groups_exchange_cases():
    groups = np.repeat(np.arange(3), 30)
    found = exchanged(groups, 90, generator=np.random.default_rng(0))
    assert sorted(found) == list(range(90))


# effects ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [np.arange(200.0), np.r_[np.zeros(150), np.arange(50.0)], np.exp(np.linspace(0, 12, 60))])
def test_every_bin_holds_five_cases_and_no_extreme_is_an_edge(values):
    found = edges(values)
    counts = np.bincount(place(values, found), minlength=len(found) - 1)
    assert counts.min() >= 5
    assert counts.sum() == len(values)
    assert (np.diff(found) > 0).all()
    assert found[-1] < values.max()
    assert (values >= found[-1]).sum() >= 4


def test_two_values_make_one_bin_and_what_is_constant_or_rare_none():
    assert edges(np.repeat([0.0, 1.0], 30)).tolist() == [0.0, 1.0]
    assert len(edges(np.zeros(100))) == 0
    assert len(edges(np.arange(9.0))) == 0
    assert len(edges(np.full(40, np.nan))) == 0
    assert len(edges(np.r_[np.zeros(97), 1.0, 1.0, 1.0])) == 0  # three cases with the other value


def test_the_accumulated_effect_is_that_of_the_function_whatever_goes_with_it():
    draw = np.random.default_rng(0)
    first = draw.normal(size=2000)
    second = first + 0.1 * draw.normal(size=2000)  # goes along with the first

    def answer(a):
        return np.stack([a**2 + 5 * second, 3 * a - second], axis=1)

    grid = edges(first)
    bins = place(first, grid)
    found = number_effect(first, grid, low=answer(grid[bins]), high=answer(grid[bins + 1]))
    for column, function in enumerate([np.square, lambda a: 3 * a]):
        wanted = function(grid)
        middle = (wanted[1:] + wanted[:-1]) / 2
        np.testing.assert_allclose(found.effect[:, column], wanted - (found.cases @ middle) / 2000, atol=1e-9)
    assert found.cases.sum() == 2000


def test_the_effect_of_words_is_the_mean_with_the_word():
    base = np.random.default_rng(0).normal(size=(50, 1))
    found = level_effect({"a": base, "b": base + 2.0}, {"a": 30, "b": 10})
    assert found.grid.tolist() == ["a", "b"]
    np.testing.assert_allclose(found.effect[:, 0], [-0.5, 1.5])


# events: cases that differ in length -------------------------------------------------------------------------------------


class Events(nn.Module):
    """Lifts events (code, value) to (value, presence), padded with zeros; each code has its slope and its constant."""

    width, channels, ragged = 1, (), True

    def __init__(self, slopes, constants):
        super().__init__()
        self.slopes, self.constants = torch.tensor(slopes), torch.tensor(constants)

    def lift(self, fields):
        return torch.stack([fields["value"], (fields["code"] >= 0).float()], dim=-1)

    def owners(self, fields):
        code = fields["code"].clamp(0, 2)
        return torch.stack([code, code], dim=-1)

    def forward(self, lifted, fields):
        code = fields["code"].clamp_min(0)
        added = lifted[..., 0] * self.slopes[code] + lifted[..., 1] * self.constants[code]
        return Encoded(added.sum(1, keepdim=True))


CASES = ([(0, 2.0), (1, -1.0), (0, 3.0)], [(2, 4.0)], [], [(1, 1.0), (3, 5.0)])


def events(rows, *, lacking=()):
    here = [at for at, row in enumerate(rows) if row not in lacking]
    longest = max((len(CASES[rows[at]]) for at in here), default=0)
    padded = [CASES[rows[at]] + [(-1, 0.0)] * (longest - len(CASES[rows[at]])) for at in here]
    code = torch.tensor([[c for c, _ in case] for case in padded], dtype=torch.long).reshape(len(here), longest)
    value = torch.tensor([[v for _, v in case] for case in padded]).reshape(len(here), longest)
    return InputBatch({"code": code, "value": value}, torch.tensor(here, dtype=torch.long))


def event_network(**encoders):
    slopes, constants = [1.0, 10.0, 100.0, 100.0], [0.5, 0.25, 0.0, 0.0]
    network = network_of({"events": Events(slopes, constants), **encoders}, outputs=1)
    with torch.no_grad():
        network.head.weight.fill_(1.0)
    return network


@pytest.mark.parametrize("lacking", [(), (0,)])
def test_events_of_cases_that_differ_in_length_are_summed_by_their_code(lacking):
    def batch_of(rows):
        return Batch({"events": events(rows, lacking=lacking)}, len(rows))

    layout = Layout({"events": 0}, {"events": 3})
    found = attribute(event_network(), batch_of, np.arange(4), references=FALLBACK, weights=np.ones((1, 1)), layout=layout)
    first = [0.0, 0.0, 0.0] if lacking else [6.0, -9.75, 0.0]
    np.testing.assert_allclose(found.values[:, 0], [first, [0, 0, 400], [0, 0, 0], [0, 10.25, 500]], rtol=1e-5)
    np.testing.assert_allclose(found.error, 0, atol=1e-3)
    assert found.maps == {}  # cases differ in length


def test_one_case_has_what_each_of_its_events_adds():
    layout = Layout({"events": 0}, {"events": 3})
    found = attribute(
        event_network(), lambda rows: Batch({"events": events(rows)}, len(rows)), np.array([0]), references=FALLBACK,
        weights=np.ones((1, 1)), layout=layout,
    )  # fmt: skip
    np.testing.assert_allclose(found.maps["events"][0, 0], [[2, 0.5], [-10, 0.25], [3, 0.5]], rtol=1e-5)


def test_references_of_events_are_a_case_in_which_nothing_happened():
    x = table()
    network = event_network(table=Plain(4, nn.Linear(8, 1), 1))
    rows = np.arange(300)

    def batch_of(asked):
        own = InputBatch({"x": torch.from_numpy(x[asked])}, torch.arange(len(asked)))
        return Batch({"events": events(asked % 4), "table": own}, len(asked))

    (found,) = find_references([network], batch_of, rows, groups=GROUPS, seed=0)
    assert list(found.lifted) == ["table"]
    layout = Layout({"events": 0, "table": 3}, {"events": 3, "table": 4})
    told = attribute(network, batch_of, rows[:4], references=found, weights=np.ones((1, 1)), layout=layout)
    np.testing.assert_allclose(told.values[0, 0, :3], [6.0, -9.75, 0.0], rtol=1e-4)
    np.testing.assert_allclose(told.error, 0, atol=1e-2)
    alone = event_network()
    assert find_references([alone], lambda r: Batch({"events": events(r % 4)}, len(r)), rows, groups=GROUPS, seed=0) == (
        FALLBACK,
    )
