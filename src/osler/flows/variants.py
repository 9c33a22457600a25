"""`osler predict` on a file of variants: each allele scored by what it changes, written as VCF, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.attribution import Answer
from osler.core.errors import RequestError
from osler.core.table import Table
from osler.core.variants import ScoredOutput, VariantJob
from osler.core.watch import SILENT, Watch
from osler.flows.opening import default_cache
from osler.flows.predictor import INPUTS, WITH_BASELINE, Predictor, load
from osler.spine.columns import Asked

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN = "sequence"  # of the table in memory that the windows make


def score_variants(
    bundle: Path | str,
    variants: Path | str,
    *,
    reference: Path | str,
    out: Path | str,
    assembly: str | None = None,
    device: str | None = None,
    watch: Watch = SILENT,
) -> Mapping[str, int]:
    """Write `variants` (VCF or BCF) to `out` (.vcf, .vcf.gz) with what the bundle says of the reference allele, of the alternative one, and
    the difference, in INFO. Returns how many "records", "alleles", "scored", and by code why others are not.

    `reference` is the FASTA file of the genome on which the variants were called, `assembly` its name where lengths do not tell it.
    Raises RequestError where the bundle reads more than sequences, or a file is not what it should be; then nothing is written.
    """
    watch.stage("loading")
    predictor = load(bundle, device=device)
    name = sequences_of(predictor)
    answers = told(predictor)
    job = VariantJob(
        Path(variants), Path(out), Path(reference), predictor.name, outputs(answers), default_cache(), assembly=assembly
    )
    watch.stage("scoring variants")
    return predictor.modalities[name].score_variants(
        job,
        score=lambda texts: scores_of(predictor, texts, answers=answers),
        reading=predictor.reading(name),
        facts=predictor.facts.get(name, {}),
        watch=watch,
    )


def sequences_of(predictor: Predictor) -> str:
    """Return the bundle's only input, one of sequences; raises RequestError for any other bundle."""
    names = list(predictor.modalities)
    if len(names) != 1 or not predictor.modalities[names[0]].variants or predictor.anchor is not None:
        raise RequestError("this bundle scores no variants: it takes one trained on sequences alone, with one answer for each")
    return names[0]


def told(predictor: Predictor) -> list[Answer]:
    """Return what a bundle says of a case without saying it twice: of two classes the positive one, else each class, label or number."""
    answers = predictor.task.answers(predictor.output("test"), info=predictor.info, plan=predictor.contents.plan)
    return [answer for answer in answers if answer.main] or list(answers)


def outputs(answers: list[Answer]) -> tuple[ScoredOutput, ...]:
    """Return how each answer is called and described in a file of variants; a single one needs no name."""
    if len(answers) == 1:
        return (ScoredOutput("", f"{answers[0].scale} of {answers[0].name}"),)
    found: dict[str, ScoredOutput] = {}
    for number, answer in enumerate(answers, 1):
        suffix = "_" + re.sub(r"[^0-9A-Za-z_.]", "_", answer.level or answer.target)
        suffix = suffix if suffix not in found else f"{suffix}_{number}"
        found[suffix] = ScoredOutput(suffix, f"{answer.scale} of {answer.name}")
    return tuple(found.values())


def scores_of(predictor: Predictor, texts: pa.Array, *, answers: list[Answer]) -> np.ndarray:
    """Return what the bundle says of sequences in memory (n, answers) float64, each on its answer's scale; NaN where one is refused."""
    import pyarrow as pa

    block = Table(pa.table({COLUMN: texts}), Path.cwd())
    parts = predictor.blend.parts
    columns = {name: _asked(predictor, name, block)() for name in predictor.modalities}
    raws, refusals = predictor.raw(block, columns=columns, parts=parts)
    kept = np.array([row not in refusals for row in range(len(block))], bool)
    out = np.full((len(block), len(answers)), np.nan)
    weights = np.stack([answer.weights for answer in answers], axis=1)
    out[kept] = np.asarray(raws["test"], float) @ weights + np.array([answer.intercept for answer in answers])
    return out


def _asked(predictor: Predictor, name: str, block: Table) -> Asked:
    """Return what is read of the letters in `block`, however the bundle's own cases were told: by name, or by place on a genome."""
    modality: Any = predictor.modalities[name]
    roles = WITH_BASELINE if "baseline" in predictor.blend.parts else INPUTS
    return Asked(modality, modality.locate(block, columns=(COLUMN,)), predictor.reading(name), roles)
