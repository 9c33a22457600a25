"""Accounts of real data for the tests of the report: quick models, real scores, real curves; and hostile ones."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from osler.core.account import Account
from osler.core.figure import Figure, Series
from osler.core.leak import Leak
from osler.core.plan import Decision, Plan
from osler.core.scores import Scores, Value, Verdict
from osler.core.study import Input, Roles, Study

NO_ROLES = Roles()
NOTHING = np.empty(0, np.int64)


def study(*, task, target, columns, title="", language="en", roles=NO_ROLES, **more):
    inputs = (Input("table", "tables", tuple(columns)),)
    return Study(Path(), Path(), (target,), task, inputs, roles=roles, title=title, language=language, **more)


def plan(columns):
    return Plan([
        Decision("split.test", 0.2, "a fifth of the groups is kept for the one final test"),
        Decision("split.folds", 5, "fewer than 1,000 groups: members are cross-fitted, so that every case serves both ends"),
        Decision("inputs.table.embedding", "piecewise", f"{columns} numeric columns: bins at quantiles", "rule", ("piecewise", "linear")),
        Decision("inputs.table.width", 192, "largest rung of the ladder that fits into the budget", "measured"),
        Decision("fit.epochs", 40, "4,000 steps wanted; 0.31 s an epoch measured", "measured"),
        Decision("fit.learning_rate", 0.002, "peak of the one-cycle schedule"),
        Decision("fit.batch", 32, "set by the user", "user"),
        Decision("target.threshold", "plain", "the rarest class has 37% of the training cases: no need to move the threshold"),
    ])  # fmt: skip


def numeric_facts(matrix, names):
    at = np.nanquantile(matrix, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0).T
    return {
        "cases": len(matrix),
        "columns": matrix.shape[1],
        "numbers": {
            "names": list(names),
            "missing": np.isnan(matrix).mean(axis=0).round(4).tolist(),
            "mean": np.nanmean(matrix, axis=0).tolist(),
            "sd": np.nanstd(matrix, axis=0, ddof=1).tolist(),
            "quantiles": at.tolist(),
        },
        "categories": {"names": [], "missing": [], "words": [], "rare": []},
    }


def boot(measure, truth, *guesses, resamples=200):
    """Return measure(truth, *guesses) with the percentiles of a bootstrap over cases."""
    generator = np.random.default_rng(0)
    drawn = []
    for _ in range(resamples):
        rows = generator.integers(0, len(truth), len(truth))
        if len(np.unique(truth[rows])) > 1:
            drawn.append(measure(truth[rows], *(g[rows] for g in guesses)))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Value(float(measure(truth, *guesses)), float(low), float(high))


def verdict(name, difference, *, sentence="The two were compared."):
    word = "better" if difference.low > 0 else "worse" if difference.high < 0 else "no difference shown"
    return Verdict(name, difference, word, sentence)


@lru_cache
def breast_cancer():
    """Wisconsin breast cancer: logistic regression as the baseline, a small forest as the other model."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, average_precision_score, brier_score_loss, log_loss, roc_auc_score
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    found = load_breast_cancer()
    malignant = 1 - found.target
    train, test = train_test_split(np.arange(569), test_size=0.2, stratify=malignant, random_state=0)
    models = {
        "network": ExtraTreesClassifier(100, min_samples_leaf=2, random_state=0),
        "baseline": make_pipeline(StandardScaler(), LogisticRegression(C=0.1)),
    }
    chance = {k: m.fit(found.data[train], malignant[train]).predict_proba(found.data[test])[:, 1] for k, m in models.items()}
    chance["test"] = (chance["network"] + chance["baseline"]) / 2
    truth = malignant[test]
    measures = {
        "auroc": roc_auc_score,
        "auprc": average_precision_score,
        "accuracy": lambda y, p: accuracy_score(y, p >= 0.5),
        "brier": brier_score_loss,
        "log_loss": log_loss,
    }
    parts = {
        part: {name: boot(m, truth, chance[part]) for name, m in measures.items()} for part in ("test", "network", "baseline")
    }
    difference = boot(lambda y, a, b: roc_auc_score(y, a) - roc_auc_score(y, b), truth, chance["network"], chance["baseline"])
    notes = ("Intervals are 95% and hold for this trained model: another training on other cases would add to them.",)
    notes += ("Intervals come from 200 resamples of 114 groups.",)
    counts = {"cases": 114, "groups": 114, "resamples": 200}
    scores = Scores(*parts.values(), verdict("auroc", difference), counts, class_curves(truth, chance["test"]), notes)
    sizes = np.bincount(malignant[train]).tolist()
    info = {"kind": "binary", "names": ["diagnosis"], "classes": [["benign", "malignant"]], "positive": "malignant"}
    names = [str(n) for n in found.feature_names]
    facts = {"table": numeric_facts(found.data[train], names), "target": {**info, "cases": [455], "counts": [sizes]}}
    asked = study(task="classification", target="diagnosis", columns=names, title="Breast masses: malignant or benign")
    return Account(
        asked, plan(30), scores, info, facts,
        "drawn by chance: groups kept whole, classes in equal shares; development cross-fitted in 5 folds",
        {"training": 455, "tune": 0, "calibrate": 0, "test": 114, "refused": 0, "groups": 569}, {},
        members=("5 network(s), weight 0.50 in the prediction", "5 baseline(s), weight 0.50: logistic regression, C = 0.1"),
        versions={"osler": "0.1.0", "python": "3.11.2", "numpy": np.__version__},
        timing={"scan": 0.21, "columns": 0.4, "fit": 74.2, "evaluate": 1.9},
        tested={**info, "cases": [114], "counts": [np.bincount(truth).tolist()]},
    )  # fmt: skip


def class_curves(truth, chance):
    from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

    false, true, _ = roc_curve(truth, chance, drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(truth, chance)
    chance_line = Series("chance", [0.0, 1.0], [0.0, 1.0], style="reference")
    roc = Figure(
        "roc",
        "ROC curve",
        "False positive rate",
        "True positive rate",
        (Series("model", false.tolist(), true.tolist()), chance_line),
        square=True,
    )
    share = float(truth.mean())
    level = Series("prevalence", [0.0, 1.0], [share, share], style="reference")
    pr = Figure(
        "pr",
        "Precision–recall",
        "Recall",
        "Precision",
        (Series("model", recall.tolist(), precision.tolist(), style="step"), level),
        square=True,
    )
    matrix = confusion_matrix(truth, chance >= 0.5).astype(float).tolist()
    confusion = Figure(
        "confusion",
        "Confusion matrix",
        "Predicted class",
        "True class",
        heat=matrix,
        x_edges=[0.0, 1.0, 2.0],
        y_edges=[0.0, 1.0, 2.0],
    )
    return {
        f.name: f.to_dict()
        for f in (roc, pr, calibration(truth, chance), decision(truth, chance), histogram(truth, chance), confusion)
    }


def calibration(truth, chance):
    parts = np.array_split(np.argsort(chance), 8)
    x, y = [float(chance[p].mean()) for p in parts], [float(truth[p].mean()) for p in parts]
    half = [1.96 * np.sqrt((v * (1 - v) + 0.05) / len(p)) for v, p in zip(y, parts, strict=True)]
    low, high = [max(0.0, v - h) for v, h in zip(y, half, strict=True)], [min(1.0, v + h) for v, h in zip(y, half, strict=True)]
    ideal = Series("ideal", [0.0, 1.0], [0.0, 1.0], style="reference")
    series = (ideal, Series("smooth", x, y, low, high), Series("observed", x, y, low, high, "points"))
    return Figure("calibration", "Calibration", "Predicted probability", "Observed share", series, square=True)


def decision(truth, chance):
    grid = np.linspace(0.01, 0.95, 48)
    odds = grid / (1 - grid)
    hits = np.array([((chance >= t) & (truth == 1)).mean() for t in grid])
    false = np.array([((chance >= t) & (truth == 0)).mean() for t in grid])
    series = (
        Series("model", grid.tolist(), (hits - odds * false).tolist()),
        Series("treat all", grid.tolist(), (truth.mean() - odds * (1 - truth.mean())).tolist(), style="reference"),
        Series("treat none", [0.01, 0.95], [0.0, 0.0], style="reference"),
    )
    return Figure("decision", "Decision curve", "Threshold probability", "Net benefit", series)


def histogram(truth, chance):
    edges = np.linspace(0, 1, 21)
    counts = [np.histogram(chance[truth == v], edges)[0] for v in (0, 1)]
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    series = tuple(
        Series(n, middles, [float(c) if c >= 5 else 0.0 for c in k], style="bars")
        for n, k in zip(("benign", "malignant"), counts, strict=True)
    )
    return Figure(
        "predictions",
        "Predicted probabilities",
        "Predicted probability",
        "Cases",
        series,
        note="Counts of 1 to 4 are shown as 0.",
    )


@lru_cache
def diabetes():
    """Disease progression: ridge as the baseline, boosted trees as the other model; patients are a group column."""
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import RidgeCV
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    found = load_diabetes(scaled=False)
    order = np.random.default_rng(1).permutation(442)
    train, test = order[:353], order[353:]
    models = {"network": GradientBoostingRegressor(n_estimators=40, max_depth=2, random_state=0), "baseline": RidgeCV()}
    guess = {k: m.fit(found.data[train], found.target[train]).predict(found.data[test]) for k, m in models.items()}
    guess["test"] = guess["baseline"]
    truth = found.target[test]
    measures = {"rmse": root_mean_squared_error, "mae": mean_absolute_error, "r2": r2_score}
    parts = {
        part: {name: boot(m, truth, guess[part]) for name, m in measures.items()} for part in ("test", "network", "baseline")
    }
    difference = boot(
        lambda y, a, b: root_mean_squared_error(y, b) - root_mean_squared_error(y, a), truth, guess["network"], guess["baseline"]
    )
    scores = Scores(
        *parts.values(), verdict("rmse", difference), {"cases": 89, "groups": 89}, number_curves(truth, guess["test"])
    )
    info = {"kind": "regression", "names": ["progression"]}
    mean, scale = float(found.target[train].mean()), float(found.target[train].std())
    facts = {
        "table": numeric_facts(found.data[train], found.feature_names),
        "target": {**info, "cases": [353], "mean": [mean], "scale": [scale]},
    }
    asked = study(task="regression", target="progression", columns=found.feature_names, roles=Roles(group="patient"))
    return Account(
        asked, plan(10), scores, info, facts, "drawn by chance: groups kept whole, classes in equal shares",
        {"training": 260, "tune": 53, "calibrate": 40, "test": 89, "refused": 31, "groups": 442},
        {"no_target: the target is missing in this row": 24, "bad_number: column 'bmi': not a finite number": 7},
        members=("1 network(s), weight 0.00 in the prediction", "1 baseline(s), weight 1.00: ridge regression"),
        versions={"osler": "0.1.0"}, timing={"fit": 12.0},
        tested={**info, "cases": [89], "mean": [float(truth.mean())], "scale": [float(truth.std())]},
    )  # fmt: skip


def number_curves(truth, guess):
    edges = np.arange(40.0, 301.0, 20.0)
    counts = np.histogram2d(truth, guess, (edges, edges))[0].tolist()
    same = Series("ideal", [40.0, 300.0], [40.0, 300.0], style="reference")
    density = Figure(
        "observed",
        "Predicted and observed",
        "Predicted progression",
        "Observed progression",
        (same,),
        heat=counts,
        x_edges=edges.tolist(),
        y_edges=edges.tolist(),
    )
    parts = np.array_split(np.argsort(guess), 8)
    error = truth - guess
    middle, mean = [float(guess[p].mean()) for p in parts], [float(error[p].mean()) for p in parts]
    sd = [float(error[p].std()) for p in parts]
    low, high = [m - s for m, s in zip(mean, sd, strict=True)], [m + s for m, s in zip(mean, sd, strict=True)]
    zero = Series("no error", [middle[0], middle[-1]], [0.0, 0.0], style="reference")
    residuals = Figure(
        "residuals",
        "Residuals",
        "Predicted",
        "Residual",
        (zero, Series("mean and standard deviation", middle, mean, low, high, "points")),
    )
    return {f.name: f.to_dict() for f in (density, residuals)}


HOSTILE = '<script>alert("x")</script>'
LONG = "a very long name of a laboratory measurement with units and remarks " * 4


def hostile():
    """Every trap at once: hostile, long and Chinese names, 300 columns, 30 classes, nulls, no verdict, leaks allowed."""
    generator = np.random.default_rng(2)
    names = [HOSTILE, LONG, "血红蛋白（g/L）", "a|b`c_d*e", "http://example.org/x", *(f"column_{i}" for i in range(295))]
    matrix = generator.normal(100, 15, (400, 300))
    matrix[generator.random(matrix.shape) < 0.1] = np.nan
    classes = [HOSTILE, "</title><b>", "肝癌", *(f"class {i}" for i in range(26)), "rare"]
    sizes = [*generator.integers(8, 40, 29).tolist(), 3]
    info = {"kind": "multiclass", "names": [HOSTILE], "classes": [classes]}
    facts = {"table": numeric_facts(matrix, names), "target": {**info, "counts": [sizes]}}
    facts["table"]["categories"] = {"names": ["<i>ward"], "missing": [0.25], "words": [12], "rare": [0.02]}
    heat = generator.integers(0, 30, (30, 30)).astype(float).tolist()
    confusion = Figure(
        "confusion", "Confusion", "Predicted class", "True class", heat=heat, x_edges=list(range(31)), y_edges=list(range(31))
    )
    lines = tuple(Series(c, [0.0, 0.2, 0.5, 1.0], [0.0, 0.5 + i / 100, None, 1.0]) for i, c in enumerate(classes))
    roc = Figure("roc", "ROC curve", LONG, HOSTILE, lines, square=True)
    bars = Figure("classes", HOSTILE, "Cases", "", (Series("Cases", classes, [float(n) for n in sizes], style="bars"),))
    forest = Figure(
        "forest",
        "Subgroups",
        "AUROC",
        "",
        (Series("AUROC", ["女", "male", LONG], [0.8, 0.75, None], [0.7, None, None], [0.9, None, None], "points"),),
    )
    curves = {f.name: f.to_dict() for f in (roc, confusion, bars, forest)} | {"odd": {"title": "nothing in it"}, "list": [1, 2]}
    values = {
        "auroc": Value(0.71, note="9 groups are too few for an interval"),
        "accuracy": Value(float("nan")),
        "own_measure": Value(1.5e-7, 1e-7, 2e-7),
    }
    scores = Scores(values, {}, {}, None, {"cases": 60, "groups": 9}, curves, ("A note of <b>weight</b>.",))
    leaks = tuple(Leak("column", "stop", f"column '{n}' alone gives the outcome away", NOTHING, NOTHING, n) for n in names[:7])
    asked = study(
        task="classification",
        target=HOSTILE,
        columns=names,
        leaks="allow",
        roles=Roles(group="patient"),
        title=f"{HOSTILE} {LONG}",
    )
    decisions = Plan([*plan(300).decisions, Decision("odd", [HOSTILE] * 90, HOSTILE), Decision("none", None, "no value")])
    return Account(
        asked, decisions, scores, info, facts, HOSTILE, {"training": 400, "test": 60, "refused": 90}, {f"code: {HOSTILE}": 90},
        leaks=leaks, members=(HOSTILE,), versions={HOSTILE: HOSTILE}, timing={HOSTILE: 7300.0},
    )  # fmt: skip


def bare():
    """The least that an account can hold."""
    scores = Scores({}, {}, {}, None, {})
    return Account(study(task="regression", target="y", columns=("x",)), Plan([]), scores, {}, {}, "", {}, {})


def in_language(account, language):
    return replace(account, study=replace(account.study, language=language))
