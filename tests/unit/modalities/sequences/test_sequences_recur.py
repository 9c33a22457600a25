"""What recurs as a report tells it, from columns; and substitutions of one sequence as they are drawn."""

import json

import numpy as np
import pytest
import torch

from osler.core.errors import RequestError
from osler.core.registry import modality
from osler.datasets import simulated
from osler.modalities.sequences.motifs.files import read_motifs
from osler.modalities.sequences.motifs.match import likeness
from osler.modalities.sequences.motifs.mutagenesis import changes_of
from osler.modalities.sequences.network.strands import centred
from tests.unit.modalities.sequences.test_encode import shard

SEQUENCES = modality("sequences")
TRUE = np.array([simulated.CTCF[letter] for letter in "ACGT"], float)
TRUE = TRUE / TRUE.sum(0)
CASES = 600


def lifted(text):
    return torch.nn.functional.embedding(torch.tensor(["ACGT".index(letter) for letter in text]), centred("dna"))


def scanned(given):
    """Return a score (m, 1) of (m, length, kinds): the best site of the true motif on either strand."""
    odds = torch.as_tensor(np.log(TRUE / 0.25 + 1e-2), dtype=torch.float32)
    both = torch.stack([odds, odds.flip(0, 1)])
    return torch.nn.functional.conv1d(given.transpose(1, 2) + 0.25, both).amax((1, 2))[:, None]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Columns of the simulated study's first sequences, gradients times letters of a perfect network, and its scores."""
    texts = [text for (_, text, _), _ in zip(simulated.motif({}).rows, range(CASES), strict=False)]
    columns = shard(texts, tmp_path_factory.mktemp("columns"))
    given = torch.stack([lifted(text) for text in texts]).requires_grad_()
    scores = scanned(given)[:, 0]
    (slopes,) = torch.autograd.grad(torch.relu(scores - 8).sum(), given)  # what is no site adds nothing
    adds = (slopes * given).detach().numpy() + np.random.default_rng(0).normal(0, 0.02, given.shape)
    return columns, list(adds), scores.detach().numpy()


def told(study, **changed):
    columns, adds, scores = study
    asked = {"attributions": adds, "scores": scores, "seed": 0, **changed}
    return SEQUENCES.recurring(columns, np.arange(CASES), **asked)


def test_the_planted_motif_is_told_with_its_logo(study):
    (one,) = told(study)
    alike = likeness(TRUE, np.array(one["matrix"]))
    assert (one["side"], one["alphabet"], len(one["consensus"])) == ("for", "dna", 19)
    assert alike.pearson >= 0.95
    assert alike.offset == 0
    assert 0.8 * CASES / 2 < one["cases"] <= one["sites"] < 0.6 * CASES
    assert one["contribution"] > 0
    assert one["svg"].startswith("<svg")
    assert json.loads(json.dumps(one)) == one


def test_what_speaks_against_is_told_as_such(study):
    _, adds, _ = study
    (one,) = told(study, attributions=[-a for a in adds])
    assert one["side"] == "against"
    assert one["contribution"] < 0
    assert likeness(TRUE, np.array(one["matrix"])).pearson >= 0.95


def test_without_a_network_scores_find_it(study):
    (one,) = told(study, attributions=())
    assert one["contribution"] is None
    assert likeness(TRUE, np.array(one["matrix"])).pearson >= 0.95
    assert len(one["consensus"]) == 19


def test_known_motifs_name_it_and_a_meme_file_holds_it(study, tmp_path):
    bare = [{k: v for k, v in one.items() if k != "svg"} for one in told(study)]
    file = tmp_path / "known.jaspar"
    rows = "\n".join(f"{letter} [ {' '.join(map(str, simulated.CTCF[letter]))} ]" for letter in "ACGT")
    file.write_text(
        f">MA0139.1 CTCF\n{rows}\n>MA0004.1 Arnt\nA [4 19 0 0 0 0]\nC [16 0 20 0 0 0]\nG [0 1 0 20 0 20]\nT [0 0 0 0 20 0]\n"
    )
    (one,) = SEQUENCES.named(bare, file=file)
    assert [(k["identifier"], k["name"]) for k in one["known"]] == [("MA0139.1", "CTCF")]
    assert one["of"] == 2
    assert one["svg"].startswith("<svg")
    assert "known" not in SEQUENCES.named(bare, file=None)[0]
    written = SEQUENCES.write_patterns(bare, folder=tmp_path)
    np.testing.assert_allclose(read_motifs(written)[0].frequencies, np.array(bare[0]["matrix"]), atol=2e-3)
    assert SEQUENCES.write_patterns([], folder=tmp_path) is None
    file.write_text("no motif")
    with pytest.raises(RequestError, match="starts neither with"):
        SEQUENCES.named(bare, file=file)


def test_substitutions_are_those_of_changed_letters():
    text = next(iter(simulated.motif({}).rows))[1][:40] + "A"
    given = lifted(text)[None]
    given[0, 5] = 0  # an unknown letter
    found = changes_of(given, scanned, attribution=np.ones((1, 41, 4)))
    assert found.shape == (1, 41, 4)
    for place in (0, 5, 17, 40):
        for kind in range(4):
            changed = given.clone()
            changed[0, place] = centred("dna")[kind]
            away = float((scanned(changed) - scanned(given))[0, 0])
            assert found[0, place, kind] == pytest.approx(away, abs=1e-4)


def test_of_a_long_sequence_the_stretch_that_matters_is_changed():
    given = lifted("ACGT" * 200)[None]
    attribution = np.zeros((1, 800, 4))
    attribution[0, 700] = 1
    asked = np.isfinite(changes_of(given, lambda x: x.sum((1, 2))[:, None], attribution=attribution)[0]).all(1)
    assert asked.sum() == 480
    assert asked[700]
