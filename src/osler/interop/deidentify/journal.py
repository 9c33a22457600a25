"""The journal of a run beside its result: what was done, under which request and key, so that a stopped run goes on as it began.

It lies in OUT.run, readable by its user alone, because it holds the names of the source and the key; it is gone when the run ends.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from osler.core.disk import private_folder, telling, whole
from osler.core.errors import OutputError
from osler.interop.deidentify.pseudonym import Key, fresh_key
from osler.interop.deidentify.work import Outcome, remembered

REQUEST, KEY, LINES = "request.json", "key", "journal.jsonl"


class Journal:
    """The journal of the run that writes `out`. `known` holds what earlier runs did, by the name of the source."""

    def __init__(self, out: Path, *, request: Mapping[str, Any], key: Key | None) -> None:
        """Take up the run that `out` has, or begin one.

        Raises OutputError where `out` holds something, and no unfinished run of the same request wrote it.
        """
        self.folder = out.with_name(f"{out.name}.run")
        told = {**request, "key": key.stamp() if key else ""}
        asked = self.folder / REQUEST
        if asked.exists():
            if asked.read_text(encoding="utf-8") != json.dumps(told):
                raise OutputError(
                    f"'{self.folder.name}' belongs to an unfinished run of another request; repeat that one, or remove"
                    f" '{self.folder.name}' and '{out.name}'"
                )
        elif out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise OutputError(f"'{out}' holds something already; name a folder that is empty or not there yet")
        private_folder(self.folder)
        self.key = key or self._own_key()
        if not asked.exists():
            with whole(asked) as temporary:
                temporary.write_text(json.dumps(told), encoding="utf-8")
        self.known = {outcome.source: outcome for outcome in self._read()}
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        with telling(self.folder / LINES):
            self._stream = (self.folder / LINES).open("a", encoding="utf-8")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream:
            self._stream.close()

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Keep what was done."""
        with telling(self.folder / LINES):
            for outcome in outcomes:
                self.known[outcome.source] = outcome
                if self._stream:
                    self._stream.write(json.dumps(outcome.told()) + "\n")
            if self._stream:
                self._stream.flush()

    def close(self) -> None:
        """Remove the journal, and with it a key that nobody asked to keep."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _own_key(self) -> Key:
        place = self.folder / KEY
        if place.exists():
            return Key(place.read_bytes())
        key = fresh_key()
        with whole(place) as temporary:
            temporary.chmod(0o600)
            temporary.write_bytes(key.secret)
        return key

    def _read(self) -> list[Outcome]:
        place, found = self.folder / LINES, []
        for line in place.read_text(encoding="utf-8").splitlines() if place.exists() else ():
            try:
                found.append(remembered(json.loads(line)))
            except (ValueError, KeyError, TypeError):  # the last line of a run that was killed
                continue
        return found
