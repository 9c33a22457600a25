"""The average brain of nilearn becomes slabs at the right place, each beside its mask; the files are read as nibabel reads them."""

import csv
import gzip

import numpy as np
import pytest
import yaml

from osler.core.errors import RequestError
from osler.datasets import get, local, mni152, registry
from osler.datasets.nifti import nifti, read_nifti


@pytest.fixture(scope="module")
def package():
    try:
        return local.package_folder(registry.entry("mni152").package)
    except RequestError:
        pytest.skip("the files of nilearn are not here: pip install --no-deps nilearn")


@pytest.fixture(scope="module")
def study(package, tmp_path_factory):
    return get("mni152", to=tmp_path_factory.mktemp("mni152") / "m")


def rows(study):
    with (study.parent / "table.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_file_is_read_as_nibabel_reads_it(package):
    values, affine = read_nifti(package / mni152.FILES["t1"])
    # nibabel 5.4.2: i = nib.load(…t1…); np.asarray(i.dataobj).shape, .sum(dtype=np.int64); i.affine
    assert (values.shape, values.sum(dtype=np.int64)) == ((197, 233, 189), 333468829)
    np.testing.assert_array_equal(affine, [[1, 0, 0, -98], [0, 1, 0, -134], [0, 0, 1, -72], [0, 0, 0, 1]])


def test_slabs_put_together_are_the_brain_at_two_millimetres(study, package):
    asked = rows(study)
    assert [row["case"] for row in asked if row["split"] == "test"] == [f"slab_{n:02d}" for n in range(3, 21, 3)]
    read = [read_nifti(study.parent / row["image"]) for row in asked]
    whole = np.concatenate([values for values, _ in read], axis=2)
    # nibabel 5.4.2, the same over the written slabs: np.concatenate([np.asarray(nib.load(f).dataobj) for f in files], 2)
    assert (whole.shape, int(whole.sum())) == ((76, 94, 79), 41683619)
    np.testing.assert_array_equal(read[4][1], [[2, 0, 0, -75.5], [0, 2, 0, -109.5], [0, 0, 2, -41.5], [0, 0, 0, 1]])
    source, affine = read_nifti(package / mni152.FILES["t1"])
    for values, here in read:  # the mean of the source's voxels around a place is what stands at that place
        for index in np.argwhere(values > 150)[::1999]:
            place = np.linalg.solve(affine, here @ [*index, 1])[:3]
            around = source[tuple(slice(int(p - 0.5), int(p + 1.5)) for p in place)]
            assert around.shape == (2, 2, 2)
            assert values[tuple(index)] == np.rint(around.mean())


def test_masks_lie_on_their_images_and_hold_what_the_study_names(study):
    keys = yaml.safe_load(study.read_text())
    assert keys["set"]["target.labels"] == {"grey": 1, "white": 2}
    values, marks = [], []
    for row in rows(study):
        (image, here), (mask, there) = (read_nifti(study.parent / row[column]) for column in ("image", "mask"))
        assert image.shape == mask.shape
        np.testing.assert_array_equal(here, there)
        values.append(image.ravel())
        marks.append(mask.ravel())
    image, mask = np.concatenate(values), np.concatenate(marks)
    assert image[mask == 2].mean() > image[mask == 1].mean() > image[mask == 0].mean()  # T1: white matter is brightest
    # an adult has about 0.6 to 0.8 l of grey and 0.4 to 0.6 l of white matter
    grey, white = np.bincount(mask)[1:] * 8e-6
    assert 0.6 < white < grey < 1.2


def test_without_the_package_it_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(local.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"the package 'nilearn' that ships these data is not installed.*--mirror"):
        get("mni152", to=tmp_path / "m")
    assert not (tmp_path / "m" / "study.yaml").exists()


@pytest.mark.parametrize("kind", ["<u1", "<i2", "<f4"])
def test_what_is_written_is_read_again(kind, tmp_path):
    generator = np.random.default_rng(0)
    values = generator.integers(0, 100, (5, 4, 3)).astype(kind)
    affine = np.vstack([generator.normal(size=(3, 4)).astype(np.float32), [0, 0, 0, 1]])
    path = tmp_path / "x.nii.gz"
    path.write_bytes(nifti(values, affine=affine))
    again, where = read_nifti(path)
    np.testing.assert_array_equal(again, values)
    np.testing.assert_array_equal(where, affine)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:300], lambda b: b"\0" * 4 + b[4:], lambda b: b[:254] + b"\0\0" + b[256:], lambda _: b""]
)
def test_another_file_is_told(damage, tmp_path):
    content = gzip.decompress(nifti(np.zeros((5, 4, 3), np.uint8), affine=np.eye(4)))
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(damage(content)))
    with pytest.raises(RequestError, match=r"'x\.nii\.gz' is no NIfTI-1 file as it was tested"):
        read_nifti(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(RequestError, match="is no NIfTI-1 file"):
        read_nifti(path)
