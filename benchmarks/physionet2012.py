"""PhysioNet/CinC Challenge 2012: train on set a, test once on set b, by the plain command.

    python benchmarks/physionet2012.py [--budget 15m] [--seeds 0 1 2] [--keep DIR]

For each seed, with 95% intervals: AUROC and AUPRC of the bundle, the network and the baseline side by side; the paired difference of the
bundle to the baseline (trees and a linear model on summaries of each variable) over resampled stays; and the challenge's first score, the
smaller of sensitivity and precision, where as many stays of set a are flagged as died there (calibration cases alone choose the
threshold). Needs the folder of real data (OSLER_DATA, or ../shared/data) as a mirror.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MIRROR = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "records"
DIED = 0.1385  # of the stays of set a
RESAMPLES = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", default="15m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--keep", type=Path, help="folder for the study and the bundles")
    asked = parser.parse_args()
    if not MIRROR.is_dir():
        sys.exit(f"the data are not in {MIRROR}; set OSLER_DATA")
    with tempfile.TemporaryDirectory() as temporary:
        home = asked.keep or Path(temporary)
        osler("data", "get", "physionet2012", "--to", home / "study", "--mirror", MIRROR)
        for seed in asked.seeds:
            began, bundle = time.monotonic(), home / f"model-{seed}"
            points = f"target.points=[sensitivity=0.9, specificity=0.9, flagged={DIED}]"
            osler(
                "train", home / "study" / "study.yaml", "--budget", asked.budget, "--seed", seed, "--set", points, "--out", bundle
            )
            tell(seed, bundle, home / "study" / "table.csv", seconds=time.monotonic() - began)


def osler(*arguments: object) -> None:
    command = [sys.executable, "-m", "osler", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


def tell(seed: int, bundle: Path, table: Path, *, seconds: float) -> None:
    scores = json.loads((bundle / "scores.json").read_text())
    print(f"seed {seed}: {seconds:.0f} s, {'; '.join(challenge(scores))}")
    for part, name in (("test", "bundle"), ("network", "network"), ("baseline", "baseline")):
        told = [f"{m} {v['value']:.4f} ({v['low']:.3f} to {v['high']:.3f})" for m in ("auroc", "auprc") if (v := scores[part][m])]
        print(f"  {name:9s}", "  ".join(told))
    low, middle, high = difference(bundle, table)
    print(f"  bundle minus baseline, AUROC {middle:+.4f} ({low:+.4f} to {high:+.4f})", flush=True)


def challenge(scores: dict) -> list[str]:
    rows = scores["panels"]["operating_points"]["rows"]
    found = next((row for row in rows if row["label"].startswith("flagged")), None)
    if found is None:
        return []
    reached = [found["values"][name] for name in ("sensitivity", "ppv")]
    values = [one["value"] if isinstance(one, dict) else one for one in reached]
    return [f"score 1 {min(values):.3f} (sensitivity {values[0]:.3f}, precision {values[1]:.3f})"]


def difference(bundle: Path, table: Path) -> tuple[float, float, float]:
    """Return the 2.5%, 50% and 97.5% of the paired difference in AUROC over resampled stays of the test."""
    import numpy as np
    import polars as pl
    from sklearn.metrics import roc_auc_score

    from osler.flows.predictor import load
    from osler.spine.scan import blocks

    predictor = load(bundle)
    truth = pl.read_csv(table)
    tested = (truth["split"] == "test").to_numpy()
    died = truth["died"].to_numpy()[tested]
    raws: dict[str, list] = {"test": [], "baseline": []}
    for block in blocks(table):
        found, refused = predictor.raw(block)
        assert not refused
        for part, values in raws.items():
            values.append(found[part][:, 0])
    scores = {part: np.concatenate(values)[tested] for part, values in raws.items()}
    generator = np.random.default_rng(0)
    drawn = [generator.integers(0, len(died), len(died)) for _ in range(RESAMPLES)]
    apart = [roc_auc_score(died[d], scores["test"][d]) - roc_auc_score(died[d], scores["baseline"][d]) for d in drawn]
    low, middle, high = np.quantile(apart, [0.025, 0.5, 0.975])
    return float(low), float(middle), float(high)


if __name__ == "__main__":
    main()
