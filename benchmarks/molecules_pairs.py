"""Molecules: do attributions agree with predictions on matched pairs, molecules that differ by one substituent?

    python benchmarks/molecules_pairs.py [--task lipophilicity|esol] [--budget 2m] [--most 300] [--set DECISION=VALUE]

Pairs of real test molecules that share all but what hangs on one single bond outside rings (Hussain and Rea 2010), at most eight
heavy atoms each. Of each pair: the difference of the network's predictions, and the difference of what its attributions give to the
changed atoms and the bonds among them and to them. Told: the share of pairs in which both have the same sign, by how far the predictions are apart, and
the rank correlation. What is changed also changes what its neighbours are to the network, so the share need not be one.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections import defaultdict

import numpy as np
from rdkit import Chem
from scipy.stats import spearmanr

import molecules
import segmentation as shared
from molecules_speed import columns_of

LARGEST = 8  # heavy atoms of what is changed
HOME = molecules.HOME / "pairs"


def cuts(mol: Chem.Mol) -> dict[str, tuple[int, ...]]:
    """Return by what is left the atoms that hang on one single bond outside rings."""
    found = {}
    for bond in mol.GetBonds():
        if bond.IsInRing() or bond.GetBondType() != Chem.BondType.SINGLE:
            continue
        parted = Chem.FragmentOnBonds(mol, [bond.GetIdx()], dummyLabels=[(0, 0)])
        for atoms, rest in itertools.permutations(Chem.GetMolFrags(parted)):
            own = tuple(at for at in atoms if at < mol.GetNumAtoms())
            if len(own) <= LARGEST and len(rest) > 2 * len(own):
                found[Chem.MolFragmentToSmiles(parted, list(rest))] = own
    return found


def pairs_of(cells: list[str], *, most: int) -> list[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
    """Return pairs of rows with the atoms in which they differ, at most `most`."""
    held = defaultdict(list)
    for row, cell in enumerate(cells):
        mol = Chem.MolFromSmiles(cell)
        plain = "." not in cell and not any(atom.GetFormalCharge() for atom in mol.GetAtoms())  # what reading leaves as it is
        for core, atoms in cuts(mol).items() if plain else ():
            held[core].append((row, atoms))
    found = [
        (a, b, x, y)
        for same in held.values()
        for (a, x), (b, y) in itertools.combinations(same, 2)
        if a != b and cells[a] != cells[b]
    ]
    picked = np.random.default_rng(0).permutation(len(found))[:most]
    return [found[at] for at in sorted(picked)]


def changed(attribution: np.ndarray, mol: Chem.Mol, atoms: tuple[int, ...]) -> float:
    """Return what an attribution (a + b + …, 1) gives to `atoms` and the bonds that end in one of them."""
    values, count = attribution.reshape(-1), mol.GetNumAtoms()
    bonds = [b.GetIdx() for b in mol.GetBonds() if {b.GetBeginAtomIdx(), b.GetEndAtomIdx()} & set(atoms)]
    return float(values[list(atoms)].sum() + values[[count + at for at in bonds]].sum())


def run(task: str, *, budget: str, most: int, settings: list[str]) -> dict:
    """Train on a task where that is not done yet, and compare pairs among its test molecules."""
    from osler.flows.explaining import attributions
    from osler.flows.predictor import load
    from osler.spine.fit import Source

    asked = molecules.TASKS[task]
    table, test = molecules.table_of(task, seed=0, work=HOME / task)
    bundle = HOME / "-".join([task, budget, *settings])
    if not (bundle / "bundle.json").is_file():
        shared.command(
            "train", table, "--target", asked.target, "--input", f"molecule=molecules:{asked.smiles}", "--split", "split",
            "--budget", budget, "--drop-leaks", "--out", bundle, "--cache", HOME / "cache", *(word for one in settings for word in ("--set", one)), log=HOME / "log.txt",
        )  # fmt: skip
    predictor = load(bundle)
    cells = [row[asked.smiles] for row in shared.rows_of(test)]
    found = pairs_of(cells, most=most)
    plan = predictor.contents.plan
    columns = columns_of(cells, dict(plan.part("inputs.molecule")), roles=frozenset({"input", "baseline"}))
    subject = predictor.subject(Source(predictor.modalities, {"molecule": columns}, plan))
    told: dict[int, tuple[float, np.ndarray]] = {}
    for row in sorted({row for pair in found for row in pair[:2]}):
        part = attributions(subject, np.array([row]), subject.answers()[:1], tolerance=0.02)["network"]
        told[row] = (float(part.score[0, 0]), part.maps["molecule"][0, 0])
    mols = [Chem.MolFromSmiles(cell) for cell in cells]
    apart = np.array([told[a][0] - told[b][0] for a, b, _, _ in found])
    said = np.array([changed(told[a][1], mols[a], x) - changed(told[b][1], mols[b], y) for a, b, x, y in found])
    same = np.sign(apart) == np.sign(said)
    edges = np.quantile(np.abs(apart), [0, 0.5, 1]) if len(apart) else []
    return {
        "pairs": len(found), "same_sign": float(same.mean()), "rank_correlation": float(spearmanr(apart, said).statistic),
        "same_sign_of_the_half_farther_apart": float(same[np.abs(apart) >= edges[1]].mean()),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=("lipophilicity", "esol"), default="lipophilicity")
    parser.add_argument("--budget", default="2m")
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("--set", dest="settings", action="append", default=[], help="of Osler, as its own --set")
    asked = parser.parse_args()
    if not molecules.DATA.is_dir():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    print(
        json.dumps(
            {
                **shared.machine(),
                "task": asked.task,
                **run(asked.task, budget=asked.budget, most=asked.most, settings=asked.settings),
            }
        )
    )


if __name__ == "__main__":
    main()
