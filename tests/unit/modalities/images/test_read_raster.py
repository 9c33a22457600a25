"""PNG, JPEG, TIFF and BMP become arrays in the size, channels and type that were decided."""

import numpy as np
import PIL.Image
import pytest

from tests.unit.modalities.images.conftest import photo

COLOUR = np.stack([photo(seed=1), photo(seed=2), photo(seed=3)], axis=-1)
DEEP = photo().astype(np.uint16) * 200 + 3


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_grey_is_read_as_it_is(folder, name):
    pixels = folder.pixels(folder.put(name, photo()))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[0, 0], photo())


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_colours_are_channels(folder, name):
    np.testing.assert_array_equal(folder.pixels(folder.put(name, COLOUR))[0], COLOUR.transpose(2, 0, 1))


def test_jpeg_equals_pillow(folder):
    folder.put("a.jpg", COLOUR, quality=90)
    theirs = np.asarray(PIL.Image.open(folder.path / "a.jpg")).transpose(2, 0, 1)
    np.testing.assert_array_equal(folder.pixels("a.jpg")[0], theirs)


def test_colours_that_are_all_grey_are_one_channel(folder):
    grey = np.repeat(photo()[:, :, None], 3, axis=2)
    decisions, columns = folder.columns(folder.put("a.png", grey))
    assert decisions["channels"].value == 1
    assert "all of them grey" in decisions["channels"].reason
    np.testing.assert_array_equal(columns["pixels"][0, 0], photo())


def test_grey_among_colours_is_repeated_and_colours_in_a_grey_study_are_their_luma(folder):
    names = [folder.put("a.png", COLOUR), folder.put("b.png", photo())]
    np.testing.assert_array_equal(folder.pixels(*names)[1], np.repeat(photo()[None], 3, axis=0))
    luma = np.asarray(PIL.Image.fromarray(COLOUR).convert("L"))  # Pillow 13.0.0
    np.testing.assert_array_equal(folder.pixels(*names, channels=1)[0, 0], luma)


def test_palette_and_one_bit(folder):
    palette = PIL.Image.fromarray(COLOUR).quantize(16)
    np.testing.assert_array_equal(
        folder.pixels(folder.put("p.png", palette))[0], np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    )
    dark = photo() > 128
    np.testing.assert_array_equal(folder.pixels(folder.put("b.png", PIL.Image.fromarray(dark)))[0, 0], dark * 255)


@pytest.mark.parametrize(("alpha", "shown"), [("black", 100), ("white", 227), ("drop", 200)])
def test_transparency_shows_what_was_decided(folder, alpha, shown):
    # half transparent: 200 · 128/255 = 100, and 255 · 127/255 more on white
    name = folder.put("a.png", PIL.Image.new("LA", (8, 8), (200, 128)))
    assert abs(int(folder.pixels(name, alpha=alpha)[0, 0, 4, 4]) - shown) <= 1


def test_an_opaque_alpha_channel_changes_nothing(folder):
    opaque = np.dstack([COLOUR, np.full(COLOUR.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(folder.pixels(folder.put("a.png", opaque))[0], COLOUR.transpose(2, 0, 1))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_stay_sixteen(folder, name):
    decisions, columns = folder.columns(folder.put(name, DEEP))
    assert decisions["dtype"].value == "uint16"
    np.testing.assert_array_equal(columns["pixels"][0, 0], DEEP)


def test_sixteen_bits_with_white_as_zero_are_turned(folder):
    name = folder.put("a.tif", PIL.Image.fromarray(DEEP), tiffinfo={262: 0})
    np.testing.assert_array_equal(folder.pixels(name)[0, 0], 65535 - DEEP)


def test_big_endian_and_signed_tiffs_equal_those_of_tifffile(folder):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(folder.path / "big.tif", DEEP, byteorder=">")
    np.testing.assert_array_equal(folder.pixels("big.tif")[0, 0], DEEP)
    tifffile.imwrite(folder.path / "signed.tif", DEEP.astype(np.int32) - 1000)
    pixels = folder.pixels("signed.tif", range=[-1000, 64535], dtype="uint16")
    np.testing.assert_array_equal(pixels[0, 0], DEEP)


def test_fractions_are_stretched_over_their_range(folder):
    values = np.linspace(-2, 3, 48 * 64, dtype=np.float32).reshape(48, 64)
    decisions, columns = folder.columns(folder.put("a.tif", values))
    assert decisions["range"].value == pytest.approx([-2, 3])
    assert decisions["dtype"].value == "uint16"
    np.testing.assert_allclose(columns["pixels"][0, 0] / 65535 * 5 - 2, values, atol=5 / 65535)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_picture_upright(folder, orientation):
    exif = PIL.Image.Exif()
    exif[274] = orientation
    folder.put("a.png", PIL.Image.fromarray(photo()), exif=exif)
    upright = {1: photo(), 2: photo()[:, ::-1], 3: photo()[::-1, ::-1], 4: photo()[::-1], 5: photo().T,
               6: np.rot90(photo(), -1), 7: np.rot90(photo(), 2).T, 8: np.rot90(photo())}[orientation]  # fmt: skip
    np.testing.assert_array_equal(folder.pixels("a.png")[0, 0], upright)
    np.testing.assert_array_equal(folder.pixels("a.png", orientation="stored", size=[48, 64])[0, 0], photo())


def test_large_pictures_are_shrunk_with_every_pixel_taken_in(folder):
    decisions, columns = folder.columns(*[folder.put(f"{k}.jpg", photo(600, 800, seed=k), quality=95) for k in range(2)])
    assert decisions["size"].value == [168, 224]
    assert decisions["fit"].value == "stretch"
    small = np.asarray(PIL.Image.fromarray(photo(600, 800, seed=1)).resize((224, 168), PIL.Image.Resampling.BOX))
    assert np.abs(columns["pixels"][1, 0].astype(int) - small).mean() < 2


def test_other_aspects_are_kept_and_padded(folder):
    names = [folder.put("wide.png", photo(20, 40) // 2 + 100), folder.put("tall.png", photo(40, 20) // 2 + 100)]
    decisions, columns = folder.columns(*names, pad=7)
    assert (decisions["size"].value, decisions["fit"].value) == ([40, 40], "pad")
    wide, tall = columns["pixels"][:, 0]
    assert (wide[:10] == 7).all()
    assert (wide[30:] == 7).all()
    np.testing.assert_array_equal(wide[10:30], photo(20, 40) // 2 + 100)
    np.testing.assert_array_equal(tall[:, 10:30], photo(40, 20) // 2 + 100)


def test_columns_of_one_input_are_channels_of_one_picture(folder):
    names = [folder.put(f"{k}.png", photo(seed=k)) for k in range(2)]
    decisions, columns = folder.columns(tuple(names), columns=("t1", "t2"))
    assert decisions["channels"].value == 2
    np.testing.assert_array_equal(columns["pixels"][0], np.stack([photo(seed=0), photo(seed=1)]))


def test_channels_that_do_not_fit_are_refused(folder):
    names = (folder.put("a.png", photo()), folder.put("b.png", photo(40, 64)))
    refusals = folder.columns((names[0], names[0]), names, (names[0], None), columns=("t1", "t2"))[1].refusals
    assert "channel: column 't2': the channels of this picture differ in size" in str(refusals[1])
    assert "channel: column 't2': the other channels of this picture are there" in str(refusals[2])


def test_real_radiographs_come_back_as_they_were(folder, data):
    images = np.load(data / "images" / "pneumoniamnist.npz", allow_pickle=False)["test_images"][:50]
    names = [folder.put(f"{k}.png", image) for k, image in enumerate(images)]
    decisions, columns = folder.columns(*names)
    assert decisions["size"].value == [28, 28]
    np.testing.assert_array_equal(columns["pixels"][:, 0], images)


def test_equal_pixels_have_equal_fingerprints_whatever_file_they_came_in(folder):
    names = [folder.put("a.png", photo()), folder.put("b.tif", photo()), folder.put("c.bmp", photo(seed=1))]
    prints = folder.columns(*names)[1].fingerprints
    assert (prints[0] == prints[1]).all()
    assert (prints[0] != prints[2]).any()
