"""Variants: windows of REF and ALT, files of them, and files with scores."""

import gzip
import re
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from osler.core.errors import OutputError, RequestError
from osler.core.variants import ScoredOutput, VariantJob
from osler.core.watch import Watch
from osler.modalities.sequences.read import bgzf
from osler.modalities.sequences.read.alphabet import decode
from osler.modalities.sequences.read.reference import Reference
from osler.modalities.sequences.read.variants import Pair, pairs
from osler.modalities.sequences.read.vcf import opened_variants
from osler.modalities.sequences.variants import score, score_variants
from tests.unit.modalities.sequences import genomes

LENGTH = 101
HEAD = """##fileformat=VCFv4.3
##reference=genome.fa
{contigs}##FILTER=<ID=q10,Description="low">
##INFO=<ID=DP,Number=1,Type=Integer,Description="depth">
##INFO=<ID=AF,Number=A,Type=Float,Description="share">
##INFO=<ID=DB,Number=0,Type=Flag,Description="known">
##INFO=<ID=END,Number=1,Type=Integer,Description="end">
##INFO=<ID=TX,Number=1,Type=String,Description="words">
##INFO=<ID=OSLER_DELTA,Number=A,Type=Float,Description="of an earlier scoring">
##INFO=<ID=OSLER_WHY,Number=.,Type=String,Description="of an earlier scoring">
##ALT=<ID=DEL,Description="deletion">
##ALT=<ID=NON_REF,Description="others">
##FORMAT=<ID=GT,Number=1,Type=String,Description="genotype">
##FORMAT=<ID=PL,Number=.,Type=Integer,Description="likelihoods">
##FORMAT=<ID=GQ,Number=1,Type=Float,Description="quality">
##FORMAT=<ID=FT,Number=1,Type=String,Description="filter">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tone\ttwo
"""
OUTPUTS = (ScoredOutput("", 'a "share" of GC'),)


@pytest.fixture(scope="module")
def contigs(data):
    return genomes.contigs(data)


@pytest.fixture
def reference(contigs, tmp_path):
    with Reference(genomes.write(tmp_path, contigs), cache=tmp_path / "cache") as opened:
        yield opened


def gc(texts):
    """Return a share that any person can count, (n, 1)."""
    return np.array([[sum(letter in "GCgc" for letter in text) / len(text)] for text in texts.to_pylist()])


def windows(reference, contig, place, ref, *alts, length=LENGTH):
    found = pairs(reference, contig, place, ref=ref.encode(), alts=[alt.encode() for alt in alts], length=length)
    return [(decode(one.reference, "dna"), decode(one.alternative, "dna")) if isinstance(one, Pair) else one for one in found]


# windows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 20, 101])
def test_a_single_base(reference, contigs, length):
    text, place = contigs["chr1"], 500
    other = "ACGT"[("ACGT".index(text[place]) + 1) % 4]
    left = (length - 1) // 2
    wanted = text[place - left :][:length]
    if length == 1:
        assert windows(reference, "chr1", place, text[place], other, length=1) == ["long"]
        return
    changed = wanted[:left] + other + wanted[left + 1 :]
    assert windows(reference, "chr1", place, text[place], other, length=length) == [(wanted, changed)]
    # the same change with letters around it
    longer = windows(
        reference,
        "chr1",
        place - 2,
        text[place - 2 : place + 2],
        text[place - 2 : place] + other + text[place + 1],
        length=length,
    )
    assert longer == [(wanted, changed)]


def test_an_allele_takes_the_mask_of_its_place(reference, contigs):
    text = contigs["chr1"]
    assert text[150].islower()
    other = "ACGT"[("acgt".index(text[150]) + 1) % 4]
    [(wanted, changed)] = windows(reference, "chr1", 150, text[150].upper(), other)
    assert wanted == text[100:201]
    assert changed == text[100:150] + other.lower() + text[151:201]


def test_each_window_is_of_the_genome_before_and_after(reference, contigs):
    """Of random changes of every kind: the windows are stretches of the contig and of the contig with the change in it, the changed
    letters in the middle."""
    generator = np.random.default_rng(1)
    text, checked = contigs["chr1"].upper(), 0
    for _ in range(400):
        place, before, after = (
            int(generator.integers(300, 20_000)),
            int(generator.integers(1, 12)),
            int(generator.integers(1, 12)),
        )
        ref, alt = text[place : place + before], "".join(generator.choice(list("ACGT"), after))
        if generator.random() < 0.5:
            alt = ref[0] + alt[1:]
        [found] = windows(reference, "chr1", place, ref, alt)
        if ref == alt:
            assert found == "same"
            continue
        original, changed = (part.upper() for part in found)
        new = text[:place] + alt + text[place + before :]
        assert len(original) == len(changed) == LENGTH
        assert original in text[max(0, place - 4300) : place + 300]
        assert changed in new[max(0, place - 4300) : place + 300]
        assert original != changed
        checked += 1
    assert checked > 350


def test_one_change_has_one_pair_however_it_is_written(reference, contigs, tmp_path):
    """Indels in repeats, written at each place where they can be: bcftools norm makes one record of them, and we one pair."""
    text = contigs["chr1"].upper()
    runs = [one for one in re.finditer(r"([ACGT]{1,3})\1{3,}", text) if 300 < one.start() < len(text) - 300][:40]
    assert len(runs) > 20
    lines, found = [], []
    for run in runs:
        unit, start = run[1], run.start()
        for turn in range(3):
            place = start + turn * len(unit) - 1
            deletion = (text[place : place + 1 + len(unit)], text[place])
            insertion = (text[place], text[place] + unit)
            for ref, alt in (deletion, insertion):
                lines.append(f"chr1\t{place + 1}\t{start}{len(ref) > 1}\t{ref}\t{alt}\t.\t.\t.")
                found.append(windows(reference, "chr1", place, ref, alt)[0])
    head = f"##fileformat=VCFv4.2\n##contig=<ID=chr1,length={len(text)}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    (tmp_path / "x.vcf").write_text(head + "\n".join(lines) + "\n")
    golden = genomes.tool("bcftools", "norm", "-f", reference.path, tmp_path / "x.vcf").decode()
    first = {line.split("\t")[2]: line.split("\t") for line in golden.splitlines() if line[0] != "#"}
    for line, pair in zip(lines, found, strict=True):
        _, place, _, ref, alt, *_ = first[line.split("\t")[2]]
        assert windows(reference, "chr1", int(place) - 1, ref, alt)[0] == pair
        cut = int(place)  # 0-based place of the base after the anchor
        before, after = len(ref) - 1, len(alt) - 1
        assert pair[0].upper() == text[cut - (LENGTH - before) // 2 :][:LENGTH]
        assert pair[1].upper() == (text[:cut] + alt[1:] + text[cut + before :])[cut - (LENGTH - after) // 2 :][:LENGTH]


def test_windows_over_the_ends_are_filled_and_said(reference, contigs):
    text = contigs["chr17_alt"]
    for place in (0, len(text) - 1):
        other = "ACGT"[("ACGT".index(text[place].upper()) + 1) % 4]
        [one] = pairs(reference, "chr17_alt", place, ref=text[place].encode(), alts=[other.encode()], length=LENGTH)
        assert one.edge
        assert decode(one.reference, "dna").count("N") == LENGTH // 2
        assert (one.reference != one.alternative).sum() == 1
    inside = pairs(reference, "chr17_alt", 150, ref=text[150].encode(), alts=[b"AT", b"CT", b"GT", b"TC"], length=LENGTH)
    assert [one.edge for one in inside] == [False] * 4


def test_what_has_no_windows(reference, contigs):
    text = contigs["chr1"].upper()
    base, other = text[700], "ACGT"[("ACGT".index(text[700]) + 1) % 4]
    alts = [".", "*", "<DEL>", "<NON_REF>", "<*>", f"{base}[chr2:5[", f"]chr2:5]{base}", f".{base}", "<INS:ME:ALU>", "AXC", base]
    assert windows(reference, "chr1", 700, base, *alts) == [
        "no_alt", "star", "symbolic", "non_ref", "non_ref", "breakend", "breakend", "breakend", "symbolic", "letters", "same",
    ]  # fmt: skip
    assert windows(reference, "chr1", 700, other, base) == ["mismatch"]
    assert windows(reference, "chr1", 700, "Q", base) == ["letters"]
    assert windows(reference, "chr1", len(text), "A", "C") == windows(reference, "chr1", -1, "A", "C") == ["outside"]
    assert windows(reference, "chr1", len(text) - 1, text[-1] + "A", text[-1]) == ["outside"]
    assert windows(reference, "chr1", 700, text[700:802], base) == ["long"]  # 101 bases are deleted
    assert isinstance(windows(reference, "chr1", 700, text[700:801], base)[0], tuple)
    assert windows(reference, "chr1", 700, base, base + "AC" * 51) == ["long"]


def test_letters_for_several_bases_match_each_of_them(reference, contigs):
    place = contigs["chrM"].index("RYKM")
    assert isinstance(windows(reference, "chrM", place, "A", "T")[0], tuple)
    assert windows(reference, "chrM", place, "C", "T") == ["mismatch"]


# files ---------------------------------------------------------------------------------------------------------------


def lines_of(contigs):
    """Return records of every kind, not in the order of places."""
    text = contigs["chr1"].upper()

    def line(
        place,
        alt,
        *,
        ref=None,
        contig="chr1",
        identity=".",
        info="DP=3;AF=0.5",
        ending="GT:PL:GQ:FT\t0/1:1,2,3:9.5:ok\t.|1:.:.:.",
    ):
        ref = text[place] if ref is None else ref
        return "\t".join([contig, str(place + 1), identity, ref, alt, "30.5", "PASS", info, ending])

    other = {base: [b for b in "ACGT" if b != base] for base in "ACGT"}
    return [
        line(900, other[text[900]][0], identity="rs1"),
        line(500, ",".join(other[text[500]]), info="DP=7;AF=0.1,0.2,.;DB;TX=some"),
        line(600, text[600] + "GATTACA", ending="GT\t1/1\t./."),
        line(650, text[650], ref=text[650:660], info="."),
        line(700, f"*,{other[text[700]][0]},<DEL>", info="AF=1e-05,0.25,1"),
        line(720, "<NON_REF>", info="END=800", ending="GT:GQ\t0/0:99\t0/0:."),
        line(800, ".", info="DB"),
        line(820, f"{text[820]}[chr2:300["),
        line(840, other[text[840]][0], ref=other[text[840]][1]),
        line(2, other[text[2]][0], info="OSLER_DELTA=5;DP=1;OSLER_WHY=x"),
        line(5, "T", ref="A", contig="chr2" if contigs["chr2"][5].upper() == "A" else "chrNone"),
        line(5, "T", ref="A", contig="chrElse"),
    ]


def vcf(contigs, lines, *, told=True):
    named = dict(contigs) | ({"chrElse": "A" * 50, "chrNone": "A" * 50} if told else {})
    head = "".join(f"##contig=<ID={name},length={len(text)}>\n" for name, text in named.items()) if told else ""
    return (HEAD.format(contigs=head) + "".join(f"{line}\n" for line in lines)).encode()


@pytest.fixture
def files(contigs, tmp_path):
    """A VCF, and how to score it: to the records of what is written, the header apart."""
    place = genomes.write(tmp_path, contigs)
    (tmp_path / "x.vcf").write_bytes(vcf(contigs, lines_of(contigs)))

    def scored(source="x.vcf", out="out.vcf", *, scorer=gc, outputs=OUTPUTS, watch=None, **more):
        job = VariantJob(tmp_path / source, tmp_path / out, place, 'a "bundle"', outputs, tmp_path / "cache", **more)
        counts = score_variants(job, length=LENGTH, score=scorer, watch=watch or Watch())
        content = (tmp_path / out).read_bytes()
        content = gzip.decompress(content) if out.endswith("gz") else content
        lines = content.decode().splitlines()
        return counts, [line for line in lines if line[0] == "#"], [line.split("\t") for line in lines if line[0] != "#"]

    return scored


def info_of(record):
    return dict(part.partition("=")[::2] for part in record[7].split(";"))


class Heard(Watch):
    def __init__(self):
        self.said = []

    def say(self, sentence):
        self.said.append(sentence)


def test_every_record_is_kept_in_its_order_with_scores_that_can_be_counted(files, contigs, tmp_path, reference):
    counts, head, records = files()
    given = [line.split("\t") for line in lines_of(contigs)]
    assert [one[:7] + one[8:] for one in records] == [one[:7] + one[8:] for one in given]
    kept = [[part for part in one[7].split(";") if not part.startswith("OSLER_")] for one in records]
    assert kept == [[part for part in one[7].split(";") if part != "." and not part.startswith("OSLER_")] for one in given]
    for record in records[:4]:
        found = windows(reference, record[0], int(record[1]) - 1, record[3], *record[4].split(","))
        wanted = [[sum(letter in "GCgc" for letter in text) / LENGTH for text in pair] for pair in found]
        told = info_of(record)
        for key, values in (
            ("REF", [a for a, _ in wanted]),
            ("ALT", [b for _, b in wanted]),
            ("DELTA", [b - a for a, b in wanted]),
        ):
            assert [float(part) for part in told[f"OSLER_{key}"].split(",")] == pytest.approx(values, abs=1e-6)
        assert "OSLER_WHY" not in told
    assert [info_of(one).get("OSLER_WHY") for one in records[4:]] == [
        "star,.,symbolic", "non_ref", "no_alt", "breakend", "mismatch", "edge",
        info_of(records[10]).get("OSLER_WHY"), "contig",
    ]  # fmt: skip
    assert info_of(records[4])["OSLER_DELTA"].split(",")[::2] == [".", "."]
    assert counts["records"] == 12
    assert (
        counts["scored"]
        + sum(counts.get(code, 0) for code in ("star", "symbolic", "non_ref", "no_alt", "breakend", "mismatch", "contig"))
        == counts["alleles"]
    )
    assert sum(line.startswith("##INFO=<ID=OSLER_") for line in head) == 4


def test_bcftools_reads_what_is_written(files, tmp_path):
    files(out="out.vcf.gz")
    shown = genomes.tool(
        "bcftools", "query", "-f", "%CHROM:%POS %INFO/OSLER_DELTA %INFO/OSLER_WHY\n", tmp_path / "out.vcf.gz"
    ).decode()
    assert len(shown.splitlines()) == 12
    assert genomes.tool("bcftools", "view", "-H", "-i", "OSLER_DELTA!=0", tmp_path / "out.vcf.gz").count(b"\n") > 3
    split = genomes.tool("bcftools", "norm", "-m-", "-Ov", tmp_path / "out.vcf.gz").decode()  # Number=A follows its ALT
    assert sum("\t501\t" in line for line in split.splitlines()) == 3
    genomes.tool("bcftools", "sort", "-Oz", "-o", tmp_path / "sorted.vcf.gz", tmp_path / "out.vcf.gz")
    genomes.tool("tabix", "-p", "vcf", tmp_path / "sorted.vcf.gz")
    assert genomes.tool("tabix", tmp_path / "sorted.vcf.gz", "chr1:501-501").count(b"\n") == 1


def test_bcf_is_read_as_bcftools_reads_it(files, tmp_path):
    genomes.tool("bcftools", "view", "-Ob", "-o", tmp_path / "x.bcf", tmp_path / "x.vcf")
    golden = genomes.tool("bcftools", "view", "-H", tmp_path / "x.bcf").decode().splitlines()
    with opened_variants(tmp_path / "x.bcf") as variants:
        own = [b"\t".join(one).decode() for one in variants.lines]
        assert "chr2" in variants.lengths
    assert own == golden
    assert [one[7] for one in files("x.bcf")[2]] == [one[7] for one in files()[2]]


def test_scored_again_it_is_the_same(files, tmp_path):
    first = files()
    second = files("out.vcf", "again.vcf")
    assert first == second


@pytest.mark.parametrize(
    "how", [lambda c: c.replace(b"\n", b"\r\n"), gzip.compress, lambda c: b"\xef\xbb\xbf" + c, lambda c: c[:-1]]
)
def test_other_ways_to_write_a_file(files, tmp_path, how):
    golden = files()
    (tmp_path / "y.vcf").write_bytes(how((tmp_path / "x.vcf").read_bytes()))
    assert files("y.vcf", "y2.vcf") == golden


def test_several_outputs_and_refused_windows(files, tmp_path):
    outputs = (ScoredOutput("_a", "one"), ScoredOutput("_b", "two"))

    def scorer(texts):
        shares = gc(texts)
        shares[[text.count("GATTACA") > 0 for text in texts.to_pylist()]] = np.nan
        return np.concatenate([shares, -2 * shares], axis=1)

    _, head, records = files(outputs=outputs, scorer=scorer)
    told = info_of(records[1])
    assert [-2 * float(x) for x in told["OSLER_DELTA_a"].split(",")] == pytest.approx(
        [float(x) for x in told["OSLER_DELTA_b"].split(",")], rel=1e-5
    )
    assert info_of(records[2])["OSLER_WHY"] == "refused"
    assert "OSLER_DELTA_a" not in info_of(records[2])
    assert sum("Number=A,Type=Float" in line for line in head if "OSLER" in line) == 6


def test_batches_change_nothing(files, monkeypatch):
    golden = files()
    monkeypatch.setattr(score, "WINDOWS", 1)
    assert files(out="two.vcf") == golden


def test_other_names_and_other_assemblies(files, contigs, tmp_path):
    content = (tmp_path / "x.vcf").read_text()
    (tmp_path / "y.vcf").write_text(content.replace("chr1\t", "1\t").replace("ID=chr1,", "ID=1,"))
    watch, golden = Heard(), files()
    assert [one[7] for one in files("y.vcf", watch=watch)[2]] == [one[7] for one in golden[2]]
    assert any("1 contigs have other names in the reference (1 is chr1 there)" in sentence for sentence in watch.said)
    (tmp_path / "z.vcf").write_text(re.sub(r"length=\d+", "length=77", content))
    with pytest.raises(RequestError, match=r"of the variants have the lengths, and those of 'genome\.fa' others"):
        files("z.vcf", "z2.vcf")
    assert not (tmp_path / "z2.vcf").exists()
    one = content.replace(f"ID=chr1,length={len(contigs['chr1'])}", "ID=chr1,length=77")
    (tmp_path / "w.vcf").write_text(one)
    watch = Heard()
    assert info_of(files("w.vcf", "w2.vcf", watch=watch)[2][0])["OSLER_WHY"] == "length"
    assert any("1 contigs have another length" in sentence for sentence in watch.said)


def test_a_reference_of_another_genome_is_said(files, contigs, tmp_path):
    text = contigs["chr1"].upper()
    lines = [f"chr1\t{at + 1}\t.\t{'ACGT'['CGTA'.index(text[at])]}\t<DEL>\t.\t.\t.\tGT\t.\t." for at in range(300, 400)]
    (tmp_path / "y.vcf").write_bytes(vcf(contigs, lines, told=False))
    watch = Heard()
    files("y.vcf", watch=watch)
    assert any("many alleles do not match the reference" in sentence for sentence in watch.said)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is no VCF"),
        (b"chrom,pos\n1,2\n", "it begins with '##fileformat=VCFv4…', and another line was found"),
        (b"##fileformat=VCFv4.2\nchr1\t5\n", "the line of its columns"),
        (b"##fileformat=VCFv4.2\n", "the line of its columns"),
        (b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchr1\t5\t.\tA\n", "line 3: 8 columns with tabs between are wanted, and 4 came"),
        (b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\nchr1\tx\t.\tA\tC\t.\t.\t.\n", "line 3: CHROM, POS"),
        (b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\n", "a column FORMAT and no sample"),
        (b"BCF\x02\x02\xff\xff\xff\xff", "it is no BCF of version"),
        (b"BCF\x02\x02\x10\x00\x00\x00ab", "it ends within the header"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_variants(files, tmp_path, content, told):
    (tmp_path / "y.vcf").write_bytes(content)
    with pytest.raises(RequestError, match=told):
        files("y.vcf", "bad.vcf.gz")
    assert [one.name for one in tmp_path.glob("*bad*")] == []


@pytest.mark.parametrize("ending", ["vcf", "vcf.gz"])
def test_a_file_that_is_cut_off_is_told_as_the_one_that_is_read(files, contigs, tmp_path, ending):
    content = gzip.compress(many(contigs))
    (tmp_path / "cut.vcf").write_bytes(content[: len(content) // 2])
    with pytest.raises(RequestError, match=r"'cut\.vcf' is damaged or cut off"):
        files("cut.vcf", f"o.{ending}")
    assert list(tmp_path.glob("*o.vcf*")) == []


def many(contigs, count=9000):
    """Return a file of many records, none of which is scored."""
    text = contigs["chr1"].upper()
    return vcf(contigs, [f"chr1\t{at + 1}\t.\t{text[at]}\t*\t.\t.\tDP={at * at}\tGT\t0/1\t." for at in range(count)])


@pytest.mark.parametrize("block", [0, 2, 4])
@pytest.mark.parametrize("place", ["magic", "flags", "size", "data", "sum", "length"])
def test_a_bit_that_flipped_in_any_block_is_told(files, contigs, tmp_path, block, place):
    with bgzf.Packed(tmp_path / "flipped.vcf.gz") as out:
        out.write(many(contigs))
    starts = bgzf.block_starts(tmp_path / "flipped.vcf.gz")[:, 0].tolist()
    assert len(starts) > 6
    content = bytearray((tmp_path / "flipped.vcf.gz").read_bytes())
    first, after = starts[block], starts[block + 1]
    at = {
        "magic": first,
        "flags": first + 3,
        "size": first + 11,
        "data": (first + after) // 2,
        "sum": after - 8,
        "length": after - 4,
    }
    content[at[place]] ^= 0x10
    (tmp_path / "flipped.vcf.gz").write_bytes(content)
    told = "is no VCF" if (place, block) == ("magic", 0) else "is damaged or cut off"  # then nothing says that it was packed
    with pytest.raises(RequestError, match=rf"'flipped\.vcf\.gz' {told}"):
        files("flipped.vcf.gz", "o.vcf.gz")
    assert list(tmp_path.glob("*o.vcf*")) == []


def test_a_file_cut_off_between_two_blocks_is_told(files, contigs, tmp_path):
    with bgzf.Packed(tmp_path / "whole.vcf.gz") as out:
        out.write(many(contigs))
    starts = bgzf.block_starts(tmp_path / "whole.vcf.gz")[:, 0].tolist()
    content = (tmp_path / "whole.vcf.gz").read_bytes()
    for end in (starts[3], starts[-2]):
        (tmp_path / "cut.vcf.gz").write_bytes(content[:end])
        with pytest.raises(RequestError, match=r"'cut\.vcf\.gz' is cut off: the empty block that ends a BGZF file is not there"):
            files("cut.vcf.gz", "o.vcf.gz")
    assert list(tmp_path.glob("*o.vcf*")) == []
    assert files("whole.vcf.gz", "o.vcf.gz")[0]["records"] == 9000


KILLED = """
import os, signal, sys
from pathlib import Path
from osler.core.variants import ScoredOutput, VariantJob
from osler.modalities.sequences.variants import score_variants
folder = Path(sys.argv[1])
job = VariantJob(folder / "x.vcf", folder / "out.vcf.gz", folder / "genome.fa", "b", (ScoredOutput("", "x"),), folder / "cache")
score_variants(job, length=101, score=lambda texts: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_what_a_killed_scoring_left_is_gone_after_the_next(files, tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "out.vcf.gz").exists()
    left = list(tmp_path.glob(".*.part"))
    assert len(left) == 1
    (tmp_path / ".other.vcf.gz.0123456789ab.part").write_bytes(b"another's")
    files("x.vcf", "out.vcf.gz")
    assert [one.name for one in tmp_path.glob(".*.part")] == [".other.vcf.gz.0123456789ab.part"]


def test_places_that_cannot_be(files, tmp_path):
    with pytest.raises(RequestError, match=r"scored variants are written as \.vcf, \.vcf\.gz, \.vcf\.bgz"):
        files(out="x.bcf")
    with pytest.raises(RequestError, match="is a file that is read"):
        files(out="x.vcf")
    with pytest.raises(RequestError, match=r"no file of variants 'none\.vcf'"):
        files("none.vcf")
    (tmp_path / "full.vcf").mkdir()
    with pytest.raises(RequestError, match="is a folder"):
        files(out="full.vcf")


def test_a_full_disk_is_said_of_the_file_that_is_written(files, tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(28, "no space")

    monkeypatch.setattr("osler.modalities.sequences.read.bgzf.Packed.write", full)
    with pytest.raises(OutputError, match=r"no room left while writing '.*out.vcf.gz'"):
        files(out="out.vcf.gz")
    assert list(tmp_path.glob("*out.vcf*")) == []


def test_memory_does_not_grow_with_the_file(files, contigs, tmp_path, monkeypatch):
    text = contigs["chr1"].upper()
    lines = [f"chr1\t{at + 1}\t.\t{text[at]}\t{'ACGT'['CGTA'.index(text[at])]}\t.\t.\t.\tGT\t0/1\t." for at in range(200, 5000)]
    monkeypatch.setattr(score, "WINDOWS", 256)

    def peak(count):
        (tmp_path / "m.vcf").write_bytes(vcf(contigs, lines[:count]))
        job = VariantJob(tmp_path / "m.vcf", tmp_path / "o.vcf.gz", tmp_path / "genome.fa", "b", OUTPUTS, tmp_path / "cache")
        tracemalloc.start()
        counts = score_variants(job, length=LENGTH, score=lambda texts: np.zeros((len(texts), 1)))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert counts["scored"] == count
        return found

    small, large = peak(600), peak(4800)
    assert large < 1.2 * small
