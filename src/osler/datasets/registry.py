"""Which data sets there are, and what is known of each.

Strings and numbers only: a converter is named, and imported when its data set is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from osler.core.errors import RequestError, did_you_mean


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file at a data set's home: `name` relative to it, `sha256` in lower-case hexadecimal."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Archive:
    """The one file in which pictures come: where it lies, its official `md5`, and the bytes beyond which it is not taken.

    `mirrored` are the names under which a mirror folder may hold it, unpacked perhaps. A `sha256` counts in place of the md5.
    `by_hand` says why it can only be had by hand and taken from a mirror; its `md5` is "" where none is published.
    """

    url: str
    md5: str
    most_bytes: int
    mirrored: tuple[str, ...]
    sha256: str = ""
    by_hand: str = ""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Collection:
    """Several files at one `address`, which ends with "/": records come so.

    The sha256 of a file is "" where only the list `sums` beside it at the address tells it. No file is taken beyond `most_bytes`. `mirrored` is
    the folder in which a mirror may hold the files, as they are or with ".gz" behind their names.
    """

    address: str
    files: tuple[SourceFile, ...]
    most_bytes: int
    mirrored: str
    sums: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A public data set.

    `licence` is what its home states, `home` where it comes from, for a person to read. `package` names the installed
    package that ships `files`, with the folder inside it ("sklearn:datasets/data"). `rows` and `table_sha256` are those of
    the `table.csv` that `convert` ("module:function") makes of the files. A data set of pictures has an `archive` instead of
    a package, one of records a `collection`, and `rows` are those of the official one; of a package's files too pictures are made where
    it is `pictured`. One that is `made` has no source: its converter gives it without a file.
    """

    name: str
    title: str
    licence: str
    home: str
    convert: str
    rows: int
    package: str = ""
    files: tuple[SourceFile, ...] = ()
    table_sha256: str = ""
    archive: Archive | None = None
    collection: Collection | None = None
    pictured: bool = False
    made: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a data set: its `path` in the study's folder, its `content`, and the `cells` beside its path in the table.

    `beside` are further files of its row, (path, content), written into the same folder; `cells` that name one begin with "images/".
    """

    path: str
    content: bytes
    cells: tuple[str, ...]
    beside: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Pictured:
    """What a converter of pictures gives: the table's `header` ("image" first), `total` and `pictures`, and the `study`."""

    header: tuple[str, ...]
    total: int
    pictures: Iterable[Picture]
    study: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a converter of records gives: `table` (one row per case) and `events` as polars frames.

    `studies` are the studies by the name of their file, study.yaml among them, in its keys; `remarks` is what a reader must know of the data,
    `counts` what became of the source's rows.
    """

    table: Any
    events: Any
    studies: Mapping[str, Mapping[str, object]]
    remarks: tuple[str, ...]
    counts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter gives: the table's `header`, its `rows` as text, and the `study` in the keys of study.yaml."""

    header: tuple[str, ...]
    rows: Iterable[tuple[str, ...]]
    study: Mapping[str, object]


# the tables of MIMIC-III; the demo's NOTEEVENTS has no rows and is not asked for
MIMIC3 = (
    "ADMISSIONS", "CALLOUT", "CAREGIVERS", "CHARTEVENTS", "CPTEVENTS", "DATETIMEEVENTS", "DIAGNOSES_ICD", "DRGCODES", "D_CPT",
    "D_ICD_DIAGNOSES", "D_ICD_PROCEDURES", "D_ITEMS", "D_LABITEMS", "ICUSTAYS", "INPUTEVENTS_CV", "INPUTEVENTS_MV", "LABEVENTS",
    "MICROBIOLOGYEVENTS", "OUTPUTEVENTS", "PATIENTS", "PRESCRIPTIONS", "PROCEDUREEVENTS_MV", "PROCEDURES_ICD", "SERVICES", "TRANSFERS",
)  # fmt: skip
_ENTRIES = (
    Entry(
        name="breast-cancer",
        title="Breast cancer Wisconsin (diagnostic): cell nuclei of fine needle aspirates, malignant or benign",
        licence="BSD-3-Clause, as scikit-learn ships it; for the source see its home",
        home="https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
        package="sklearn:datasets/data",
        files=(SourceFile("breast_cancer.csv", "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed"),),
        convert="osler.datasets.local:breast_cancer",
        rows=569,
        table_sha256="af399a019264f7999e6b395ee90576e46564867aa4c8a40797c96be87dc1be55",
    ),
    Entry(
        name="diabetes",
        title="Diabetes (Efron and others 2004): disease progression one year after baseline",
        licence="BSD-3-Clause, as scikit-learn ships it; for the source see its home",
        home="https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        package="sklearn:datasets/data",
        files=(
            SourceFile("diabetes_data_raw.csv.gz", "7fc0ded571454b1982210d3bb43f0aca44eae01a0b8654a3b24022bdb6b38009"),
            SourceFile("diabetes_target.csv.gz", "8e53f65eb811df43c206f3534bb3af0e5fed213bc37ed6ba36310157d6023803"),
        ),
        convert="osler.datasets.local:diabetes",
        rows=442,
        table_sha256="36e3fd6f8158bdc41f916d8989653227e5a5dd506c508de3f33febb48213e641",
    ),
    Entry(
        name="mni152",
        title="MNI152 average brain at 2 mm, in slabs: grey and white matter",
        licence="free to use, copy, change and pass on with its notice (Louis Collins, McConnell Brain Imaging Centre), as nilearn ships it",
        home="https://nist.mni.mcgill.ca/icbm-152-nonlinear-atlases-2009/",
        package="nilearn:datasets/data",
        files=(
            SourceFile(
                "mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz",
                "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6",
            ),
            SourceFile(
                "mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz",
                "97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed",
            ),
            SourceFile(
                "mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz",
                "382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db",
            ),
        ),
        convert="osler.datasets.mni152:slabs",
        rows=20,
        pictured=True,
    ),
    Entry(
        name="pneumoniamnist",
        title="PneumoniaMNIST (MedMNIST v2): chest radiographs of children, 28 × 28, pneumonia or normal",
        licence="CC BY 4.0",
        home="https://doi.org/10.5281/zenodo.10519652",
        convert="osler.datasets.medmnist:pneumonia",
        rows=5856,
        archive=Archive(
            url="https://zenodo.org/records/10519652/files/pneumoniamnist.npz",
            md5="28209eda62fecd6e6a2d98b1501bb15f",  # the `medmnist` package, info.py, of version 3.0.2
            most_bytes=10_000_000,
            mirrored=("pneumoniamnist.npz",),
        ),
    ),
    Entry(
        name="mednist",
        title="MedNIST: six kinds of medical images, 64 × 64",
        licence="CC BY-SA 4.0, as the tutorials of MONAI state it (B. J. Erickson, Mayo Clinic)",
        home="https://github.com/Project-MONAI/tutorials/tree/main/2d_classification",
        convert="osler.datasets.mednist:mednist",
        rows=58_954,
        archive=Archive(
            url="https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/MedNIST.tar.gz",
            md5="0bc7306e7427e00ad1c5526a6677552d",  # MONAI's own tutorial
            most_bytes=100_000_000,
            mirrored=("mednist", "MedNIST.tar.gz"),
        ),
    ),
    Entry(
        name="hippocampus",
        title="Hippocampus in magnetic resonance (Medical Segmentation Decathlon, task 4): anterior and posterior part",
        licence="CC BY-SA 4.0, as medicaldecathlon.com states it",
        home="https://doi.org/10.1038/s41467-022-30695-9",
        convert="osler.datasets.hippocampus:volumes",
        rows=260,
        archive=Archive(
            url="https://msd-for-monai.s3-us-west-2.amazonaws.com/Task04_Hippocampus.tar",
            md5="9d24dba78a72977dbd1d2e110310f31b",  # MONAI, apps/datasets.py
            most_bytes=50_000_000,
            mirrored=("hippocampus", "Task04_Hippocampus", "Task04_Hippocampus.tar"),
        ),
    ),
    Entry(
        name="lgg-mri",
        title="Lower-grade glioma (TCGA): slices of magnetic resonance before contrast, FLAIR and after contrast, tumour outlined",
        licence="CC BY-NC-SA 4.0, for research only",
        home="https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation",
        convert="osler.datasets.lgg:slices",
        rows=3929,
        archive=Archive(
            url="https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation",
            md5="",
            most_bytes=800_000_000,
            mirrored=("lgg_mri_50.npz", "kaggle_3m", "lgg-mri-segmentation/kaggle_3m"),
            by_hand="Kaggle gives it only to those who have signed in",
        ),
    ),
    Entry(
        name="lgg-sequences",
        title="Lower-grade glioma (TCGA): each sequence a picture of its own, to be translated into another",
        licence="CC BY-NC-SA 4.0, for research only",
        home="https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation",
        convert="osler.datasets.lgg:sequences",
        rows=3929,
        archive=Archive(
            url="https://www.kaggle.com/datasets/mateuszbuda/lgg-mri-segmentation",
            md5="",
            most_bytes=800_000_000,
            mirrored=("lgg_mri_50.npz", "kaggle_3m", "lgg-mri-segmentation/kaggle_3m"),
            by_hand="Kaggle gives it only to those who have signed in",
        ),
    ),
    Entry(
        name="physionet2012",
        title="PhysioNet/CinC Challenge 2012: the first 48 hours in intensive care, death in hospital",
        licence="Open Data Commons Attribution License (ODC-By) 1.0",
        home="https://physionet.org/content/challenge-2012/1.0.0/",
        convert="osler.datasets.physionet2012:stays",
        rows=8000,
        collection=Collection(
            address="https://physionet.org/files/challenge-2012/1.0.0/",
            # as ExpectationMax/medical_ts_datasets keeps them, medical_ts_datasets/checksums/physionet2012.txt
            files=(
                SourceFile("set-a.tar.gz", "8cb250f179cd0952b4b9ebcf8954b63d70383131670fac1cfee13deaa13ca920"),
                SourceFile("set-b.tar.gz", "b1637a2a423a8e76f8f087896cfc5fdf28f88519e1f4e874fbda69b2a64dac30"),
                SourceFile("Outcomes-a.txt", "2613ea60ccda29f87571a7d6b09ad130858a8ccd66325bd073365925026883c2"),
                SourceFile("Outcomes-b.txt", "1305f29734da374a809483229a99f33a9230aa8d4fa74b1a2d6ad788136423d5"),
            ),
            most_bytes=10_000_000,
            mirrored="physionet2012",
        ),
    ),
    Entry(
        name="mimic3-demo",
        title="MIMIC-III demo 1.4: 100 patients in intensive care, 25 tables",
        licence="Open Data Commons Open Database License (ODbL) 1.0",
        home="https://physionet.org/content/mimiciii-demo/1.4/",
        convert="osler.datasets.mimic3:admissions",
        rows=118,
        collection=Collection(
            address="https://physionet.org/files/mimiciii-demo/1.4/",
            files=tuple(SourceFile(f"{name}.csv", "") for name in MIMIC3),
            most_bytes=500_000_000,
            mirrored="mimic3demo",
            sums="SHA256SUMS.txt",
        ),
    ),
)


def entries() -> tuple[Entry, ...]:
    """Return all data sets, by name."""
    from osler.datasets import chemistry, genomes, simulated

    every = (*_ENTRIES, *chemistry.ENTRIES, *genomes.ENTRIES, *simulated.ENTRIES)
    return tuple(sorted(every, key=lambda entry: entry.name))


def entry(name: str) -> Entry:
    """Return the data set called `name`; raises RequestError with the near miss where there is none."""
    known = {e.name: e for e in entries()}
    if name not in known:
        raise RequestError(f"no data set '{name}'{did_you_mean(name, sorted(known))}")
    return known[name]
