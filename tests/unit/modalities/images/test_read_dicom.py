"""DICOM becomes values in the file's own units, or as it says that they are shown. Golden values: pydicom 3.0.2."""

import numpy as np
import pydicom
import pytest

from osler.core.hashing import word_hash
from osler.modalities.images.case import MARKS
from tests.unit.modalities.images.conftest import DICOM, photo


def test_ct_is_kept_in_hounsfield_units(folder):
    name = folder.put("ct", (DICOM / "CT_small.dcm").read_bytes())  # a name without an ending
    decisions, columns = folder.columns(name)
    theirs = pydicom.dcmread(DICOM / "CT_small.dcm")
    assert (decisions["dtype"].value, decisions["window"].value, decisions["pad"].value) == ("int16", None, -1024)
    np.testing.assert_array_equal(columns["pixels"][0, 0], theirs.pixel_array.astype(int) - 1024)


def test_a_window_in_the_file_is_applied(folder):
    decisions, columns = folder.columns(folder.put("mr.dcm", (DICOM / "MR_small.dcm").read_bytes()))
    theirs = pydicom.dcmread(DICOM / "MR_small.dcm")
    assert (theirs.WindowCenter, theirs.WindowWidth) == (600, 1600)
    values = np.clip((theirs.pixel_array - (600 - 0.5)) / (1600 - 1) + 0.5, 0, 1)  # PS3.3, C.11.2.1.2.1
    assert (decisions["dtype"].value, decisions["window"].value) == ("uint16", "file")
    np.testing.assert_allclose(columns["pixels"][0, 0] / 65535, values, atol=1e-4)


def test_a_window_of_the_user_is_applied(folder):
    pixels = folder.pixels(folder.put("ct.dcm", (DICOM / "CT_small.dcm").read_bytes()), window=[40, 400], dtype="uint8")
    values = pydicom.dcmread(DICOM / "CT_small.dcm").pixel_array.astype(float) - 1024
    np.testing.assert_allclose(pixels[0, 0], np.clip((values - 40) / 400 + 0.5, 0, 1) * 255, atol=0.51)  # rounded


@pytest.mark.parametrize("other", ["MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "MR_small_jp2klossless"])
def test_every_way_of_writing_gives_the_same_picture(folder, other):
    if other.endswith("jp2klossless"):
        pytest.importorskip("openjpeg")
    names = [folder.put(f"{n}.dcm", (DICOM / f"{n}.dcm").read_bytes()) for n in ("MR_small", other)]
    first, second = folder.pixels(*names)
    np.testing.assert_array_equal(first, second)


def test_white_for_low_values_is_turned(folder):
    dataset = pydicom.dcmread(DICOM / "MR_small.dcm")
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.save_as(folder.path / "one.dcm")
    plain, turned = folder.pixels(folder.put("two.dcm", (DICOM / "MR_small.dcm").read_bytes()), "one.dcm")
    np.testing.assert_allclose(plain.astype(int) + turned, 65535, atol=1)


def test_colours_of_every_kind_are_rgb(folder):
    names = ["SC_rgb_dcmtk_+eb+cr", "SC_rgb_dcmtk_+eb+cy+np", "SC_rgb_rle", "SC_ybr_full_422_uncompressed"]
    pixels = folder.pixels(*[folder.put(f"{n}.dcm", (DICOM / f"{n}.dcm").read_bytes()) for n in names])
    assert pixels.shape == (4, 3, 104, 104) or pixels.shape == (4, 3, 100, 100)
    for other in pixels[1:]:
        assert np.abs(other.astype(int) - pixels[0]).mean() < 4  # the same bars of colour, lossy or not


def test_a_palette_is_looked_up(folder):
    pixels = folder.pixels(folder.put("us.dcm", (DICOM / "examples_palette.dcm").read_bytes()), size=[350, 800])
    dataset = pydicom.dcmread(DICOM / "examples_palette.dcm")
    theirs = pydicom.pixels.apply_color_lut(dataset.pixel_array, dataset)
    np.testing.assert_array_equal(pixels[0], (theirs >> 8).transpose(2, 0, 1))


def test_patient_and_scanner_are_hashes(folder):
    names = [folder.put(f"{n}.dcm", (DICOM / f"{n}.dcm").read_bytes()) for n in ("CT_small", "MR_small")]
    names.append(folder.put("a.png", photo()))
    columns = folder.columns(*names, bits="any", window=None)[1]
    marks = dict(zip(MARKS, np.asarray(columns["hashes"]).T, strict=True))
    assert marks["patient"].tolist() == [word_hash("patient 1CT1"), word_hash("patient 4MR1"), 0]
    assert len(set(marks["scanner"].tolist())) == 3
    assert marks["scanner"][2] == 0


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("rtplan", "no_pixels: column 'scan': the DICOM file holds no picture"),
        ("test-SR", "no_pixels"),
        ("examples_ybr_color", "several: column 'scan': the DICOM file holds several frames"),
        ("MR_truncated", "damaged: column 'scan': the picture is cut off"),
        ("image_dfl", "packing: column 'scan': the DICOM file is deflated as a whole"),
        ("JPGExtended", "compression: column 'scan': the pixels are compressed as JPEG Extended"),
        ("badVR", "damaged: column 'scan'"),
        ("SC_rgb_small_odd", "small: column 'scan': the picture has a side of fewer than 4 pixels"),
    ],
)
def test_what_cannot_be_read_says_why(folder, file, reason):
    refusal = folder.refusal(folder.put("bad.dcm", (DICOM / f"{file}.dcm").read_bytes()))
    assert reason in str(refusal)


def test_a_compressed_frame_larger_than_it_says_is_refused(folder):
    dataset = pydicom.dcmread(DICOM / "SC_rgb_jpeg_dcmtk.dcm")
    dataset.Rows = 50
    dataset.save_as(folder.path / "bad.dcm")
    assert "axes: column 'scan': the compressed picture has another size" in str(folder.refusal("bad.dcm"))


def test_a_dicom_without_a_window_among_those_with_one_is_refused(folder):
    dataset = pydicom.dcmread(DICOM / "MR_small.dcm")
    del dataset.WindowCenter
    dataset.save_as(folder.path / "bare.dcm")
    name = folder.put("mr.dcm", (DICOM / "MR_small.dcm").read_bytes())
    assert "window" in str(folder.columns(name, "bare.dcm", window="file")[1].refusals[1])
    assert folder.columns(name, "bare.dcm")[0]["window"].value is None


def test_jpeg_ls_is_read_and_another_size_inside_it_is_refused(folder):
    pytest.importorskip("jpeg_ls")
    content = (DICOM / "MR_small_jpeg_ls_lossless.dcm").read_bytes()
    plain, packed = folder.pixels(
        *[folder.put(f"{n}.dcm", (DICOM / f"{n}.dcm").read_bytes()) for n in ("MR_small", "MR_small_jpeg_ls_lossless")]
    )
    np.testing.assert_array_equal(plain, packed)
    at = content.index(b"\xff\xf7") + 5  # rows and columns of the frame's own header
    bad = content[:at] + b"\xff\xff\xff\xff" + content[at + 4 :]
    refusal = folder.refusal(folder.put("bad.dcm", bad))
    assert (refusal.code, refusal.sentence) == ("axes", "the compressed picture has another size than the header says")
