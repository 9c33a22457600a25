"""A folder that holds the files of a data set in place of its home, checked by the official sums or by a list of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from osler.core.errors import RequestError
from osler.datasets.download import file_sum
from osler.datasets.registry import Collection, SourceFile

SUMS = "SHA256SUMS"  # as the tool sha256sum writes it; PhysioNet adds ".txt"


def parsed_sums(text: str) -> Mapping[str, str]:
    """Return the sha256, in lower-case hexadecimal, of each name in a list as `sha256sum` writes it."""
    lines = (line.partition(" ") for line in text.splitlines())
    return {name.strip().lstrip("*"): digest.lower() for digest, _, name in lines}


def mirrored(collection: Collection, mirror: Path) -> tuple[dict[str, Path], str]:
    """Return each file's path in the folder `mirror`, checked, and what is to be said of them.

    Raises RequestError with all files that are missing or differ from what they should be.
    """
    homes = (mirror / collection.mirrored, mirror)
    sums = {path.resolve(): digest for folder in homes for path, digest in _listed(folder)}
    found: dict[str, Path] = {}
    faults, others = [], []
    for file in collection.files:
        path = next((p for home in homes for p in (home / file.name, home / f"{file.name}.gz") if p.is_file()), None)
        if path is None:
            faults.append(f"'{file.name}' is not in {mirror}")
            continue
        found[file.name] = path
        digest = _digest(path, faults)
        if file.sha256 and digest == file.sha256:
            continue
        if sums.get(path.resolve()) == digest:
            others += [path.name] if file.sha256 else []
        elif digest:
            faults.append(_fault(file, path, listed=path.resolve() in sums))
    if faults:
        shown = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
        raise RequestError(f"{shown}; fetch the mirror again, or name none, and the files are fetched from {collection.address}")
    return found, _note(others)


def _listed(folder: Path) -> Iterator[tuple[Path, str]]:
    for name in (SUMS, f"{SUMS}.txt"):
        try:
            text = (folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        yield from ((folder / file, digest) for file, digest in parsed_sums(text).items())


def _digest(path: Path, faults: list[str]) -> str:
    try:
        return file_sum(path, "sha256")
    except OSError as error:
        faults.append(f"'{path.name}' cannot be read: {error.strerror}")
        return ""


def _fault(file: SourceFile, path: Path, *, listed: bool) -> str:
    if listed:
        return f"'{path.name}' is not what the mirror's {SUMS} says"
    known = "is not the official file, and" if file.sha256 else "cannot be checked:"
    return f"'{path.name}' {known} no {SUMS} beside it lists it"


def _note(others: list[str]) -> str:
    if not others:
        return ""
    names = ", ".join(f"'{name}'" for name in others)
    return (
        f"{names} of the mirror: as the mirror's {SUMS} says, but packed anew or changed since the official file: "
        "figures need not agree with published ones."
    )
