"""From facts to decisions on the network of a table."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from osler.core.plan import Brief, Plan
from osler.modalities.tables.rules import ladder, rules


def brief(*, numbers=10, words=(2, 3), cases=500, **settings):
    facts = {
        "cases": cases,
        "columns": numbers + len(words),
        "numbers": {"names": [f"n{j}" for j in range(numbers)]},
        "categories": {"names": [f"c{j}" for j in range(len(words))], "words": list(words)},
    }
    return Brief(facts, {}, "classification", "vector", "cpu", 10.0, cases, cases, settings=settings)


BRIEFS = [
    brief(), brief(numbers=0), brief(words=()), brief(numbers=7129, words=(), cases=38), brief(cases=10**6),
    brief(words=(10**6,) * 2000), brief(numbers=0, words=(), cases=0),
]  # fmt: skip


@pytest.mark.parametrize("given", BRIEFS)
def test_decisions_are_pure_have_reasons_and_fit_in_json(given):
    assert rules(given) == rules(given)
    assert ladder(given) == ladder(given)
    for decision in (*rules(given), *(d for rung in ladder(given) for d in rung.decisions)):
        assert len(decision.reason) > 10
        assert json.loads(json.dumps(decision.value)) == decision.value
        assert not decision.choices or decision.value in decision.choices


@pytest.mark.parametrize("given", BRIEFS)
def test_every_rung_decides_the_same_things_and_grows(given):
    rungs = ladder(given)
    assert len({tuple(d.name for d in rung.decisions) for rung in rungs}) == 1
    work = [(p := Plan(rung.decisions))["members"] * p["depth"] * p["width"] ** 2 for rung in rungs]
    assert work == sorted(work)
    assert len(set(work)) == len(work)


def test_more_cases_allow_larger_networks():
    sizes = [len(ladder(brief(cases=cases))) for cases in (30, 500, 10_000, 60_000, 10**6)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_thousands_of_columns_get_no_embedding_each():
    decided = Plan(rules(brief(numbers=7129, words=(), cases=38)))
    assert decided["embedding"] == "none"
    assert Plan(rules(brief()))["embedding"] == "piecewise"
    assert Plan(rules(brief(numbers=0)))["embedding"] == "none"
    assert Plan(rules(brief(words=(9,) * 3000)))["category_width"] * 3000 <= 4096


def test_the_transformer_is_for_the_user_to_ask_where_columns_are_few():
    few, many = brief(architecture="transformer"), brief(numbers=7129, words=())
    assert Plan(rules(few)).set_by_user({"architecture": "transformer"})["architecture"] == "transformer"
    assert next(d for d in rules(many) if d.name == "architecture").choices == ("mlp",)
    tokens = Plan(ladder(few)[-1].decisions)
    assert tokens["members"] == 1
    assert tokens["width"] % 8 == 0


def test_rules_see_the_cases_of_training():
    assert Plan(rules(brief(cases=100)))["bins"] < Plan(rules(brief(cases=5000)))["bins"]
    wider = replace(brief(cases=5000), groups=3)
    assert rules(wider) == rules(brief(cases=5000))
