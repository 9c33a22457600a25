"""Studies over which the contract suite runs: every modality with every task that fits it, and two inputs together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import PIL.Image
import pyarrow as pa
import pyarrow.parquet as pq

from osler.core import registry
from osler.core.study import Input, Roles, Study
from osler.core.table import Table
from tests.contract.strips import rows_of, write_strips

EXTRA_MODALITIES = {"strips": "tests.contract.strips:Strips"}
EXTRA_TASKS = {"marking": "tests.contract.marking:Marking"}
SCAN, SLICES = 16, 6
GEOMETRY = np.diag([1.0, 1.0, 2.0, 1.0])
SMALL = {"fit.epochs": 2, "fit.members": 1, "fit.batch": 16, "fit.threads": 1}


@dataclass(frozen=True)
class Case:
    """One line of the suite: input name → (modality, columns), task and target."""

    inputs: Mapping[str, tuple[str, tuple[str, ...]]]
    task: str
    target: str

    def __str__(self) -> str:
        return f"{'+'.join(self.inputs)}-{self.task}"


TABLE = ("tables", ("age", "dose", "sex"))
STRIP = ("strips", ("image",))
IMAGE = ("images", ("scan",))
VOLUME = ("images", ("volume",))
EVENTS = ("timelines", ("visit",))
DRUG = ("molecules", ("drug",))
GENE = ("sequences", ("gene",))
CASES = [
    Case({"table": TABLE}, "classification", "bright"),
    Case({"table": TABLE}, "regression", "level"),
    Case({"scan": IMAGE}, "classification", "bright"),
    Case({"scan": IMAGE}, "regression", "level"),
    Case({"volume": VOLUME}, "classification", "bright"),
    Case({"volume": VOLUME}, "regression", "level"),
    Case({"scan": IMAGE}, "segmentation", "scan_mark"),
    Case({"volume": VOLUME}, "segmentation", "volume_mark"),
    Case({"volume": VOLUME, "table": TABLE}, "segmentation", "volume_mark"),
    Case({"picture": STRIP}, "classification", "bright"),
    Case({"picture": STRIP}, "regression", "level"),
    Case({"picture": STRIP}, "marking", "mask"),
    Case({"picture": STRIP, "table": TABLE}, "classification", "bright"),
    Case({"picture": STRIP, "table": TABLE}, "marking", "mask"),
    Case({"events": EVENTS}, "classification", "bright"),
    Case({"events": EVENTS}, "regression", "level"),
    Case({"events": EVENTS, "table": TABLE}, "classification", "bright"),
    Case({"drug": DRUG}, "classification", "bright"),
    Case({"drug": DRUG}, "regression", "level"),
    Case({"drug": DRUG, "table": TABLE}, "classification", "bright"),
    Case({"gene": GENE}, "classification", "bright"),
    Case({"gene": GENE}, "regression", "level"),
    Case({"gene": GENE, "table": TABLE}, "classification", "bright"),
    Case({"gene": GENE}, "tracks", "weak"),
    Case({"gene": GENE, "table": TABLE}, "tracks", "weak"),
    Case({"gene": GENE, "spare": ("sequences", ("spare",))}, "tracks", "weak"),
]


def register(monkeypatch) -> None:
    """Make the fakes known as Osler's own are."""
    for name, home in EXTRA_MODALITIES.items():
        monkeypatch.setitem(registry.MODALITIES, name, home)
    for name, home in EXTRA_TASKS.items():
        monkeypatch.setitem(registry.TASKS, name, home)


def study_of(case: Case, folder: Path, *, cases: int = 60, **settings) -> tuple[Study, Table]:
    """Write pictures and a table to `folder`; return the study and its table."""
    rows = write_strips(folder, cases=cases)
    for number, row in enumerate(rows):
        row["scan"] = _scan(folder, row["image"])
        row["volume"] = _volume(folder, row["image"])
        row["scan_mark"], row["volume_mark"] = _marks(folder, row["mask"])
        row["dose"] = row["level"] * 10 + number % 3
        row["sex"] = "fm"[number % 2]
        row["visit"] = f"v{number}"
        row["drug"] = drug(row["level"], number)
        row["gene"] = gene(row["level"], number)
        row["spare"] = gene(1 - row["level"], number, first="ACCA")
        row["weak"] = "".join("1" if letter in "AT" else "0" if letter in "CG" else "." for letter in row["gene"])
    write_events(folder, rows, keys=EVENTS[1])
    columns = rows_of(
        rows,
        [
            "image",
            "scan",
            "volume",
            "visit",
            "drug",
            "gene",
            "weak",
            "spare",
            "mask",
            "scan_mark",
            "volume_mark",
            "bright",
            "level",
            "age",
            "dose",
            "sex",
            "patient",
        ],
    )
    path = folder / "table.parquet"
    pq.write_table(pa.table(columns), path)
    inputs = tuple(Input(name, modality, used) for name, (modality, used) in case.inputs.items())
    # pictures this small need no more, and 400 steps of eight cases go faster
    wide = ("widths", [8, 16, 32]) if case.task == "segmentation" else ("width", 8)
    narrow = {f"inputs.{name}.{wide[0]}": wide[1] for name, (modality, _) in case.inputs.items() if modality == "images"}
    study = Study(
        path,
        folder,
        (case.target,),
        case.task,
        inputs,
        Roles(group="patient"),
        budget=0.1,
        settings={**SMALL, **narrow, **settings},
    )
    return study, Table(pa.table(columns), folder, digest="test")


def drug(level: float, number: int, *, tail: str = "C") -> str:
    """Return the SMILES of a molecule that no other number has: fluorine and oxygen follow the level."""
    rings = ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCNCC1")
    body = "".join("C(F)" if level * 8 > step else "C" for step in range(8))
    marks = "".join("CNOS"[number // 4**place % 4] for place in range(4))
    return f"{tail}{body}{marks}{rings[number % 4]}"


def gene(level: float, number: int, *, first: str = "") -> str:
    """Return DNA of some 60 letters that no other number has, in differing lengths: TATAAA follows the level, some letters are unsure."""
    drawn = np.random.default_rng([11, number, len(first)])
    random = "".join(drawn.choice(list("ACGT"), 40 + number % 7))
    return first + random[:20] + "TATAAA" * int(level * 4) + random[20:] + ("nRy" if number % 5 == 0 else "")


def write_events(folder: Path, rows: list[dict], *, keys: tuple[str, ...]) -> None:
    """Write a long table of events beside the study's: three codes with values, one with words, at irregular hours, out of order.

    The signal follows the level; no two of those that the columns `keys` name are equal, and some lack a code.
    """
    lines = ["subject,hours,code,value,unit"]
    for turn, key in enumerate(keys):
        for number, row in enumerate(rows):
            lines += _events(row[key], row["level"], number, np.random.default_rng([7 + turn, number]))
    (folder / "events.csv").write_text("\n".join(lines))


def _events(subject: str, level: float, number: int, drawn: np.random.Generator) -> list[str]:
    hours = drawn.permutation(np.round(np.cumsum(drawn.exponential(3, 5 + number % 4)), 3))
    return [
        *(f"{subject},{h},signal,{level + drawn.normal(0, 0.02):.4f},mV" for h in hours),
        *(f"{subject},{h},pulse,{70 + drawn.normal(0, 5):.1f},/min" for h in hours[: number % 3]),
        f"{subject},{hours[0]},dose,{number % 7},mg",
        f"{subject},{hours[1]},look,{['pale', 'pink'][number % 2]},",
    ]


def _volume(folder: Path, image: str) -> str:
    """Write the strip as a volume of SCAN × SCAN × SLICES, brightest in the middle, and return its name."""
    strip, grey = np.load(folder / image), np.zeros((SCAN, SCAN), np.int16)
    grey[: strip.shape[0], : strip.shape[1]] = np.clip(900 + 600 * strip, 1, 4000)
    weight = 1 - np.abs(np.linspace(-0.5, 0.5, SLICES))
    name = image.replace(".npy", ".nii.gz")
    nibabel.save(nibabel.Nifti1Image((grey[..., None] * weight).astype(np.int16), GEOMETRY), folder / name)
    return name


def _marks(folder: Path, mask: str) -> tuple[str, str]:
    """Write the strip's mask as that of its scan and of its volume, of which the first slice is not marked; return their names."""
    strip, whole = np.load(folder / mask), np.zeros((SCAN, SCAN), np.uint8)
    whole[: strip.shape[0], : strip.shape[1]] = strip
    flat, deep = mask.replace(".npy", ".png"), mask.replace(".npy", ".nii.gz")
    PIL.Image.fromarray(whole).save(folder / flat)
    volume = np.repeat(whole[..., None], SLICES, axis=2)
    volume[..., 0] = 0
    nibabel.save(nibabel.Nifti1Image(volume, GEOMETRY), folder / deep)
    return flat, deep


def _scan(folder: Path, image: str) -> str:
    """Write the strip as a grey PNG of SCAN × SCAN and return its name."""
    strip = np.load(folder / image)
    grey = np.zeros((SCAN, SCAN), np.uint8)
    grey[: strip.shape[0], : strip.shape[1]] = np.clip(90 + 60 * strip, 1, 255)
    name = image.replace(".npy", ".png")
    PIL.Image.fromarray(grey).save(folder / name)
    return name
