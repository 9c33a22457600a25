"""Real masks, and cases made of them as a network could mark them."""

import gzip

import numpy as np

from osler.core.columns import Columns, Field, stacked
from osler.core.grid import Grid
from osler.core.marks import MarkedCase


def hippocampus(data, case):
    """Return the label map (i, j, k) uint8 of a head: 0, 1 anterior, 2 posterior."""
    return nifti(data / "images" / "hippocampus" / "labels" / f"hippocampus_{case}.nii.gz")


def nifti(path):
    """Return a small label map, NIfTI-1 of whole numbers without a scale."""
    raw = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(raw, np.int16, 3, offset=42)
    kind = {2: np.uint8, 4: np.int16, 16: np.float32, 64: np.float64, 256: np.int8}[
        int(np.frombuffer(raw, np.int16, 1, offset=70)[0])
    ]
    start = int(np.frombuffer(raw, np.float32, 1, offset=108)[0])
    flat = np.frombuffer(raw, kind, int(np.prod(shape.astype(int))), offset=start)
    return np.ascontiguousarray(flat.reshape(shape, order="F").astype(np.uint8))


def lgg(data, patients):
    """Return the tumour masks (n, i, j) uint8 of 0 and 1 of the first slices' patients, and the patient (n,) of each."""
    with np.load(data / "images" / "lgg_mri_50.npz") as file:
        patient = file["patient"]
        rows = np.flatnonzero(np.isin(patient, np.unique(patient)[:patients]))
        return (file["masks"][rows] > 0).astype(np.uint8), patient[rows]


def columns(masks, *, present=None):
    """Return the columns of an input whose masks, each (channels, i, j[, k]) uint8, lie on its grid."""
    channels, axes = masks[0].shape[0], masks[0].ndim - 1
    target = Field("mask", "uint8", (channels, *[None] * axes), role="target", warp="nearest", unmarked=255)
    counts = Field("counts", "int64", (channels, 256), role="truth")
    counted = [np.stack([np.bincount(part.reshape(-1), minlength=256) for part in mask]) for mask in masks]
    here = np.ones(len(masks), bool) if present is None else present
    # an axis of known length is stored among the differing ones
    arrays = {"mask": stacked(Field("mask", "uint8", (None,) * (axes + 1)), masks), "counts": np.stack(counted)}
    return Columns((target, counts), arrays, here, np.zeros((len(masks), 2), np.int64))


def raw_of(classes, outputs, *, sure=4.0):
    """Return a raw map (outputs, i, j[, k]) whose marks are `classes`, each with an odds of exp(sure)."""
    return np.stack([np.where(classes == number, sure, 0.0) for number in range(outputs)]).astype(np.float32)


def case(raw, *, truth=None, spacing=None, slab=7):
    """Return a case on its own grid, whose raw map (k, i, j[, k]) comes in slabs of so many slices."""
    shape = raw.shape[1:]
    affine = np.diag([*(spacing or (1.0,) * len(shape)), *(1.0,) * (4 - len(shape))])
    return MarkedCase(lambda: (raw[:, at : at + slab] for at in range(0, shape[0], slab)), Grid(shape, affine), truth)
