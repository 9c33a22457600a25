"""What all tests share: the real data, where there are any."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data():
    """Folder of real data sets: OSLER_DATA, else `../shared/data` beside the repository. It is read, never written."""
    folder = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("real data are not here: set OSLER_DATA to their folder")
    return folder
