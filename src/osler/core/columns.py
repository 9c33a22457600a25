"""Cases as arrays on disk: dense, or ragged with offsets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np

from osler.core.errors import Refusal

Role = Literal["input", "target", "baseline", "truth", "identity"]
Warp = Literal["none", "linear", "nearest", "points"]


@dataclass(frozen=True, slots=True)
class Field:
    """One array of a modality's columns.

    `shape` is per case; None marks an axis whose length differs between cases (the field is then ragged).
    `role` says who needs it; `warp` how spatial augmentation moves it, so that a target moves with its input.
    `labels` name the entries along the first axis where they have names (the columns of a table), else it is empty.
    Of a target on a grid `unmarked` is the value of places that nobody looked at, NaN is always one. Fields of the role "truth" are what a target on
    a grid is scored by, and where to find it; no network sees them. Those of the role "identity" tell equal and near cases, for
    splits and leak checks; no prediction needs them.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] = ()
    role: Role = "input"
    warp: Warp = "none"
    labels: tuple[str, ...] = ()
    unmarked: int | None = None

    @property
    def ragged(self) -> bool:
        """Whether cases differ in length."""
        return None in self.shape


@dataclass(frozen=True, slots=True)
class Ragged:
    """Cases of differing size, one behind the other.

    `values` (total, *tail), `offsets` (n + 1,) int64 along its first axis, `shapes` (n, axes) int32 where a case has more
    than one differing axis (a volume is stored flat and given back in its shape).
    """

    values: np.ndarray
    offsets: np.ndarray
    shapes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        flat = self.values[self.offsets[row] : self.offsets[row + 1]]
        return flat if self.shapes is None else flat.reshape(*self.shapes[row], *self.values.shape[1:])

    def take(self, rows: np.ndarray) -> Ragged:
        """Return the cases `rows` in that order, in memory, without a loop over cases."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        index = np.repeat(self.offsets[:-1][rows], lengths) + within
        return Ragged(np.asarray(self.values[index]), offsets, None if self.shapes is None else self.shapes[rows])


Array: TypeAlias = np.ndarray | Ragged


@dataclass(frozen=True, slots=True)
class Words:
    """The strings behind hashed categories and codes: `keys` (m,) int64 ascending, `texts` (m,) object.

    They live in the cache only; a bundle gets those that at least five groups share.
    """

    keys: np.ndarray
    texts: np.ndarray

    def text(self, key: int) -> str | None:
        """Return the string whose hash is `key`, or None."""
        at = int(np.searchsorted(self.keys, key))
        return str(self.texts[at]) if at < len(self.keys) and self.keys[at] == key else None


NO_WORDS = Words(np.empty(0, np.int64), np.empty(0, object))


@dataclass(frozen=True, slots=True)
class Columns:
    """The cases of one input as arrays: unfitted, they depend on the files and the reading decisions alone.

    `arrays` one entry per field, n cases each; `present` (n,) bool is False where the input is missing or refused;
    `fingerprints` (n, 2) int64 is a hash of the content, equal for equal content (zeros where absent, and of a dear kind where the role "identity" was not asked for);
    `refusals` by row.
    """

    fields: tuple[Field, ...]
    arrays: Mapping[str, Array]
    present: np.ndarray
    fingerprints: np.ndarray
    refusals: Mapping[int, Refusal] = field(default_factory=dict)
    words: Words = NO_WORDS

    def __len__(self) -> int:
        return len(self.present)

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def field(self, name: str) -> Field:
        """Return the field called `name`."""
        return next(f for f in self.fields if f.name == name)

    @classmethod
    def joined(cls, parts: Sequence[Columns]) -> Columns:
        """Return the cases of `parts`, which have the same fields, behind one another in memory; refusals stay behind."""
        first = parts[0]
        arrays = {f.name: _behind([p[f.name] for p in parts]) for f in first.fields}
        keys, at = np.unique(np.concatenate([p.words.keys for p in parts]), return_index=True)
        words = Words(keys, np.concatenate([p.words.texts for p in parts])[at])
        present, prints = (np.concatenate([getattr(p, n) for p in parts]) for n in ("present", "fingerprints"))
        return cls(first.fields, arrays, present, prints, {}, words)

    def blank(self) -> Columns:
        """Return as many cases of the same fields, all absent; they take no memory."""
        arrays = {f.name: _nothing(f, self[f.name], cases=len(self)) for f in self.fields}
        prints = np.broadcast_to(np.zeros(2, np.int64), (len(self), 2))
        return replace(self, arrays=arrays, present=np.zeros(len(self), bool), fingerprints=prints, refusals={})

    def names(self, role: Role) -> tuple[str, ...]:
        """Return the names of the fields that play `role`."""
        return tuple(f.name for f in self.fields if f.role == role)

    def take(self, rows: np.ndarray) -> Columns:
        """Return the cases `rows` in that order, in memory; refusals keep to their cases."""
        arrays = {k: a.take(rows) if isinstance(a, Ragged) else np.asarray(a[rows]) for k, a in self.arrays.items()}
        refusals = (
            {new: self.refusals[int(old)] for new, old in enumerate(rows) if int(old) in self.refusals} if self.refusals else {}
        )
        return replace(self, arrays=arrays, present=self.present[rows], fingerprints=self.fingerprints[rows], refusals=refusals)


def columns_cells(columns: Columns) -> int:
    """Return how many numbers a case of dense columns holds; of ragged ones, the mean."""
    whole = sum(len(a.values) * a.values[:1].size if isinstance(a, Ragged) else a.size for a in columns.arrays.values())
    return whole // max(1, len(columns))


def stacked(field: Field, cases: Sequence[np.ndarray | None]) -> Array:
    """Return the arrays of many cases as one; None is an absent case: NaN, zeros, or nothing."""
    if not field.ragged:
        shape = tuple(int(s or 0) for s in field.shape)
        fill = np.nan if np.dtype(field.dtype).kind == "f" else 0
        empty = np.full(shape, fill, field.dtype)
        return (
            np.stack([empty if c is None else np.asarray(c, field.dtype) for c in cases])
            if cases
            else np.empty((0, *shape), field.dtype)
        )
    differing = max(i for i, s in enumerate(field.shape) if s is None) + 1
    tail = tuple(int(s or 0) for s in field.shape[differing:])
    flat = [np.empty((0, *tail), field.dtype) if c is None else np.asarray(c, field.dtype).reshape(-1, *tail) for c in cases]
    offsets = np.concatenate([[0], np.cumsum([len(f) for f in flat])]).astype(np.int64)
    values = np.concatenate(flat) if flat else np.empty((0, *tail), field.dtype)
    if differing == 1:
        return Ragged(values, offsets)
    shapes = np.array([(0,) * differing if c is None else c.shape[:differing] for c in cases], np.int32).reshape(-1, differing)
    return Ragged(values, offsets, shapes)


def _nothing(field: Field, like: Array, *, cases: int) -> Array:
    if isinstance(like, Ragged):
        shapes = None if like.shapes is None else np.zeros((cases, like.shapes.shape[1]), like.shapes.dtype)
        return Ragged(like.values[:0], np.zeros(cases + 1, np.int64), shapes)
    empty = stacked(field, [None])
    assert isinstance(empty, np.ndarray)
    return np.broadcast_to(empty, (cases, *empty.shape[1:]))


def _behind(arrays: Sequence[Array]) -> Array:
    ragged = [a for a in arrays if isinstance(a, Ragged)]
    if not ragged:
        return np.concatenate([a for a in arrays if isinstance(a, np.ndarray)])
    lengths = np.concatenate([np.diff(a.offsets) for a in ragged])
    shapes = [a.shapes for a in ragged if a.shapes is not None]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Ragged(np.concatenate([a.values for a in ragged]), offsets, np.concatenate(shapes) if shapes else None)
