"""What the bundle predicts with, beside network, baseline and scikit-learn defaults, on the same five splits.

    python benchmarks/accuracy.py [--data ../shared/data] [--budget 1m] [--splits 5] [--only NAME] [--out FILE]

Each split is drawn anew (a fifth is test, stratified); Osler trains on a table whose split column says so, scikit-learn on the
same rows. Per study: mean and spread of each, then the paired difference between the bundle and the best of the others (best
on average over the splits), with its 95% t-interval. Time is wall time of training beside that of AutoGluon-Tabular (its
default presets with LightGBM, CatBoost, XGBoost, forests and linear models, in an environment of its own; at most the same budget) and of
LightGBM + grid search, in the same run.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t as student
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import osler
from osler.spine.study.request import minutes
from peers import environment

LATE = ["fac_sfdm2", "fac_dnr", "num_surv2m", "num_surv6m", "num_sps"]  # known too late or too well


def studies(data: Path):
    """Yield (name, frame with column `outcome`, task)."""
    cancer = load_breast_cancer(as_frame=True)
    yield "breast-cancer", pl.from_pandas(cancer.data).with_columns(outcome=pl.Series(cancer.target.to_numpy())), "classification"
    sugar = load_diabetes(as_frame=True, scaled=False)
    yield "diabetes", pl.from_pandas(sugar.data).with_columns(outcome=pl.Series(sugar.target.to_numpy())), "regression"
    path = data / "records" / "support2.csv"
    if path.is_file():
        table = pl.read_csv(path, infer_schema_length=None)
        died = ((pl.col("time") <= 180) & (pl.col("event") == 1)).cast(pl.Int8)
        kept = table.with_columns(outcome=died).drop("time", "event", *LATE)
        yield "support2-180-days", kept.drop([c for c in kept.columns if c in {"", "pid", "id"}]), "classification"


def peers(task: str):
    """Return scikit-learn with its defaults: what a careful user writes in ten lines."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    design = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (words, make_column_selector(dtype_exclude="number"))
    )
    if task == "classification":
        models = {"logistic": LogisticRegression(max_iter=2000), "forest": RandomForestClassifier(random_state=0),
                  "boosting": HistGradientBoostingClassifier(random_state=0)}  # fmt: skip
    else:
        models = {"ridge": Ridge(), "forest": RandomForestRegressor(random_state=0),
                  "boosting": HistGradientBoostingRegressor(random_state=0)}  # fmt: skip
    return {name: make_pipeline(design, model) if name != "boosting" else (design, model) for name, model in models.items()}


def fitted(model, x, y):
    if isinstance(model, tuple):
        model = make_pipeline(model[0], model[1]) if x.select_dtypes(exclude="number").shape[1] else model[1]
    return model.fit(x, y)


def scored(task, truth, model, x) -> float:
    """Return AUROC, or minus RMSE: higher is better."""
    if task == "classification":
        return roc_auc_score(truth, model.predict_proba(x)[:, 1])
    return -root_mean_squared_error(truth, model.predict(x))


AUTOGLUON = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import pandas as pd
from autogluon.tabular import TabularPredictor
train, test, out, seconds = sys.argv[1:5]
began = time.monotonic()
measure = sys.argv[5]
model = TabularPredictor(label="outcome", eval_metric=measure, path=out, verbosity=0).fit(pd.read_csv(train), time_limit=float(seconds))
took = time.monotonic() - began
rows = pd.read_csv(test)
guess = model.predict_proba(rows)[1] if model.problem_type == "binary" else model.predict(rows)
guess.to_csv(out + "/guess.csv", header=False, index=False)
print(took)
"""


def autogluon(python: Path, frames, work: Path, *, seconds: float, measure: str) -> tuple[float, np.ndarray]:
    """Return seconds of training and predictions on the test rows."""
    for name, frame in zip(("train", "test"), frames, strict=True):
        frame.to_csv(work / f"{name}.csv", index=False)
    shutil.rmtree(work / "ag", ignore_errors=True)
    words = [python, "-c", AUTOGLUON, work / "train.csv", work / "test.csv", work / "ag", seconds, measure]
    done = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1]), np.loadtxt(work / "ag" / "guess.csv")


def grid_search(task: str, x, y) -> float:
    """Return the seconds of LightGBM with a small grid search, five folds: a common hand-made pipeline."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    began = time.monotonic()
    model = LGBMClassifier if task == "classification" else LGBMRegressor
    grid = {"num_leaves": [7, 31], "learning_rate": [0.03, 0.1], "n_estimators": [100, 300]}
    GridSearchCV(model(verbosity=-1), grid, cv=5, n_jobs=2).fit(x.select_dtypes("number").to_numpy(), y)
    return time.monotonic() - began


def one_split(frame: pl.DataFrame, task: str, *, seed: int, budget: str, work: Path, peer: Path | None) -> dict[str, float]:
    """Train everything on one split and return scores and seconds."""
    truth = frame["outcome"].to_numpy()
    train, test = train_test_split(
        np.arange(len(frame)), test_size=0.2, random_state=seed, stratify=truth if task == "classification" else None
    )
    part = np.full(len(frame), "train", object)
    part[test] = "test"
    path = work / "table.csv"
    frame.with_columns(pl.Series("split", part.tolist())).write_csv(path)
    began = time.monotonic()
    shutil.rmtree(work / "model", ignore_errors=True)
    osler.train(
        path, target="outcome", task=task, split="split", budget=budget, seed=seed, out=work / "model", cache=work / "cache"
    )
    found = {"seconds": time.monotonic() - began}
    scores = json.loads((work / "model" / "scores.json").read_text())
    measure = "auroc" if task == "classification" else "rmse"
    sign = 1 if task == "classification" else -1
    found |= {name: sign * scores[key][measure]["value"] for name, key in
              (("bundle", "test"), ("network", "network"), ("baseline", "baseline"))}  # fmt: skip
    table = frame.drop("outcome").to_pandas()
    for name, model in peers(task).items():
        found[name] = scored(task, truth[test], fitted(model, table.iloc[train], truth[train]), table.iloc[test])
    if peer:
        whole = frame.to_pandas()
        sides = whole.iloc[train], whole.iloc[test].drop(columns="outcome")
        found["autogluon seconds"], guess = autogluon(
            peer, sides, work, seconds=60 * minutes(budget), measure="roc_auc" if sign > 0 else "rmse"
        )
        found["autogluon"] = roc_auc_score(truth[test], guess) if sign > 0 else -root_mean_squared_error(truth[test], guess)
    found["grid-search seconds"] = grid_search(task, table.iloc[train], truth[train])
    return found


def told(name: str, task: str, rows: list[dict[str, float]]) -> dict:
    """Return and print means, spread and the paired difference."""
    others = [k for k in rows[0] if k not in {"bundle", "autogluon"} and not k.endswith("seconds")]
    means = {k: float(np.mean([r[k] for r in rows])) for k in rows[0]}
    best = max(others, key=lambda k: means[k])
    difference = np.array([r["bundle"] - r[best] for r in rows])
    if task == "regression":
        difference = 100 * difference / -np.array([r[best] for r in rows])  # per cent of the best's RMSE
    half = float(student.ppf(0.975, len(rows) - 1) * difference.std(ddof=1) / np.sqrt(len(rows)))
    unit = "% of RMSE" if task == "regression" else "AUROC"
    print(f"\n{name} ({len(rows)} splits)")
    for key in ("bundle", *others):
        print(f"  {key:10s} {abs(means[key]):.4f} ± {np.std([r[key] for r in rows], ddof=1):.4f}")
    print(
        f"  bundle − {best}: {difference.mean():+.4f} ({difference.mean() - half:+.4f} to {difference.mean() + half:+.4f}) {unit}"
    )
    if "autogluon" in means:
        print(f"  autogluon  {abs(means['autogluon']):.4f} ± {np.std([r['autogluon'] for r in rows], ddof=1):.4f}")
        apart = np.array([r["bundle"] - r["autogluon"] for r in rows])
        print(f"  bundle − autogluon: {apart.mean():+.4f} ± {apart.std(ddof=1):.4f} {'RMSE' if task == 'regression' else unit}")
    times = {k: v for k, v in means.items() if k.endswith("seconds")}
    print(
        "  " + ", ".join(f"{name.replace('seconds', '').strip() or 'osler'} {took:.0f} s" for name, took in times.items()),
        flush=True,
    )
    return {"study": name, "rows": rows, "best": best, "low": difference.mean() - half, "unit": unit}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[1] / "../shared/data")
    parser.add_argument("--budget", default="1m")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--without-autogluon", action="store_true")
    asked = parser.parse_args()
    peer = None if asked.without_autogluon else environment("autogluon", "autogluon.tabular[lightgbm,catboost,xgboost]")
    warnings.filterwarnings("ignore")
    results = []
    for name, frame, task in studies(asked.data):
        if asked.only and asked.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows = [
                one_split(frame, task, seed=s, budget=asked.budget, work=Path(folder), peer=peer) for s in range(asked.splits)
            ]
        results.append(told(name, task, rows))
    if asked.out:
        asked.out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
