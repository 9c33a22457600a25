"""Mutated real files: each becomes a picture or a refusal; no traceback, no warning, bounded memory.

The quick part runs always; the whole, of MUTANTS files, is marked slow: `python -m pytest -m slow tests/unit/modalities/images`.
"""

import contextlib
import json
import logging
import resource
import struct

import numpy as np
import pytest

from osler.core.errors import Refused
from osler.modalities.images.case import ImageFiles
from osler.modalities.images.read import quiet, read, reading
from tests.unit.modalities.images.conftest import DICOM, encoded, photo

QUICK, MUTANTS = 500, 10_000
MOST_MEMORY = 1 << 20  # KiB above the start: a picture of 64 million pixels may be decoded, and brought to float32
SETTINGS = [
    {"size": [32, 32], "bits": "any"},
    {"size": [64, 48], "bits": "any", "channels": 3, "dtype": "uint16", "fit": "pad"},
    {"size": [40, 40], "bits": "any", "dtype": "int16", "window": [40, 400]},
]
SIZES = [0, 1, 2, 7, 255, 256, 8191, 32768, 50_000, 65535, 2**31 - 1, 2**32 - 1]


def seeds(folder):
    """Return real files of every kind: DICOM as it comes with pydicom, MedNIST and PneumoniaMNIST where they are."""
    small = [p for p in sorted(DICOM.glob("*.dcm")) if p.stat().st_size < 200_000]
    found = [path.read_bytes() for path in small]
    pictures = [photo(), np.stack([photo(seed=k) for k in range(3)], axis=-1), photo().astype(np.uint16) * 200]
    if folder is not None:
        found += [p.read_bytes() for p in sorted((folder / "images" / "mednist").rglob("*.jpeg"))[::150]]
        pictures += list(np.load(folder / "images" / "pneumoniamnist.npz", allow_pickle=False)["train_images"][:8])
    for picture in pictures:
        found += [encoded(picture, kind) for kind in ("PNG", "TIFF")]
        if picture.dtype == np.uint8:
            found += [
                encoded(picture, "JPEG", progressive=True),
                encoded(picture, "BMP"),
                encoded(picture, "TIFF", compression="tiff_lzw"),
            ]
            found.append(encoded(picture, "TIFF", compression="jpeg"))
    return found


def mutated(content, generator):
    """Return the bytes with a few faults of the kinds that disks, networks and hostile hands make."""
    data = bytearray(content)
    for _ in range(generator.integers(1, 5)):
        kind, at = generator.integers(0, 7), int(generator.integers(0, max(1, min(len(data), 10 ** generator.integers(2, 7)))))
        if kind == 0:
            data[at : at + 1] = bytes([generator.integers(0, 256)])
        elif kind == 1:
            data[at : at + 1] = bytes([data[at] ^ (1 << int(generator.integers(0, 8)))]) if at < len(data) else b""
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + int(generator.integers(1, 200))]
        elif kind == 4:
            data[at:at] = generator.bytes(int(generator.integers(1, 50)))
        elif kind == 5:
            order = "<>"[generator.integers(0, 2)]
            width = "HI"[generator.integers(0, 2)]
            most = 0xFFFF if width == "H" else 0xFFFFFFFF
            packed = struct.pack(order + width, min(SIZES[generator.integers(0, len(SIZES))], most))
            data[at : at + len(packed)] = packed
        else:
            data[at:at] = data[: int(generator.integers(1, 300))]
        data = data or bytearray(b"\0")
    return bytes(data)


def fuzz(folder, files, *, count, seed=0):
    """Read `count` mutants; return how many were read and refused, by code."""
    generator = np.random.default_rng(seed)
    path = folder / "mutant"
    plain = ImageFiles((str(path),), ("scan",))
    path.write_bytes(encoded(photo(), "PNG"))
    decided = [{d.name: d.value for d in reading([plain], settings=s)} for s in SETTINGS]
    codes = {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with quiet():
        for number in range(count):
            path.write_bytes(mutated(files[number % len(files)], generator))
            values = decided[number % len(decided)]
            try:
                found = read(plain, reading=values)
                code = "read"
                assert found.pixels.shape == (values["channels"], *values["size"])
                assert found.pixels.dtype == values["dtype"]
            except Refused as refused:
                code = refused.refusal.code
            codes[code] = codes.get(code, 0) + 1
            if number % 10 == 0:
                reading([plain], settings={})
    return codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


@pytest.fixture
def real(request):
    with contextlib.suppress(pytest.skip.Exception):
        return request.getfixturevalue("data")


@pytest.mark.parametrize("count", [QUICK, pytest.param(MUTANTS, marks=pytest.mark.slow)])
def test_mutated_files_are_read_or_refused(tmp_path, real, capfd, caplog, count):
    with caplog.at_level(logging.WARNING):
        codes, memory = fuzz(tmp_path, seeds(real), count=count, seed=count)
    told = capfd.readouterr()
    (tmp_path / "codes.json").write_text(json.dumps({"memory MiB": memory // 1024, **codes}))
    assert sum(codes.values()) == count
    assert codes["read"] > count / 20  # faults that do no harm
    assert codes["damaged"] > count / 20
    assert memory < MOST_MEMORY
    assert (told.out, told.err, caplog.text) == ("", "", "")
