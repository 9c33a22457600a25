"""Values that lie in another file than their header: in the same folder, or nowhere."""

from __future__ import annotations

from pathlib import Path

from osler.modalities.images.read.content import Unusable


def beside(file: str, name: str) -> str:
    """Return the path of `name` in the folder of `file`; raises Unusable for a name that leads elsewhere."""
    plain = name.removeprefix("./")
    if plain in {"", ".", ".."} or any(sign in plain for sign in "/\\\0"):
        raise _outside()
    folder = Path(file).parent
    path = folder / plain
    if path.resolve().parent != folder.resolve():  # a link to elsewhere is elsewhere
        raise _outside()
    return str(path)


def _outside() -> Unusable:
    return Unusable("outside", "the header names a data file in another folder; put it beside the header")
