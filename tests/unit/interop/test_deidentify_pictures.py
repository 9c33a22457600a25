"""Words leave PNG, JPEG, TIFF, NIfTI, NRRD and MHA; pixels, values and geometry stay as they were, byte for byte."""

import gzip
import io
import random
import struct
import zlib

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import PIL.TiffImagePlugin
import pytest

from osler.core.provenance import Provenance, said_synthetic
from osler.interop.deidentify import Options, Uncleanable, kind_of
from osler.modalities.images.grids.derived.nifti import nifti as derived_nifti
from osler.modalities.images.grids.derived.picture import png as derived_png

MARK = b"QZXWMILLERKJV"
WORD = MARK.decode()
PICTURE = np.random.default_rng(1).integers(0, 255, (37, 41, 3), dtype=np.uint8)


def cleaned(source, key):
    """Return kind, account and the path of the cleaned file."""
    kind = kind_of(source)
    target = source.with_name(f"out{kind.ending}")
    return kind, kind.clean(source, target, key=key, options=Options()), target


def refusal(source, key):
    with pytest.raises(Uncleanable) as caught:
        cleaned(source, key)
    return caught.value.code


def exif(turned=6):
    words = PIL.Image.Exif()
    words[0x0112], words[0x010E], words[0x013B] = turned, WORD, WORD
    words.get_ifd(0x8825)[0x1D] = WORD
    return words


# pictures -------------------------------------------------------------------------------------------------------------


def png(tmp_path, **more):
    words = PIL.PngImagePlugin.PngInfo()
    words.add_text("Patient", WORD)
    words.add_itxt("Wo", WORD, zip=False)
    PIL.Image.fromarray(PICTURE).save(tmp_path / "in.png", pnginfo=words, exif=exif(), icc_profile=MARK * 9, **more)
    source = tmp_path / "in.png"
    source.write_bytes(source.read_bytes() + MARK)
    return source


def test_png_keeps_its_pixels_and_no_word(tmp_path, key):
    source = png(tmp_path)
    assert source.read_bytes().count(MARK) > 3
    kind, account, target = cleaned(source, key)
    assert MARK not in target.read_bytes()
    assert (kind.name, account.done["PNG text, EXIF and profiles", "removed"], account.warnings) == ("PNG", 4, {"unseen"})
    assert (np.asarray(PIL.Image.open(target)) == PICTURE).all()


def test_that_a_picture_is_synthetic_stays_said_and_nothing_else_of_it(tmp_path, key):
    made = Provenance(software=WORD, bundle=WORD, what=WORD)
    (tmp_path / "in.png").write_bytes(derived_png(PICTURE[None, ..., 0], provenance=made))
    (tmp_path / "in.nii.gz").write_bytes(derived_nifti(PICTURE[None, ...], affine=np.eye(4), provenance=made))
    _, account, target = cleaned(tmp_path / "in.png", key)
    assert said_synthetic(PIL.Image.open(target).info)
    assert (MARK not in target.read_bytes(), account.done["PNG text, EXIF and profiles", "removed"]) == (True, 3)
    _, account, target = cleaned(tmp_path / "in.nii.gz", key)
    header = gzip.decompress(target.read_bytes())[:348]
    assert (header[148:228].rstrip(b"\0"), account.done["NIfTI descrip", "emptied"]) == (b"SYNTHETIC", 1)


def test_a_text_that_only_begins_like_the_mark_goes(tmp_path, key):
    words = PIL.PngImagePlugin.PngInfo()
    words.add_text("Source", f"synthetic {WORD}")
    PIL.Image.fromarray(PICTURE).save(tmp_path / "in.png", pnginfo=words)
    assert MARK not in cleaned(tmp_path / "in.png", key)[2].read_bytes()


@pytest.mark.parametrize(("change", "code"), [(lambda d: d[:-40], "truncated"), (lambda d: d[:60] + b"!!" + d[62:], "damaged")])
def test_damaged_png_is_refused(tmp_path, key, change, code):
    PIL.Image.fromarray(PICTURE).save(tmp_path / "in.png")
    (tmp_path / "in.png").write_bytes(change((tmp_path / "in.png").read_bytes()))
    assert refusal(tmp_path / "in.png", key) == code


@pytest.mark.parametrize(
    "how", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=["baseline", "progressive", "restarts"]
)
def test_jpeg_keeps_its_pixels_and_which_side_is_up(tmp_path, key, how):
    source = tmp_path / "in.jpg"
    PIL.Image.fromarray(PICTURE).save(source, exif=exif(), comment=MARK, icc_profile=MARK * 9, **how)
    before = np.asarray(PIL.Image.open(source))
    source.write_bytes(source.read_bytes() + MARK)
    assert source.read_bytes().count(MARK) > 5
    _, account, target = cleaned(source, key)
    assert MARK not in target.read_bytes()
    after = PIL.Image.open(target)
    assert (np.asarray(after) == before).all()
    assert dict(after.getexif()) == {0x0112: 6}
    assert account.done["JPEG EXIF, comments and profiles", "removed"] == 2
    assert account.done["bytes after the picture", "removed"] == 1


def test_real_jpegs_go_through(data, tmp_path, key):
    for path in sorted((data / "images/mednist/ChestCT").glob("*.jpeg"))[:20]:
        target = tmp_path / path.name
        kind_of(path).clean(path, target, key=key, options=Options())
        assert (np.asarray(PIL.Image.open(target)) == np.asarray(PIL.Image.open(path))).all()


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
def test_tiff_keeps_its_pages_and_no_word(tmp_path, key, compression, big):
    source = tmp_path / "in.tif"
    words = PIL.TiffImagePlugin.ImageFileDirectory_v2()
    words[270], words[315], words[65000] = WORD, "M" * 3, WORD
    pages = [PIL.Image.fromarray(PICTURE), PIL.Image.fromarray(PICTURE[::-1].copy())]
    pages[0].save(
        source, save_all=True, append_images=pages[1:], tiffinfo=words, compression=compression, big_tiff=big, exif=None
    )
    before = [np.asarray(page.copy()) for page in frames(source)]
    source.write_bytes(source.read_bytes() + MARK)
    assert MARK in source.read_bytes()
    _, account, target = cleaned(source, key)
    assert MARK not in target.read_bytes()
    after = [np.asarray(page.copy()) for page in frames(target)]
    assert len(after) == len(before) == 2
    assert all((one == other).all() for one, other in zip(before, after, strict=True))
    assert account.done["TIFF descriptions, EXIF and private tags", "removed"] >= 3
    assert PIL.Image.open(target).tag_v2.get(315) is None


def test_tiff_hides_nothing_behind_short_values(tmp_path, key):
    source = tmp_path / "in.tif"
    PIL.Image.fromarray(PICTURE).save(source)
    data = bytearray(source.read_bytes())
    start, count = struct.unpack_from("<I", data, 4)[0], struct.unpack_from("<H", data, struct.unpack_from("<I", data, 4)[0])[0]
    short = [at for at in range(start + 2, start + 2 + 12 * count, 12) if struct.unpack_from("<HI", data, at + 2) == (3, 1)]
    for at in short:
        data[at + 10 : at + 12] = b"QZ"
    source.write_bytes(data)
    _, _, target = cleaned(source, key)
    assert len(short) > 2
    assert target.read_bytes().count(b"QZ") == bytes(data).count(b"QZ") - len(short)
    assert (np.asarray(PIL.Image.open(target)) == PICTURE).all()


def frames(path):
    with PIL.Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            yield image


# volumes --------------------------------------------------------------------------------------------------------------


def nifti(*, large=False, extension=True, order="<"):
    """Return the bytes of a NIfTI file with marks in every text, and its values."""
    values = np.arange(24, dtype=f"{order}i2").reshape(2, 3, 4)
    offset = (540 if large else 348) + 4 + (32 if extension else 0)
    head = bytearray(540 if large else 348)
    dims = (3, 2, 3, 4, 1, 1, 1, 1)
    if large:
        struct.pack_into(f"{order}i8shh8q", head, 0, 540, b"n+2\0\r\n\x1a\n", 4, 16, *dims)
        struct.pack_into(f"{order}q", head, 168, offset)
        texts = ((240, 80), (320, 24), (508, 16), (525, 15))
    else:
        struct.pack_into(f"{order}i", head, 0, 348)
        struct.pack_into(f"{order}8h", head, 40, *dims)
        struct.pack_into(f"{order}hh", head, 70, 4, 16)
        struct.pack_into(f"{order}f", head, 108, offset)
        struct.pack_into(f"{order}4f", head, 280, 1, 0, 0, -7.5)
        head[344:348] = b"n+1\0"
        texts = ((14, 18), (148, 80), (228, 24), (328, 16))
    for start, length in texts:
        head[start : start + length] = (MARK * 7)[:length]
    more = bytes([1, 0, 0, 0]) + struct.pack(f"{order}ii", 32, 6) + (MARK * 2)[:24] if extension else bytes(4)
    return bytes(head) + more + values.tobytes(), values


@pytest.mark.parametrize("large", [False, True], ids=["1", "2"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True], ids=["nii", "nii.gz"])
def test_nifti_keeps_its_values_and_place_and_no_word(tmp_path, key, large, order, packed):
    whole, values = nifti(large=large, order=order)
    source = tmp_path / "in"
    stream = io.BytesIO()
    with gzip.GzipFile(filename=WORD, mode="wb", fileobj=stream) as filed:
        filed.write(whole + MARK)
    source.write_bytes(stream.getvalue() if packed else whole + MARK)
    kind, account, target = cleaned(source, key)
    raw = target.read_bytes()
    assert kind.ending == (".nii.gz" if packed else ".nii")
    assert MARK not in raw
    assert MARK[:9] not in (found := gzip.decompress(raw) if packed else raw)
    assert np.frombuffer(found[544 if large else 352 :], f"{order}i2").tolist() == values.ravel().tolist()
    start = 540 if large else 348
    assert found[start : start + 4] == bytes(4)
    if not large:
        assert found[280:296] == whole[280:296]
        assert found[40:56] == whole[40:56]
    assert account.done["NIfTI extensions", "removed"] == 1
    assert account.done["bytes after the values", "removed"] == 1


def test_real_nifti_keeps_values_and_geometry(data, tmp_path, key):
    paths = [*sorted((data / "images/hippocampus/images").glob("*.nii.gz"))[:4], data / "images/heads/ct_template_2mm.nii.gz"]
    for path in paths:
        target = tmp_path / path.name
        kind_of(path).clean(path, target, key=key, options=Options())
        old, new = gzip.decompress(path.read_bytes()), gzip.decompress(target.read_bytes())
        start = int(struct.unpack_from("<f", old, 108)[0])
        assert new[352:] == old[start:]
        assert new[40:108] == old[40:108]  # dims, type, spacing
        assert new[112:124] == old[112:124]  # scaling
        assert new[252:328] == old[252:328]  # both transforms
        assert new[148:252] == bytes(104)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d[:-1], "truncated"),
        (lambda d: d[:100], "format"),
        (lambda d: d[:344] + b"ni1\0" + d[348:], "two_files"),
        (lambda d: d[:344] + b"\0\0\0\0" + d[348:], "two_files"),
        (lambda d: d[:42] + b"\xff\x7f" * 4 + d[50:], "large"),
        (lambda d: d[:42] + b"\0\0" + d[44:], "damaged"),
        (lambda d: d[:108] + struct.pack("<f", float("nan")) + d[112:], "damaged"),
    ],
)
def test_damaged_nifti_is_refused(tmp_path, key, change, code):
    whole = nifti()[0]
    if code == "large":
        whole = whole[:72] + struct.pack("<h", 64) + whole[74:]
    (tmp_path / "in.nii").write_bytes(change(whole))
    assert refusal(tmp_path / "in.nii", key) == code


@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_nrrd_keeps_its_values_and_place_and_no_word(tmp_path, key, encoding):
    values = np.arange(24, dtype="<i2").tobytes()
    stream = io.BytesIO()
    with gzip.GzipFile(filename=WORD, mode="wb", fileobj=stream) as filed:
        filed.write(values)
    head = (
        f"NRRD0005\n# {WORD}\ntype: short\ndimension: 3\nsizes: 4 3 2\nspace: left-posterior-superior\nspace directions: (1,0,0) (0,1,0) (0,0,2.5)\n"
        f'space origin: (-1.5,2,3)\nkinds: domain domain domain\nendian: little\nencoding: {encoding}\ncontent: {WORD}\nlabels: "{WORD}" "b" "c"\n'
        f'units: "{WORD}" "mm" "mm"\ncenterings: {WORD} cell cell\nPatient:={WORD}\n\n'
    )  # fmt: skip
    (tmp_path / "in.nrrd").write_bytes(head.encode() + (values if encoding == "raw" else stream.getvalue()) + MARK)
    kind, _, target = cleaned(tmp_path / "in.nrrd", key)
    found = target.read_bytes()
    assert kind.name == "NRRD"
    assert MARK not in found
    fields, _, body = found.partition(b"\n\n")
    assert body == values if encoding == "raw" else gzip.decompress(body) == values
    assert fields.decode().splitlines() == [
        "NRRD0005", "type: short", "dimension: 3", "sizes: 4 3 2", "space: left-posterior-superior",
        "space directions: (1,0,0) (0,1,0) (0,0,2.5)", "space origin: (-1.5,2,3)", "kinds: domain domain domain", "endian: little",
        f"encoding: {encoding}",
    ]  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zlib"])
def test_mha_keeps_its_values_and_place_and_no_word(tmp_path, key, packed):
    values = np.arange(24, dtype="<i2").tobytes()
    body = zlib.compress(values) if packed else values
    head = (
        f"ObjectType = Image\nNDims = 3\nComment = {WORD}\nName = {WORD}\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = {packed}\n"
        f"TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -1.5 2 3\nAnatomicalOrientation = RAI\nElementSpacing = 1 1 2.5\nDimSize = 4 3 2\n"
        f"AcquisitionDate = {WORD}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )  # fmt: skip
    (tmp_path / "in.mha").write_bytes(head.encode() + body + MARK)
    kind, account, target = cleaned(tmp_path / "in.mha", key)
    found = target.read_bytes()
    assert kind.name == "MHA"
    assert MARK not in found
    fields, _, rest = found.partition(b"ElementDataFile = LOCAL\n")
    assert (zlib.decompress(rest) if packed else rest) == values
    assert b"Offset = -1.5 2 3\n" in fields
    assert account.done["MetaImage comments, names and dates", "removed"] == 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"NRRD0004\ntype: short\nsizes: 4 3 2\nencoding: raw\ndata file: x.raw\n\n", "two_files"),
        (b"NRRD0004\ntype: short\nsizes: 4 3 2\nencoding: ascii\n\n1 2 3", "encoding"),
        (b"NRRD0004\ntype: short\nsizes: 400 3 2\nencoding: raw\n\n123", "truncated"),
        (b"NRRD0004\ntype: short\nsizes: 99999 99999 99\nencoding: gzip\n\n" + gzip.compress(b"123", mtime=0), "large"),
        (b"NRRD0004\ntype: short\nsizes: 4 x 2\nencoding: raw\n\n123", "damaged"),
        (b"NRRD0004\ntype: short\nsizes: 4 3 2\nencoding: gzip\n\nno gzip", "damaged"),
        (b"ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = x.raw\n", "two_files"),
        (b"ObjectType = Image\nDimSize = 9 3 2\nElementType = MET_SHORT\nElementDataFile = LOCAL\n123", "truncated"),
        (b"name,birth\nMiller,1950\n", "format"),
        (b"%PDF-1.7", "format"),
        (b"", "empty"),
    ],
)
def test_what_is_not_read_is_refused(tmp_path, key, content, code):
    (tmp_path / "in").write_bytes(content)
    assert refusal(tmp_path / "in", key) == code


def test_links_and_folders_are_refused(tmp_path, key):
    (tmp_path / "link").symlink_to(png(tmp_path))
    assert refusal(tmp_path / "link", key) == "link"
    assert refusal(tmp_path, key) == "special"


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "nii", "nii.gz"])
def test_flipped_bytes_end_in_a_file_or_a_refusal(tmp_path, key, kind):
    if kind.startswith("nii"):
        whole = nifti()[0]
        whole = gzip.compress(whole) if kind == "nii.gz" else whole
    else:
        stream = io.BytesIO()
        PIL.Image.fromarray(PICTURE).save(
            stream, {"jpg": "JPEG", "tif": "TIFF", "png": "PNG"}[kind], **({"exif": exif()} if kind == "jpg" else {})
        )
        whole = stream.getvalue()
    draw, ends = random.Random(kind), []
    for _ in range(250):
        data = bytearray(whole)
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data) if draw.random() < 0.5 else min(len(data), 400))] = draw.randrange(256)
        if draw.random() < 0.3:
            del data[draw.randrange(1, len(data)) :]
        (tmp_path / "in").write_bytes(data)
        try:
            cleaned(tmp_path / "in", key)
            ends.append("")
        except Uncleanable as reason:
            ends.append(reason.code)
    assert len(ends) == 250
    assert set(ends) >= ({"", "format"} if kind == "nii.gz" else {"", "truncated"})
