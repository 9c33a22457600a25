"""A folder that holds everything a prediction needs; no pickle in it.

bundle.json (format, sha256 of every file, versions, study, target, inputs), plan.json, weights.safetensors, fitted.safetensors,
fitted.json, baseline/<member>/*, scores.json, report.html, card.md, methods.md. Opening a stranger's bundle cannot run code: JSON, text and
safetensors are parsed, nothing is executed, and no file is read whose name bundle.json does not list with its sum.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.core.errors import BundleError, OutputError, PlanError
from osler.core.plan import Plan
from osler.core.state import State

FORMAT = 1
INDEX = "bundle.json"
SAFE_NAME = re.compile(r"(?:baseline/[\w.-]+/)?[\w-][\w.-]*")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a bundle holds. `about` is bundle.json without its sums; `weights` by member and parameter; `state` of all parts;
    `baselines` the files of each baseline member; `documents` texts by file name (scores.json, report.html, card.md,
    methods.md)."""

    about: Mapping[str, Any]
    plan: Plan
    weights: Mapping[str, np.ndarray]
    state: State
    baselines: Mapping[str, Mapping[str, bytes]]
    documents: Mapping[str, str]


def write_bundle(folder: Path, contents: Contents) -> None:
    """Write to a temporary folder, then rename: a killed run leaves the old bundle or none.

    Raises OutputError where `folder` holds something that is no bundle, or the disk refuses.
    """
    check_place(folder)
    fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    try:
        files = _files(contents)
        for name, data in files.items():
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            (fresh / name).write_bytes(data)
        sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        about = {"format": FORMAT, **contents.about, "files": sums}
        index = json.dumps({**about, "seal": _seal(about)}, indent=1, ensure_ascii=False)
        (fresh / INDEX).write_text(index, encoding="utf-8")
        _take_place(fresh, folder)
    except OSError as error:
        raise OutputError(f"the bundle cannot be written: {error.strerror}; free space or choose another --out") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_outside(path: Path, *, itself: bool = True) -> None:
    """Raise OutputError where `path` lies in a bundle, or (unless not `itself`) is one: what lies there would be no part of it."""
    whole = path.resolve()
    for folder in (whole, *whole.parents) if itself else whole.parents:
        if _is_bundle(folder):
            raise OutputError(f"'{folder.name}' is a bundle, and nothing else may lie in one; choose another --out")


def check_report_place(folder: Path) -> None:
    """Raise OutputError before the work where pages could not be written into `folder` after it, or would lie in a bundle. A folder
    that was not there is not there after it: what fails leaves nothing behind."""
    check_outside(folder)
    try:
        absent = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for one in absent:
            one.rmdir()
    except OSError as error:
        raise OutputError(f"cannot write into '{folder.name}': {error.strerror}; choose another --out") from None


def _is_bundle(folder: Path) -> bool:
    try:
        about = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(about, dict) and {"format", "files", "seal"} <= about.keys()


def check_place(folder: Path) -> None:
    """Raise OutputError unless `folder` is free, empty, or an older bundle, and its parent can be written to."""
    if folder.name in {"", ".."}:
        raise OutputError(f"'{folder}' is no name for a bundle; give --out a folder of its own")
    check_outside(folder, itself=False)
    try:
        if folder.exists() and not _replaceable(folder):
            raise OutputError(f"'{folder.name}' exists and is no bundle; choose another --out")
        folder.parent.mkdir(parents=True, exist_ok=True)
        probe = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
        probe.mkdir()
        probe.rmdir()
    except OSError as error:
        raise OutputError(f"cannot write beside '{folder.name}': {error.strerror}; choose another --out") from None


def _replaceable(folder: Path) -> bool:
    """Whether `folder` is empty or a bundle, sound or damaged; other software calls files bundle.json too."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return folder.is_dir()
    return _is_bundle(folder)


def read_bundle(folder: Path) -> Contents:
    """Read and check a bundle; raises BundleError with the name of the file at fault."""
    about = _index(folder)
    files = {name: _checked(folder, name, wanted) for name, wanted in about["files"].items()}
    try:
        values = json.loads(files["fitted.json"])
        baselines: dict[str, dict[str, bytes]] = {}
        for name, data in files.items():
            if name.startswith("baseline/"):
                _, member, file = name.split("/")
                baselines.setdefault(member, {})[file] = data
        documents = {n: files[n].decode() for n in ("scores.json", "report.html", "card.md", "methods.md") if n in files}
        return Contents(
            about={k: v for k, v in about.items() if k not in {"files", "seal", "format"}},
            plan=Plan.from_json(files["plan.json"].decode()),
            weights=_arrays(files["weights.safetensors"], "weights.safetensors"),
            state=State(_arrays(files["fitted.safetensors"], "fitted.safetensors"), values),
            baselines=baselines,
            documents=documents,
        )
    except PlanError:
        raise BundleError("plan.json is no plan; the bundle was not written by Osler") from None
    except KeyError as error:
        raise BundleError(f"the bundle lacks {error.args[0]}; it was not written by Osler, or not wholly copied") from None
    except (ValueError, RecursionError) as error:
        raise BundleError(f"the bundle has a file that cannot be read ({type(error).__name__})") from None


def bundle_digest(folder: Path) -> str:
    """Return the seal of a bundle: it changes with any byte of it."""
    return str(_index(folder)["seal"])


def _index(folder: Path) -> dict[str, Any]:
    path = folder / INDEX
    if not folder.is_dir() or not path.is_file():
        raise BundleError(
            f"'{folder.name}' is no bundle: there is no {INDEX} in it; 'osler train … --out {folder.name}' makes one"
        )
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        newer = int(about["format"]) > FORMAT
        sealed = about.get("seal") == _seal({k: v for k, v in about.items() if k != "seal"})
        files = about["files"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BundleError(f"{INDEX} cannot be read: it was changed or was not written by Osler") from None
    if newer:
        raise BundleError(f"the bundle has format {about['format']}, this Osler reads up to {FORMAT}; update Osler")
    if not sealed:
        raise BundleError(f"{INDEX} was changed after it was written; take the bundle again from its source")
    if not isinstance(files, dict) or not all(SAFE_NAME.fullmatch(n) and ".." not in n for n in files):
        raise BundleError(f"{INDEX} lists a file outside the bundle")
    return about


def _checked(folder: Path, name: str, wanted: str) -> bytes:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BundleError(f"{name} is a link out of the bundle; take the bundle again from its source")
    if path.is_symlink() or not path.is_file():
        raise BundleError(f"the bundle lacks {name}; it was not wholly copied")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{name} cannot be read: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != wanted:
        raise BundleError(f"{name} was changed after the bundle was written; take the bundle again from its source")
    return data


def _files(contents: Contents) -> dict[str, bytes]:
    from safetensors.numpy import save

    files = {
        "plan.json": contents.plan.to_json().encode(),
        "weights.safetensors": save({k: _whole(v) for k, v in contents.weights.items()}),
        "fitted.safetensors": save({k: _whole(v) for k, v in contents.state.arrays.items()}),
        "fitted.json": json.dumps(dict(contents.state.values), ensure_ascii=False).encode(),
    }
    files |= {name: text.encode() for name, text in contents.documents.items()}
    return files | {f"baseline/{m}/{n}": data for m, parts in contents.baselines.items() for n, data in parts.items()}


def _whole(array: np.ndarray) -> np.ndarray:
    """Return the array in one piece of memory and in its shape: numpy's own function gives a single number an axis."""
    return np.ascontiguousarray(array).reshape(np.shape(array))


def _arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except SafetensorError:
        raise BundleError(f"{name} is not in the safetensors format") from None


def _seal(about: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _take_place(fresh: Path, folder: Path) -> None:
    """Rename `fresh` to `folder`; an older bundle steps aside first and is removed after."""
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}")
    if folder.exists():
        folder.rename(aside)
    try:
        fresh.rename(folder)
    except OSError:
        if aside.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
