"""What tests of pictures share."""

import io
from pathlib import Path

import numpy as np
import PIL.Image
import pyarrow as pa
import pydicom
import pytest

from osler.core.table import Table
from osler.modalities.images import Images

DICOM = Path(pydicom.__file__).parent / "data" / "test_files"  # real files that come with pydicom


class Folder:
    """A folder of pictures, read as a study would."""

    def __init__(self, path):
        self.path = path
        self.path.mkdir(exist_ok=True)

    def put(self, name, content, **options):
        """Write an array or a Pillow picture in the format of the name's ending, or bytes."""
        target = self.path / name
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            image = PIL.Image.fromarray(content) if isinstance(content, np.ndarray) else content
            image.save(target, **options)
        return name

    def locators(self, *rows, columns=("scan",)):
        cells = {c: [row if isinstance(row, (str, type(None))) else row[k] for row in rows] for k, c in enumerate(columns)}
        return Images().locate(Table(pa.table(cells), self.path), columns=columns)

    def columns(self, *rows, columns=("scan",), **settings):
        """Return the decisions by name and the columns."""
        modality, found = Images(), self.locators(*rows, columns=columns)
        decisions = {d.name: d for d in modality.reading(found, settings=settings)}
        values = {name: d.value for name, d in decisions.items()}
        return decisions, modality.shard(found, reading=values, roles=frozenset({"input", "baseline"}))

    def pixels(self, *rows, **settings):
        """Return the pixels of rows that must all be readable."""
        columns = self.columns(*rows, **settings)[1]
        assert columns.refusals == {}
        return columns["pixels"]

    def refusal(self, name, *, beside=None, **settings):
        """Return the refusal of one file, read beside two good ones."""
        good = self.put("good.png", photo() if beside is None else beside)
        columns = self.columns(good, good, name, **settings)[1]
        assert columns.present.tolist() == [True, True, False]
        return columns.refusals[2]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "pictures")


def photo(height=48, width=64, *, seed=0):
    """Return a smooth grey picture (height, width) uint8 that looks like none of another seed."""
    generator = np.random.default_rng(seed)
    coarse = PIL.Image.fromarray(generator.integers(0, 256, (6, 8), np.uint8))
    return np.asarray(coarse.resize((width, height), PIL.Image.Resampling.BICUBIC))


def encoded(image, kind, **options):
    """Return the bytes of a picture in a format."""
    stream = io.BytesIO()
    (PIL.Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(stream, kind, **options)
    return stream.getvalue()
