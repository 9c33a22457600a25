"""Masks lie on their image's grid or are refused; what is written comes back, in nibabel and SimpleITK too."""

import nibabel as nib
import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest
import SimpleITK

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import files_of, header_of, is_volume_name, load_mask, load_volume, write_mask
from tests.unit.modalities.images.volume_files import oblique, of_itk, ramp, saved, slices_of, to_itk

GRID = (7, 5, 6)
LABELS = ramp(GRID, np.uint8, start=0) % 4


def stored(path, labels=LABELS, affine=None, dtype=np.uint8):
    nib.save(nib.Nifti1Image(labels.astype(dtype), oblique() if affine is None else affine), path)
    return str(path)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int64", "float32", "float64"])
def test_labels_of_every_type_are_bytes(tmp_path, dtype):
    content = nib.Nifti1Image(LABELS.astype(dtype), oblique(), dtype=dtype)
    nib.save(content, tmp_path / "a.nii.gz")
    found = load_mask(str(tmp_path / "a.nii.gz"), like=GRID, affine=oblique())
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, LABELS[None])


def test_real_masks_lie_on_their_images(data):
    folder = data / "images" / "hippocampus"
    for path in sorted((folder / "labels").iterdir())[::20]:
        image = header_of(str(folder / "images" / path.name))
        found = load_mask(str(path), like=image.shape, affine=image.affine)
        np.testing.assert_array_equal(found[0], np.asarray(nib.load(path).dataobj))
        assert set(np.unique(found)) == {0, 1, 2}


def test_several_layers_of_labels_are_channels(tmp_path):
    layers = np.stack([LABELS > 0, LABELS > 1], axis=-1)
    found = load_mask(stored(tmp_path / "a.nii", layers), like=GRID, affine=oblique())
    np.testing.assert_array_equal(found, np.moveaxis(layers, -1, 0))


@pytest.mark.parametrize(
    ("labels", "dtype", "message"),
    [
        (LABELS + 0.5, np.float32, "not whole"),
        (LABELS - 1.0, np.int16, "negative"),
        (LABELS + 253.0, np.int16, "above 255"),
        (LABELS * np.nan, np.float32, "NaN"),
    ],
)
def test_what_no_label_is_is_refused(tmp_path, labels, dtype, message):
    with pytest.raises(Unusable, match=message):
        load_mask(stored(tmp_path / "a.nii", labels, dtype=dtype), like=GRID, affine=oblique())


def test_unlabelled_voxels_stay_so(tmp_path):
    labels = np.where(LABELS == 3, 255, LABELS)
    np.testing.assert_array_equal(load_mask(stored(tmp_path / "a.nii", labels), like=GRID, affine=oblique())[0], labels)
    only = np.where(LABELS == 3, 255, 0)  # in a volume 0 and 255 are background and unlabelled, not black and white
    np.testing.assert_array_equal(load_mask(stored(tmp_path / "b.nii", only), like=GRID, affine=oblique())[0], only)


# the grid -------------------------------------------------------------------------------------------------------------


def test_another_grid_is_refused(tmp_path):
    path = stored(tmp_path / "a.nii")
    with pytest.raises(Unusable, match="has 7 × 5 × 6 voxels and the image 7 × 5 × 7"):
        load_mask(path, like=(7, 5, 7), affine=oblique())
    with pytest.raises(Unusable, match="has 7 × 5 × 6 voxels and the image 7 × 5"):
        load_mask(path, like=(7, 5), affine=np.eye(4))
    with pytest.raises(Unusable, match="lies elsewhere"):
        load_mask(path, like=GRID, affine=oblique(0.31))
    for off, fine in ((0.009, True), (0.012, False)):
        moved = oblique()
        moved[0, 3] += off
        if fine:
            load_mask(path, like=GRID, affine=moved)
        else:
            with pytest.raises(Unusable, match="another affine"):
                load_mask(path, like=GRID, affine=moved)


def test_an_image_without_geometry_takes_a_mask_of_its_shape(tmp_path):
    path = stored(tmp_path / "a.nii")
    np.testing.assert_array_equal(load_mask(path, like=GRID, affine=np.eye(4))[0], LABELS)


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("reversed_axes", [(), (0,), (1, 2), (0, 1, 2)])
def test_a_mask_whose_axes_are_stored_otherwise_is_turned(tmp_path, axes, reversed_axes):
    image = nib.Nifti1Image(LABELS, oblique())
    directions = [[axis, -1 if axis in reversed_axes else 1] for axis in axes]
    turned = image.as_reoriented(np.array(directions, float))
    assert not np.array_equal(turned.affine, image.affine) or (axes == (0, 1, 2) and not reversed_axes)
    nib.save(turned, tmp_path / "a.nii")
    np.testing.assert_array_equal(load_mask(str(tmp_path / "a.nii"), like=GRID, affine=oblique())[0], LABELS)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_mask_that_itk_writes_for_a_series_fits_it(tmp_path, ending):
    folder = saved(tmp_path / "s", slices_of(ramp(GRID, start=0), oblique()))
    SimpleITK.WriteImage(to_itk(LABELS, oblique()), tmp_path / f"a{ending}")
    image = header_of(str(folder))
    found = load_mask(str(tmp_path / f"a{ending}"), like=image.shape, affine=image.affine)
    np.testing.assert_array_equal(found[0], LABELS)


def test_a_mask_of_one_slice_fits_its_picture(tmp_path):
    """ITK has (column, row, 1), and a single DICOM picture (row, column)."""
    folder = saved(tmp_path / "s", slices_of(ramp((7, 5, 1)), oblique()))
    SimpleITK.WriteImage(to_itk(LABELS[:, :, :1], oblique()), tmp_path / "a.nii.gz")
    image = header_of(str(folder))
    assert image.shape == (5, 7)
    found = load_mask(str(tmp_path / "a.nii.gz"), like=image.shape, affine=image.affine)
    np.testing.assert_array_equal(found[0], LABELS[:, :, 0].T)


# pictures -------------------------------------------------------------------------------------------------------------


def test_masks_as_pictures(tmp_path):
    grey = LABELS[:, :, 0]
    palette = PIL.Image.fromarray(grey)
    palette.putpalette([*range(0, 255, 3), *range(171)])
    variants = {
        "grey.png": PIL.Image.fromarray(grey),
        "wide.png": PIL.Image.fromarray(grey.astype(np.uint16)),
        "colour.png": PIL.Image.fromarray(np.stack([grey] * 3, axis=-1)),
        "palette.png": palette,
        "page.tif": PIL.Image.fromarray(grey),
        "b.bmp": PIL.Image.fromarray(grey),
    }
    assert palette.mode == "P"
    for name, image in variants.items():
        image.save(tmp_path / name)
        found = load_mask(str(tmp_path / name), like=grey.shape, affine=np.eye(4))
        np.testing.assert_array_equal(found, grey[None], err_msg=name)


def test_black_and_white_becomes_no_and_yes(tmp_path):
    grey = np.where(LABELS[:, :, 0] > 1, 255, 0).astype(np.uint8)
    for name, image in (("a.png", PIL.Image.fromarray(grey)), ("b.png", PIL.Image.fromarray(grey > 0))):
        image.save(tmp_path / name)
        np.testing.assert_array_equal(load_mask(str(tmp_path / name), like=grey.shape, affine=np.eye(4))[0], grey > 0)


def test_pictures_that_are_no_masks_are_refused(tmp_path):
    grey = ramp((9, 8), np.uint8, start=0)
    PIL.Image.fromarray(grey).save(tmp_path / "a.jpg")
    with pytest.raises(Unusable, match="JPEG, which changes labels"):
        load_mask(str(tmp_path / "a.jpg"), like=grey.shape, affine=np.eye(4))
    PIL.Image.fromarray(np.stack([grey, grey, grey + 1], axis=-1)).save(tmp_path / "a.png")
    with pytest.raises(Unusable, match="has colours"):
        load_mask(str(tmp_path / "a.png"), like=grey.shape, affine=np.eye(4))
    PIL.Image.fromarray(grey).save(tmp_path / "c.png")
    with pytest.raises(Unusable, match="has 9 × 8 voxels and the image 8 × 9"):
        load_mask(str(tmp_path / "c.png"), like=(8, 9), affine=np.eye(4))


def test_the_pages_of_a_tiff_are_slices(tmp_path):
    pages = [PIL.Image.fromarray(LABELS[:, :, k].T) for k in range(6)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    volume, header = load_volume(str(tmp_path / "a.tif")), header_of(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(volume.values[0], LABELS)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(tmp_path / "a.tif")).T, LABELS)
    assert (header.shape, header.dtype, header.geometry) == (GRID, "uint8", False)
    pages[3] = pages[3].resize((4, 4))
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(Unusable, match="differ in size or kind"):
        load_volume(str(tmp_path / "b.tif"))


@pytest.mark.parametrize(("mode", "ending", "dtype"), [("L", ".png", "uint8"), ("I;16", ".png", "uint16"), ("I;16B", ".tif", "uint16"),
                                                       ("F", ".tif", "float32"), ("I", ".tif", "int32"), ("RGB", ".jpg", "uint8")])  # fmt: skip
def test_a_picture_is_what_its_header_says(tmp_path, mode, ending, dtype):
    image = PIL.Image.fromarray(ramp((9, 8), np.uint8, start=0))
    image = image.convert(mode) if mode in {"L", "RGB", "F", "I"} else PIL.Image.new(mode, (8, 9), 700)
    image.save(tmp_path / f"a{ending}")
    header, volume = header_of(str(tmp_path / f"a{ending}")), load_volume(str(tmp_path / f"a{ending}"))
    assert (header.shape, header.dtype, header.channels) == ((9, 8), dtype, 3 if mode == "RGB" else 1)
    assert (volume.values.shape, str(volume.values.dtype)) == ((header.channels, 9, 8), dtype)
    if mode != "RGB":
        np.testing.assert_array_equal(volume.values[0], np.asarray(image))


def test_texts_beside_a_picture_are_named(tmp_path):
    image = PIL.Image.fromarray(ramp((9, 8), np.uint8, start=0))
    told = PIL.PngImagePlugin.PngInfo()
    told.add_text("Patient", "Jane Doe")
    image.save(tmp_path / "a.png", pnginfo=told)
    assert header_of(str(tmp_path / "a.png")).identifying == ("Patient",)
    exif = PIL.Image.Exif()
    exif[270] = "Jane Doe"
    for name in ("a.jpg", "a.tif"):
        image.save(tmp_path / name, exif=exif)
        assert header_of(str(tmp_path / name)).identifying == ("ImageDescription",)


# writing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi / 2, np.pi, 3.0])
def test_what_is_written_lies_where_it_belongs(tmp_path, angle, mirrored):
    affine = oblique(angle, mirrored=mirrored)
    write_mask(tmp_path / "a.nii.gz", LABELS, affine=affine)
    found = load_mask(str(tmp_path / "a.nii.gz"), like=GRID, affine=affine)
    np.testing.assert_array_equal(found[0], LABELS)
    theirs = nib.load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(np.asarray(theirs.dataobj), LABELS)
    np.testing.assert_allclose(theirs.get_sform(coded=True)[0], affine, atol=1e-4)
    np.testing.assert_allclose(theirs.get_qform(coded=True)[0], affine, atol=1e-4)
    assert (int(theirs.header["qform_code"]), int(theirs.header["sform_code"])) == (1, 1)
    np.testing.assert_allclose(of_itk(SimpleITK.ReadImage(tmp_path / "a.nii.gz"))[1], affine, atol=1e-4)


def test_a_sheared_grid_keeps_its_sform(data, tmp_path):
    image = header_of(str(data / "images" / "heads" / "CT_pitch.nii.gz"))
    labels = np.zeros(image.shape, np.uint8)
    write_mask(tmp_path / "a.nii.gz", labels, affine=image.affine)
    np.testing.assert_allclose(header_of(str(tmp_path / "a.nii.gz")).affine, image.affine, atol=1e-5)
    assert load_mask(str(tmp_path / "a.nii.gz"), like=image.shape, affine=image.affine).shape == (1, *image.shape)


def test_pictures_are_written_as_png(tmp_path):
    write_mask(tmp_path / "a.png", LABELS[:, :, 0], affine=np.eye(4))
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(tmp_path / "a.png")), LABELS[:, :, 0])
    write_mask(tmp_path / "a.nii.gz", LABELS[:, :, 0], affine=oblique())
    np.testing.assert_array_equal(load_mask(str(tmp_path / "a.nii.gz"), like=(7, 5), affine=oblique())[0], LABELS[:, :, 0])
    with pytest.raises(ValueError, match="two axes"):
        write_mask(tmp_path / "b.png", LABELS, affine=np.eye(4))
    for wrong in (LABELS - 0.5, LABELS + 253.0, LABELS[0, 0]):
        with pytest.raises(ValueError, match="whole numbers"):
            write_mask(tmp_path / "b.nii.gz", wrong, affine=np.eye(4))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nii.gz", "a.png"]


def test_the_same_labels_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_mask(tmp_path / f"{name}.nii.gz", LABELS, affine=oblique())
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


# names ----------------------------------------------------------------------------------------------------------------


def test_files_behind_a_cell(tmp_path):
    for name, expected in (("a.mhd", ["a.mhd", "a.raw"]), ("b.nhdr", ["b.nhdr", "b.raw.gz"]), ("c.mha", ["c.mha"])):
        SimpleITK.WriteImage(to_itk(LABELS, oblique()), tmp_path / name, useCompression=name == "b.nhdr")
        assert files_of(str(tmp_path / name)) == tuple(str(tmp_path / n) for n in expected)
    folder = saved(tmp_path / "s", slices_of(ramp(GRID), oblique()))
    assert files_of(str(folder)) == tuple(str(folder / f"{n:04d}.dcm") for n in range(6))
    with pytest.raises(Unusable, match="no file is there"):
        files_of(str(tmp_path / "nothing.nii.gz"))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        *[(f"a{ending}", True) for ending in (".nii", ".NII.GZ", ".nrrd", ".nhdr", ".mha", ".mhd", ".tif", ".tiff", ".dcm")],
        ("P17/T1post", True), ("P17\\T1", True), ("study/1.2.840.113", True), ("P17/series 4/", True),
        ("a.png", False), ("a.csv", False), ("P17/a.txt", False), ("120/80", False), ("3/4/2020", False), ("n/a", False), ("N/A", False),
        ("https://a.org/b", False), ("benign", False), ("", False),
    ],
)  # fmt: skip
def test_cells_that_name_volumes(cell, expected):
    assert is_volume_name(cell) is expected
