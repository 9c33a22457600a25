"""Molecules: speed of prediction and training beside Chemprop, where the time goes, and memory over a long library.

    python benchmarks/molecules_speed.py [--molecules 40000] [--library 1000000] [--budget 2m] [--only predict|train|parts|memory]

Prediction: 40,000 distinct molecules of the HIV set as a table, from the start of the process to the file written; each tool with a model
trained on Lipophilicity. Training: seconds of an epoch on its 3,360 training molecules, batches and updates alike, with the network that
Osler's plan chose beside Chemprop's default (width 300, three steps, batches of 64, its molecules kept between epochs, as its command does).
Parts: microseconds a molecule for reading, features of the network, features of the baseline, the network, and writing, in one process.
Memory: peak of `osler predict library.smi.gz --top 1000` for a library, beside one a tenth as long.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import chemprop_peer
import molecules
import segmentation as shared
from osler.core.processors import processors

HOME = molecules.HOME / "speed"
EPOCH = """
import csv, json, sys, time
import numpy as np, torch
from chemprop import data, models, nn
table, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
rows = [r for r in csv.DictReader(open(table)) if r["split"] == "train"]
held = data.MoleculeDataset([data.MoleculeDatapoint.from_smi(r["smiles"], np.array([float(r["exp"])])) for r in rows])
scaler = held.normalize_targets()
held.cache = True
loader = data.build_dataloader(held, batch_size=64, num_workers=0, shuffle=True)
model = models.MPNN(nn.BondMessagePassing(), nn.NormAggregation(), nn.RegressionFFN(output_transform=nn.UnscaleTransform.from_standard_scaler(scaler)), batch_norm=False)
optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
times = []
for epoch in range(3):
    began = time.perf_counter()
    for graph, v, x, target, weight, lower, upper in loader:
        loss = ((model.predictor.train_step(model.fingerprint(graph, v, x)) - target) ** 2).mean()
        optimiser.zero_grad(); loss.backward(); optimiser.step()
    times.append(time.perf_counter() - began)
print(json.dumps({"epochs": times, "molecules": len(rows)}))
"""


def trained(*, budget: str) -> Path:
    """Return Osler's bundle of Lipophilicity, made once."""
    bundle = HOME / f"osler-{budget}"
    if not (bundle / "bundle.json").is_file():
        table, _ = molecules.table_of("lipophilicity", seed=0, work=HOME / "rows")
        shared.command(
            "train", table, "--target", "exp", "--input", "molecule=molecules:smiles", "--split", "split", "--budget", budget,
            "--drop-leaks", "--out", bundle, "--cache", HOME / "cache", log=HOME / "log.txt",
        )  # fmt: skip
    return bundle


def library(count: int) -> list[str]:
    """Return SMILES of the HIV set that RDKit reads, so many; from the first on again where there are fewer."""
    rows = molecules.readable(shared.rows_of(molecules.DATA / "moleculenet/HIV.csv"), "smiles")
    cells = [row["smiles"] for row in rows]
    return [cells[at % len(cells)] for at in range(count)]


def predicting(count: int, *, budget: str) -> dict:
    """Return molecules a second of both, end to end."""
    table = shared.write_rows([{"smiles": cell} for cell in library(count)], HOME / "library.csv")
    bundle = trained(budget=budget)  # made before the clock runs
    began = time.time()
    shared.command("predict", bundle, table, "--out", HOME / "predicted.parquet", log=HOME / "log.txt")
    found = {"osler": count / (time.time() - began)}
    peer = chemprop_peer.peer(threads=processors())
    if peer is not None:
        work = HOME / "chemprop"
        if not list(work.rglob("best.pt")):
            rows, _ = molecules.table_of("lipophilicity", seed=0, work=HOME / "rows")
            chemprop_peer.train(peer, rows, smiles="smiles", target="exp", kind="regression", seed=0, work=work, epochs=3)
        _, seconds = chemprop_peer.predict(peer, table, smiles="smiles", target="exp", work=work)
        found |= {"chemprop": count / seconds, "ratio": found["osler"] / (count / seconds)}
    return found


def epochs(*, budget: str, threads: int) -> dict:
    """Return seconds of an epoch of both; Osler's network is that of its plan."""
    import torch

    from osler.core import registry
    from osler.core.plan import Decision
    from osler.core.target import Target
    from osler.spine.bundle import read_bundle
    from osler.spine.fit import NetworkMember, PredictorObjective, Source
    from osler.spine.fit.loop import plain_update

    torch.set_num_threads(threads)
    contents = read_bundle(trained(budget=budget))
    table, _ = molecules.table_of("lipophilicity", seed=0, work=HOME / "rows")
    rows = [row for row in shared.rows_of(table) if row["split"] == "train"]
    modality, task, plan = registry.modality("molecules"), registry.task("regression"), contents.plan
    columns = columns_of([row["smiles"] for row in rows], plan.part("inputs.molecule"), roles=frozenset({"input"}))
    values = np.array([[float(row["exp"])] for row in rows])
    target = Target(values, np.isfinite(values), contents.about["target"])
    plan = plan.with_decisions([Decision("fit.batch", 64, "as the peer's")])
    states = {"molecule": contents.state.part("fold0.inputs.molecule")}
    source = Source({"molecule": modality}, {"molecule": columns}, plan, target)
    member = NetworkMember.built(modalities=source.modalities, task=task, info=target.info, states=states, plan=plan, seed=0)
    objective = PredictorObjective(network=member.network.train(), task=task, plan=plan)
    (optimiser,) = objective.optimisers(plan=plan)
    times, generator = [], np.random.default_rng(0)
    for _ in range(3):
        began = time.perf_counter()
        for chunk in np.array_split(generator.permutation(len(rows)), -(-len(rows) // 64)):
            loss = objective.step(source.batch(np.sort(chunk), seed=1), turn=0, generator=torch.Generator())
            plain_update(objective, optimiser, loss, plan)
        times.append(time.perf_counter() - began)
    found = {"threads": threads, "osler": min(times), "size": {k: plan[f"inputs.molecule.{k}"] for k in ("width", "steps")},
             "precision": plan["fit.precision"]}  # fmt: skip
    peer = chemprop_peer.peer(threads=threads)
    if peer is None:
        return found
    done = subprocess.run([str(peer.python), "-c", EPOCH, str(table), str(threads)], check=True, capture_output=True, text=True,
                          env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"})  # fmt: skip
    theirs = min(json.loads(done.stdout.splitlines()[-1])["epochs"])
    return {**found, "chemprop": theirs, "ratio": theirs / found["osler"]}


def columns_of(cells: list[str], reading: dict, *, roles: frozenset[str]):
    """Return the cells as columns, read in this process."""
    import pyarrow as pa

    from osler.core import registry
    from osler.core.table import Table

    modality = registry.modality("molecules")
    located = modality.locate(Table(pa.table({"smiles": cells}), HOME), columns=["smiles"])
    return modality.shard(located, reading=dict(reading), roles=roles)


def parts(count: int, *, budget: str) -> dict:
    """Return microseconds a molecule of each part of a prediction, in one process on one thread."""
    import torch
    from rdkit import Chem, rdBase

    from osler.flows.members import joined_features
    from osler.flows.predictor import load
    from osler.spine.fit import Source
    from osler.spine.rows import open_writer

    torch.set_num_threads(1)
    predictor = load(trained(budget=budget))
    cells, plan = library(count), predictor.contents.plan
    reading = dict(plan.part("inputs.molecule"))
    began = time.perf_counter()
    with rdBase.BlockLogs():
        for cell in cells:
            Chem.MolFromSmiles(cell)
    told = {"parse (RDKit)": time.perf_counter() - began}
    for name, roles in (("read, graph, descriptors", {"input"}), ("read, fingerprints", {"baseline"})):
        began = time.perf_counter()
        columns_of(cells, reading, roles=frozenset(roles))
        told[name] = time.perf_counter() - began
    both = columns_of(cells, reading, roles=frozenset({"input", "baseline"}))
    source, rows = Source(predictor.modalities, {"molecule": both}, plan), np.flatnonzero(both.present)
    crew = predictor.crews[0]
    for name, run in (
        ("network (one)", lambda: crew.networks[0].raw(source, rows)),
        ("baseline (one)", lambda: crew.baseline.raw(joined_features(source, rows, crew.states).matrix)),
    ):
        began = time.perf_counter()
        run()
        told[name] = time.perf_counter() - began
    began = time.perf_counter()
    with open_writer(HOME / "written.parquet") as writer:
        writer.write({"row": np.arange(count), "predicted_exp": np.zeros(count), "refused": np.full(count, "", object)})
    told["write"] = time.perf_counter() - began
    shape = {"networks": len(predictor.crews) * len(predictor.crews[0].networks), "network's share": predictor.blend.network}
    return {**{name: round(1e6 * seconds / count, 1) for name, seconds in told.items()}, **shape}


def memory(count: int, *, budget: str) -> dict:
    """Return the peak in MiB of screening `count` molecules and a tenth of them, and molecules a second."""
    found = {}
    for size in (count // 10, count):
        path = HOME / f"library-{size}.smi.gz"
        if not path.is_file():
            with gzip.open(path, "wt", compresslevel=1) as stream:
                stream.writelines(f"{cell} m{at}\n" for at, cell in enumerate(library(size)))
        began = time.time()
        code = ("import resource, sys; from osler.flows.predict import predict; from osler.flows.screening import Top; "
                "predict(sys.argv[1], sys.argv[2], out=sys.argv[3], top=Top(1000)); "
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)")  # fmt: skip
        words = [sys.executable, "-c", code, str(trained(budget=budget)), str(path), str(HOME / "hits.parquet")]
        done = subprocess.run(
            words, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(shared.ROOT / "src")}
        )
        own, workers = map(int, done.stdout.split()[-2:])
        found[size] = {"peak_mib": own, "worker_mib": workers, "per_second": round(size / (time.time() - began))}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecules", type=int, default=40_000)
    parser.add_argument("--library", type=int, default=1_000_000)
    parser.add_argument("--budget", default="2m")
    parser.add_argument("--only", choices=("predict", "train", "parts", "memory"))
    asked = parser.parse_args()
    if not molecules.DATA.is_dir():
        print("the real data are not here: set OSLER_DATA to their folder; this benchmark is left out")
        return
    HOME.mkdir(parents=True, exist_ok=True)
    told: dict = {**shared.machine()}
    steps = {
        "predict": lambda: predicting(asked.molecules, budget=asked.budget),
        "train": lambda: [epochs(budget=asked.budget, threads=n) for n in sorted({1, processors()})],
        "parts": lambda: parts(min(asked.molecules, 4_000), budget=asked.budget),
        "memory": lambda: memory(asked.library, budget=asked.budget),
    }
    for name, run in steps.items():
        if asked.only in (None, name):
            told[name] = run()
            print(name, json.dumps(told[name]), flush=True)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
