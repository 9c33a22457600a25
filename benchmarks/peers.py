"""Environments for peers that Osler does not depend on: made here when asked for, under `build/peers`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1] / "build" / "peers"


def environment(name: str, *requirements: str) -> Path | None:
    """Return the Python of an environment that holds `requirements`; None, with the reason printed, where it cannot be made."""
    folder = HOME / name
    python = folder / "bin" / "python"
    done = folder / "installed.txt"
    wanted = "\n".join(requirements)
    if done.is_file() and done.read_text() == wanted:
        return python
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True, env=alone)
        words = [str(python), "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(words, check=True, env=alone, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{name} cannot be installed here ({type(error).__name__}); it is left out", file=sys.stderr)
        return None
    done.write_text(wanted)
    return python
