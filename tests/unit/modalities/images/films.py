"""Real chest films (PneumoniaMNIST, training and validation part) as columns of pictures."""

from functools import lru_cache

import numpy as np

from osler.core.columns import Columns
from osler.core.split import Fold, Split
from osler.core.target import Target
from osler.modalities.images.case import DESCRIPTORS, HASHES, PIXELS, THUMBNAIL, Image
from osler.modalities.images.encode import fields, fingerprint
from osler.modalities.images.encode.descriptors import described

NOBODY = np.empty(0, np.int64)


@lru_cache
def films(path, count=1200):
    """Return pictures (n, 28, 28) uint8 and labels (n,), 1 where there is pneumonia: the first of the training part."""
    with np.load(path / "images" / "pneumoniamnist.npz") as known:
        return known["train_images"][:count], known["train_labels"][:count].ravel()


def columns_of(pictures, *, patients=None, scanners=None, made=None):
    """Return the columns of pictures (n, i, j) or (n, channels, i, j)."""
    pictures = pictures if pictures.ndim == 4 else pictures[:, None]
    reading = {"channels": pictures.shape[1], "size": pictures.shape[2:], "dtype": str(pictures.dtype)}
    marks = [np.zeros(len(pictures), np.int64) if m is None else np.asarray(m, np.int64) for m in (patients, scanners, made)]
    told = described(pictures)
    hashes = np.stack([told.hashes, *marks], axis=1)
    arrays = {PIXELS: pictures, DESCRIPTORS: told.descriptors, THUMBNAIL: told.thumbnails, HASHES: hashes}
    prints = np.array([fingerprint(Image(one)) for one in pictures]).reshape(-1, 2)
    return Columns(fields(reading=reading), arrays, np.ones(len(pictures), bool), prints)


def split_of(training, test, tune=NOBODY):
    """Return a split of row numbers."""
    return Split(training, tune, NOBODY, test, (Fold(training, tune, NOBODY),), "for a test")


def target_of(labels, classes=("normal", "pneumonia")):
    """Return the labels as a target of two classes or more."""
    info = {"kind": "binary", "names": ["finding"], "classes": [list(classes)]}
    return Target(labels[:, None].astype(float), np.ones((len(labels), 1), bool), info)
