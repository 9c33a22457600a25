"""NIfTI, NRRD and MetaImage give the values and the geometry that nibabel 5.4.2 and SimpleITK 2.5.7 give."""

import gzip
import sys
import tracemalloc

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import header_of, load_volume, packing
from tests.unit.modalities.images.volume_files import oblique, of_itk, ramp, to_itk

FINE = 1e-4  # millimetres
HEADS = ["CT_AVM", "CT_pitch", "MR_Gd", "chris_t1", "ct_template_2mm"]  # CT_pitch is sheared: its gantry was tilted


def both(path):
    """Return the volume, its header having said the same."""
    header, volume = header_of(str(path)), load_volume(str(path))
    assert header.shape == volume.values.shape[1:]
    assert (header.channels, header.dtype) == (len(volume.values), str(volume.values.dtype))
    assert volume.values.dtype.isnative
    assert volume.values.flags.writeable
    np.testing.assert_array_equal(header.affine, volume.affine)
    return volume


@pytest.mark.parametrize("name", HEADS)
def test_heads_are_as_nibabel_and_simpleitk_read_them(data, name):
    path = data / "images" / "heads" / f"{name}.nii.gz"
    volume, theirs = both(path), nib.load(path)
    np.testing.assert_allclose(volume.affine, theirs.affine, atol=FINE)
    wanted = theirs.get_fdata(dtype=np.float32)
    assert np.abs(volume.values[0] - wanted).max() <= 1e-6 * np.abs(wanted).max()
    np.testing.assert_allclose(volume.affine, of_itk(SimpleITK.ReadImage(path))[1], atol=FINE)


def test_every_hippocampus_is_as_nibabel_reads_it(data):
    paths = sorted((data / "images" / "hippocampus").glob("*/*.nii.gz"))
    assert len(paths) == 400
    for path in paths[::10]:
        volume, theirs = both(path), nib.load(path)
        np.testing.assert_allclose(volume.affine, theirs.affine, atol=FINE)
        np.testing.assert_array_equal(volume.values[0], np.asarray(theirs.dataobj))


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_both_versions_and_byte_orders(tmp_path, kind, order, ending):
    path = tmp_path / f"a{ending}"
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.dtype(f"{order}i2"))
    nib.save(kind(ramp(), oblique(), header), path)
    volume = both(path)
    np.testing.assert_array_equal(volume.values[0], ramp())
    np.testing.assert_allclose(volume.affine, oblique(), atol=FINE)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("codes", [(0, 1), (1, 0), (1, 1), (2, 4), (0, 0)])
def test_qform_and_sform_count_as_in_nibabel(tmp_path, codes, mirrored):
    image = nib.Nifti1Image(ramp(), None)
    image.header.set_zooms((0.7, 0.9, 2.5))
    image.set_qform(oblique(0.4, mirrored=mirrored), code=codes[0])
    image.set_sform(oblique(0.3, mirrored=mirrored), code=codes[1])
    nib.save(image, tmp_path / "a.nii")
    np.testing.assert_allclose(both(tmp_path / "a.nii").affine, nib.load(tmp_path / "a.nii").affine, atol=FINE)


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [((1, 0), "int16"), ((2, -100), "int32"), ((0.5, 3), "float32"), ((0, 7), "int16"), ((np.nan, 0), "int16")],
)
def test_values_are_rescaled_and_whole_numbers_stay_whole(tmp_path, scale, dtype):
    image = nib.Nifti1Image(ramp(), np.eye(4))
    image.header.set_slope_inter(1, 0)
    nib.save(image, tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    content[112:120] = np.array(scale, "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(content)
    volume = both(tmp_path / "a.nii")
    assert volume.values.dtype == dtype
    np.testing.assert_allclose(volume.values[0], np.asarray(nib.load(tmp_path / "a.nii").dataobj), rtol=1e-6)


def test_metres_and_micrometres_are_millimetres(tmp_path):
    for unit, factor in (("meter", 1000), ("micron", 0.001), ("mm", 1), ("unknown", 1)):
        image = nib.Nifti1Image(ramp(), np.diag([0.5, 0.5, 0.5, 1]))
        image.header.set_xyzt_units(unit)
        nib.save(image, tmp_path / "a.nii")
        np.testing.assert_allclose(both(tmp_path / "a.nii").affine, np.diag([*[0.5 * factor] * 3, 1]))


def test_a_fourth_axis_and_colours_are_channels(tmp_path):
    values = ramp((4, 5, 6, 3))
    nib.save(nib.Nifti1Image(values, oblique()), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(both(tmp_path / "a.nii.gz").values, np.moveaxis(values, -1, 0))
    colour = np.zeros((4, 5, 6), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    for channel, name in enumerate("RGB"):
        colour[name] = ramp((4, 5, 6), np.uint8, channel)
    nib.save(nib.Nifti1Image(colour, oblique()), tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(both(tmp_path / "b.nii.gz").values, np.stack([colour[name] for name in "RGB"]))


def test_packed_in_several_members(tmp_path):
    nib.save(nib.Nifti1Image(ramp(), oblique()), tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    for cut in (100, 349, 400, 500):
        (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content[:cut]) + gzip.compress(content[cut:]))
        np.testing.assert_array_equal(both(tmp_path / "b.nii.gz").values[0], ramp())


def test_a_picture_has_two_axes(tmp_path):
    nib.save(nib.Nifti1Image(ramp((7, 5)), np.eye(4)), tmp_path / "a.nii")
    np.testing.assert_array_equal(both(tmp_path / "a.nii").values[0], ramp((7, 5)))


def test_header_fields_that_may_name_a_person_are_told(tmp_path):
    image = nib.Nifti1Image(ramp(), np.eye(4))
    nib.save(image, tmp_path / "a.nii")
    assert header_of(str(tmp_path / "a.nii")).identifying == ()
    image.header["descrip"], image.header["db_name"] = b"Jane Doe", b"ward 3"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Jane Doe"))
    nib.save(image, tmp_path / "b.nii.gz")
    assert header_of(str(tmp_path / "b.nii.gz")).identifying == ("descrip", "db_name", "extensions")


# NRRD and MetaImage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_what_simpleitk_writes_is_what_is_read(tmp_path, ending, packed, mirrored, dtype):
    path = tmp_path / f"a{ending}"
    affine = oblique(mirrored=mirrored)
    SimpleITK.WriteImage(to_itk(ramp(dtype=dtype, start=2), affine), path, useCompression=packed)
    volume = both(path)
    np.testing.assert_allclose(volume.affine, affine, atol=FINE)
    np.testing.assert_array_equal(volume.values[0], ramp(dtype=dtype, start=2))
    assert volume.values.dtype == ("float32" if dtype == "float64" else dtype)


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_vectors_and_pictures(tmp_path, ending):
    vectors = SimpleITK.JoinSeries([to_itk(ramp(), oblique())] * 2)
    several = SimpleITK.Compose(to_itk(ramp(), oblique()), to_itk(ramp(start=9), oblique()))
    SimpleITK.WriteImage(several, tmp_path / f"a{ending}")
    volume = both(tmp_path / f"a{ending}")
    np.testing.assert_array_equal(volume.values, [ramp(), ramp(start=9)])
    np.testing.assert_allclose(volume.affine, oblique(), atol=FINE)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(ramp((5, 7))), tmp_path / f"b{ending}")
    np.testing.assert_array_equal(both(tmp_path / f"b{ending}").values[0], ramp((5, 7)).T)
    if ending == ".mha":
        SimpleITK.WriteImage(vectors, tmp_path / "c.mha")
        np.testing.assert_array_equal(both(tmp_path / "c.mha").values, [ramp(), ramp()])


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_a_real_head_survives_the_way(data, tmp_path, ending):
    image = SimpleITK.ReadImage(data / "images" / "heads" / "ct_template_2mm.nii.gz")
    SimpleITK.WriteImage(image, tmp_path / f"a{ending}", useCompression=True)
    there, back = load_volume(str(data / "images" / "heads" / "ct_template_2mm.nii.gz")), both(tmp_path / f"a{ending}")
    np.testing.assert_allclose(back.affine, there.affine, atol=FINE)
    np.testing.assert_allclose(back.values, there.values, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
        ("LPS", (-1, -1, 1)),
    ],
)
def test_spaces_of_nrrd(tmp_path, space, signs):
    header = f"NRRD0004\ntype: uint8\ndimension: 3\nspace: {space}\nsizes: 2 3 4\nspace directions: (2,0,0) (0,3,0) (0,0,4)\n"
    header += "kinds: domain domain domain\nencoding: raw\nspace origin: (10,20,30)\nPatient:=Jane Doe\n\n"
    (tmp_path / "a.nrrd").write_bytes(header.encode() + bytes(range(24)))
    volume = both(tmp_path / "a.nrrd")
    np.testing.assert_array_equal(
        volume.affine, np.diag([*signs, 1]) @ [[2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]]
    )
    assert header_of(str(tmp_path / "a.nrrd")).identifying == ("Patient",)


# refused --------------------------------------------------------------------------------------------------------------


def nifti(path, **fields):
    """Write a NIfTI-1 file and change fields of its header, by name, to raw bytes at their place."""
    nib.save(nib.Nifti1Image(ramp(), oblique()), path)
    content = bytearray(path.read_bytes())
    for place, packed in fields.values():
        content[place : place + len(packed)] = packed
    path.write_bytes(content)
    return str(path)


def i2(*values):
    return np.array(values, "<i2").tobytes()


def f4(*values):
    return np.array(values, "<f4").tobytes()


@pytest.mark.parametrize(
    ("field", "code", "message"),
    [
        ((40, i2(3, 32767, 32767, 10)), "large", "more than 4 GiB"),  # 20 GiB of int16
        ((40, i2(3, 7, 5, 7)), "damaged", "fewer voxels than its header says"),
        ((40, i2(3, 7, -5, 6)), "axes", "without voxels"),
        ((40, i2(1, 210, 1, 1)), "axes", "a line of values"),
        ((40, i2(0)), "axes", "without voxels"),
        ((40, i2(4, 7, 5, 1, 33)), "time", "a series of 33 volumes"),
        ((40, i2(5, 7, 5, 2, 2, 2)), "axes", "more than four axes"),
        ((70, i2(32)), "values", "code 32"),
        ((108, f4(np.nan)), "damaged", "where the voxels begin"),
        ((108, f4(1e6)), "damaged", "fewer voxels"),
        ((280, f4(0, 0, 0)), "geometry", "a spacing of zero|same direction"),
        ((280, f4(np.nan)), "geometry", "no numbers"),
        ((280, f4(np.inf)), "geometry", "no numbers"),
        ((280, f4(1e9)), "geometry", "over 10 m"),
        ((344, b"ni1\0"), "pair", r"save both as one file, \.nii\.gz"),
        ((344, b"\0\0\0\0"), "format", "Analyze"),
    ],
)
def test_headers_that_cannot_be_are_refused(tmp_path, field, code, message):
    path = nifti(tmp_path / "a.nii", one=field)
    with pytest.raises(Unusable, match=message) as caught:
        load_volume(path)
    assert caught.value.code == code


def test_a_rotation_that_is_none_is_refused(tmp_path):
    path = nifti(tmp_path / "a.nii", codes=(252, i2(1, 0)), quaternion=(256, f4(0.9, 0.9, 0.9)))
    with pytest.raises(Unusable, match="quaternion"):
        header_of(path)


def test_values_that_are_no_numbers_are_refused(tmp_path):
    values = ramp(dtype=np.float32)
    values[2, 2, 2] = np.nan
    nib.save(nib.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    assert header_of(str(tmp_path / "a.nii")).dtype == "float32"
    with pytest.raises(Unusable, match="NaN"):
        load_volume(str(tmp_path / "a.nii"))


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = nifti(tmp_path / "a.nii", dim=(40, i2(3, 1024, 1024, 1024)))
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes()))
    for path in (bomb, str(tmp_path / "a.nii.gz")):
        with pytest.raises(Unusable, match="fewer voxels"):
            load_volume(path)


def test_what_follows_the_values_is_not_unpacked(tmp_path):
    nib.save(nib.Nifti1Image(ramp(), oblique()), tmp_path / "a.nii")
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes() + bytes(100_000_000)))
    load_volume(str(tmp_path / "a.nii.gz"))
    tracemalloc.start()
    try:
        np.testing.assert_array_equal(load_volume(str(tmp_path / "a.nii.gz")).values[0], ramp())
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("given", [1 << 20, 333, 7])
@pytest.mark.parametrize("without", [False, True])
def test_many_pieces_with_and_without_isal(tmp_path, monkeypatch, without, given):
    if without:
        monkeypatch.setitem(sys.modules, "isal", None)
    values = ramp((64, 64, 40))
    nib.save(nib.Nifti1Image(values, oblique()), tmp_path / "a.nii")
    content = (tmp_path / "a.nii").read_bytes()
    pieces = [gzip.compress(content[at : at + 1000]) for at in range(0, len(content), 1000)]
    for name, packed in (
        ("a", b"".join(pieces)),
        ("b", gzip.compress(content)),
        ("c", b"".join(pieces) + gzip.compress(b"") * 3),
    ):
        (tmp_path / f"{name}.nii.gz").write_bytes(packed)
        np.testing.assert_array_equal(load_volume(str(tmp_path / f"{name}.nii.gz")).values[0], values)
    monkeypatch.setattr(packing, "MOST_MEMBERS", 100)
    with pytest.raises(Unusable, match="more than 100 pieces"):
        load_volume(str(tmp_path / "a.nii.gz"))


@pytest.mark.parametrize("without", [False, True])
def test_damage_inside_a_packed_file_is_seen(data, tmp_path, monkeypatch, without):
    if without:
        monkeypatch.setitem(sys.modules, "isal", None)
    content = bytearray((data / "images" / "hippocampus" / "images" / "hippocampus_003.nii.gz").read_bytes())
    for at, given in ((len(content) - 6, 1 << 20), (len(content) - 6, len(content) - 8), (len(content) // 2, 1 << 20)):
        monkeypatch.setattr(packing, "_GIVEN", given)  # the checksum may come with the last values, or after them
        changed = bytearray(content)
        changed[at] ^= 0x10
        (tmp_path / "a.nii.gz").write_bytes(changed)
        with pytest.raises(Unusable, match=r"damaged|fewer voxels"):
            load_volume(str(tmp_path / "a.nii.gz"))
    (tmp_path / "a.nii.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(Unusable, match="fewer voxels"):
        load_volume(str(tmp_path / "a.nii.gz"))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("a.raw", "../a.raw"), "outside", "in another folder"),
        (("a.raw", "/etc/hostname"), "outside", "in another folder"),
        (("a.raw", "b.raw"), "no_file", "no file is there"),
        (("a.raw", "LIST"), "format", "a list of files"),
        (("MET_SHORT", "MET_FOO"), "values", "a type that is not read"),
        (("DimSize = 7 5 6", "DimSize = 7 5"), "axes", "contradicts itself"),
        (("DimSize = 7 5 6", "DimSize = 60000 60000 60000"), "large", "more than 4 GiB"),
        (("DimSize = 7 5 6", "DimSize = 7 5 7"), "damaged", "fewer voxels"),
        (("DimSize = 7 5 6", "DimSize = 7 5 x"), "damaged", "'DimSize'"),
        (("ElementSpacing = ", "ElementSpacing = 0 0 0 \nX = "), "geometry", "spacing of zero"),
        (("ElementDataFile = a.raw", ""), "damaged", "does not end"),
    ],
)
def test_metaimage_headers_that_cannot_be_are_refused(tmp_path, change, code, message):
    SimpleITK.WriteImage(to_itk(ramp(), np.diag([1.0, 1.0, 2.0, 1.0])), tmp_path / "a.mhd")
    text = (tmp_path / "a.mhd").read_text()
    assert change[0] in text
    (tmp_path / "a.mhd").write_text(text.replace(*change))
    with pytest.raises(Unusable, match=message) as caught:
        load_volume(str(tmp_path / "a.mhd"))
    assert caught.value.code == code


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    SimpleITK.WriteImage(to_itk(ramp(), np.eye(4)), tmp_path / "in" / "a.mhd")
    (tmp_path / "in" / "a.raw").rename(tmp_path / "a.raw")
    (tmp_path / "in" / "a.raw").symlink_to(tmp_path / "a.raw")
    with pytest.raises(Unusable, match="in another folder"):
        load_volume(str(tmp_path / "in" / "a.mhd"))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (("encoding: raw", "encoding: bzip2"), "packing", "bzip2"),
        (("type: short", "type: block"), "values", "a type that is not read"),
        (("sizes: 7 5 6", "sizes: 7 5 -6"), "axes", "without voxels"),
        (("sizes: 7 5 6", "sizes: 7 5 60000000"), "large", "a side over"),
        (("dimension: 3", "dimension: 4"), "axes", "contradicts itself"),
        (("space directions: (", "space directions: none ("), "damaged", "one direction for each axis"),
        (("space: left-posterior-superior", "space: scanner-xyz"), "geometry", "a space that is not known"),
        (("endian: little", "endian: middle"), "damaged", "byte order"),
    ],
)
def test_nrrd_headers_that_cannot_be_are_refused(tmp_path, change, code, message):
    SimpleITK.WriteImage(to_itk(ramp(), np.diag([1.0, 1.0, 2.0, 1.0])), tmp_path / "a.nrrd")
    content = (tmp_path / "a.nrrd").read_bytes()
    assert change[0].encode() in content
    (tmp_path / "a.nrrd").write_bytes(content.replace(change[0].encode(), change[1].encode()))
    with pytest.raises(Unusable, match=message) as caught:
        load_volume(str(tmp_path / "a.nrrd"))
    assert caught.value.code == code
