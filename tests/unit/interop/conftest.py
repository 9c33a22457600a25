"""The real files that tests of de-identification read."""

from pathlib import Path

import pytest

from osler.interop.deidentify import Key

pytest.importorskip("pydicom", reason="pydicom comes with osler[images]")


@pytest.fixture(autouse=True)
def _outspoken_readers():
    """Pydicom warns of what the planted values are: too long, or of other signs than their representation has."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="session")
def key():
    return Key(b"a secret of the tests, never used elsewhere")


@pytest.fixture(scope="session")
def collection():
    """The DICOM files that lie inside pydicom, by name."""
    import pydicom

    folder = Path(pydicom.__file__).parent / "data"
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.endswith((".py", ".pyc")))
    assert len(files) > 150
    return files
