"""Columns on disk: one .npy file per array, memory-mapped when opened."""

from __future__ import annotations

import itertools
import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.columns import Array, Columns, Field, Ragged, Words
from osler.core.errors import OutputError, Refusal


def save(folder: Path, columns: Columns) -> None:
    """Write `columns` to `folder` atomically: it holds all of them or does not exist."""
    with _new_folder(folder) as fresh:
        for name, array in columns.arrays.items():
            for part, values in _parts(array).items():
                np.save(fresh / f"{name}.{part}.npy", values)
        np.save(fresh / "present.npy", columns.present)
        np.save(fresh / "fingerprints.npy", columns.fingerprints)
        _save_words(fresh, columns.words)
        about = {
            "fields": [asdict(f) for f in columns.fields],
            "refusals": {int(row): _kept(r) for row, r in columns.refusals.items()},
        }
        (fresh / "columns.json").write_text(json.dumps(about))


def load(folder: Path) -> Columns:
    """Open columns memory-mapped; nothing is read before it is used, except words and refusals."""
    about = json.loads((folder / "columns.json").read_text())
    fields = tuple(_field(row) for row in about["fields"])
    arrays = {f.name: _opened(folder, f) for f in fields}
    refusals = {int(row): Refusal(**r) for row, r in about["refusals"].items()}
    return Columns(fields, arrays, _map(folder / "present.npy"), _map(folder / "fingerprints.npy"), refusals, _load_words(folder))


def opened(folder: Path) -> Columns | None:
    """Open columns; None where they are not there, or where a crash of the machine tore them: these are removed."""
    if not folder.exists():
        return None
    try:
        return load(folder)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _kept(refusal: Refusal) -> dict[str, Any]:
    """Return what may be kept of a refusal: not what tells of the value."""
    return {name: value for name, value in asdict(refusal).items() if name != "detail"}


def join(folder: Path, shards: Sequence[Path]) -> None:
    """Write the shards behind one another to `folder`, one array at a time, without holding them in memory."""
    parts = [load(s) for s in shards]
    with _new_folder(folder) as fresh:
        for field in parts[0].fields:
            _join_field(fresh, field, [p[field.name] for p in parts])
        _joined(fresh / "present.npy", [p.present for p in parts])
        _joined(fresh / "fingerprints.npy", [p.fingerprints for p in parts])
        keys, first = np.unique(np.concatenate([p.words.keys for p in parts]), return_index=True)
        _save_words(fresh, Words(keys, np.concatenate([p.words.texts for p in parts])[first]))
        starts = np.cumsum([0, *(len(p) for p in parts)])
        refusals = {
            int(start) + row: _kept(r) for start, p in zip(starts[:-1], parts, strict=True) for row, r in p.refusals.items()
        }
        about = {"fields": [asdict(f) for f in parts[0].fields], "refusals": refusals}
        (fresh / "columns.json").write_text(json.dumps(about))


class _new_folder:  # noqa: N801 - reads as a statement
    """A temporary folder beside `folder` that takes its place when all went well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")

    def __enter__(self) -> Path:
        self.fresh.mkdir(parents=True)
        return self.fresh

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            try:
                self.fresh.rename(self.folder)
            except OSError as fault:  # another process was first: its folder holds the same
                error = None if self.folder.exists() else fault
        shutil.rmtree(self.fresh, ignore_errors=True)
        if isinstance(error, OSError):
            raise OutputError(f"the cache cannot be written: {error.strerror}; free space or choose another --cache") from None


def _parts(array: Array) -> dict[str, np.ndarray]:
    if not isinstance(array, Ragged):
        return {"values": array}
    parts = {"values": array.values, "offsets": array.offsets}
    return parts if array.shapes is None else {**parts, "shapes": array.shapes}


def _field(row: dict[str, Any]) -> Field:
    listed: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Field(**listed)


def _opened(folder: Path, field: Field) -> Array:
    values = _map(folder / f"{field.name}.values.npy")
    if not field.ragged:
        return values
    shapes = folder / f"{field.name}.shapes.npy"
    return Ragged(values, _map(folder / f"{field.name}.offsets.npy"), _map(shapes) if shapes.exists() else None)


def _map(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:  # an array without elements cannot be mapped
        return np.load(path, allow_pickle=False)


def _join_field(fresh: Path, field: Field, arrays: Sequence[Array]) -> None:
    ragged = [a for a in arrays if isinstance(a, Ragged)]
    if not ragged:
        _joined(fresh / f"{field.name}.values.npy", [a for a in arrays if isinstance(a, np.ndarray)])
        return
    _joined(fresh / f"{field.name}.values.npy", [a.values for a in ragged])
    lengths = np.concatenate([np.diff(a.offsets) for a in ragged])
    np.save(fresh / f"{field.name}.offsets.npy", np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    shapes = [a.shapes for a in ragged if a.shapes is not None]
    if shapes:
        _joined(fresh / f"{field.name}.shapes.npy", shapes)


def _joined(path: Path, arrays: Sequence[np.ndarray]) -> None:
    shape = (sum(len(a) for a in arrays), *arrays[0].shape[1:])
    if 0 in shape:
        np.save(path, np.empty(shape, arrays[0].dtype))
        return
    out = np.lib.format.open_memmap(path, mode="w+", dtype=arrays[0].dtype, shape=shape)
    start = 0
    for array in arrays:
        out[start : start + len(array)] = array
        start += len(array)
    out.flush()


def _save_words(folder: Path, words: Words) -> None:
    texts = [str(t).encode() for t in words.texts]
    offsets = np.concatenate([[0], np.cumsum([len(t) for t in texts])]).astype(np.int64)
    np.save(folder / "words.keys.npy", words.keys)
    np.save(folder / "words.texts.npy", np.frombuffer(b"".join(texts), np.uint8))
    np.save(folder / "words.offsets.npy", offsets)


def _load_words(folder: Path) -> Words:
    keys, data, offsets = (np.load(folder / f"words.{part}.npy") for part in ("keys", "texts", "offsets"))
    whole = data.tobytes()
    texts = np.array([whole[a:b].decode() for a, b in itertools.pairwise(offsets)], dtype=object)
    return Words(keys, texts)
