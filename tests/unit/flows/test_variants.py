"""Files of variants on a bundle: what is asked, what each output is called, and scores that are those of the bundle's own predictions."""

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from osler.cli.request import variants_asked
from osler.core.attribution import Answer
from osler.core.errors import RequestError
from osler.flows import variants
from osler.flows.predictor import load
from osler.flows.train import train
from osler.modalities.sequences import Sequences
from osler.modalities.sequences.variants import window_length
from osler.spine.study import Request
from tests.unit.modalities.sequences import genomes
from tests.unit.modalities.sequences.test_variants import info_of, lines_of, vcf


def answer(target, level="", *, main=True, scale="log-odds"):
    return Answer(target, level, "", np.ones(1), main=main, scale=scale)


def test_outputs_are_named_so_that_a_header_may_hold_them():
    assert [one.suffix for one in variants.outputs([answer("bound", "yes")])] == [""]
    many = variants.outputs([answer("kind", "a b"), answer("kind", "a/b"), answer("kind", "c")])
    assert [one.suffix for one in many] == ["_a_b", "_a_b_2", "_c"]
    assert many[0].description == "log-odds of kind: a b"
    assert [one.suffix for one in variants.outputs([answer("x", scale="value"), answer("y", scale="value")])] == ["_x", "_y"]


@pytest.mark.parametrize(
    ("table", "reference", "assembly", "others", "told"),
    [
        ("x.csv", Path("g.fa"), None, {}, "--reference and --assembly go with a file of variants, which ends in .vcf"),
        ("x.csv", None, "hg38", {}, "--reference and --assembly go with a file of variants"),
        ("x.vcf", None, None, {}, "give the FASTA file of the genome with --reference"),
        ("x.BCF", Path("g.fa"), None, {"--top": 5, "--workers": None, "--by": "a"}, "--top, --by: not for a file of variants"),
    ],
)
def test_options_that_do_not_go_together(table, reference, assembly, others, told):
    with pytest.raises(RequestError, match=told):
        variants_asked(table, reference=reference, assembly=assembly, others=others)


def test_what_is_asked():
    assert variants_asked("x.csv", reference=None, assembly=None, others={"--top": 3}) is None
    assert variants_asked("x.vcf.gz", reference=Path("g.fa"), assembly=None, others={"--top": None}) == Path("g.fa")


class Stand:
    """What stands in for a bundle: its raw output is the share of GC among the letters that its modality read."""

    anchor = None
    blend = SimpleNamespace(parts=("network",))

    def __init__(self):
        self.modalities = {"sequence": Sequences()}

    def reading(self, name):
        return {"alphabet": "dna", "longest": 1000}

    def raw(self, block, *, columns, parts):
        read = columns["sequence"]
        letters = [read["letters"][row] & 0x7F for row in range(len(block)) if row not in read.refusals]
        return {"test": np.array([[np.isin(one, (1, 2)).mean()] for one in letters])}, dict(read.refusals)


def test_scores_keep_their_order_and_what_is_refused_has_none(data):
    texts = [*genomes.windows(data)[:20], "N" * 101, "acgt" * 25, "ACG-"]
    found = variants.scores_of(
        Stand(), pa.array(texts), answers=[answer("a"), Answer("b", "", "", np.array([-2.0]), intercept=5.0)]
    )
    shares = [sum(letter in "GCgc" for letter in text) / len(text) for text in texts]
    assert np.flatnonzero(np.isnan(found[:, 0])).tolist() == [20, 22]
    kept = [row for row in range(23) if row not in {20, 22}]
    assert found[kept, 0] == pytest.approx([shares[row] for row in kept])
    assert found[kept, 1] == pytest.approx([5 - 2 * shares[row] for row in kept])


def test_a_bundle_of_other_data_scores_no_variants(monkeypatch):
    stand = Stand()
    assert variants.sequences_of(stand) == "sequence"
    monkeypatch.setattr(Sequences, "variants", False)
    with pytest.raises(RequestError, match="it takes one trained on sequences alone"):
        variants.sequences_of(stand)
    with pytest.raises(RequestError, match="this bundle reads proteins"):
        window_length({"alphabet": "protein"}, {})


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A bundle of a few hundred real windows that says how rich in GC they are."""
    folder = tmp_path_factory.mktemp("trained")
    windows = genomes.windows(data, part="train")[:240]
    rich = [int(sum(letter in "GC" for letter in text) > 55) for text in windows]
    lines = ["sequence,rich", *(f"{text},{label}" for text, label in zip(windows, rich, strict=True))]
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    request = Request(
        table_or_study=folder / "table.csv", target=("rich",), inputs=("sequence=sequences:sequence",), budget="2s", leaks="drop",
        settings=("fit.epochs=1", "split.folds=1", "explain.seconds=0"),
    )  # fmt: skip
    train(request, out=folder / "bundle", cache=folder / "cache")
    return folder / "bundle"


@pytest.mark.slow  # it trains a bundle
def test_scores_are_those_of_the_bundles_own_predictions(trained, data, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    contigs = genomes.contigs(data)
    place = genomes.write(tmp_path, contigs)
    (tmp_path / "x.vcf").write_bytes(vcf(contigs, lines_of(contigs)))
    counts = variants.score_variants(trained, tmp_path / "x.vcf", reference=place, out=tmp_path / "o.vcf.gz")
    assert counts["records"] == 12
    record = next(
        line.split("\t") for line in gzip.decompress((tmp_path / "o.vcf.gz").read_bytes()).decode().splitlines() if "rs1" in line
    )
    text, at = contigs["chr1"], 900
    pair = [text[at - 50 : at + 51], text[at - 50 : at] + record[4] + text[at + 1 : at + 51]]
    predicted = load(trained).predict(pa.table({"sequence": pair}))["probability_1"].to_numpy()
    told = [float(info_of(record)[f"OSLER_{key}"]) for key in ("REF", "ALT", "DELTA")]
    logits = np.log(predicted / (1 - predicted))
    assert told == pytest.approx([*logits, logits[1] - logits[0]], abs=1e-4)
    assert predicted[0] != predicted[1]
    with pytest.raises(RequestError, match=r"no file of variants 'none\.vcf'"):
        variants.score_variants(trained, tmp_path / "none.vcf", reference=place, out=tmp_path / "p.vcf", assembly="hg19")
