"""Training steps per second of Osler's timeline network, beside a plain PyTorch loop over a padded GRU.

    python benchmarks/timelines_training.py [--stays 4000] [--epochs 2] [--threads 2] [--batch 128] [--steps N]

Same stays (PhysioNet 2012 set a, 48 hours; four fifths train, a fifth validates; set b is never opened), batch, epochs, optimiser (AdamW, one-cycle
rate, clipped gradients), float32 and threads; the width of the peer's GRU is that of Osler's. The peer is what most code for such data is: each
distinct time of a stay is a step that holds the standardised value, a mask and the time since the last one of every variable; a DataLoader
collates steps, padded to the longest stay of the batch, or of the data set; packed_sequence is not used, the state of the last real step is
taken. Osler's time is that of its training steps: gathering, dropping events, forward, backward, update; all of its plan is what the rules
decide. Its whole plan has summaries and eight models in one network beside the GRU; "sequence alone" is the like of the peer.

`--steps` ends each epoch after so many steps, for a quick look. Each runs in a process of its own: peak memory is the process's largest resident set,
told with that before its data were read. Needs the folder of real data (OSLER_DATA, or ../shared/data).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "records"
PARTS = {
    "Osler, whole plan": ("osler", "whole"),
    "Osler, sequence alone": ("osler", "sequence"),
    "padded to the batch's longest": ("plain", "batch"),
    "padded to the data's longest": ("plain", "data"),
}
RATE, DECAY, CLIP = 1e-3, 0.02, 1.0
WARM = 3  # steps that are not counted


def prepared(home: Path, stays: int):
    """Return the study's modality, columns of events until 48 h, reading decisions, and `died` (n,) of stays of set a."""
    import numpy as np
    import polars as pl
    import pyarrow as pa

    from osler.core import registry
    from osler.core.table import Table
    from osler.spine.columns import read_columns

    table = pl.read_csv(home / "table.csv").filter(pl.col("split") == "train").head(stays)
    study = json.loads((home / "how.json").read_text())
    modality = registry.modality("timelines")
    rows = Table(pa.table({"stay": table["stay"].to_numpy()}), home)
    where = modality.locate(rows, columns=["stay"], options=study, cache=home / "cache")
    reading = {d.name: d.value for d in modality.reading(where, settings={})} | {"after": study.get("after")}
    found = read_columns(modality, where, reading=reading, roles=frozenset({"input"}), cache=home / "cache")
    return modality, found, table["died"].cast(pl.Float64).to_numpy().astype(np.float64)


def parts(stays: int):
    """Return the rows that train and those that validate."""
    import numpy as np

    order = np.random.default_rng(0).permutation(stays)
    return np.sort(order[stays // 5 :]), np.sort(order[: stays // 5])


def ready(home: Path, stays: int, *, summaries: bool, batch: int):
    """Return Osler's source with the plan that its rules make, an untrained network, the task and the training rows."""
    import numpy as np

    from osler.core import registry
    from osler.core.plan import Plan
    from osler.core.target import Target
    from osler.spine.fit import NetworkMember, Source
    from osler.spine.plan import Circumstances, decide

    modality, columns, died = prepared(home, stays)
    task = registry.task("classification")
    info = {"kind": "binary", "names": ["died"], "classes": [["0", "1"]], "positive": "1"}
    target = Target(died[:, None], np.ones((len(died), 1), bool), info)
    rows, _ = parts(len(died))
    rows = rows[columns.present[rows]]
    settings = {"inputs.events.summaries": summaries, "fit.batch": batch}
    about = Circumstances("classification", "vector", len(rows), len(rows), 1, 15.0, "cpu", settings)
    facts = {"events": modality.facts(columns, rows, target=target)}
    plan, ladder = decide(
        task=task, modalities={"events": modality}, facts=facts, target=task.facts(target, rows), circumstances=about
    )
    plan = Plan([*plan.decisions, *ladder[-1]]).set_by_user(settings)
    states = {"events": modality.fit(columns, rows, groups=np.arange(len(died)), plan=plan.part("inputs.events"))}
    source = Source({"events": modality}, {"events": columns}, plan, target)
    member = NetworkMember.built(modalities=source.modalities, task=task, info=info, states=states, plan=plan, seed=0)
    member.network.fusion.learn(["events"])
    return source, member, task, rows


def order_of(rows, epoch: int, *, batch: int, most: int | None):
    """Return the batches (lists of rows) of an epoch."""
    import numpy as np

    mixed = np.random.default_rng([1, epoch]).permutation(rows)
    found = [np.sort(mixed[start : start + batch]) for start in range(0, len(mixed), batch)]
    return found[:most]


def scheduled(parameters, *, steps: int):
    """Return the optimiser and its one-cycle schedule, the same for all."""
    import torch

    optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    return optimiser, torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=RATE, total_steps=steps + 1)


def osler(home: Path, kind: str, asked: argparse.Namespace) -> dict[str, float]:
    """Return seconds, steps and cases of Osler's training, and the AUROC on the validating stays."""
    import numpy as np
    import torch

    from osler.spine.fit import PredictorObjective

    source, member, task, rows = ready(home, asked.stays, summaries=kind == "whole", batch=asked.batch)
    objective = PredictorObjective(network=member.network, task=task, plan=source.plan)
    epochs = [order_of(rows, epoch, batch=asked.batch, most=asked.steps) for epoch in range(asked.epochs)]
    optimiser, schedule = scheduled(member.network.parameters(), steps=sum(map(len, epochs)))
    for some in order_of(rows, 99, batch=asked.batch, most=WARM):  # gradients are thrown away
        objective.step(source.batch(some, seed=0), turn=0, generator=torch.Generator().manual_seed(0)).mean().backward()
    seconds, cases, spent = [], 0, time.process_time()
    for epoch, batches in enumerate(epochs):
        member.network.train()
        began = time.perf_counter()
        for turn, some in enumerate(batches):
            batch = source.batch(some, seed=turn + 1000 * epoch)
            loss = objective.step(batch, turn=turn, generator=torch.Generator().manual_seed(turn)).mean()
            updated(member.network, optimiser, loss)
            schedule.step()
            cases += len(some)
        seconds.append(time.perf_counter() - began)
    spent = time.process_time() - spent
    _, other = parts(len(source.target.values))
    other = other[source.columns["events"].present[other]]
    member.network.eval()
    raw = np.asarray(member.raw(source, other))
    width = int(source.plan["inputs.events.sequence_width"])
    return told(seconds, epochs, cases, spent=spent, auroc=area(raw[:, 0], source.target.values[other, 0]), width=width)


def updated(network, optimiser, loss) -> None:
    import torch

    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
    optimiser.step()


def area(score, truth) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, score))


def told(seconds: list[float], epochs: list, cases: int, *, spent: float, auroc: float, width: int) -> dict[str, float]:
    steps = sum(map(len, epochs))
    return {"seconds": sum(seconds), "steps": steps, "cases": cases, "epoch": sum(seconds) / len(epochs), "spent": spent, "auroc": auroc,
            "width": width}  # fmt: skip


def steps_of(home: Path, stays: int):
    """Return per stay its steps (t, 3 p) float32, value, mask and hours since the last one of each variable, and `died` (n,)."""
    import numpy as np

    _, columns, died = prepared(home, stays)
    times, codes, values = (columns[name] for name in ("times", "codes", "values"))
    rows, _ = parts(len(died))
    training = np.concatenate([np.arange(times.offsets[r], times.offsets[r + 1]) for r in rows])
    known, place = np.unique(np.asarray(codes.values), return_inverse=True)
    flat = np.nan_to_num(np.asarray(values.values, np.float32))
    count = np.maximum(np.bincount(place[training], minlength=len(known)), 1)
    mean = np.bincount(place[training], flat[training], minlength=len(known)) / count
    spread = np.sqrt(np.bincount(place[training], flat[training] ** 2, minlength=len(known)) / count - mean**2 + 1e-6)
    flat = np.clip((flat - mean[place]) / spread[place], -5, 5).astype(np.float32)
    stacked = []
    for row in range(len(died)):
        here = slice(times.offsets[row], times.offsets[row + 1])
        clock, at = np.unique(np.asarray(times.values[here]), return_inverse=True)
        seen, mask = (np.zeros((max(len(clock), 1), len(known)), np.float32) for _ in range(2))
        seen[at, place[here]], mask[at, place[here]] = flat[here], 1
        stacked.append(np.concatenate([seen, mask, gaps(clock, mask)], axis=1))
    return stacked, died


def gaps(clock, mask):
    """Return days since each variable was last measured (Che et al. 2018), at most those since the first step."""
    import numpy as np

    out = np.zeros_like(mask)
    for step in range(1, len(clock)):
        out[step] = clock[step] - clock[step - 1] + np.where(mask[step - 1] > 0, 0, out[step - 1])
    return out


def plain(home: Path, kind: str, asked: argparse.Namespace) -> dict[str, float]:
    """Return the same of a plain loop over a padded GRU."""
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    stacked, died = steps_of(home, asked.stays)
    longest = max(map(len, stacked)) if kind == "data" else 0

    class Padded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(stacked[0].shape[1], asked.width, batch_first=True)
            self.head = nn.Linear(asked.width, 1)

        def forward(self, steps, lengths):
            states, _ = self.gru(steps)
            return self.head(states[torch.arange(len(steps)), lengths - 1])[:, 0]

    def collate(rows):
        lengths = torch.tensor([len(stacked[row]) for row in rows])
        steps = torch.zeros(len(rows), max(longest, int(lengths.max())), stacked[0].shape[1])
        for turn, row in enumerate(rows):
            steps[turn, : lengths[turn]] = torch.from_numpy(stacked[row])
        return steps, lengths, torch.tensor([died[row] for row in rows], dtype=torch.float32)

    torch.manual_seed(0)
    network = Padded()
    rows, other = parts(len(died))
    epochs = [order_of(rows, epoch, batch=asked.batch, most=asked.steps) for epoch in range(asked.epochs)]
    optimiser, schedule = scheduled(network.parameters(), steps=sum(map(len, epochs)))
    warming = DataLoader(rows.tolist()[: WARM * asked.batch], batch_size=asked.batch, collate_fn=collate)
    for steps, lengths, truth in warming:
        nn.functional.binary_cross_entropy_with_logits(network(steps, lengths), truth).backward()
    seconds, cases, spent = [], 0, time.process_time()
    for batches in epochs:
        network.train()
        began = time.perf_counter()
        for steps, lengths, truth in DataLoader(
            range(len(died)), batch_sampler=[b.tolist() for b in batches], collate_fn=collate
        ):
            loss = nn.functional.binary_cross_entropy_with_logits(network(steps, lengths), truth)
            updated(network, optimiser, loss)
            schedule.step()
            cases += len(truth)
        seconds.append(time.perf_counter() - began)
    spent = time.process_time() - spent
    network.eval()
    with torch.no_grad():
        loader = DataLoader(other.tolist(), batch_size=asked.batch, collate_fn=collate)
        raw = torch.cat([network(steps, lengths) for steps, lengths, _ in loader]).numpy()
    return told(seconds, epochs, cases, spent=spent, auroc=area(raw, died[other]), width=asked.width)


def profiled(home: Path, kind: str, asked: argparse.Namespace) -> None:
    """Print where the time of Osler's steps goes."""
    import torch
    from torch.profiler import profile, record_function

    from osler.spine.fit import PredictorObjective

    source, member, task, rows = ready(home, asked.stays, summaries=kind == "whole", batch=asked.batch)
    objective = PredictorObjective(network=member.network, task=task, plan=source.plan)
    optimiser, _ = scheduled(member.network.parameters(), steps=100)
    member.network.train()
    batches = order_of(rows, 0, batch=asked.batch, most=12)
    with profile(record_shapes=False) as found:
        for turn, some in enumerate(batches):
            with record_function("1 batch"):
                batch = source.batch(some, seed=turn)
            with record_function("2 forward"):
                loss = objective.step(batch, turn=turn, generator=torch.Generator().manual_seed(turn)).mean()
            with record_function("3 backward and update"):
                updated(member.network, optimiser, loss)
    print(found.key_averages().table(sort_by="self_cpu_time_total", row_limit=25, max_name_column_width=45))


def measured(words: list[str]) -> dict[str, float]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True, env=variables)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def part(asked: argparse.Namespace) -> None:
    """Run one part in this process and print what it took."""
    import torch

    torch.set_num_threads(asked.threads)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kind, how = PARTS[asked.part]
    found = (osler if kind == "osler" else plain)(asked.home, how, asked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**found, "peak": peak, "before": before}))


def study(home: Path) -> None:
    """Write set a as a study: table, events and how they are read; set b stays closed."""
    import shutil

    import yaml

    from osler.datasets import get

    found = get("physionet2012", to=home / "study", mirror=DATA)
    asked = yaml.safe_load(found.read_text())
    events = next(one for one in asked["inputs"].values() if one["modality"] == "timelines")
    how = {k: v for k, v in events.items() if k not in {"modality", "columns"}}
    for file in ("table.csv", "events.parquet"):
        shutil.move(found.parent / file, home / file)
    (home / "how.json").write_text(json.dumps(how))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stays", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--width", type=int, default=32, help="of the peer's GRU; Osler's is in its plan")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--home", type=Path, help="a prepared study, to be kept")
    parser.add_argument("--part", choices=tuple(PARTS))
    parser.add_argument("--profile", choices=("whole", "sequence"))
    asked = parser.parse_args()
    if asked.part:
        part(asked)
        return
    with tempfile.TemporaryDirectory() as scratch:
        home = asked.home or Path(scratch)
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "how.json").exists():  # in a process of its own: a child's peak memory begins with its parent's
            writer = multiprocessing.get_context("spawn").Process(target=study, args=(home,))
            writer.start()
            writer.join()
            assert writer.exitcode == 0
        if asked.profile:
            profiled(home, asked.profile, asked)
            return
        compared(home, asked)


def compared(home: Path, asked: argparse.Namespace) -> None:
    print(
        f"{'':32} {'steps/s':>8} {'cases/s':>8} {'s/epoch':>8} {'processor ms/step':>17} {'peak MiB':>9} {'before':>7} {'AUROC':>6}  width"
    )
    for name in PARTS:
        words = ["--part", name, "--home", str(home)]
        for flag in ("stays", "epochs", "batch", "width", "threads", "steps"):
            words += [f"--{flag}", str(getattr(asked, flag))] if getattr(asked, flag) is not None else []
        one = measured(words)
        print(
            f"{name:32} {one['steps'] / one['seconds']:8.2f} {one['cases'] / one['seconds']:8.0f} {one['epoch']:8.2f} {1000 * one['spent'] / one['steps']:17.1f} "
            f"{one['peak']:9.0f} {one['before']:7.0f} {one['auroc']:6.3f}  {one['width']:.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
