"""`docs/concepts/from-formula-to-code.md`: its arithmetic is right, and Osler's own blocks give the same numbers."""

import itertools
import re

import numpy as np
import pytest
import torch

from osler.blocks.convolution import convolution
from osler.blocks.dense import EnsembleLinear
from osler.contract import TargetBatch
from osler.tasks.classification import Classification
from osler.tasks.heads import LinearHead
from osler.tasks.regression import Regression
from tests.house import ROOT
from tests.reference.worked import Section, missing, plain, sections, worked

PAGE, CHINESE = (ROOT / "docs/concepts" / f"from-formula-to-code{end}.md" for end in ("", ".zh-CN"))
SECTIONS = sections(PAGE.read_text(encoding="utf-8"))
# what each section's code must give, by the names of its worked example
GIVEN = {
    "Convolution": "S C gI gK F out",
    "Pooling": "M E everywhere T X gx ends parts",
    "The fully connected layer": "y y2",
    "Back-propagation": "z L d d1 gw2 gW1 moved W1n b1n w2n b2n zn Ln L3 g3 Ls gw2s gW1s adam",
    "The recurrent network": "h kept",
    "LSTM, gate by gate": "h c2 alone",
    "GRU": "h decayed",
    "The GAN": "D V other equal V0 turns penalty saturating lively",
    "The autoencoder": "z back plain noisy KL ELBO L",
    "Attention": "A y",
    "Message passing": "twice atoms molecule",
}
CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def ids(section):
    return section.title


def ran(section):
    """Return the numbers that a section's code leaves, by name."""
    names = {}
    exec(compile(section.of("python"), section.title, "exec"), names)
    return {name: found for name, value in names.items() if (found := plain(value)) is not None}


def apart(told, found):
    """Return the names of both that do not stand for the same numbers."""
    return sorted(name for name in told.keys() & found.keys() if not _same(told[name], found[name]))


def _same(told, found):
    return told.size == found.size and np.allclose(told.ravel(), found.ravel(), **CLOSE)


def test_the_page_has_the_sections_that_are_asked_of():
    assert [section.title for section in SECTIONS] == list(GIVEN)


@pytest.mark.parametrize("section", SECTIONS, ids=ids)
def test_every_line_of_numbers_holds(section):
    names, faults = worked(section.of("numbers"))
    assert faults == []
    assert set(GIVEN[section.title].split()) <= names.keys()


@pytest.mark.parametrize("section", SECTIONS, ids=ids)
def test_the_code_gives_what_the_hand_gave(section):
    told, found = worked(section.of("numbers"))[0], ran(section)
    assert apart(told, found) == []
    assert set(GIVEN[section.title].split()) <= found.keys()


@pytest.mark.parametrize("section", SECTIONS, ids=ids)
def test_a_section_has_a_formula_and_says_where_it_lives(section):
    assert section.of("text").strip()
    assert section.places
    assert [place for place in section.places if missing(place, root=ROOT)] == []


def formulas(text):
    """Return the formulas of a block without the words beside them."""
    return [part for part in re.split(r"\s{2,}|\n", text) if re.search("[=←≥]", part) and not re.search("[:：]", part)]


def alike(section):
    """Return what does not depend on the language of a section."""
    return [formulas(text) if kind == "text" else text for kind, text in section.blocks], sorted(section.places)


def test_both_languages_have_the_same_formulas_numbers_code_and_places():
    other = sections(CHINESE.read_text(encoding="utf-8"))
    assert [alike(section) for section in other] == [alike(section) for section in SECTIONS]
    assert all(formulas(section.of("text")) for section in SECTIONS)


def test_a_difference_between_languages_is_seen():
    page = "## A\n```text\na = b    {}\n```\n```numbers\na = {}\n```\n`src/osler/core/plan.py:Plan`"
    ours, same, number = (alike(sections(page.format(*parts))[0]) for parts in (("first", 1), ("其一", 1), ("其一", 2)))
    assert ours == same != number


# what the checks rest on ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("a = 1 + 2 = 4", "4 is not 3.0"),
        ("a = 1/3 ≈ 0.34", "0.34 is not"),
        ("a = 1/3 = 0.33", "0.33 is not"),
        ("a = [1, 2] = [1, 3]", "[1, 3] is not"),
        ("a = [1, 2] = 1", "1 is not"),
        ("a = b + 1", "a name is not known"),
        ("a = 1\na = 2", "a is there already"),
        ("a = [[1, 2], [3, 4]]\na[0][1] = 3", "3 is not 2.0"),
        ("a = σ(0.5) ≈ 0.6225 ≈ 0.63", "0.63 is not"),
        ("a = __import__('os')", "no arithmetic"),
        ("a = 1 +", "no arithmetic"),
    ],
)
def test_a_wrong_line_is_seen(line, fault):
    assert fault in "".join(worked(line)[1])


def test_right_lines_pass_in_any_order():
    names, faults = worked("c = a[1] − 2·b² = −1\na = [1/3, b] ≈ [0.33, 1]\na[0]·3 = b\nb = √(max(0, 4))/2 = σ(0)·2")
    assert faults == []
    assert names["c"] == -1


def test_code_that_gives_other_numbers_is_seen():
    section = Section("A", (("python", "import torch\na = torch.ones(1, 2)\nb = [1.0]\nc = 'word'\n"),), ())
    found = ran(section)
    assert found.keys() == {"a", "b"}
    told = {"a": np.array([1.0, 1.0]), "b": np.array([1.1]), "c": np.array(1.0)}
    assert apart(told, found) == ["b"]
    assert apart({"a": np.ones(3)}, found) == ["a"]


@pytest.mark.parametrize(
    ("place", "absent"),
    [
        ("src/osler/core/plan.py:Plan", False),
        ("src/osler/core/plan.py:Plan.set_by_user", False),
        ("src/osler/core/plan.py:Plan.fly", True),
        ("src/osler/core/plane.py:Plan", True),
    ],
)
def test_a_place_that_is_not_there_is_seen(place, absent):
    assert missing(place, root=ROOT) is absent


# beyond the page ------------------------------------------------------------------------------------------------------


def test_no_order_of_the_kernel_gives_the_first_row_that_articles_print():
    picture = torch.arange(1.0, 10).reshape(1, 1, 3, 3)
    layer = convolution(1, 1, kernel=2)
    rows = []
    for order in itertools.permutations((1.0, 2, 3, 4)):
        layer.weight.data = torch.tensor(order).reshape(1, 1, 2, 2)
        rows.append(layer(picture)[0, 0, 1, 1:-1].tolist())
    assert {right - left for left, right in rows} == {10}
    assert [37, 47] in rows
    assert [35, 42] not in rows


@pytest.mark.parametrize(("task", "value"), [(Classification(), 1.0), (Classification(), 0.0), (Regression(), -0.7)])
def test_every_slope_equals_a_finite_difference(task, value):
    torch.manual_seed(0)
    network = torch.nn.Sequential(EnsembleLinear(3, 4, members=2), torch.nn.Sigmoid(), LinearHead(4, bias=[0.3])).double()
    torch.nn.init.normal_(network[2].linear.weight)
    target = TargetBatch(torch.full((5, 1), value).double(), torch.ones(5, 1, dtype=torch.bool))
    x, names = torch.randn(5, 3).double(), [name for name, _ in network.named_parameters()]

    def loss(*weights):
        raw = torch.func.functional_call(network, dict(zip(names, weights, strict=True)), (x,))
        return task.loss(raw, target, plan={}).mean()

    assert torch.autograd.gradcheck(loss, tuple(network.parameters()))
