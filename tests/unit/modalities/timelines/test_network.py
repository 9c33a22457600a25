"""The network over events: what it lifts, how it sums up, how it walks; each part beside a plain formulation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from osler.blocks.recurrent import DecayedGRU, Packing, Recurrent
from osler.core.errors import PlanError
from osler.core.plan import Brief, Plan
from osler.modalities.timelines import Timelines
from osler.modalities.timelines.baseline import baseline_features
from osler.modalities.timelines.fit import fit
from osler.modalities.timelines.network.encoder import summarised
from osler.modalities.timelines.network.events import Events, Lift
from osler.modalities.timelines.network.scores import Scores
from osler.modalities.timelines.network.steps import Embedding, Measured, Steps
from osler.modalities.timelines.network.summaries import OF_NUMBERS, OF_OTHERS, Slots, Summaries
from tests.unit.modalities.timelines.stays import columns_of, physionet

TIMELINES = Timelines()
NAMES = ("times", "codes", "values")


def plan_of(**settings):
    """Return the decisions of a timeline of forty cases, with `settings`."""
    brief = Brief({"listed": {}, "cases": 40}, {}, "classification", "vector", "cpu", 1.0, 40, 40)
    decisions = [*TIMELINES.rules(brief), *TIMELINES.ladder(brief)[0].decisions]
    return Plan(d for d in decisions if not d.name.startswith("fit.")).set_by_user({"sequence_width": 16, **settings})


def fields_of(columns, rows, **settings):
    return TIMELINES.gather(columns, np.asarray(rows), plan=plan_of(**settings), windows=None, names=NAMES)


def some_cases(*, cases=40, seed=0):
    """Return cases of two codes of numbers and one of events, at uneven times."""
    draw = np.random.default_rng(seed)
    made = []
    for _ in range(cases):
        events = [(float(-t), code, float(draw.normal())) for code in ("pulse", "sodium") for t in draw.uniform(0, 2, 6)]
        made.append([*events, *[(float(-t), "visit", None) for t in draw.uniform(0, 2, draw.integers(1, 3))]])
    return columns_of(made)


def state_of(columns, **settings):
    rows = np.arange(len(columns))
    return fit(columns, rows, groups=rows, plan=plan_of(**settings))


def encoder_of(columns, **settings):
    torch.manual_seed(0)
    return TIMELINES.encoder(plan=plan_of(**settings), state=state_of(columns), output="vector").eval()


def test_values_are_told_in_deviations_and_scored_by_their_place_in_training():
    columns = columns_of([[(-1.0, "pulse", float(v))] for v in range(1, 1001)])
    state = state_of(columns)
    lift = Lift(state)
    fields = fields_of(columns, [249, 499, 749, 0, 999])
    lifted = lift(fields)
    assert lifted[:, 0, 1].tolist() == [1.0] * 5
    scale = np.subtract(*np.quantile(np.arange(1, 1001), [0.75, 0.25])) / 1.349
    np.testing.assert_allclose(lifted[:3, 0, 0], (np.array([250, 500, 750]) - 500) / scale, atol=0.02)
    score = lift.events(lifted, fields).score
    np.testing.assert_allclose(score[:3], [-0.674, 0.0, 0.674], atol=0.01)  # scipy.stats.norm.ppf([.25, .5, .75])
    assert score[3] == pytest.approx(-2.576)
    assert score[4] == pytest.approx(2.576)  # beyond the outermost knot a value says no more


def test_scores_keep_the_order_of_values_and_codes_without_numbers_have_none():
    columns = some_cases()
    state = state_of(columns)
    fields = fields_of(columns, range(40))
    events = Lift(state).events(Lift(state)(fields), fields)
    for place, name in enumerate(state.values["names"]):
        own = events.place == place
        if name == "visit":
            assert not events.valued[own].any()
            assert (events.value[own] == 0).all()
            assert (events.score[own] == 0).all()
        else:
            order = torch.argsort(fields["values"][own])
            assert (events.score[own][order].diff() >= -1e-6).all()


def test_an_unknown_code_is_placed_behind_the_vocabulary_and_owned_by_the_rest():
    columns = some_cases()
    state = state_of(columns)
    other = columns_of([[(-1.0, "never seen", 3.0), (-0.5, "pulse", 1.0)], [(-0.1, "pulse", 1.0)]])
    fields = fields_of(other, [0, 1])
    lift = Lift(state)
    events = lift.events(lift(fields), fields)
    assert events.place[0] == len(state.arrays["codes"])
    assert events.value[0] == 0
    owners = lift.owners(fields)
    assert owners.shape == (2, 2, 2)
    assert owners[0, 0].tolist() == [int(state.arrays["owner"][-1])] * 2
    assert owners[1, 1].tolist() == owners[0, 0].tolist()  # padding
    assert owners[1, 0].tolist() == owners[0, 1].tolist()


def test_summaries_are_those_of_the_baseline():
    columns = some_cases()
    state = state_of(columns)
    fields = fields_of(columns, range(40))
    lift = Lift(state)
    events = lift.events(lift(fields), fields)
    values, here = summarised(state)(events)
    names = [name for name, numeric in zip(state.values["names"], state.arrays["numeric"], strict=True) if numeric]
    plain = replace(columns, arrays={**columns.arrays, "values": replace(columns["values"], values=events.value.numpy())})
    features = baseline_features(plain, np.arange(40), state=state)
    for at, name in enumerate(names):
        for turn, summary in enumerate(OF_NUMBERS):
            if summary in {"late", "sd"}:  # the baseline has no such, or by one degree of freedom less
                continue
            expected = features.matrix[:, features.names.index(f"{name} {summary}")]
            np.testing.assert_allclose(values[:, at * len(OF_NUMBERS) + turn], expected, rtol=1e-4, atol=1e-5)
    for turn, summary in enumerate(OF_OTHERS):
        expected = features.matrix[:, features.names.index(f"visit {summary}")]
        np.testing.assert_allclose(values[:, len(names) * len(OF_NUMBERS) + turn], expected, rtol=1e-5)
    several = [at for at in range(here.shape[1]) if at >= 2 * len(OF_NUMBERS) or OF_NUMBERS[at % len(OF_NUMBERS)] != "late"]
    assert (here[:, several] == 1).all()


def test_late_is_the_mean_over_the_last_quarter_and_else_not_there():
    columns = columns_of(
        [[(-2.0, "pulse", 1.0), (-0.4, "pulse", 4.0), (-0.1, "pulse", 6.0)], [(-2.0, "pulse", 2.0), (-1.9, "pulse", 3.0)]]
    )
    slots = Slots(torch.tensor([0, -1]), 1, 0)
    time = torch.as_tensor(columns["times"].values)
    value, case = torch.as_tensor(columns["values"].values), torch.tensor([0, 0, 0, 1, 1])
    ones = torch.ones(5)
    events = Events(2, case, torch.zeros(5, dtype=torch.int64), time, ones > 0, value, value, ones)
    found, here = Summaries(slots, horizon=2.0)(events)
    late = OF_NUMBERS.index("late")
    assert found[0, late] == 5.0
    assert here[:, late].tolist() == [1.0, 0.0]
    assert here[:, late - 1].tolist() == [1.0, 1.0]
    np.testing.assert_allclose(found[:, OF_NUMBERS.index("sd")], [np.std([1, 4, 6]), 0.5], atol=2e-3)


def test_scores_are_even_between_quantiles_and_have_no_jump_where_they_fall_together():
    scores = Scores(
        torch.tensor([[0.0, 1.0, 3.0, 3.0], [2.0, 2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 4.0]]), torch.tensor([-1.0, 0.0, 1.0, 2.0])
    )
    found = scores(torch.tensor([[-5.0, 2.0, -1.0], [0.5, 9.0, 0.0], [2.0, 1.0, 1.0], [3.0, 2.0, 4.0], [7.0, 2.0, 9.0]]))
    assert found[:, 0].tolist() == [-1.0, -0.5, 0.75, 1.5, 1.5]
    assert found[:, 1].tolist() == [0.0] * 5  # one value alone tells nothing
    assert found[:, 2].tolist() == [0.0, 0.0, 0.5, 2.0, 2.0]
    line = torch.linspace(-1, 5, 6001)
    steps = scores(line[:, None].expand(-1, 3)).diff(dim=0)
    assert steps.abs().max() < 0.002
    assert (steps >= -1e-6).all()


@pytest.mark.parametrize("architecture", ["gru", "lstm", "gru-d", "transformer", "none"])
def test_each_architecture_gives_one_case_the_same_vector_alone_and_among_others(architecture):
    columns = some_cases()
    encoder = encoder_of(columns, architecture=architecture)

    def vectors(rows):
        fields = fields_of(columns, rows)
        return encoder(encoder.lift(fields), fields).vector.detach()

    together = vectors([3, 17, 5])
    assert together.shape == (3, 4, encoder.width)
    for turn, row in enumerate([3, 17, 5]):
        torch.testing.assert_close(vectors([row])[0], together[turn], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["gru", "lstm", "gru-d", "transformer", "none"])
def test_values_near_the_end_of_numbers_leave_vectors_and_gradients_finite(architecture):
    columns = columns_of([[(-1e-6 * at, "lab", (-1) ** at * 3e38) for at in range(5)]] * 20 + [[(-2.0, "lab", 1.0)]] * 5)
    encoder = encoder_of(columns, architecture=architecture)
    fields = fields_of(columns, range(25))
    lifted = encoder.lift(fields).requires_grad_()
    vector = encoder(lifted, fields).vector
    vector.sum().backward()
    assert torch.isfinite(vector).all()
    assert torch.isfinite(lifted.grad).all()


def test_a_network_that_would_see_nothing_is_refused():
    columns = some_cases()
    with pytest.raises(PlanError, match="nothing would see the events: 'summaries' is off and 'architecture' is 'none'"):
        encoder_of(columns, architecture="none", summaries=False)
    few = Brief({"per_case": {"times": [1, 1, 1, 1, 1]}}, {}, "classification", "vector", "cpu", 1.0, 40, 40)
    chosen = {
        off: {d.name: d for d in TIMELINES.rules(replace(few, settings={"summaries": False} if off else {}))} for off in (0, 1)
    }
    assert [chosen[off]["architecture"].value for off in (0, 1)] == ["none", "gru"]
    assert "none" not in chosen[1]["architecture"].choices


@pytest.mark.parametrize("architecture", ["gru", "lstm", "gru-d", "transformer", "none"])
def test_when_nothing_happened_cases_with_as_many_steps_are_alike(architecture):
    columns = columns_of([[(-1.0, "pulse", float(n)), (-0.2, "sodium", 2.0)] for n in range(20)])
    encoder = encoder_of(columns, architecture=architecture)
    fields = fields_of(columns, [0, 11])
    vector = encoder(torch.zeros_like(encoder.lift(fields)), fields).vector
    torch.testing.assert_close(vector[0], vector[1])


@pytest.mark.parametrize("architecture", ["gru", "lstm", "gru-d", "transformer"])
@pytest.mark.parametrize("moved", ["time", "value"])
def test_each_sequence_sees_values_and_times(architecture, moved):
    columns = some_cases()
    encoder = encoder_of(columns, architecture=architecture, summaries=False)
    fields = fields_of(columns, [4])
    before = encoder(encoder.lift(fields), fields).vector
    other = dict(fields)
    if moved == "time":
        other["times"] = fields["times"] * 0.6
    else:
        other["values"] = fields["values"] + 0.7
    assert (encoder(encoder.lift(other), other).vector - before).abs().max() > 1e-4


def test_a_walk_over_real_stays_of_differing_length_is_finite_and_learns_from_every_part(data):
    columns, _ = physionet(data, most=40)
    encoder = encoder_of(columns, architecture="gru-d")
    fields = fields_of(columns, range(40))
    encoder(encoder.lift(fields), fields).vector.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


# steps ------------------------------------------------------------------------------------------------------------------


def events_of(times, cases, *, values=None):
    count = len(times)
    time, case = torch.tensor(times), torch.tensor(cases)
    value = torch.ones(count) if values is None else torch.tensor(values)
    return Events(
        int(case.max()) + 1,
        case,
        torch.zeros(count, dtype=torch.int64),
        time,
        torch.isfinite(value),
        value,
        value,
        torch.ones(count),
    )


def test_events_of_one_bin_are_one_step_and_bins_end_at_the_prediction_time():
    hour = 1 / 24
    steps = Steps.cut(
        events_of([-2.5 * hour, -1.2 * hour, -1.1 * hour, -0.5 * hour, 0.0, -0.3 * hour], [0, 0, 0, 0, 0, 1]), size=hour, most=9
    )
    assert steps.lengths.tolist() == [3, 1]
    assert steps.of.tolist() == [0, 1, 1, 2, 2, 3]
    assert steps.case.tolist() == [0, 0, 0, 1]
    np.testing.assert_allclose(steps.gap.numpy(), np.array([0, 1.4, 1.1, 0]) * hour, atol=1e-6)
    assert steps.first.tolist() == [0, 0, 0, 3]


def test_of_many_steps_the_latest_are_kept():
    steps = Steps.cut(events_of([-5.0, -4.0, -3.0, -2.0, -1.0, -4.5], [0, 0, 0, 0, 0, 1]), size=0.5, most=2)
    assert steps.lengths.tolist() == [2, 1]
    assert steps.time.tolist() == [-2.0, -1.0, -4.5]


def test_what_a_decayed_gru_sees_is_what_a_loop_over_steps_sees():
    columns = some_cases(cases=12, seed=3)
    state = state_of(columns)
    fields = fields_of(columns, range(12))
    lift = Lift(state)
    steps = Steps.cut(lift.events(lift(fields), fields), size=0.25, most=99)
    numeric = np.append(state.arrays["numeric"].astype(bool), False)
    slot = torch.as_tensor(np.where(numeric, np.cumsum(numeric) - 1, -1))
    found = {name: value.numpy() for name, value in Measured(slot, step=0.1)(steps).items()}
    place, value, of = (part.numpy() for part in (steps.events.place, steps.events.score, steps.of))
    time, case = steps.time.numpy(), steps.case.numpy()
    for variable in range(int(numeric.sum())):
        last, since, owner = 0.0, None, -1
        for step in range(len(steps)):
            if case[step] != owner:
                owner, last, since = case[step], 0.0, time[step]
            assert found["last"][step, variable] == pytest.approx(last, abs=1e-5)
            assert found["waited"][step, variable] == pytest.approx(np.log1p((time[step] - since) / 0.1), abs=1e-3)
            own = (of == step) & (slot.numpy()[place] == variable)
            assert found["mask"][step, variable] == own.any()
            if own.any():
                last, since = float(value[own].mean()), time[step]
                assert found["seen"][step, variable] == pytest.approx(last, abs=1e-5)


# recurrence -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@pytest.mark.parametrize("lengths", [[3, 1, 5, 5, 2], [1, 1, 1, 40, 2]], ids=["padded", "packed"])
def test_sequences_together_give_what_each_gives_alone(kind, lengths):
    torch.manual_seed(1)
    values = torch.randn(sum(lengths), 4)
    layers = Recurrent(kind, 4, 6, depth=2)
    together = layers(values, torch.tensor(lengths))
    for alone, states in zip(values.split(lengths), together.split(lengths), strict=True):
        torch.testing.assert_close(layers.layers(alone)[0], states)


def test_a_decayed_gru_follows_the_equations_of_its_paper():
    """Equations 10 to 15 of Che et al. 2018, one sequence, one step after another."""
    torch.manual_seed(2)
    lengths = torch.tensor([4, 2])
    total, variables, more, width = 6, 3, 2, 5
    net = DecayedGRU(variables, more, width)
    with torch.no_grad():
        for parameter in (net.value_rate, net.value_start, net.state_rate, net.state_start):
            parameter.uniform_(-0.2, 0.6)
    seen, last, waited = (torch.rand(total, variables) for _ in range(3))
    mask = (torch.rand(total, variables) > 0.5).float()
    seen, gap, extra = seen * mask, torch.rand(total), torch.randn(total, more)
    found = net(seen, mask, last=last, waited=waited, gap=gap, more=extra, packing=Packing.of(lengths))
    step = 0
    for length in lengths.tolist():
        state = torch.zeros(1, width)
        for _ in range(length):
            fade = torch.exp(-torch.clamp(net.value_rate * waited[step] + net.value_start, min=0))
            known = mask[step] * seen[step] + (1 - mask[step]) * fade * last[step]
            state = torch.exp(-torch.clamp(net.state_rate * gap[step] + net.state_start, min=0)) * state
            state = nn.GRUCell.forward(net.cell, torch.cat([known, mask[step], extra[step]])[None], state)
            torch.testing.assert_close(found[step], state[0])
            step += 1


# batches ----------------------------------------------------------------------------------------------------------------


def test_the_latest_events_of_a_long_case_are_gathered():
    columns = columns_of([[(float(t), "pulse", float(t)) for t in range(-9, 1)], [(-3.0, "pulse", 7.0)]])
    fields = fields_of(columns, [1, 0], latest=4)
    assert fields["offsets"].tolist() == [0, 1, 5]
    assert fields["times"].tolist() == [-3.0, -3.0, -2.0, -1.0, 0.0]


def test_dropping_events_keeps_the_last_of_each_case_and_all_fields_together():
    columns = some_cases()
    fields = fields_of(columns, range(40))
    plan = plan_of(drop_events=0.7)
    found = TIMELINES.augment(fields, warps={}, plan=plan, generator=torch.Generator().manual_seed(0))
    assert len(found["times"]) < 0.5 * len(fields["times"])
    ends, before = found["offsets"][1:] - 1, fields["offsets"][1:] - 1
    assert torch.equal(found["times"][ends], fields["times"][before])
    pairs = set(zip(fields["times"].tolist(), fields["codes"].tolist(), strict=True))
    assert set(zip(found["times"].tolist(), found["codes"].tolist(), strict=True)) <= pairs
    assert (found["offsets"].diff() > 0).all()
    whole = TIMELINES.augment(fields, warps={}, plan=plan_of(drop_events=0.0), generator=torch.Generator())
    assert whole is fields


def test_events_of_a_step_are_summed_alike_for_few_codes_and_many(monkeypatch):
    columns = some_cases()
    state = state_of(columns)
    fields = fields_of(columns, range(40))
    lift = Lift(state)
    steps = Steps.cut(lift.events(lift(fields), fields), size=0.25, most=99)
    torch.manual_seed(4)
    embedding = Embedding(len(state.arrays["codes"]), 5)
    one_by_one = torch.zeros(len(steps), 5).index_add(0, steps.of, embedding(steps.events))
    torch.testing.assert_close(embedding.summed(steps), one_by_one, rtol=1e-5, atol=1e-5)
    monkeypatch.setattr("osler.modalities.timelines.network.steps.FEW", 0)
    torch.testing.assert_close(embedding.summed(steps), one_by_one, rtol=1e-5, atol=1e-5)
