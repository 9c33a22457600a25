"""In-silico mutagenesis beside tangermeme (MIT): the same network and sequences in one process, so many turns by turns.

    python benchmarks/sequences_mutagenesis.py [--sequences 32] [--width 64] [--threads 1 2] [--repeats 3]

A plain residual dilated network with random weights, which no speed depends on, on the first test sequences of GUE's tf_0 (101 bp). Both run in
tangermeme's environment (`peers.py`), with its torch. tangermeme runs twice: with its default batch of 32, and with 1,024 substitutions at
once. Told: the largest difference of any value from tangermeme's raw outputs, substitutions a second, by the clock and by that of
the process (fairer where others use the machine), and how many times as fast Osler is.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess

import numpy as np

import segmentation as shared
from peers import environment

REQUIREMENTS = ("tangermeme==1.6.0", "torch==2.13.0")
HOME = shared.ROOT / "build" / "sequences" / "mutagenesis"
BOTH = """
import json, sys, time
import numpy as np, torch
from tangermeme.saturation_mutagenesis import saturation_mutagenesis
from osler.modalities.sequences.motifs.mutagenesis import mutagenesis

place, width, threads, repeats = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
torch.manual_seed(0)

class Block(torch.nn.Module):
    def __init__(self, dilation):
        super().__init__()
        self.inner = torch.nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation)
    def forward(self, x):
        return x + torch.relu(self.inner(x))

network = torch.nn.Sequential(
    torch.nn.Conv1d(4, width, 15, padding=7), torch.nn.ReLU(), *(Block(2**k) for k in range(4)),
    torch.nn.AdaptiveMaxPool1d(1), torch.nn.Flatten(), torch.nn.Linear(width, 2)).eval()
letters = torch.from_numpy(np.load(place))

def theirs(size):
    before, after = saturation_mutagenesis(network, letters, raw_outputs=True, batch_size=size, device="cpu")
    return (after - before[:, None, None]).permute(0, 3, 1, 2)

runs = {"osler": lambda: mutagenesis(network, letters), "tangermeme, 32": lambda: theirs(32), "tangermeme, 1024": lambda: theirs(1024)}
values = {name: run() for name, run in runs.items()}
clocks = {"per_second": time.perf_counter, "per_processor_second": time.process_time}
best = {clock: dict.fromkeys(runs, float("inf")) for clock in clocks}
for turn in range(repeats):
    for name in list(runs)[turn % len(runs):] + list(runs)[: turn % len(runs)]:  # what runs before leaves the cache as it likes
        run, began = runs[name], {clock: now() for clock, now in clocks.items()}
        run()
        for clock, now in clocks.items():
            best[clock][name] = min(best[clock][name], now() - began[clock])
count = letters.numel() - len(letters) * letters.shape[2]
told = {clock: {name: count / seconds for name, seconds in own.items()} for clock, own in best.items()}
print(json.dumps({
    "threads": threads, "substitutions": count, **told,
    "largest_difference": float((values["osler"] - values["tangermeme, 32"]).abs().max()),
    "largest_value": float(values["osler"].abs().max()),
    "times": {clock: {name: own["osler"] / own[name] for name in own if name != "osler"} for clock, own in told.items()},
    "versions": {"torch": torch.__version__}}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=32)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    source = shared.DATA / "genomes" / "gue" / "tf_0" / "test.csv.gz"
    if not source.is_file():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    python = environment("tangermeme", *REQUIREMENTS)
    if python is None:
        return
    with gzip.open(source, "rt", newline="", encoding="utf-8") as stream:
        cells = [row["sequence"] for _, row in zip(range(asked.sequences), csv.DictReader(stream), strict=False)]
    HOME.mkdir(parents=True, exist_ok=True)
    codes = np.array([["ACGT".index(letter) for letter in cell] for cell in cells])
    np.save(HOME / "letters.npy", np.ascontiguousarray(np.eye(4, dtype=np.float32)[codes].transpose(0, 2, 1)))
    told = []
    for threads in asked.threads:
        words = [python, "-c", BOTH, HOME / "letters.npy", asked.width, threads, asked.repeats]
        here = {**os.environ, "PYTHONPATH": str(shared.ROOT / "src"), "OMP_NUM_THREADS": str(threads)}
        done = subprocess.run([*map(str, words)], check=True, capture_output=True, text=True, env=here)
        told.append(json.loads(done.stdout.splitlines()[-1]))
        print(json.dumps(told[-1]), flush=True)
    print(json.dumps({**shared.machine(), "runs": told}))


if __name__ == "__main__":
    main()
