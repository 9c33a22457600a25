"""A tiny task on maps, which proves the contract: mark the elements of a grid."""

from __future__ import annotations

import json
from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from osler.contract import Task
from osler.core.errors import BundleError
from osler.core.marks import Painted
from osler.core.measure import Measure
from osler.core.plan import Decision
from osler.core.state import State
from osler.core.target import Target
from osler.core.telling import Telling


class Marking(Task):
    """One raw output per element of the grid: its logit."""

    name: ClassVar[str] = "marking"

    def needs(self, info):
        return "map"

    def marked(self, columns, *, names, settings, info=None):
        (field,) = columns.names("target")
        cases = len(columns)
        return Target(np.empty((cases, 0)), np.empty((cases, 0), bool), {"kind": "marking", "field": field, "names": [field]}), {}

    def width(self, info):
        return 1

    def facts(self, target, rows):
        return {"cases": len(rows)}

    def rules(self, brief):
        return (Decision("target.threshold", 0.5, "as probable as not"),)

    def head(self, *, info, width, channels, plan):
        return MapHead(channels[0])

    def loss(self, raw, target, *, plan):
        each = F.binary_cross_entropy_with_logits(raw.reshape(target.values.shape), target.values.to(raw.dtype), reduction="none")
        return (each * target.observed).flatten(1).sum(1) / target.observed.flatten(1).sum(1).clamp(min=1)

    def baseline(self, features, target, *, groups, plan, seed):
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression().fit(features.matrix, target.values[:, 0])
        return Line(np.append(model.coef_[0], model.intercept_))

    def restore(self, files):
        if "line.json" not in files:
            raise BundleError("line.json is missing")
        return Line(np.array(json.loads(files["line.json"])))

    def settle(self, raw, target, rows, *, plan, groups=None):
        return State({}, {"threshold": plan["target.threshold"]})

    def measured(self, info):
        return (Measure("dice", "higher"),)

    def paint(self, case, *, state, info, plan):
        marks = (np.concatenate(list(case.slabs()), axis=1) > 0).astype(np.uint8)
        true = np.full(marks.shape, np.nan) if case.truth is None else case.truth > 0
        line = np.array([(marks * true).sum(), marks.sum(), true.sum()], float)
        return Painted(marks, line, {"marked": float(marks.mean())})

    def telling(self, statistics, *, info):
        both, marked, true = statistics.T
        loss = 1 - 2 * both / np.maximum(marked + true, 1)

        def texts(at):
            return [f"{v:.0f} places" for v in true[at]], [f"{v:.0f} places" for v in marked[at]]

        return Telling(loss, None, texts)

    def measures(self, statistics, counts, *, info):
        both, marked, true = statistics.T
        dice = 2 * both / np.maximum(marked + true, 1)
        return {"dice": counts @ dice / np.maximum(counts.sum(1), 1)}


class MapHead(nn.Module):
    """One convolution of size one."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out = nn.Conv2d(channels, 1, 1)

    def forward(self, maps: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return self.out(maps[0])


class Line:
    """A logistic regression."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights

    def raw(self, matrix):
        return (matrix @ self.weights[:-1] + self.weights[-1])[:, None]

    def files(self):
        return {"line.json": json.dumps(self.weights.tolist()).encode()}

    def sentence(self):
        return "logistic regression on each element and its neighbours"
