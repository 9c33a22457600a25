"""Hippocampus and glioma arrive as studies of segmentation: each picture beside its mask, persons whole in one part."""

import csv
import gzip
import hashlib
import io
import tarfile

import numpy as np
import PIL.Image
import pytest
import yaml

from osler.core.errors import RequestError
from osler.datasets import get, hippocampus, lgg


def table(study):
    with (study.parent / "table.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def listed(mirror):
    lines = [
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(mirror).as_posix()}"
        for p in sorted(mirror.rglob("*"))
        if p.is_file()
    ]
    (mirror / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def packed(names, *, room="Task04_Hippocampus"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(f"{room}/{name}")
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    return stream.getvalue()


@pytest.fixture(scope="module")
def volumes(data, tmp_path_factory):
    return get("hippocampus", to=tmp_path_factory.mktemp("volumes") / "h", mirror=data / "images")


@pytest.fixture(scope="module")
def slices(data, tmp_path_factory):
    return get("lgg-mri", to=tmp_path_factory.mktemp("slices") / "l", mirror=data / "images")


def test_volumes_stand_beside_their_masks(volumes, data):
    rows = table(volumes)
    assert len(rows) == 200
    assert tuple(rows[0]) == hippocampus.HEADER
    for row in rows[::40]:
        source = data / "images" / "hippocampus"
        assert (volumes.parent / row["image"]).read_bytes() == (source / "images" / f"{row['case']}.nii.gz").read_bytes()
        assert (volumes.parent / row["mask"]).read_bytes() == (source / "labels" / f"{row['case']}.nii.gz").read_bytes()
    # the label map holds the values that the study names: float32 from offset 352 (NIfTI-1, datatype 16)
    voxels = np.frombuffer(gzip.decompress((volumes.parent / rows[0]["mask"]).read_bytes()), "<f4", offset=352)
    keys = yaml.safe_load(volumes.read_text())
    assert set(np.unique(voxels)) == {0, *keys["set"]["target.labels"].values()}


def test_every_fifth_person_is_test_and_none_is_on_both_sides(volumes):
    rows = table(volumes)
    people = sorted({int(row["person"]) for row in rows})
    assert all(int(row["person"]) == (int(row["case"].split("_")[1]) + 1) // 2 for row in rows)
    test = {int(row["person"]) for row in rows if row["split"] == "test"}
    assert test == {one for place, one in enumerate(people) if place % 5 == 4}
    assert not test & {int(row["person"]) for row in rows if row["split"] == "train"}
    assert (len(people), len(test), sum(row["split"] == "test" for row in rows)) == (
        141,
        28,
        42,
    )  # counted in the file names by hand


def test_the_official_archive_is_read_without_its_other_files(tmp_path):
    inside = ["dataset.json", "imagesTs/hippocampus_009.nii.gz", "imagesTr/._hippocampus_001.nii.gz"]
    inside += [f"{room}/hippocampus_{n:03d}.nii.gz" for room in ("imagesTr", "labelsTr") for n in (1, 4, 3)]
    source = tmp_path / "Task04_Hippocampus.tar"
    source.write_bytes(packed(inside))
    found = hippocampus.volumes(source)
    assert found.total == 3
    assert [(p.path, p.content, p.cells[2], p.beside[0][1]) for p in found.pictures] == [
        (
            f"hippocampus_{n:03d}.nii.gz",
            f"imagesTr/hippocampus_{n:03d}.nii.gz".encode(),
            one,
            f"labelsTr/hippocampus_{n:03d}.nii.gz".encode(),
        )
        for n, one in ((1, "1"), (3, "2"), (4, "2"))
    ]


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (["imagesTr/hippocampus_001.nii.gz"], r"holds no label map for 'hippocampus_001\.nii\.gz'; fetch it again"),
        (["dataset.json"], "holds no volumes with label maps"),
    ],
)
def test_an_archive_that_lacks_masks_is_told(inside, message, tmp_path):
    source = tmp_path / "Task04_Hippocampus.tar"
    source.write_bytes(packed(inside))
    with pytest.raises(RequestError, match=message):
        hippocampus.volumes(source)
    source.write_bytes(packed(inside)[:300])
    with pytest.raises(RequestError, match="cannot be unpacked"):
        hippocampus.volumes(source)


def test_slices_with_a_missing_sequence_are_left_out(slices, data):
    rows = table(slices)
    # of 1,718 slices of 50 patients, 6 patients and 4 single slices lack a sequence (data README: 44 patients remain)
    assert (len(rows), len({row["patient"] for row in rows})) == (1435, 44)
    with np.load(data / "images" / "lgg_mri_50.npz") as file:
        place = {(str(p), int(n)): k for k, (p, n) in enumerate(zip(file["patient"], file["slice"], strict=True))}
        images, masks = file["images"], file["masks"]
    for row in rows[:: len(rows) // 12]:
        at = place[row["patient"], int(row["slice"])]
        np.testing.assert_array_equal(np.asarray(PIL.Image.open(slices.parent / row["image"])), images[at])
        np.testing.assert_array_equal(np.asarray(PIL.Image.open(slices.parent / row["mask"])), masks[at])
        assert (images[at][..., 0] != images[at][..., 1]).any()
        assert (images[at][..., 2] != images[at][..., 1]).any()


def test_the_folder_of_kaggle_gives_the_same_form(tmp_path):
    folder = tmp_path / "mirror" / "kaggle_3m"
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    pixels[1, ..., 2] = pixels[1, ..., 1]  # FLAIR in the place of the slice after contrast
    for n, patient in enumerate(("TCGA_CS_4941_19960909", "TCGA_CS_4941_19960909", "TCGA_DU_5849_19950405")):
        (folder / patient).mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels[n]).save(folder / patient / f"{patient}_{n + 1}.tif")
        PIL.Image.fromarray(np.full((16, 16), 255 * n, np.uint8)).save(
            folder / patient / f"{patient}_{n + 1}_mask.tif"
        ) if n < 2 else None
    with pytest.raises(RequestError, match=r"holds no mask for 'TCGA_DU_5849_19950405_3\.tif'"):
        lgg.slices(folder)
    PIL.Image.fromarray(np.full((16, 16), 255, np.uint8)).save(folder / patient / f"{patient}_3_mask.tif")
    listed(tmp_path / "mirror")
    study = get("lgg-mri", to=tmp_path / "l", mirror=tmp_path / "mirror")
    rows = table(study)
    assert [row["case"] for row in rows] == ["TCGA_CS_4941_19960909_001", "TCGA_DU_5849_19950405_003"]
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(study.parent / rows[1]["image"])), pixels[2])
    assert np.asarray(PIL.Image.open(study.parent / rows[1]["mask"])).tolist() == [[1] * 16] * 16


def test_what_can_only_be_had_by_hand_says_how(tmp_path):
    with pytest.raises(
        RequestError, match=r"Kaggle gives it only .*; fetch it from https://www\.kaggle\.com/.*SHA256SUMS.*--mirror"
    ):
        get("lgg-mri", to=tmp_path / "l")
    with pytest.raises(RequestError, match=r"'lgg_mri_50\.npz' or 'kaggle_3m' .* is not in .*: Kaggle gives it only"):
        get("lgg-mri", to=tmp_path / "l", mirror=tmp_path)


def test_other_arrays_are_told(tmp_path):
    np.savez(tmp_path / "lgg_mri_50.npz", images=np.zeros((1, 4, 4, 3), np.uint8))
    with pytest.raises(RequestError, match="does not hold slices and masks"):
        lgg.slices(tmp_path / "lgg_mri_50.npz")
