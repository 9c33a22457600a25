"""JPEG Lossless: what an encoder written from the standard's words puts in comes out, and what GDCM wrote is what GDCM reads."""

import hashlib
import struct

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import load_volume
from osler.modalities.images.read.volume.dicom.lossless import decoded
from tests.unit.modalities.images.conftest import DICOM
from tests.unit.modalities.images.volume_files import blank, with_pixels

GDCM = "169e619557b12114a7f0be8602026e9abb3d5045804311736ec14cecb026aca9"  # of python-gdcm 3.2.6, by pydicom 3.0.2
SYMBOLS = range(17)  # each has a code of five bits, its own number


def guess(samples, row, column, *, predictor, first, precision):
    """Return the prediction of one sample (T.81, table H.1); `first` is the row that begins after a restart."""
    left = samples[row, column - 1] if column else 0
    above = samples[row - 1, column] if row > first else 0
    corner = samples[row - 1, column - 1] if row > first and column else 0
    if row == first:
        return left if column else 1 << (precision - 1)
    if column == 0:
        return above
    return [
        left,
        above,
        corner,
        left + above - corner,
        left + ((above - corner) >> 1),
        above + ((left - corner) >> 1),
        (left + above) >> 1,
    ][predictor - 1]


def code(difference):
    """Return the bits of one difference (T.81, H.1.2.2): its class, then what of the class it is."""
    wrapped = (difference + (1 << 15)) % (1 << 16) - (1 << 15)
    if wrapped == -(1 << 15):
        return f"{16:05b}"
    size = abs(wrapped).bit_length()
    value = wrapped if wrapped >= 0 else wrapped + (1 << size) - 1
    return f"{size:05b}" + (f"{value:0{size}b}" if size else "")


def encoded(samples, *, predictor, precision=16, every=0):
    """Return the stream of samples (rows, columns, components), with a restart after `every` rows."""
    rows, columns, count = samples.shape
    wide = samples.astype(int)
    parts = []
    for first in range(0, rows, every or rows):
        bits = "".join(
            code(int(wide[r, c, k] - guess(wide[:, :, k], r, c, predictor=predictor, first=first, precision=precision)))
            for r in range(first, min(rows, first + (every or rows)))
            for c in range(columns)
            for k in range(count)
        )
        bits += "1" * (-len(bits) % 8)
        parts.append(int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0"))
    table = bytes([0, 0, 0, 0, 0, len(SYMBOLS), *[0] * 11, *SYMBOLS])
    frame = struct.pack(">BHHB", precision, rows, columns, count) + b"".join(bytes([k + 1, 0x11, 0]) for k in range(count))
    scan = bytes([count, *[x for k in range(count) for x in (k + 1, 0)], predictor, 0, 0])
    segments = [(0xC4, table), (0xC3, frame), *([(0xDD, struct.pack(">H", every * columns))] if every else []), (0xDA, scan)]
    head = b"".join(bytes([0xFF, marker]) + struct.pack(">H", len(part) + 2) + part for marker, part in segments)
    body = b"".join(part + bytes([0xFF, 0xD0 + n % 8]) for n, part in enumerate(parts[:-1])) + parts[-1]
    return b"\xff\xd8" + head + body + b"\xff\xd9"


def picture(shape=(13, 11, 1), bits=16, seed=0):
    """Return smooth samples with jumps over the whole range."""
    generator = np.random.default_rng(seed)
    smooth = np.cumsum(generator.integers(-40, 41, shape), axis=1) + (1 << bits - 1)
    jumps = generator.integers(0, 1 << bits, shape)
    return np.where(generator.random(shape) < 0.1, jumps, smooth % (1 << bits)).astype(np.uint16)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("every", [0, 1, 4])
def test_every_predictor_with_and_without_restarts(predictor, every):
    samples = picture()
    np.testing.assert_array_equal(decoded(encoded(samples, predictor=predictor, every=every)), samples[..., 0])


@pytest.mark.parametrize(("bits", "components"), [(8, 3), (12, 1), (16, 3)])
def test_other_depths_and_colours(bits, components):
    samples = picture((9, 8, components), bits)
    found = decoded(encoded(samples, predictor=1, precision=bits))
    np.testing.assert_array_equal(found.reshape(samples.shape), samples)


def test_the_difference_of_half_the_range():
    samples = np.array([[[0x8000], [0], [0x8000], [0xFFFF], [0x7FFF]]], np.uint16)
    np.testing.assert_array_equal(decoded(encoded(samples, predictor=1))[0], samples[0, :, 0])


def test_what_gdcm_wrote_is_what_gdcm_reads():
    values = load_volume(str(DICOM / "SC_rgb_jpeg_gdcm.dcm")).values
    assert hashlib.sha256(np.ascontiguousarray(values.transpose(1, 2, 0)).tobytes()).hexdigest() == GDCM


@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8"])
def test_a_file_of_signed_pixels(tmp_path, dtype):
    values = (picture()[..., 0] >> 5).astype(dtype) - np.array(500 if dtype == "int16" else 0, dtype)
    stored = 8 if dtype == "uint8" else 12
    dataset = with_pixels(blank(), values, stored=stored)
    samples = values.astype(np.int64) % (1 << stored)
    frame = encoded(samples[..., None].astype(np.uint16), predictor=1, precision=stored)
    dataset.PixelData = encapsulate([frame])
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(tmp_path / "a.dcm")
    np.testing.assert_array_equal(load_volume(str(tmp_path / "a.dcm")).values[0], values)


def test_damaged_streams_are_refused_or_decoded():
    content = encoded(picture(), predictor=1)
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        data = bytearray(content)
        data[int(generator.integers(2, len(data)))] = int(generator.integers(256))
        try:
            decoded(bytes(data[: int(generator.integers(20, len(data)))]) if generator.integers(2) else bytes(data))
        except Unusable as fault:
            refused += fault.code in {"damaged", "compression"}
    assert refused > 100


def test_bits_that_are_no_code_are_refused():
    content = encoded(picture((1, 1, 1)), predictor=1)
    scan = content.index(b"\xff\xda") + 10
    with pytest.raises(Unusable, match="damaged or cut off"):
        decoded(content[:scan] + b"\xff\0" * 100)
