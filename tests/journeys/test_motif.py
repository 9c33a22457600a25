"""The simulated study: the motif that was planted comes back, is named by a file of known ones, and each case is drawn."""

import csv
import gzip
import json
import re
from unittest import mock

import numpy as np
import pytest

from osler.datasets import get, simulated
from osler.modalities.sequences.motifs.files import read_motifs
from osler.modalities.sequences.motifs.match import likeness
from osler.modalities.sequences.read import bgzf
from tests.journeys.command import SHORT, osler
from tests.unit.modalities.sequences import genomes
from tests.unit.modalities.sequences.test_variants import vcf

TRUE = np.array([simulated.CTCF[letter] for letter in "ACGT"], float)
JASPAR = ">MA0139.1 CTCF\n" + "\n".join(f"{letter} [ {' '.join(map(str, row))} ]" for letter, row in simulated.CTCF.items())
CASES = 400


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return get(simulated.NAME, to=tmp_path_factory.mktemp("simulated"))


def trained(study, out, *words):
    """Return the bundle of the study, and its scores."""
    done = osler("train", study, "--out", out / "model", "--cache", out / "cache", *words)
    assert done.code == 0, done.said
    return out / "model", json.loads((out / "model" / "scores.json").read_text())


def test_it_says_everywhere_that_it_is_simulated(study):
    said = study.read_text()
    assert "title: 'Simulated, nobody''s data" in said
    assert "made by Osler after https://jaspar.elixir.no/matrix/MA0139.1" in said
    with (study.parent / "table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == simulated.SEQUENCES
    assert {len(row["sequence"]) for row in rows} == {simulated.LENGTH}
    shares = [np.mean([sum(map(row["sequence"].count, "GC")) for row in rows if row["site"] == word]) for word in ("yes", "no")]
    assert abs(shares[0] - shares[1]) < 0.8, "composition gives nothing away: letters of G and C in 101"


@pytest.fixture(scope="module")
def small(study, tmp_path_factory):
    """A bundle of a few cases, its scores, and their table."""
    folder = tmp_path_factory.mktemp("small")
    lines = (study.parent / "table.csv").read_text().splitlines()[: CASES + 1]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    (folder / "study.yaml").write_text(study.read_text())
    return *trained(folder / "study.yaml", folder, *SHORT), folder / "table.csv"


def test_a_case_is_drawn_with_what_its_letters_add_and_what_others_would_change(small, tmp_path):
    bundle, scores, table = small
    known = tmp_path / "known.jaspar"
    known.write_text(JASPAR)
    found = scores["explanation"].get("recurring", [])
    assert all("svg" not in one for one in found), "drawings are the report's"
    words = ("--motifs", known) if found else ()
    done = osler("explain", bundle, table, "--row", 1, "--out", tmp_path / "why", *words)
    assert done.code == 0, done.said
    told = json.loads((tmp_path / "why" / "explanation.json").read_text())
    picture = told["cases"][0]["answers"][0]["pictures"][0]
    assert picture["layers"] == ["attribution", "changes"]
    drawing = (tmp_path / "why" / picture["file"]).read_text()
    assert drawing.count("<circle") == simulated.LENGTH
    assert "In-silico" in (tmp_path / "why" / "explanation.html").read_text().replace("in-silico", "In-silico")
    assert (tmp_path / "why" / "motifs.meme").is_file() == bool(found)


def test_gc_by_itself_stands_beside_the_bundle_and_tells_nothing_here(small):
    """Composition was simulated alike in both classes."""
    bundle, scores, _ = small
    rows = {row["label"]: row["values"]["auroc"] for row in scores["panels"]["yardstick"]["rows"]}
    assert list(rows) == ["bundle", "network", "baseline", "GC share"]
    assert rows["bundle"] == scores["test"]["auroc"]
    assert rows["GC share"]["low"] < 0.5 < rows["GC share"]["high"]
    report = (bundle / "report.html").read_text()
    assert "A plain number by itself" in report
    assert "GC share" in report.split("A plain number by itself")[1][:4000]


def test_a_damaged_file_of_variants_is_a_sentence_and_leaves_nothing(small, data, tmp_path):
    """The reference is the right one, so nothing but the damage can be at fault."""
    contigs = genomes.contigs(data)
    text = contigs["chr1"].upper()
    alleles = [(at, "ACGT"["CGTA".index(text[at])]) for at in range(0, 3000, 10)]
    lines = [f"chr1\t{at + 1}\tnumber{at * at}\t{text[at]}\t{alt}\t.\t.\tDP={at}\tGT\t0/1\t." for at, alt in alleles]
    genome, place, out = genomes.write(tmp_path, contigs), tmp_path / "x.vcf.gz", tmp_path / "scored.vcf.gz"
    with mock.patch.object(bgzf, "BLOCK", 4000), bgzf.Packed(place) as packed:
        packed.write(vcf(contigs, lines))
    whole, starts = place.read_bytes(), bgzf.block_starts(place)[:, 0].tolist()
    assert len(starts) > 4
    flipped = bytearray(whole)
    flipped[(starts[3] + starts[4]) // 2] ^= 0x10
    one = gzip.compress(vcf(contigs, lines))
    asked = ("predict", small[0], place, "--reference", genome, "--out", out)
    for content in (whole[: starts[3] + 100], whole[: starts[3]], bytes(flipped), one[: len(one) // 2], one[:-4]):
        place.write_bytes(content)
        done = osler(*asked)
        assert done.code == 2
        assert re.search(r"'x\.vcf\.gz' is (damaged or )?cut off", done.said)
        assert "Traceback" not in done.said
        assert [path.name for path in tmp_path.iterdir() if "scored" in path.name] == []
    place.write_bytes(whole)
    done = osler(*asked)
    assert done.code == 0, done.said
    assert gzip.decompress(out.read_bytes()).count(b"OSLER_DELTA=") == len(alleles)


def test_known_motifs_without_a_motif_are_said(study, tmp_path):
    """A table has nothing that recurs."""
    table = tmp_path / "t.csv"
    draw = np.random.default_rng(0).normal(size=(160, 3))
    table.write_text("a,b,y\n" + "\n".join(f"{a:.3f},{b:.3f},{'yes' if a + 2 * c > 0 else 'no'}" for a, b, c in draw) + "\n")
    done = osler("train", table, "--target", "y", "--out", tmp_path / "model", "--cache", tmp_path / "cache", *SHORT)
    assert done.code == 0, done.said
    done = osler("explain", tmp_path / "model", table, "--row", 1, "--motifs", tmp_path / "none.meme", "--out", tmp_path / "why")
    assert done.code == 2
    assert "nothing was found to recur in this bundle's inputs" in done.said


@pytest.mark.slow
def test_the_planted_motif_comes_back_at_its_true_width(study, tmp_path):
    bundle, scores = trained(study, tmp_path, "--budget", "2m")
    found = scores["explanation"]["recurring"]
    matrices = [np.array(one["matrix"]) for one in found]
    best = max(matrices, key=lambda matrix: likeness(TRUE, matrix).pearson)
    alike = likeness(TRUE, best)
    assert alike.pearson >= 0.95
    assert (best.shape[1], alike.offset) == (19, 0)
    assert "Simulated, nobody" in (bundle / "report.html").read_text()
    assert "Simulated, nobody" in (bundle / "card.md").read_text()
    known = tmp_path / "known.jaspar"
    known.write_text(JASPAR)
    osler("explain", bundle, study.parent / "table.csv", "--row", 1, "--motifs", known, "--out", tmp_path / "why")
    assert "CTCF (MA0139.1)" in (tmp_path / "why" / "explanation.html").read_text()
    assert any(likeness(TRUE, one.frequencies).pearson >= 0.95 for one in read_motifs(tmp_path / "why" / "motifs.meme"))
