"""Volumes brought to one size: what is decided, where places come from and go back to, and what is refused."""

import gzip

import nibabel
import numpy as np
import pyarrow as pa
import pytest
from nibabel.orientations import axcodes2ornt, ornt_transform

from osler.core.errors import PlanError
from osler.core.split import Split
from osler.core.table import Table
from osler.core.target import Target
from osler.modalities.images import Images
from osler.modalities.images.volumes import is_volume
from osler.modalities.images.volumes.case import FRAME, Frame
from osler.modalities.images.volumes.decide import coarser
from osler.modalities.images.volumes.write import on_file
from tests.unit.modalities.images.volume_files import oblique

ROLES = frozenset({"input", "baseline"})
STRAIGHT = np.diag([1.0, 1.0, 1.0, 1.0])
STRAIGHT[:3, 3] = (-9, -7, -5)


class Files:
    """Volumes in a folder, read as a study would."""

    def __init__(self, folder):
        self.folder = folder

    def put(self, name, values, affine=STRAIGHT):
        nibabel.save(nibabel.Nifti1Image(values, affine), self.folder / name)
        return name

    def locators(self, *names, columns=("scan",)):
        cells = {c: [n if isinstance(n, str) else n[k] for n in names] for k, c in enumerate(columns)}
        return Images().locate(Table(pa.table(cells), self.folder), columns=columns)

    def columns(self, *names, columns=("scan",), **settings):
        """Return the decisions by name and the columns."""
        found, modality = self.locators(*names, columns=columns), Images()
        decided = {d.name: d for d in modality.reading(found, settings=settings)}
        return decided, modality.shard(found, reading={k: d.value for k, d in decided.items()}, roles=ROLES)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def body(shape=(18, 16, 12), seed=0):
    """Return a smooth volume (i, j, k) int16 that is like none of its mirror images."""
    generator = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    centre = np.array([0.4, -0.2, 0.3]) + generator.normal(0, 0.05, 3)
    away = ((grid - centre[:, None, None, None]) ** 2 / np.array([0.3, 0.1, 0.4])[:, None, None, None]).sum(0)
    return np.rint(100 + 900 * np.exp(-away) + 100 * grid[0]).astype(np.int16)


def hippocampi(data, most=None):
    folder = data / "images" / "hippocampus" / "images"
    names = sorted(p.name for p in folder.glob("*.nii.gz"))[:most]
    return Files(folder), names


# decisions -------------------------------------------------------------------------------------------------------------


def test_real_volumes_are_recognised_and_keep_their_millimetres(data):
    files, names = hippocampi(data, 24)
    decided, columns = files.columns(*names)
    shapes = np.array([nibabel.load(files.folder / name).shape for name in names])
    size = decided["size"].value
    assert Images().recognises(names) == 1.0
    assert (decided["form"].value, decided["fit"].value, decided["spacing"].value) == ("volume", "pad", [1.0, 1.0, 1.0])
    assert all(n % 4 == 0 and n >= np.percentile(own, 98) for n, own in zip(size, shapes.T, strict=True))
    assert columns["pixels"].shape == (24, 1, *size)
    assert columns.present.all()
    # a case lies in the middle, as it is
    whole = np.asarray(nibabel.load(files.folder / names[0]).dataobj)
    start = [(n - m) // 2 for n, m in zip(size, whole.shape, strict=True)]
    inside = columns["pixels"][0, 0][tuple(slice(s, s + m) for s, m in zip(start, whole.shape, strict=True))]
    np.testing.assert_array_equal(inside, whole.astype(np.float32))


def test_folders_of_real_dicom_series_are_volumes(data):
    files = Files(data / "images")
    decided, columns = files.columns("brain_dicom/11_HCropVolume", "brain_dicom/37830-T2reg-78532")
    assert decided["form"].value == "volume"
    assert columns.present.all()
    assert max(decided["size"].value) <= 96
    assert Frame.of(columns[FRAME][1]).placed
    assert (columns["hashes"][:, 1] != 0).all()  # the patient is known by a hash


def test_words_with_slashes_are_no_folders():
    assert Images().recognises([f"P{n}/T1 post" for n in range(9)]) == 1.0
    assert Images().recognises(["T2/N0", "T1/N1"] * 9) == 0.0
    assert Images().recognises(["a/b", "c/d"]) == 0.0
    assert Images().recognises(["a.nii", "b.mha", "c.png", "benign"]) == 0.75


def test_the_majority_says_what_the_files_are(files):
    import PIL.Image

    PIL.Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(files.folder / "flat.png")
    volumes = [files.put(f"{n}.nii.gz", body(seed=n)) for n in range(3)]
    flat = files.put("one.nii.gz", body()[:, :, 0])
    decided, columns = files.columns(*volumes, "flat.png", flat)
    assert "2 of the sample are pictures of one slice, and refused" in decided["form"].reason
    assert columns.present.tolist() == [True, True, True, False, False]
    assert {columns.refusals[row].code for row in (3, 4)} == {"axes"}
    assert "the file is a picture of one slice and the study's others are" in columns.refusals[3].sentence
    decided, columns = files.columns(volumes[0], "flat.png", "flat.png")
    assert decided["form"].value == "picture"
    assert not is_volume(columns)
    assert columns.refusals[0].code == "format"


def test_large_volumes_become_coarser_fine_axes_first():
    np.testing.assert_allclose(coarser(np.array([0.5, 0.5, 5.0]), np.array([250.0, 250, 150]), longest=96, places=1 << 20),
                               [250 / 96, 250 / 96, 5.0])  # fmt: skip
    found = coarser(np.ones(3), np.full(3, 90.0), longest=96, places=100_000)
    assert found.min() == found.max()
    assert 95_000 < np.prod(90 / found) <= 100_000


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("size", [20, 20], "'size' cannot be .20, 20. of volumes; wanted three whole numbers"),
        ("size", [4096, 4096, 4096], "wanted three whole numbers .i, j, k. from 1 to 1024, at most 32 million"),
        ("spacing", [1, 0, 1], "wanted three numbers above 0"),
        ("window", "file", "wanted .centre, width. in the files' unit"),
        ("form", "grid", "'form' cannot be 'grid' where the target is one answer a case; it is one of: picture, volume"),
        ("dtype", "int64", "'dtype' cannot be 'int64'; it is one of"),
    ],
)
def test_settings_that_cannot_be_are_said(files, name, value, said):
    names = [files.put(f"{n}.nii.gz", body(seed=n)) for n in range(2)]
    with pytest.raises(PlanError, match=said):
        files.columns(*names, **{name: value})


def test_the_users_size_brings_its_spacing(files):
    names = [files.put(f"{n}.nii.gz", body(seed=n)) for n in range(3)]
    decided, columns = files.columns(*names, size=[9, 9, 9])
    assert decided["spacing"].value == [2.0, 2.0, 2.0]
    assert columns["pixels"].shape == (3, 1, 9, 9, 9)
    decided, columns = files.columns(*names, window=[500, 200])
    assert (columns["pixels"].min(), columns["pixels"].max()) == (400, 600)


# geometry --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codes", ["LPS", "PSR", "ILA", "RIP"])
def test_the_order_in_which_a_file_stores_its_axes_changes_nothing(files, codes):
    image = nibabel.Nifti1Image(body(), STRAIGHT)
    turned = image.as_reoriented(ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes)))
    assert not np.array_equal(turned.affine, STRAIGHT)
    nibabel.save(image, files.folder / "a.nii.gz")
    nibabel.save(turned, files.folder / "b.nii.gz")
    _, columns = files.columns("a.nii.gz", "b.nii.gz")
    np.testing.assert_array_equal(columns["pixels"][0], columns["pixels"][1])
    np.testing.assert_array_equal(columns["descriptors"][0], columns["descriptors"][1])
    assert np.array_equal(columns.fingerprints[0], columns.fingerprints[1])  # and they are found as copies


def test_millilitres_are_the_same_in_a_coarse_file_and_in_a_fine_one(files):
    from scipy.ndimage import zoom

    ball = np.zeros((32, 32, 32), np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(32) - 15.5] * 3, indexing="ij"))
    ball[(grid**2).sum(0) < 100] = 1000
    half = np.diag([2.0, 2.0, 2.0, 1.0])
    names = [files.put("fine.nii.gz", ball), files.put("fine2.nii.gz", ball + 1),
             files.put("coarse.nii.gz", zoom(ball, 0.5, order=1, grid_mode=True, mode="grid-constant"), half)]  # fmt: skip
    _, columns = files.columns(*names)
    amount = columns["pixels"].reshape(3, -1).sum(1, dtype=float)
    assert columns.present.all()
    assert amount[2] == pytest.approx(amount[0], rel=0.05)
    assert amount[0] == pytest.approx(4 / 3 * np.pi * 1000 * 1000, rel=0.02)


def test_a_file_that_knows_no_millimetres_is_refused_among_those_that_do(files):
    import PIL.Image

    names = [files.put(f"{n}.nii.gz", body(seed=n)) for n in range(3)]
    pages = [PIL.Image.fromarray(np.full((16, 18), 7 * n, np.uint8)) for n in range(12)]
    pages[0].save(files.folder / "pages.tif", save_all=True, append_images=pages[1:])
    _, columns = files.columns(*names, "pages.tif")
    assert columns.refusals[3].code == "geometry"
    assert "does not know its spacing" in columns.refusals[3].sentence
    decided, columns = files.columns("pages.tif", "pages.tif")
    assert (decided["spacing"].value, decided["fit"].value) == (None, "stretch")
    assert not Frame.of(columns[FRAME][0]).placed


@pytest.mark.parametrize("affine", [STRAIGHT, oblique(), oblique(mirrored=True, spacing=(2.0, 1.0, 1.5))])
def test_an_attribution_lies_in_the_file_where_it_lay(files, affine):
    values = body((14, 20, 12))
    own = files.put("a.nii.gz", values, affine)
    _, columns = files.columns(own, files.put("b.nii.gz", body((14, 20, 12), 3), affine))
    frame, size = Frame.of(columns[FRAME][0]), columns["pixels"].shape[2:]
    grey = columns["pixels"][0].astype(np.float64)
    path = Images().write_attribution(grey - grey.min(), columns, 0, folder=files.folder, name="why")
    image = nibabel.load(path)
    np.testing.assert_allclose(image.affine, nibabel.load(files.folder / own).affine, atol=1e-5)
    assert image.shape == values.shape
    assert image.get_data_dtype() == np.float32
    # what was written of the volume itself is the volume again, on its own grid
    back = np.asarray(image.dataobj)
    assert np.corrcoef(back.ravel(), values.ravel())[0, 1] > 0.98
    # and it adds up, also where the network saw a coarser volume
    middle = np.zeros(tuple(n // 2 for n in size))
    middle[tuple(slice(n // 3, 2 * n // 3) for n in middle.shape)] = -1.0
    assert on_file(middle, frame, size=size).sum() == pytest.approx(middle.sum(), rel=0.03)


def test_what_is_larger_than_the_size_is_cut_about_its_middle(files):
    names = [files.put(f"{n}.nii.gz", body(seed=n)) for n in range(3)]
    _, columns = files.columns(*names, size=[10, 8, 6], spacing=[1, 1, 1])
    np.testing.assert_array_equal(columns["pixels"][0, 0], body()[4:14, 4:12, 3:9])
    written = on_file(np.ones((10, 8, 6)), Frame.of(columns[FRAME][0]), size=(10, 8, 6))
    assert written.shape == (18, 16, 12)
    assert written.sum() == written[4:14, 4:12, 3:9].sum() == 480


def test_several_columns_are_channels_on_one_grid(files):
    pairs = [(files.put(f"{n}a.nii.gz", body(seed=n)), files.put(f"{n}b.nii.gz", body(seed=n + 9))) for n in range(3)]
    elsewhere = files.put("else.nii.gz", body(), oblique())
    decided, columns = files.columns(*pairs, (pairs[0][0], elsewhere), columns=("t1", "t2"))
    assert decided["channels"].value == 2
    assert columns["pixels"].shape[:2] == (4, 2)
    assert columns.refusals[3].column == "t2"


# bad input -------------------------------------------------------------------------------------------------------------


def _cut(path):
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[: len(content) // 2]))


def _four(path):
    nibabel.save(nibabel.Nifti1Image(np.zeros((6, 6, 6, 40), np.int16), STRAIGHT), path)


def _unknown(path):
    nibabel.save(nibabel.Nifti1Image(np.full((6, 6, 6), np.nan, np.float32), STRAIGHT), path)


BROKEN = {
    "damaged": _cut, "time": _four, "not_finite": _unknown,
    "empty": lambda path: path.write_bytes(b""), "no_file": lambda path: path.unlink(),
    "format": lambda path: path.write_bytes(gzip.compress(b"no volume" * 99)),
}  # fmt: skip


@pytest.mark.parametrize("code", BROKEN)
def test_a_bad_file_is_refused_and_changes_no_other(files, code):
    names = [files.put(f"{n}.nii.gz", body(seed=n)) for n in range(4)]
    _, good = files.columns(*names[:3])
    BROKEN[code](files.folder / names[3])
    _, columns = files.columns(*names)
    assert columns.refusals[3].code == code
    np.testing.assert_array_equal(columns["pixels"][:3], good["pixels"])


def test_an_empty_folder_is_refused(files):
    names = [files.put(f"{n}.nii.gz", body(seed=n)) for n in range(3)]
    (files.folder / "nothing").mkdir()
    _, columns = files.columns(*names, "nothing")
    assert not columns.present[3]
    assert columns.refusals[3].column == "scan"


# leaks, drift ----------------------------------------------------------------------------------------------------------


def test_near_copies_across_the_split_are_found_among_real_volumes(data, tmp_path):
    source, names = hippocampi(data, 60)
    files = Files(tmp_path)
    for name in names:
        image = nibabel.load(source.folder / name)
        files.put(name, np.asarray(image.dataobj).astype(np.float32), image.affine)
    kept = nibabel.load(source.folder / names[0])
    brighter = files.put("copy.nii.gz", (np.asarray(kept.dataobj) * 1.3 + 20).astype(np.float32), kept.affine)
    _, columns = files.columns(*names, brighter)
    rows = np.arange(61)
    split = _split(rows[:40], rows[40:])
    target = Target(np.zeros((61, 1)), np.ones((61, 1), bool), {"kind": "number", "names": ["x"]})
    found = [leak for leak in Images().leaks(columns, split, target=target) if leak.kind == "near-copy"]
    assert len(found) == 1
    assert 60 in found[0].test_rows
    assert 0 in found[0].rows


def _split(development, test):
    nobody = np.empty(0, np.int64)
    return Split(training=development, tune=nobody, calibrate=nobody, test=test, folds=(), how="")
