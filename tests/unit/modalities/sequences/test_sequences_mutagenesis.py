"""In-silico mutagenesis beside substitutions made one by one; its values beside tangermeme's by benchmarks/sequences_mutagenesis.py."""

import pytest
import torch
from torch import nn

from osler.modalities.sequences.motifs.mutagenesis import mutagenesis

LENGTH, KINDS = 13, 4


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    layers = [nn.Conv1d(KINDS, 8, 5, padding=2), nn.GELU(), nn.Conv1d(8, 6, 3, padding=1), nn.AdaptiveMaxPool1d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(12, 3)).eval()


def letters(*, count=4, seed=0):
    codes = torch.randint(0, KINDS, (count, LENGTH), generator=torch.Generator().manual_seed(seed))
    return nn.functional.one_hot(codes, KINDS).transpose(1, 2).float()


def one_by_one(network, given, *, start=0, end=LENGTH):
    out = torch.zeros(len(given), 3, KINDS, end - start)
    with torch.no_grad():
        for case, kind, place in torch.cartesian_prod(*(torch.arange(n) for n in (len(given), KINDS, end - start))).tolist():
            changed = given[case : case + 1].clone()
            if changed[0, :, start + place].sum():
                changed[0, :, start + place] = 0
                changed[0, kind, start + place] = 1
            out[case, :, kind, place] = (network(changed) - network(given[case : case + 1]))[0]
    return out


@pytest.mark.parametrize("batch", [None, 1, 7])
def test_each_substitution_is_that_of_a_sequence_changed_by_hand(network, batch):
    given = letters()
    found = mutagenesis(network, given, batch=batch)
    assert found.shape == (4, 3, KINDS, LENGTH)
    torch.testing.assert_close(found, one_by_one(network, given), atol=1e-5, rtol=0)
    assert float(found.abs().max()) > 0.01


def test_a_letter_in_its_own_place_changes_nothing(network):
    given = letters()
    assert float(mutagenesis(network, given).abs().amax(1)[given == 1].max()) == 0


def test_a_span_is_that_part_of_the_whole(network):
    given = letters()
    torch.testing.assert_close(mutagenesis(network, given, span=(4, 9)), mutagenesis(network, given)[..., 4:9], atol=1e-6, rtol=0)


def test_padding_stays_and_a_letter_for_several_gets_each(network):
    given = letters(count=2)
    given[0, :, 10:] = 0
    given[1, :, 6] = 0.25
    found = mutagenesis(network, given)
    assert not found[0, :, :, 10:].any()
    assert (found[1, :, :, 6].abs().sum(0) > 0).all()
    torch.testing.assert_close(found, one_by_one(network, given), atol=1e-5, rtol=0)


def test_nothing_of_the_callers_changes(network):
    given = letters()
    before = given.clone()
    mutagenesis(network, given)
    assert torch.equal(given, before)


@pytest.mark.parametrize("span", [(-1, 3), (4, 4), (0, LENGTH + 1)])
def test_a_span_outside_is_said(network, span):
    with pytest.raises(ValueError, match=f"the span {span[0]} to {span[1]} does not lie in sequences of 13 letters"):
        mutagenesis(network, letters(), span=span)
