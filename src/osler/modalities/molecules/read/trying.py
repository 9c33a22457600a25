"""The process in which a molecule is tried (see `trial`): it answers each line with a line, and ends with its parent."""

from __future__ import annotations

import contextlib
import json
import sys


def main() -> None:
    """Read cells as JSON, compute all that is known of each, and say when it is done."""
    from osler.core.errors import Refused
    from osler.modalities.molecules.encode import encode, fingerprint
    from osler.modalities.molecules.read.molecule import molecule
    from osler.modalities.molecules.read.parse import chemistry

    chemistry()
    _say("ready")
    for line in sys.stdin:
        cell, reading = json.loads(line)
        with contextlib.suppress(Refused, ValueError, RuntimeError):  # told again where the molecule is read
            case = molecule(cell, column="", reading={**reading, "most_seconds": 0})
            encode(case, reading=reading, roles=frozenset({"input", "baseline", "identity"}))
            fingerprint(case)
        _say("done")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
