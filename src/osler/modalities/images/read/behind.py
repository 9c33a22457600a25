"""What is behind the locators of cases: every file that is read for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from osler.modalities.images.case import ImageFiles
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import files_of


def digest(locators: Sequence[Any], *, file_digest: Callable[[Path], str]) -> str:
    """Return the digests of the files of each case, a line each; a folder's files stand for it, with their names."""
    lines = []
    for locator in locators:
        if not isinstance(locator, ImageFiles):
            lines.append("")
            continue
        paths = [path for path in (*locator.paths, *locator.masks) if path]
        lines.append(",".join(_digest(path, file_digest=file_digest) for path in paths))
    return "\n".join(lines)


def _digest(path: str, *, file_digest: Callable[[Path], str]) -> str:
    try:
        files = files_of(path)
    except Unusable as fault:
        return f"{fault.code} {path}" if Path(path).is_dir() else file_digest(Path(path))
    if files == (path,):
        return file_digest(Path(path))
    return json.dumps([[Path(file).name, file_digest(Path(file))] for file in files])
