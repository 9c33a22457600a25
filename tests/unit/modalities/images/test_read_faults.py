"""A file that cannot be used becomes a refusal with its reason; nothing hangs, warns, or takes memory that a header claims."""

import os
import struct
import sys
import zlib

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest

from osler.core.errors import StudyError
from osler.flows.cases import gather_cases
from osler.flows.opening import open_study
from osler.spine.study import Request
from tests.unit.modalities.images.conftest import encoded, photo

PNG, JPEG = encoded(photo(), "PNG"), encoded(photo(), "JPEG")


def claiming(side):
    """Return a PNG whose header claims `side` × `side` pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return PNG[:8] + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + PNG[33:]


def frames(kind):
    images = [PIL.Image.fromarray(photo(seed=k)) for k in range(3)]
    return encoded(images[0], kind, save_all=True, append_images=images[1:])


BAD = {
    "empty.png": (b"", "empty: column 'scan': the file has no content"),
    "cut.png": (PNG[: len(PNG) // 2], "damaged: column 'scan': the picture is cut off"),
    "cut.jpg": (JPEG[: len(JPEG) * 2 // 3], "damaged: column 'scan': the picture is cut off"),
    "text.png": (b"not a picture at all, though it is called one" * 9, "format: column 'scan': the file is no picture"),
    "gif.png": (encoded(photo(), "GIF"), "format: column 'scan': the file is a GIF; save it as PNG"),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
    "print.jpg": (encoded(PIL.Image.new("CMYK", (20, 20)), "JPEG"), "colours: column 'scan': the picture has print colours"),
    "film.png": (frames("PNG"), "several: column 'scan': the file holds several pictures"),
    "pages.tif": (frames("TIFF"), "several: column 'scan': the file holds several pictures"),
    "dot.png": (encoded(np.zeros((1, 1), np.uint8), "PNG"), "small: column 'scan': the picture has a side of fewer than 4"),
    "claim.png": (claiming(50_000), "large: column 'scan': the picture says that it has more than 64 million pixels"),
    "lie.png": (claiming(2_000), "damaged: column 'scan'"),
    "deep.png": (
        encoded(photo().astype(np.uint16) * 200, "PNG"),
        "depth: column 'scan': the picture has 16 bits and the study's others have 8",
    ),
    "nan.tif": (encoded(np.full((9, 9), np.nan, np.float32), "TIFF"), "not_finite: column 'scan'"),
    "inf.tif": (encoded(np.full((9, 9), np.inf, np.float32), "TIFF"), "not_finite: column 'scan'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_says_why(folder, name):
    content, reason = BAD[name]
    assert reason in str(folder.refusal(folder.put(name, content)))


def test_eight_bits_among_sixteen_are_refused_unless_the_user_takes_any(folder):
    deep = photo().astype(np.uint16) * 257
    name = folder.put("bad.png", photo())
    assert "depth: column 'scan': the picture has 8 bits and the study's others have 16" in str(
        folder.columns(folder.put("a.png", deep), folder.put("b.png", deep), name)[1].refusals[2]
    )
    pixels = folder.pixels("a.png", "b.png", name, bits="any", dtype="uint16")
    np.testing.assert_array_equal(pixels[2], pixels[0])


def test_a_wrong_ending_does_no_harm(folder):
    name = folder.put("really_a_png.jpg", PNG)
    np.testing.assert_array_equal(folder.pixels(name)[0, 0], photo())


def test_places_that_are_no_files_of_the_study(folder, tmp_path):
    folder.put("good.png", photo())
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder.path / "link.png").symlink_to(tmp_path / "secret.png")
    (folder.path / "loop.png").symlink_to("loop.png")
    (folder.path / "folder.png").mkdir()
    (folder.path / "inner").symlink_to(tmp_path)
    cells = ["link.png", "../secret.png", str(tmp_path / "secret.png"), "inner/secret.png", "folder.png", "loop.png", "none.png",
             "https://example.org/a.png", "a\0b.png", "x" * 300 + ".png"]  # fmt: skip
    refusals = folder.columns("good.png", *cells)[1].refusals
    codes = [refusals[k + 1].code for k in range(len(cells))]
    assert codes == ["outside"] * 4 + ["folder", "path", "no_file", "path", "path", "path"]
    assert not any("secret" in str(r) for r in refusals.values())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_is_not_waited_for(folder):
    os.mkfifo(folder.path / "pipe.png")
    assert "special: column 'scan': the path is a pipe" in str(folder.refusal("pipe.png"))


def test_a_file_without_the_right_to_read(folder, monkeypatch):
    # the user of a container may read everything, so the refusal of the system is put in its place
    real = os.open

    def refuse(path, *args, **kwargs):
        if str(path).endswith("private.png"):
            raise PermissionError(13, "Permission denied")
        return real(path, *args, **kwargs)

    name = folder.put("private.png", PNG)
    monkeypatch.setattr("os.open", refuse)
    assert "forbidden: column 'scan': the file may not be read" in str(folder.refusal(name))


def test_a_lenient_pillow_is_made_strict_and_left_as_it_was(folder, monkeypatch):
    monkeypatch.setattr(PIL.ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert "cut off" in str(folder.refusal(folder.put("cut.jpg", JPEG[: len(JPEG) * 2 // 3])))
    assert PIL.ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_a_column_in_which_all_fail_names_the_reasons(folder, tmp_path):
    names = [folder.put(f"{k}.png", b"") for k in range(12)] + [folder.put("x.png", b"no picture at all")]
    rows = "\n".join(f"{name},{'ab'[k % 2]}" for k, name in enumerate(names))
    table = folder.path / "table.csv"
    table.write_text(f"scan,label\n{rows}\n")
    cache = tmp_path / "cache"
    study, opened = open_study(Request(table_or_study=table, target=("label",)), cache=cache)
    with pytest.raises(
        StudyError, match=r"no case is left: all 13 rows are refused; 12 times empty: column 'scan': .*; 1 times format"
    ):
        gather_cases(study, opened, cache=cache)
