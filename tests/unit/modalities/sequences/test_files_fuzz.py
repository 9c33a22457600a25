"""Mutated files: each becomes records, scored variants, or a sentence; no traceback, no half file, bounded memory.

The quick part runs always; the whole, MUTANTS of each kind, is marked slow: `python -m pytest -m slow tests/unit/modalities/sequences`.
"""

import gzip
import resource
import shutil

import numpy as np
import pytest

from osler.core.errors import Refusal, Refused, RequestError
from osler.core.variants import ScoredOutput, VariantJob
from osler.modalities.sequences.read import bgzf, fasta, intervals
from osler.modalities.sequences.read.reference import Reference
from osler.modalities.sequences.variants import score_variants
from osler.spine.scan import blocks
from tests.unit.modalities.sequences import genomes
from tests.unit.modalities.sequences.test_variants import lines_of, vcf

QUICK, MUTANTS = 150, 10_000
MOST_MEMORY = 1 << 18  # KiB above the start
PIECES = [
    b">",
    b"\n",
    b"\r\n",
    b"\t",
    b"\0",
    b"\xff\xfe",
    b"N" * 5000,
    b",",
    b"<",
    b"*",
    b"[chr1:5[",
    b"chr1",
    b"-1",
    b"9" * 20,
    b"\n\n>a\n",
    b";",
]


def mutated(content, generator):
    """Return the bytes with a few faults of the kinds that disks, networks, editors and hostile hands make."""
    data = bytearray(content)
    for _ in range(int(generator.integers(1, 6))):
        kind, at = int(generator.integers(0, 6)), int(generator.integers(0, max(1, len(data))))
        if kind == 0:
            data[at : at + 1] = bytes([generator.integers(0, 256)])
        elif kind == 1:
            data[at : at + 1] = bytes([data[at] ^ (1 << int(generator.integers(0, 8)))]) if at < len(data) else b""
        elif kind == 2 and generator.random() < 0.3:
            del data[at:]
        elif kind == 3:
            del data[at : at + int(generator.integers(1, 200))]
        elif kind == 4:
            data[at:at] = PIECES[int(generator.integers(0, len(PIECES)))]
        else:
            data[at:at] = data[at : at + int(generator.integers(1, 300))]
    return bytes(data)


def packed(content, place):
    with bgzf.Packed(place) as out:
        out.write(content)
    return place.read_bytes()


def places(path):
    """Return what each line of a BED file tells, as a study reads it."""
    cells = [row for block in blocks(path) for row in block.rows.select(["chrom", "start", "end", "strand"]).to_pylist()]
    texts = [[cell or "" for cell in row.values()] for row in cells]
    return [intervals.interval(*row[:3], strand=row[3]) for row in texts]


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


COUNTS = pytest.mark.parametrize("count", [QUICK, pytest.param(MUTANTS, marks=pytest.mark.slow)])


@COUNTS
def test_mutants_of_fasta_and_bed(data, tmp_path, count):
    found = {name: text[:3000] for name, text in genomes.contigs(data).items()}
    plain = genomes.fasta(found)
    seeds = [plain, genomes.fasta(found, end="\r\n"), gzip.compress(plain), packed(plain, tmp_path / "p.gz")]
    beds = b"".join(b"chr%d\t%d\t%d\tx\t0\t%s\n" % (at % 3 + 1, at * 7, at * 7 + 101, b"+-."[at % 3 :][:1]) for at in range(50))
    index = b"chr1\t3000\t16\t60\t61\nchr2\t3000\t3082\t60\t61\n"
    generator, place, start = np.random.default_rng(2), tmp_path / "m.fa", memory()
    said, whole = [], 0
    for turn in range(count):
        place.write_bytes(mutated(seeds[turn % len(seeds)], generator) if turn % 5 else plain)
        place.with_name("m.bed").write_bytes(mutated(beds, generator))
        place.with_name("m.fa.fai").write_bytes(mutated(index, generator))
        try:
            records = [row for block in blocks(place) for row in block.rows.to_pylist()]
            assert len(records) == sum(one.kind == "name" for one in fasta.pieces(place))
            with Reference(place, cache=tmp_path / "cache") as reference:
                stretches = intervals.from_intervals(places(place.with_name("m.bed")), reference)
                assert all(isinstance(one, Refusal) or one.dtype == np.uint8 for one in stretches)
            whole += 1
        except (RequestError, Refused) as error:
            said.append(str(error))
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)  # or ten thousand folders would slow each turn
    assert max(map(len, said)) < 400
    assert min(len(said), whole) > count // 20
    assert memory() - start < MOST_MEMORY


@COUNTS
def test_mutants_of_variants(data, tmp_path, count):
    found = genomes.contigs(data)
    place, start = genomes.write(tmp_path, found), memory()
    plain = vcf(found, lines_of(found))
    (tmp_path / "x.vcf").write_bytes(plain)
    seeds = [plain, plain, gzip.compress(plain), packed(plain, tmp_path / "p.gz"), *bcf(tmp_path)]
    generator, said, whole, left = np.random.default_rng(3), [], 0, 0
    for turn in range(count):
        kind = seeds[turn % len(seeds)]
        content = (
            gzip.compress(mutated(gzip.decompress(kind), generator), 1)
            if kind[:2] == bgzf.GZIP and turn % 3
            else mutated(kind, generator)
        )
        (tmp_path / "m.vcf").write_bytes(content)
        job = VariantJob(tmp_path / "m.vcf", tmp_path / "o.vcf", place, "b", (ScoredOutput("", "x"),), tmp_path / "cache")
        (tmp_path / "o.vcf").unlink(missing_ok=True)
        try:
            score_variants(job, length=101, score=lambda texts: np.zeros((len(texts), 1)))
            written = (tmp_path / "o.vcf").read_bytes().split(b"\n")
            heads = [line.count(b"\t") for line in written if line.startswith(b"#CHROM")]
            assert {line.count(b"\t") for line in written if line and line[:1] != b"#"} <= {heads[0]}
            whole += 1
        except RequestError as error:
            said.append(str(error))
            left += (tmp_path / "o.vcf").exists()
    assert left == 0
    assert max(map(len, said)) < 400
    assert min(len(said), whole) > count // 20
    assert memory() - start < MOST_MEMORY
    assert list(tmp_path.glob("*.part")) == []


def bcf(folder):
    """Return the variants as BCF where bcftools is here to make it."""
    try:
        genomes.tool("bcftools", "view", "-Ob", "-o", folder / "x.bcf", folder / "x.vcf")
    except pytest.skip.Exception:
        return []
    return [(folder / "x.bcf").read_bytes()]
