"""Data sets that come inside installed packages: where their files lie, and their converters.

The cells keep the text of the source, so that the written table is the same bytes on every machine.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections.abc import Mapping
from pathlib import Path

from osler.core.errors import RequestError
from osler.datasets.registry import Converted

# the order of the columns in scikit-learn's file, which has no header; the names are those of its documentation
_NUCLEUS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
_DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def package_folder(package: str) -> Path:
    """Return the folder that `package` ("sklearn:datasets/data") names, without importing the package.

    Raises RequestError where the package is not installed.
    """
    module, _, folder = package.partition(":")
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise RequestError(
            f"the package '{module}' that ships these data is not installed; install it, or name a --mirror folder"
        )
    return Path(next(iter(found.submodule_search_locations))) / folder


def breast_cancer(files: Mapping[str, Path]) -> Converted:
    """Return 30 measurements of cell nuclei and `diagnosis`, malignant or benign.

    The first line of the source counts rows and columns and names the classes in the order of their codes.
    """
    header = (
        *(f"mean {name}" for name in _NUCLEUS),
        *(f"{name} error" for name in _NUCLEUS),
        *(f"worst {name}" for name in _NUCLEUS),
        "diagnosis",
    )
    with files["breast_cancer.csv"].open(newline="", encoding="utf-8") as stream:
        (_, _, *classes), *lines = csv.reader(stream)
    rows = [(*cells[:-1], classes[int(cells[-1])]) for cells in lines]
    study = {"task": "classification", "target": "diagnosis"}
    return Converted(header, rows, study)


def diabetes(files: Mapping[str, Path]) -> Converted:
    """Return ten baseline variables in their own units and `progression`, whole numbers from 25 to 346.

    `sex` is coded 1 and 2; the source does not say which is which.
    """
    with gzip.open(files["diabetes_data_raw.csv.gz"], "rt", encoding="utf-8") as stream:
        measured = [tuple(line.split()) for line in stream if line.strip()]
    with gzip.open(files["diabetes_target.csv.gz"], "rt", encoding="utf-8") as stream:
        progression = [f"{float(line):g}" for line in stream if line.strip()]
    rows = [(*cells, outcome) for cells, outcome in zip(measured, progression, strict=True)]
    study = {"task": "regression", "target": "progression", "subgroups": ["sex"]}
    return Converted((*_DIABETES, "progression"), rows, study)
