"""What all tests share: the real data, where there are any."""

import os
from pathlib import Path

import pytest

# Tests run side by side on few processors; threads inside a small network or a solver then wait for each other longer than
# they work. Commands that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)  # the groups must stand before pytest-xdist reads them
def pytest_collection_modifyitems(items):
    """Keep the tests of a file on one worker, unless they name a group: what a file trains for all of its tests is trained once."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(ROOT).as_posix()))


@pytest.fixture(scope="session")
def data():
    """Folder of real data sets: OSLER_DATA, else `../shared/data` beside the repository. It is read, never written."""
    folder = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("real data are not here: set OSLER_DATA to their folder")
    return folder
