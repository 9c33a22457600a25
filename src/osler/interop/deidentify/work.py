"""The work of one file of a folder: from its place in the source to its place in the result, or to the reason why it has none."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from osler.core.disk import whole
from osler.core.errors import OslerError, OutputError, RequestError, RunError
from osler.interop.deidentify.kinds import kind_of
from osler.interop.deidentify.options import Options
from osler.interop.deidentify.outcome import Uncleanable
from osler.interop.deidentify.pseudonym import Key


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the file `source`: `output` in the result, or the `code` of the reason why there is none.

    Both paths are relative, with slashes. `done` holds (attribute, action, times).
    """

    source: str
    output: str = ""
    code: str = ""
    kind: str = ""
    warnings: tuple[str, ...] = ()
    done: tuple[tuple[str, str, int], ...] = ()

    def told(self) -> dict[str, Any]:
        """Return what JSON can hold of it."""
        return asdict(self)


def remembered(told: dict[str, Any]) -> Outcome:
    """Return the outcome that `told` gave."""
    done = tuple((str(name), str(action), int(times)) for name, action, times in told["done"])
    return Outcome(**{**told, "warnings": tuple(told["warnings"]), "done": done})


@dataclass(frozen=True, slots=True)
class Work:
    """Cleans files of the folder `home` into the folder `out`; it can be sent to another process."""

    home: Path
    out: Path
    key: Key
    options: Options
    keep_names: bool = False

    def __call__(self, names: tuple[str, ...]) -> list[Outcome]:
        """Return what became of each file; raises OutputError, RequestError or RunError where the result cannot be written."""
        return [self.one(name) for name in names]

    def one(self, name: str) -> Outcome:
        """Return what became of one file."""
        source = self.home / name
        try:
            kind = kind_of(source)
            output = self.place(name, kind.ending)
            account = self._written(kind.clean, source, output)
        except Uncleanable as reason:
            return Outcome(name, code=reason.code)
        except MemoryError:
            return Outcome(name, code="large")
        except OSError:
            return Outcome(name, code="unreadable")
        done = tuple((what, action, times) for (what, action), times in sorted(account.done.items()))
        return Outcome(name, output, kind=kind.name, warnings=tuple(sorted(account.warnings)), done=done)

    def place(self, name: str, ending: str) -> str:
        """Return where the file `name` goes: under its own name, or one that the key draws, in folders drawn alike."""
        if self.keep_names:
            return name
        parts = PurePosixPath(name).parts
        folders = [self.key.code("folder", "/".join(parts[: depth + 1])).lower() for depth in range(len(parts) - 1)]
        return "/".join([*folders, self.key.code("file", name).lower() + ending])

    def _written(self, clean: Any, source: Path, output: str) -> Any:
        target = self.out / output
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole(target) as temporary:
                return clean(source, temporary, key=self.key, options=self.options)
        except (OutputError, RequestError, RunError) as error:
            raise type(error)(_nameless(error, target, self.out)) from None


def _nameless(error: OslerError, target: Path, out: Path) -> str:
    """Return the error's words with the folder in place of the file, whose name may be a person's."""
    return str(error).replace(str(target.parent), str(out)).replace(str(target), str(out)).replace(f"/{target.name}", "")
