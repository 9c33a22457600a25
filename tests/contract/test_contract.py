"""The promises of DESIGN §4, kept by every modality and every task that fits it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from osler.contract import Modality, TargetBatch
from osler.core.columns import Columns, Ragged
from osler.core.errors import Refusal
from osler.core.state import State
from osler.flows import explaining, grid, importance, planning
from osler.flows.members import Work, crew_raw, fit_states, train_fold, train_network
from osler.spine import plan as plan_step
from osler.spine.fit import PredictorObjective
from osler.spine.fit.loop import plain_update
from osler.spine.output import Blend
from tests.contract.conftest import contents


def outputs(ready, member, rows) -> list[np.ndarray]:
    if ready.source.anchor is None:
        return list(member.raw(ready.source, np.asarray(rows)))
    return [member.raw_map(ready.source, int(row)) for row in rows]


def test_batch_equals_one_by_one(ready):
    member, rows = ready.member(), ready.split.training[:9]
    one_by_one = [outputs(ready, member, [row])[0] for row in rows]
    for alone, together in zip(one_by_one, outputs(ready, member, rows), strict=True):
        np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_no_decision_on_the_network_has_the_name_of_one_on_reading(ready):
    facts = planning.gather_facts(ready.cases, ready.split)
    about = planning.circumstances_of(ready.cases, ready.split, device="cpu")
    ruled, ladder = plan_step.decide(
        task=ready.cases.task, modalities=ready.cases.modalities, facts=facts, target=facts["target"], circumstances=about
    )
    assert not set(ready.cases.reading) & {*ruled, *(d.name for rung in ladder for d in rung)}


def test_columns_hold_what_the_fields_declare(ready):
    for columns in ready.cases.columns.values():
        for field in columns.fields:
            array = columns[field.name]
            values = array.values if isinstance(array, Ragged) else array
            assert values.dtype == np.dtype(field.dtype)
            assert isinstance(array, Ragged) == field.ragged
            if not field.ragged:
                assert values.shape[1:] == field.shape
            assert len(array) == len(columns)


def test_shards_of_any_size_give_the_same_columns(ready, monkeypatch):
    study = ready.cases.study
    for asked in study.inputs:
        modality, whole = ready.cases.modalities[asked.name], ready.cases.columns[asked.name]
        locators = modality.locate(ready.cases.table, columns=asked.columns)
        reading = dict(ready.plan.part(f"inputs.{asked.name}"))
        roles = frozenset({"input", "identity"})  # fingerprints are promised where identity is asked for
        half = [modality.shard(locators[a:b], reading=reading, roles=roles) for a, b in ((0, 7), (7, 60))]
        assert np.array_equal(np.concatenate([h.fingerprints for h in half]), whole.fingerprints)
        for name in whole.names("input"):
            parts = [h[name].values if isinstance(h[name], Ragged) else h[name] for h in half]
            array = whole[name]
            np.testing.assert_array_equal(np.concatenate(parts), array.values if isinstance(array, Ragged) else array)


def test_equal_content_has_equal_fingerprints_and_other_content_not(ready):
    for columns in ready.cases.columns.values():
        prints = {tuple(p) for p in np.asarray(columns.fingerprints)}
        assert len(prints) == len(columns)  # every case of these studies differs
        assert (0, 0) not in prints


def test_rules_are_pure_and_facts_are_json(ready):
    facts = planning.gather_facts(ready.cases, ready.split)
    text = json.dumps(facts)
    about = planning.circumstances_of(ready.cases, ready.split, device="cpu")
    for name, modality in ready.cases.modalities.items():
        brief = plan_step.brief(about, facts=facts[name], target=facts["target"], prefix=f"inputs.{name}")
        assert modality.rules(brief) == modality.rules(brief)
        assert modality.ladder(brief) == modality.ladder(brief)
        assert all(d.reason for d in modality.rules(brief))
        ruled = {d.name for d in [*modality.rules(brief), *(d for rung in modality.ladder(brief) for d in rung.decisions)]}
        assert not ruled & set(ready.cases.reading.part(f"inputs.{name}"))  # one would overwrite how files are read
    assert json.dumps(facts) == text


def test_same_seed_gives_the_same_weights_and_another_seed_does_not(ready, tmp_path):
    def weights(seed, folder):
        work = Work(ready.cases.task, ready.cases.groups, seed, tmp_path / folder)
        member = train_network(ready.source, ready.split.folds[0], states=ready.states, member=0, work=work)
        return torch.cat([v.flatten().float() for v in member.network.state_dict().values()])

    first = weights(0, "a")
    assert torch.equal(first, weights(0, "b"))
    assert not torch.equal(first, weights(1, "c"))


def test_a_network_memorises_eight_cases(ready):
    rows = ready.split.training[:8]
    plan = ready.plan.set_by_user({"fit.weight_decay": 0.0, "fit.learning_rate": 5e-3})
    source = replace(ready.source, plan=plan)
    member = ready.member()
    objective = PredictorObjective(network=member.network, task=ready.cases.task, plan=plan)
    optimiser = objective.optimisers(plan=plan)[0]
    torch.manual_seed(0)
    member.network.eval()  # memorising is about capacity: no dropout
    first = objective.score([source.batch(rows)])
    for turn in range(400):
        loss = objective.step(source.batch(rows), turn=0, generator=torch.Generator().manual_seed(turn))
        plain_update(objective, optimiser, loss, plan)
        if turn % 50 == 49 and objective.score([source.batch(rows)]) < 0.15 * first:
            break
    assert objective.score([source.batch(rows)]) < 0.15 * first


def test_an_unreadable_case_becomes_a_refusal_and_changes_no_other(ready):
    broken = Refusal("broken", "planted by the test")
    for asked in ready.cases.study.inputs:
        modality, whole = ready.cases.modalities[asked.name], ready.cases.columns[asked.name]
        if type(modality).shard is not Modality.shard:
            continue  # columnar kinds never see one case; the table's own refusals serve them, tested below
        locators = list(modality.locate(ready.cases.table, columns=asked.columns))
        locators[3] = broken
        shard = modality.shard(locators, reading=dict(ready.plan.part(f"inputs.{asked.name}")), roles=frozenset({"input"}))
        assert dict(shard.refusals) == {3: broken}
        assert not shard.present[3]
        assert np.array_equal(np.delete(shard.fingerprints, 3, axis=0), np.delete(whole.fingerprints, 3, axis=0))


def test_one_present_case_and_none_train(ready, tmp_path):
    columns = dict(ready.cases.columns)
    name = list(columns)[-1]
    if len(columns) == 1:
        pytest.skip("with one input a case without it is refused")
    training = ready.split.folds[0].training
    for kept in (training[:1], training[:0]):
        present = np.zeros(len(ready.cases.table), bool)
        present[kept] = True
        some = {**columns, name: replace(columns[name], present=present)}
        source = replace(ready.source, columns=some)
        work = Work(ready.cases.task, ready.cases.groups, 0, tmp_path / str(len(kept)))
        states = fit_states(source, training, groups=ready.cases.groups)
        member = train_network(source, ready.split.folds[0], states=states, member=0, work=work)
        for raw in outputs(replace(ready, source=source), member, ready.split.test[:3]):
            assert np.isfinite(raw).all()


def test_augmentation_moves_target_with_input(ready):
    if ready.source.anchor is None:
        pytest.skip("no target on a grid")
    batch = ready.source.batch(ready.split.training[:16], seed=5)
    columns = ready.source.columns[ready.source.anchor]
    name = next((f.name for f in columns.fields if f.role == "input" and f.warp == "linear"), None)
    if name is None:
        pytest.skip("not pixels but letters: tests/unit/modalities/sequences/test_sequences_tracks.py follows each")
    image, mask = batch.inputs[ready.source.anchor].fields[name], batch.target.values
    whole = ready.source.batch(ready.split.training[:16]).target.values
    assert image.shape == mask.shape
    assert not torch.equal(mask, whole[:, : mask.shape[1], : mask.shape[2]])  # something moved
    inside, outside = image[mask > 0].mean(), image[mask == 0].mean()
    assert inside > outside + 1  # and the bright rectangle is still under its mask


def test_unobserved_values_count_nothing(ready):
    if ready.source.anchor is not None:
        pytest.skip("observed lies on the grid")
    rows = ready.split.training[:4]
    target = ready.cases.target.take(rows)
    raw = torch.zeros(4, ready.cases.task.width(target.info), dtype=torch.float64)
    observed = torch.from_numpy(target.observed.copy())
    observed[0] = False
    values = torch.from_numpy(target.values.copy())
    loss = ready.cases.task.loss(raw, TargetBatch(values, observed), plan=ready.plan)
    values[0] = torch.nan
    again = ready.cases.task.loss(raw, TargetBatch(values, observed), plan=ready.plan)
    assert loss.shape == (4,)
    assert loss[0] == 0
    assert torch.equal(again, loss)


def test_gradients_reach_every_parameter(ready):
    member = ready.member()
    member.network.train()
    objective = PredictorObjective(network=member.network, task=ready.cases.task, plan=ready.plan)
    objective.step(ready.source.batch(ready.split.training[:16], seed=1), turn=0, generator=torch.Generator()).sum().backward()
    still = [name for name, p in member.network.named_parameters() if p.grad is None and "absent" not in name]
    assert still == []


def test_crew_gives_network_and_baseline_on_one_scale(ready, trained):
    crew = trained.crew
    again = train_fold(ready.source, ready.split.folds[0], number=0, work=trained.work)  # taken up from the folder
    row = int(ready.split.test[0])
    if ready.source.anchor is not None:
        first, second = (grid.crew_maps(c, ready.source, row) for c in (crew, again))
    else:
        first, second = (crew_raw(c, ready.source, ready.split.test) for c in (crew, again))
    for part in ("network", "baseline"):
        assert first[part].shape == first["network"].shape
        assert np.array_equal(first[part], second[part])


def test_marks_lie_on_the_case_s_own_grid_and_are_written_in_it(ready, tmp_path):
    if ready.source.anchor is None:
        pytest.skip("the target lies on no grid")
    modality, columns = (part[ready.source.anchor] for part in (ready.source.modalities, ready.source.columns))
    task = ready.cases.task
    member, info = ready.member(), ready.cases.target.info
    states = task.settle(np.zeros((4, task.width(info))), ready.cases.target, np.arange(0), plan=ready.plan)
    for row in map(int, ready.split.training[:4]):
        own, raw = modality.grid(columns, row), member.raw_map(ready.source, row)
        assert raw.shape == (task.width(info), *modality.stored(columns, row))
        slabs = list(modality.restored(raw, columns, row))
        assert np.concatenate(slabs, axis=1).shape == (len(raw), *own.shape)
        assert all(slab.shape[2:] == own.shape[1:] for slab in slabs)
        truth = modality.truth(columns, row)
        assert truth.shape[1:] == own.shape
        found = grid.painted(ready.source, raw, row, task=task, state=states)
        assert found.marks.dtype == (np.float32 if task.listed else np.uint8)
        assert all(len(values) == own.shape[0] for values in found.lists.values())
        assert bool(found.lists) == task.listed
        assert found.marks.shape[1:] == own.shape
        blind = grid.painted(ready.source, raw, row, task=task, state=states, truth=False)
        np.testing.assert_array_equal(blind.marks, found.marks)
        assert blind.line.shape == found.line.shape
        assert blind.cells.keys() == found.cells.keys()
        path = modality.write_marks(found.marks, columns, row, folder=tmp_path, name=f"case{row}.x")
        assert path.parent == tmp_path
        assert path.name.startswith(f"case{row}.x")
        assert path.exists()
        layers = {"marks": found.marks, "truth": truth}
        drawn = modality.picture(columns, row, layers=layers, state=ready.states[ready.source.anchor])
        assert drawn is None or drawn.startswith("<svg")


def test_cases_that_are_scored_as_one_keep_the_order_of_their_first(ready):
    task, info = ready.cases.task, ready.cases.target.info
    if ready.source.anchor is None:
        lines = np.arange(12.0).reshape(6, 2)  # of vector tasks each case is one
        found, first = task.pooled(lines, np.array([1, 1, 0, 0, 2, 2]), info=info)
        np.testing.assert_array_equal(found, lines)
        np.testing.assert_array_equal(first, np.arange(6))
        return
    rows, groups = ready.split.training[:6], ready.cases.groups[ready.split.training[:6]]
    member = ready.member()
    state = task.settle(np.zeros((4, task.width(info))), ready.cases.target, np.arange(0), plan=ready.plan)
    lines = np.stack(
        [grid.painted(ready.source, member.raw_map(ready.source, int(r)), int(r), task=task, state=state).line for r in rows]
    )
    for own in (groups, None):
        found, first = task.pooled(lines, own, info=info)
        assert found.shape == (len(first), lines.shape[1])
        assert np.all(np.diff(first) > 0)
        assert len(first) in {len(rows), len(np.unique(groups))}


def test_nothing_that_the_caller_handed_in_changes(ready, trained):
    assert contents(ready) == trained.before


def explained(ready, trained):
    """Return the subject of a trained crew, and the calibration's answers."""
    crew, fold = trained.crew, ready.split.folds[0]
    info, blend = ready.cases.target.info, Blend(0.3)
    state = explaining.references_of(ready.source, [crew], [fold.training], groups=ready.cases.groups, seed=0)
    subject = explaining.Subject.of(
        ready.source, (crew,), blend=blend, task=ready.cases.task, info=info, state=State(),
        references=explaining.stored_references(state, [crew]),
    )  # fmt: skip
    return subject, subject.answers()


def test_explanations_add_up_to_the_raw_score(ready, trained):
    if ready.source.anchor is not None:
        pytest.skip("raw outputs on a grid are not explained yet")
    subject, answers = explained(ready, trained)
    rows = ready.split.test[:5]
    parts = explaining.attributions(subject, rows, answers)
    alone = [
        crew_raw(subject.crews[0], ready.source, rows[at : at + 1]) for at in range(5)
    ]  # pictures of differing size are padded
    raws = {name: np.concatenate([one[name] for one in alone]) for name in alone[0]}
    raws["bundle"] = 0.3 * raws["network"] + 0.7 * raws["baseline"]
    for name, raw in raws.items():
        score = np.stack([raw @ a.weights + a.intercept for a in answers], axis=1)
        way = np.maximum(np.abs(score - parts[name].reference), 0.5 * np.abs(np.stack([a.weights for a in answers])).max(1))
        np.testing.assert_allclose(parts[name].score, score, rtol=1e-4, atol=1e-4)
        assert parts[name].values.shape == (5, len(answers), len(subject.features))
        assert (np.abs(parts[name].error) <= 2e-3 * way).all()


def test_a_kind_of_data_without_features_is_explained_as_a_whole(ready, trained):
    if ready.source.anchor is not None:
        pytest.skip("raw outputs on a grid are not explained yet")
    subject, answers = explained(ready, trained)
    rows = ready.split.test[:3]
    values = explaining.attributions(subject, rows, answers)["network"].values
    for name, modality in ready.cases.modalities.items():
        first, count = subject.layout.first[name], subject.layout.count[name]
        own = values[0, 0, first : first + count]
        told = modality.explain(own, ready.cases.columns[name], int(rows[0]), state=ready.states[name], facts={})
        assert json.loads(json.dumps(dict(told)))["features"][0]["attribution"] == pytest.approx(own[0])
        assert len(told["features"]) == count
        drawn = modality.picture(ready.cases.columns[name], int(rows[0]))
        assert drawn is None or drawn.startswith("<svg")
        names = set(ready.cases.columns[name].words.texts)  # of codes; all else must need no translation
        told = [
            t for t in re.findall("<text[^>]*>([^<]*)", drawn or "") if t not in names and not re.fullmatch("[A-Z][a-z]?H?", t)
        ]
        assert not [t for t in told if re.search("[^\\W\\d_]{2}", t)]  # atoms are named in every language alike
        kinds = [f.kind for f in subject.features[first : first + count]]
        assert kinds == (["number", "number", "category"] if name == "table" else ["whole"] * count)


def test_what_is_exchanged_comes_from_other_cases_and_changes_nothing_else(ready):
    for name, modality in ready.cases.modalities.items():
        columns = ready.cases.columns[name].take(np.arange(8))
        order = np.array([3, 0, 1, 2, 7, 6, 5, 4])
        whole = columns.take(order)
        state = ready.states[name]
        features = modality.features(columns, state=state)
        found = columns
        assert not _same(found, whole)
        for at in range(len(features)):
            values = modality.values(columns, feature=at, state=state)[order]
            found = modality.changed(found, feature=at, values=values, state=state)
        assert _same(found, whole)  # every feature exchanged is the whole input exchanged
        again = Columns.joined([columns.take(np.arange(3)), columns.take(np.arange(3, 8))])
        assert _same(again, columns)


def _same(one: Columns, other: Columns) -> bool:
    """Whether both hold the same cases; of entries that lie behind one another at the same time the order has no meaning."""
    arrays = [(one[f.name], other[f.name]) for f in one.fields]
    pairs = [(_ordered(one, a), _ordered(other, b)) if isinstance(a, Ragged) else (a, b) for a, b in arrays]
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _ordered(columns: Columns, array: Ragged) -> np.ndarray:
    """Return the entries of each case by time, those at one time by what they hold; untouched where a kind has no times."""
    if "times" not in {f.name for f in columns.fields}:
        return array.values
    case = np.repeat(np.arange(len(columns)), np.diff(array.offsets))
    keys = [np.asarray(columns[f.name].values) for f in columns.fields if f.name != "times"]
    return array.values[np.lexsort((*keys, columns["times"].values, case))]


def test_what_is_told_on_the_whole_is_json_for_every_kind_of_data(ready, trained):
    if ready.source.anchor is not None:
        pytest.skip("raw outputs on a grid are not explained yet")
    subject, _ = explained(ready, trained)
    rows = ready.split.test
    target = ready.cases.target.take(rows)
    told = importance.explanation(importance.on_cases(subject, rows), target, groups=None, seconds=0.5, seed=0)
    again = json.loads(json.dumps(told, allow_nan=False))
    assert {line["name"] for line in again["attribution"]["shares"]} == {f.name for f in subject.features}
    alone = len(subject.features) == 1  # one input as a whole is compared with nothing
    assert bool(again["permutation"].get("rows")) != alone
