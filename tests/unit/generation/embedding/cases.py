"""Real cases for the tests of this room: measurements of cell nuclei, and handwritten digits for what needs many alike cases."""

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes

from osler.core.split import Split
from osler.core.target import Target
from osler.generation.embedding import Embedded

BINARY = {"kind": "binary", "names": ["diagnosis"], "classes": [["benign", "malignant"]], "positive": "malignant"}


def split_of(cases, *, seed=0, tune=0.2, test=0.3):
    order = np.random.default_rng(seed).permutation(cases)
    first, second = int(test * cases), int((test + tune) * cases)
    return Split(np.sort(order[second:]), np.sort(order[first:second]), order[:0], np.sort(order[:first]), (), "drawn")


def target_of(values, info):
    values = np.asarray(values, float).reshape(len(values), -1)
    return Target(values, np.isfinite(values), info)


def nuclei(**given):
    """569 tumours by 30 measurements; the vectors are the measurements themselves unless others are given."""
    found = load_breast_cancer()
    features = ((found.data - found.data.mean(axis=0)) / found.data.std(axis=0)).astype(np.float32)
    malignant = 1.0 - found.target
    parts = {
        "vectors": features,
        "raw": features,
        "split": split_of(len(features)),
        "groups": np.arange(len(features)),
        "target": target_of(malignant, BINARY),
    }
    return Embedded(**{**parts, **given})


def progression():
    """442 people with diabetes and how their disease went on, a number."""
    found = load_diabetes()
    features = found.data.astype(np.float32)
    target = target_of(found.target, {"kind": "regression", "names": ["progression"]})
    return Embedded(features, features, split_of(len(features)), np.arange(len(features)), target)
