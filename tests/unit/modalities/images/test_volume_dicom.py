"""DICOM series and files of several frames: sorted by position, in the file's unit, where SimpleITK 2.5.7 and pydicom 3.0.2 see them."""

import collections
import dataclasses
import shutil
import warnings

import numpy as np
import pydicom
import pytest

from osler.core.hashing import word_hash
from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import files_of, header_of, load_volume
from osler.modalities.images.read.volume.dicom.general import picture as general
from osler.modalities.images.read.volume.dicom.picture import picture_of
from osler.modalities.images.read.volume.dicom.scan import scanned
from tests.unit.modalities.images.conftest import DICOM
from tests.unit.modalities.images.volume_files import (
    blank,
    enhanced,
    oblique,
    ramp,
    saved,
    series_of_itk,
    slices_of,
    with_pixels,
)

FINE = 1e-4  # millimetres
SERIES = ["11-T1post-18670", "11_HCropVolume", "26401-T1prereg-52906", "36468-FLAIRreg-58706", "37830-T2reg-78532"]


def both(path, **options):
    """Return the volume, its header having said the same."""
    header, volume = header_of(str(path), **options), load_volume(str(path), **options)
    assert header.shape == volume.values.shape[1:]
    assert (header.channels, header.dtype) == (len(volume.values), str(volume.values.dtype))
    assert (header.modality, header.geometry) == (volume.modality, volume.geometry)
    np.testing.assert_array_equal(header.affine, volume.affine)
    return volume


def refused(path, code, **options):
    """Return the sentence with which both header and volume are refused."""
    with pytest.raises(Unusable) as first:
        header_of(str(path), **options)
    with pytest.raises(Unusable) as second:
        load_volume(str(path), **options)
    assert (first.value.code, first.value.sentence) == (second.value.code, second.value.sentence)
    assert first.value.code == code
    return first.value.sentence


# series ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERIES)
def test_real_series_are_as_simpleitk_reads_them(data, name):
    folder = data / "images" / "brain_dicom" / name
    volume, (theirs, affine) = both(folder), series_of_itk(folder)
    np.testing.assert_allclose(volume.affine, affine, atol=FINE)
    np.testing.assert_array_equal(volume.values[0], theirs)
    assert (volume.modality, volume.geometry) == ("MR", True)
    one = pydicom.dcmread(files_of(str(folder))[0])
    assert volume.patient == word_hash(f"patient {one.PatientID}")


def test_identifying_fields_are_named_and_never_quoted(data):
    header = header_of(str(data / "images" / "brain_dicom" / SERIES[0]))
    assert {"PatientName", "PatientID"} <= set(header.identifying)
    one = pydicom.dcmread(next((data / "images" / "brain_dicom" / SERIES[0]).iterdir()))
    assert str(one.PatientID) not in repr(header)


@pytest.mark.parametrize("name", SERIES)
def test_the_quick_reader_of_headers_says_what_pydicom_says(data, name):
    for path in sorted((data / "images" / "brain_dicom" / name).iterdir()):
        quick = scanned(path.read_bytes()[: 1 << 16])
        with path.open("rb") as stream:
            slow = general(stream, path=str(path))
        mine = picture_of(quick.texts, path=str(path), identifying=quick.identifying)
        mine = dataclasses.replace(mine, offset=quick.offset, length=quick.length)
        assert set(mine.identifying) == set(slow.identifying)
        for field in set(mine.__slots__) - {"identifying"}:
            assert getattr(mine, field) == getattr(slow, field), field
        assert quick.length == len(pydicom.dcmread(path).PixelData)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8", "int32"])
def test_oblique_and_flipped_series(tmp_path, mirrored, dtype):
    affine = oblique(mirrored=mirrored)
    values = ramp((7, 5, 6), dtype, start=1)
    volume = both(saved(tmp_path / "s", slices_of(values, affine)))
    if mirrored:  # k runs along the normal of the slices, whatever wrote them: the same voxels in the same places
        affine, values = affine @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 5], [0, 0, 0, 1]]), values[:, :, ::-1]
    np.testing.assert_allclose(volume.affine, affine, atol=FINE)
    np.testing.assert_array_equal(volume.values[0], values)
    theirs, their_affine = series_of_itk(tmp_path / "s")
    np.testing.assert_allclose(volume.affine, their_affine, atol=FINE)
    np.testing.assert_array_equal(volume.values[0], theirs)


def test_a_tilted_gantry_gives_a_sheared_affine(tmp_path):
    affine = oblique(0.0)
    affine[:3, 2] += [0, 0.6, 0]
    volume = both(saved(tmp_path / "s", slices_of(ramp(), affine)))
    np.testing.assert_allclose(volume.affine, affine, atol=FINE)


@pytest.mark.parametrize(
    ("dtype", "stored", "slope", "intercept", "expected"),
    [
        ("uint16", 12, 1, -1024, "int16"),  # most CTs
        ("int16", 16, 1, 0, "int16"),
        ("int16", 16, 1, -1024, "int32"),
        ("uint16", 16, 1, 0, "uint16"),
        ("uint16", 12, 2, 3, "int16"),
        ("uint16", 12, 0.5, 0, "float32"),
        ("uint16", 12, 1, -0.5, "float32"),
        ("uint8", 8, 1, 0, "uint8"),
        ("int16", 12, 3, 5, "int16"),
        ("uint16", 12, -1, 0, "int16"),
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_values_are_in_the_files_unit(tmp_path, dtype, stored, slope, intercept, expected, photometric):
    values = ramp((7, 5, 6), dtype, start=-20 if dtype == "int16" else 1)
    options = {"stored": stored, "slope": slope, "intercept": intercept, "photometric": photometric}
    volume = both(saved(tmp_path / "s", slices_of(values, oblique(), **options)))
    wanted = values.astype(float) * slope + intercept
    if photometric == "MONOCHROME1":
        low = -(1 << (stored - 1)) if dtype == "int16" else 0
        wanted = (2 * low + (1 << stored) - 1) * slope + 2 * intercept - wanted
    np.testing.assert_allclose(volume.values[0], wanted, rtol=1e-6)
    assert volume.values.dtype == expected


def test_a_slope_of_each_slice_counts(tmp_path):
    datasets = list(slices_of(ramp(start=1), oblique()))
    for k, dataset in enumerate(datasets):
        dataset.RescaleSlope = 0.5 + k
    volume = both(saved(tmp_path / "s", datasets))
    np.testing.assert_allclose(volume.values[0], ramp(start=1) * (0.5 + np.arange(6)), rtol=1e-6)


def test_bits_beside_those_in_use_do_not_count(tmp_path):
    """Twelve bits with a sign, and an overlay in the four above: as pydicom gives them."""
    values = np.array([[-5, 2047, -2048], [0, 1, -1]], np.int16)
    dataset = with_pixels(blank(), (values & 0x0FFF | 0x7000).astype(np.int16), stored=12)
    dataset.save_as(tmp_path / "a.dcm")
    np.testing.assert_array_equal(load_volume(str(tmp_path / "a.dcm")).values[0], values)


def test_headers_longer_than_what_is_read_at_first(tmp_path):
    datasets = list(slices_of(ramp(), oblique()))
    for dataset in datasets:
        dataset.add_new(0x00291010, "OB", bytes(100_000))
        inner = pydicom.Dataset()
        inner.ReferencedSOPInstanceUID = "1.2.3"
        dataset.ReferencedImageSequence = [inner, inner]
        dataset["ReferencedImageSequence"].is_undefined_length = True
    np.testing.assert_array_equal(both(saved(tmp_path / "s", datasets)).values[0], ramp())


# what is no single stack ------------------------------------------------------------------------------------------------


def test_a_missing_slice_is_said(data, tmp_path):
    real = data / "images" / "brain_dicom" / SERIES[0]
    names = sorted(p.name for p in real.iterdir())
    assert "1 slices of the series are missing" in refused(
        shutil.copytree(real, tmp_path / "a", ignore=lambda *_: [names[3]]), "gap"
    )
    shutil.copytree(real, tmp_path / "b", ignore=lambda *_: [names[3], names[7], names[8]])
    assert "3 slices of the series are missing" in refused(tmp_path / "b", "gap")


def test_uneven_spacing_is_said_and_rounding_is_not(tmp_path):
    for off, fine in ((0.004, True), (0.4, False)):
        datasets = list(slices_of(ramp(), np.diag([1.0, 1.0, 1.25, 1.0])))
        datasets[2].ImagePositionPatient[2] += off
        folder = saved(tmp_path / str(off), datasets)
        if fine:
            np.testing.assert_array_equal(both(folder).values[0], ramp())
        else:
            assert "unevenly spaced, 0.85 to 1.65 mm" in refused(folder, "gap")


def test_a_copy_of_a_slice_counts_once_and_another_slice_there_is_refused(data, tmp_path):
    real = data / "images" / "brain_dicom" / SERIES[1]
    folder = shutil.copytree(real, tmp_path / "a")
    one = sorted(folder.iterdir())[4]
    shutil.copy(one, folder / "again.dcm")
    np.testing.assert_array_equal(both(folder).values, load_volume(str(real)).values)
    dataset = pydicom.dcmread(one)
    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(folder / "again.dcm")
    assert "1 images of the series lie where another one lies" in refused(folder, "duplicates")


def test_several_times_in_one_series_are_refused(tmp_path):
    datasets = [*slices_of(ramp(), oblique()), *slices_of(ramp(start=99), oblique())]
    assert "2 images lie at every position" in refused(saved(tmp_path / "s", datasets), "time")


def test_two_series_in_a_folder_ask_which(tmp_path):
    first, second = list(slices_of(ramp(), oblique())), list(slices_of(ramp(start=50), oblique()))
    for dataset in second:
        dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.SeriesDescription = "1.2.4", 5, "Bone"
    folder = saved(tmp_path / "s", [*first, *second])
    assert "holds 2 series; say which" in refused(folder, "series")
    for name in ("1.2.4", "5", "bone", " Bone "):
        np.testing.assert_array_equal(both(folder, series=name).values[0], ramp(start=50))
    np.testing.assert_array_equal(both(folder, series="thin axial").values[0], ramp())
    assert "none of the folder's series" in refused(folder, "series", series="lung")
    for dataset in second:
        dataset.SeriesDescription = "thin axial"
    assert "2 of the folder's series" in refused(saved(tmp_path / "t", [*first, *second]), "series", series="thin axial")


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"Rows": 4, "PixelData": bytes(56)}, "mixed", "differ in size"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, 1]}, "mixed", "different directions"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "geometry", "not at right angles"),
        ({"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]}, "geometry", "not of length 1"),
        ({"PixelSpacing": [0.8, 0.9]}, "mixed", "the spacing of their pixels"),
        ({"PixelSpacing": [0, 0]}, "geometry", "a spacing of zero"),
        ({"PixelSpacing": None}, "mixed", "some slices of the series name their spacing"),
        ({"ImagePositionPatient": None}, "mixed", "some slices of the series say where they lie"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "mixed", "how their pixels are stored"),
        ({"Modality": "PT"}, "mixed", "how their pixels are stored"),
        ({"PatientID": "P18"}, "patient", "different patients"),
        ({"RescaleSlope": 0}, "units", "a slope of 0"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer", "among the slices"),
        ({"SamplesPerPixel": 2}, "colours", "a kind that is not read"),
        ({"BitsStored": 17}, "depth", "contradicts itself"),
        ({"SeriesInstanceUID": "1.2.9"}, "series", "holds 2 series"),
    ],
)
def test_slices_that_do_not_belong_together_are_refused(tmp_path, change, code, message):
    datasets = list(slices_of(ramp(), np.diag([0.7, 0.9, 2.5, 1.0])))
    for keyword, value in change.items():
        if value is None:
            del datasets[2][keyword]
        else:
            setattr(datasets[2], keyword, value)
    assert message in refused(saved(tmp_path / "s", datasets), code)


def test_a_slice_moved_aside_is_refused(tmp_path):
    datasets = list(slices_of(ramp(), np.diag([0.7, 0.9, 2.5, 1.0])))
    datasets[2].ImagePositionPatient[0] += 5
    assert "do not lie on one line" in refused(saved(tmp_path / "s", datasets), "gap")


@pytest.mark.parametrize(("text", "code"), [("nan", "geometry"), ("1e400", "geometry"), ("x", "geometry"), ("1\\2", "geometry")])
def test_positions_that_are_no_numbers_are_refused(tmp_path, text, code):
    folder = saved(tmp_path / "s", slices_of(ramp(), np.diag([1.0, 1.0, 2.5, 1.0])))
    path = min(folder.iterdir())
    content = path.read_bytes()
    at = content.index(b"\x20\x00\x32\x00DS") + 6
    length = int.from_bytes(content[at : at + 2], "little")
    path.write_bytes(content[: at + 2] + text.encode().ljust(length) + content[at + 2 + length :])
    assert "ImagePositionPatient" in refused(folder, code)


# folders --------------------------------------------------------------------------------------------------------------


def test_what_is_no_dicom_beside_a_series_is_passed_over(data, tmp_path):
    folder = shutil.copytree(data / "images" / "brain_dicom" / SERIES[1], tmp_path / "a")
    for name in ("README.txt", "notes", ".DS_Store", "DICOMDIR"):
        (folder / name).write_text("not a picture")
    shutil.copy(DICOM / "reportsi.dcm", folder)
    (folder / "inner").mkdir()
    assert both(folder).values.shape == (1, 34, 50, 40)
    assert [p.rpartition("/")[2] for p in files_of(str(folder))][-2:] == ["notes", "reportsi.dcm"]
    (folder / "broken.dcm").write_bytes(b"not a picture")
    assert "a file of the folder cannot be used" in refused(folder, "format")


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_not(tmp_path):
    folder = saved(tmp_path / "s", slices_of(ramp(), oblique()))
    (folder / "again.dcm").symlink_to(folder / "0000.dcm")
    np.testing.assert_array_equal(both(folder).values[0], ramp())
    shutil.move(folder / "0001.dcm", tmp_path / "a.dcm")
    (folder / "0001.dcm").symlink_to(tmp_path / "a.dcm")
    assert "leads out of it" in refused(folder, "outside")


def test_folders_without_a_series_are_refused(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert "name the one that holds the series" in refused(tmp_path / "a", "no_dicom")
    assert refused(tmp_path / "a" / "b", "no_dicom") == "the folder holds no DICOM file"
    (tmp_path / "a" / "b" / "notes").write_text("nothing")
    assert "with a picture" in refused(tmp_path / "a" / "b", "no_dicom")
    refused(tmp_path / "nowhere", "no_file")


def test_pixels_that_are_cut_off_are_refused(data, tmp_path):
    folder = shutil.copytree(data / "images" / "brain_dicom" / SERIES[0], tmp_path / "a")
    path = sorted(folder.iterdir())[5]
    path.write_bytes(path.read_bytes()[:-1000])
    header_of(str(folder))
    with pytest.raises(Unusable, match="cut off"):
        load_volume(str(folder))


def test_a_length_of_pixels_that_is_too_small_is_refused(tmp_path):
    dataset = with_pixels(blank(), ramp((6, 5)))
    dataset.PixelData = dataset.PixelData[:-10]
    dataset.DataSetTrailingPadding = bytes(100)  # which is no pixels, though it lies where they would
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(Unusable, match="cut off"):
        load_volume(str(tmp_path / "a.dcm"))


def test_a_claim_of_many_gigabytes_is_refused(tmp_path):
    dataset = with_pixels(blank(), ramp((6, 5)))
    dataset.Rows = dataset.Columns = 65535
    dataset.save_as(tmp_path / "a.dcm")
    assert "4 GiB" in refused(tmp_path / "a.dcm", "large")
    dataset = enhanced(ramp(), oblique())
    dataset.Rows, dataset.Columns = 60000, 60000
    dataset.save_as(tmp_path / "b.dcm")
    assert "4 GiB" in refused(tmp_path / "b.dcm", "large")


# several frames ---------------------------------------------------------------------------------------------------------


def test_an_enhanced_object_is_sorted_and_scaled_by_frame(tmp_path):
    slopes = np.arange(1, 7) / 4
    for name, wanted, given in (("a", ramp(start=1), None), ("b", ramp(start=1) * slopes, slopes)):
        enhanced(ramp(start=1), oblique(), slopes=given).save_as(tmp_path / f"{name}.dcm")
        volume = both(tmp_path / f"{name}.dcm")
        np.testing.assert_allclose(volume.values[0], wanted, rtol=1e-6)
        np.testing.assert_allclose(volume.affine, oblique(), atol=FINE)
        assert (volume.geometry, volume.modality) == (True, "MR")


@pytest.mark.parametrize("syntax", ["ImplicitVRLittleEndian", "ExplicitVRLittleEndian", "ExplicitVRBigEndian", "RLELossless"])
def test_an_enhanced_object_in_every_way_of_writing(tmp_path, syntax):
    dataset = enhanced(ramp(), oblique())
    if syntax == "RLELossless":
        dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    elif syntax == "ExplicitVRBigEndian":
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(both(tmp_path / "a.dcm").values[0], ramp())


def test_frames_that_are_cut_off_are_refused(tmp_path):
    enhanced(ramp(), oblique()).save_as(tmp_path / "a.dcm")
    (tmp_path / "a.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:-20])
    header_of(str(tmp_path / "a.dcm"))
    with pytest.raises(Unusable, match="cut off"):
        load_volume(str(tmp_path / "a.dcm"))


def test_frames_that_lie_at_one_place_are_refused(tmp_path):
    dataset = enhanced(ramp(), oblique())
    for frame in dataset.PerFrameFunctionalGroupsSequence:
        frame.PlanePositionSequence[0].ImagePositionPatient = [0, 0, 0]
    dataset.save_as(tmp_path / "a.dcm")
    assert "6 images lie at every position" in refused(tmp_path / "a.dcm", "time")


def test_a_dose_has_its_frames_where_it_says(tmp_path):
    volume, dataset = both(DICOM / "rtdose.dcm"), pydicom.dcmread(DICOM / "rtdose.dcm")
    np.testing.assert_allclose(volume.values[0], dataset.pixel_array.T * float(dataset.DoseGridScaling), rtol=1e-6)
    step = dataset.GridFrameOffsetVector[1] - dataset.GridFrameOffsetVector[0]
    np.testing.assert_allclose(np.linalg.norm(volume.affine[:3, :3], axis=0), [*dataset.PixelSpacing[::-1], abs(step)])
    np.testing.assert_allclose(volume.affine[:3, 3], np.array(dataset.ImagePositionPatient) * (-1, -1, 1))


def test_a_nuclear_tomogram_lies_where_its_detector_says(tmp_path):
    dataset = with_pixels(blank(pydicom.uid.NuclearMedicineImageStorage, "NM"), ramp((6, 5, 7)))
    dataset.NumberOfFrames, dataset.ImageType = 6, ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    dataset.PixelSpacing, dataset.SliceThickness, dataset.SpacingBetweenSlices = [4, 4], 4, -4.5
    detector = pydicom.Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = [-10, -20, 30], [1, 0, 0, 0, 1, 0]
    dataset.DetectorInformationSequence = [detector]
    dataset.save_as(tmp_path / "a.dcm")
    volume = both(tmp_path / "a.dcm")
    np.testing.assert_allclose(volume.affine, [[-4, 0, 0, 10], [0, -4, 0, 20], [0, 0, 4.5, 30 - 5 * 4.5], [0, 0, 0, 1]])
    np.testing.assert_array_equal(volume.values[0], ramp((6, 5, 7))[::-1].T)  # the last frame is the lowest


def test_a_film_of_ultrasound_has_frames_and_no_geometry():
    volume = both(DICOM / "examples_ybr_color.dcm")
    theirs = pydicom.dcmread(DICOM / "examples_ybr_color.dcm").pixel_array
    np.testing.assert_array_equal(volume.values, theirs.transpose(3, 2, 1, 0))
    assert not volume.geometry
    np.testing.assert_array_equal(volume.affine, np.eye(4))


# pydicom's whole collection -------------------------------------------------------------------------------------------

READ, REFUSED = 85, {"no_pixels": 72, "format": 11, "damaged": 4, "compression": 2, "axes": 1, "packing": 1}  # pydicom 3.0.2


def measured(dataset):
    """Return pydicom's own values (frames, rows, columns[, 3]) in the unit that the file names."""
    values = dataset.pixel_array
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        values = pydicom.pixels.apply_color_lut(values, dataset)[..., :3]
    elif int(dataset.get("SamplesPerPixel", 1)) == 1:
        values = pydicom.pixels.apply_modality_lut(values, dataset) * float(dataset.get("DoseGridScaling") or 1)
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            span = pydicom.pixels.apply_modality_lut(np.array([0, (1 << dataset.BitsStored) - 1]), dataset)
            values = span.sum() - values
    frames = int(dataset.get("NumberOfFrames") or 1)
    return np.asarray(values).reshape(frames, dataset.Rows, dataset.Columns, -1)


def test_pydicoms_whole_collection_is_read_or_refused_with_a_reason():
    codes = collections.Counter()
    for path in sorted(p for p in DICOM.rglob("*") if p.is_file()):
        try:
            volume = both(path)
        except Unusable as fault:
            codes[fault.code if fault.sentence else "without a reason"] += 1
            continue
        codes["read"] += 1
        if path.name == "SC_rgb_jpeg_gdcm.dcm":  # pydicom has no decoder of its own: see test_volume_lossless
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = measured(pydicom.dcmread(path))
        mine = volume.values if volume.values.ndim == 4 else volume.values.transpose(0, 2, 1)[..., None]
        np.testing.assert_allclose(mine.transpose(3, 2, 1, 0), theirs, rtol=1e-5, err_msg=path.name)
    assert codes.pop("read") == READ
    assert dict(codes) == REFUSED


@pytest.mark.parametrize(
    "name", ["MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless"]
)
def test_every_way_of_writing_gives_the_same_volume(name):
    one, other = both(DICOM / "MR_small.dcm"), both(DICOM / f"{name}.dcm")
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.affine, other.affine)
    assert (one.patient, one.scanner) == (other.patient, other.scanner)


def test_a_single_picture_lies_where_simpleitk_sees_it():
    import SimpleITK

    from tests.unit.modalities.images.volume_files import of_itk

    volume = both(DICOM / "CT_small.dcm")
    theirs, affine = of_itk(SimpleITK.ReadImage(DICOM / "CT_small.dcm"))  # (column, row, 1)
    np.testing.assert_array_equal(volume.values[0].T, theirs[..., 0])
    np.testing.assert_allclose(volume.affine[:, [1, 0, 3]], affine[:, [0, 1, 3]], atol=FINE)
