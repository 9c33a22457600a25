"""Images made of a case: in the geometry and the form of its own file, and marked as synthetic inside."""

import numpy as np
import pyarrow as pa
import pydicom
import pytest
from PIL import Image

from osler.core.errors import Refused
from osler.core.provenance import Provenance
from osler.core.table import Table
from osler.modalities.images import Images
from osler.modalities.images.grids.derived.dicom import stored_as, uid
from osler.modalities.images.read.volume import header_of, load_volume
from tests.unit.modalities.images.volume_files import enhanced

ROLES = frozenset({"input"})
WHO = Provenance("Osler 0.1.0", "model 0123456789ab", "translated from MR to CT", "CT")
FOLDER, NAME = "images/brain_dicom", "26401-T1prereg-52906"
SERIES = f"{FOLDER}/{NAME}"


@pytest.fixture(scope="module")
def images():
    return Images()


def case(images, path, folder):
    """Return locator, reading and columns of one file as translation reads it."""
    table = Table(pa.table({"image": [str(path)]}), folder)
    locators = images.locate(table, columns=["image"])
    reading = {d.name: d.value for d in images.reading(locators, settings={"form": "grid", "own_grid": True})}
    columns = images.shard(locators, reading=reading, roles=ROLES)
    assert columns.present.all(), columns.refusals
    return locators[0], reading, columns


def written(images, path, folder, *, out, change, who=WHO):
    locator, reading, columns = case(images, path, folder)
    values = change(np.asarray(columns["volume"][0]))
    made = images.write_image(values, locator, columns, 0, folder=out, name="one", provenance=who, reading=reading)
    return made, np.asarray(columns["volume"][0])


@pytest.fixture(scope="module")
def series(images, data, tmp_path_factory):
    """A derived series of a real one, whose values are those of a CT."""
    out = tmp_path_factory.mktemp("derived")
    return written(images, NAME, data / FOLDER, out=out, change=lambda v: (v - 1024).astype(np.int16))


def test_a_derived_series_lies_where_its_source_lies(series, data):
    folder, _ = series
    source, made = load_volume(str(data / SERIES)), load_volume(str(folder))
    assert made.values.shape == source.values.shape
    assert np.abs(made.affine - source.affine).max() < 1e-4
    assert np.array_equal(made.values, source.values - 1024), "each voxel in its place, in Hounsfield units"
    assert header_of(str(folder)).modality == "CT"


def test_a_derived_series_says_what_it_is(series, data):
    folder, _ = series
    sources = {str(d.SOPInstanceUID): d for d in map(pydicom.dcmread, sorted((data / SERIES).iterdir()))}
    files = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    assert len(files) == len(sources)
    for made in files:
        source = sources[str(made.SourceImageSequence[0].ReferencedSOPInstanceUID)]
        assert list(made.ImageType[:2]) == ["DERIVED", "SECONDARY"]
        assert made.SyntheticData == "YES"
        assert made.ContentQualification == "RESEARCH"
        assert made.DerivationDescription.startswith("SYNTHETIC: translated from MR to CT by Osler 0.1.0")
        assert made.SeriesDescription.startswith("SYNTHETIC CT")
        assert made.SourceImageSequence[0].ReferencedSOPClassUID == source.SOPClassUID
        assert made.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        assert made.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
        assert (made.Modality, made.RescaleType, made.RescaleSlope) == ("CT", "HU", 1)
        for name in (
            "StudyInstanceUID",
            "PatientID",
            "FrameOfReferenceUID",
            "PixelSpacing",
            "ImageOrientationPatient",
            "SliceThickness",
        ):
            assert made[name].value == source[name].value
        assert np.abs(np.subtract(made.ImagePositionPatient, source.ImagePositionPatient)).max() < 1e-4
        for name in (
            "EchoTime",
            "RepetitionTime",
            "ProtocolName",
            "AcquisitionDate",
            "MagneticFieldStrength",
            "InstanceCreationDate",
        ):
            assert name not in made, "how the source was acquired says nothing of what was made"
    assert len({f.SOPInstanceUID for f in files} | set(sources)) == 2 * len(files)
    assert len({f.SeriesInstanceUID for f in files}) == 1
    assert files[0].SeriesInstanceUID not in {d.SeriesInstanceUID for d in sources.values()}
    assert files[0].Manufacturer == "Osler"


def test_magnetic_resonance_stays_that_where_no_kind_is_known(images, data, tmp_path):
    who = Provenance("Osler 0.1.0", "model 01", "translated from MR")
    folder, _ = written(images, NAME, data / FOLDER, out=tmp_path, change=lambda v: v * np.float32(0.37), who=who)
    made, source = load_volume(str(folder)), load_volume(str(data / SERIES))
    first = pydicom.dcmread(min(folder.iterdir()))
    assert (first.Modality, first.SOPClassUID) == ("MR", "1.2.840.10008.5.1.4.1.1.4")
    assert first.ImageType[:3] == ["DERIVED", "SECONDARY", "OTHER"]
    assert first.ScanningSequence == "RM"
    span = float(np.ptp(source.values)) * 0.37
    assert np.abs(made.values - source.values * 0.37).max() < span / 60_000


def test_an_enhanced_object_of_many_frames_becomes_a_file_a_frame(images, data, tmp_path):
    real = load_volume(str(data / SERIES))
    (tmp_path / "in").mkdir()
    source = enhanced(np.rint(real.values[0]).astype(np.uint16), real.affine)
    source.save_as(tmp_path / "in" / "many.dcm", enforce_file_format=True)
    folder, _ = written(images, "many.dcm", tmp_path / "in", out=tmp_path / "out", change=lambda v: (v - 1024).astype(np.int16))
    made = load_volume(str(folder))
    assert np.abs(made.affine - real.affine).max() < 1e-4
    assert np.array_equal(made.values, np.rint(real.values) - 1024)
    files = [pydicom.dcmread(path) for path in folder.iterdir()]
    numbers = {int(f.SourceImageSequence[0].ReferencedFrameNumber) for f in files}
    assert numbers == set(range(1, len(files) + 1)), "each says of which frame it was made"
    for one in files:
        frame = source.PerFrameFunctionalGroupsSequence[one.SourceImageSequence[0].ReferencedFrameNumber - 1]
        place = frame.PlanePositionSequence[0].ImagePositionPatient
        assert np.abs(np.subtract(one.ImagePositionPatient, place)).max() < 1e-4
        assert one.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert "NumberOfFrames" not in one


def test_the_same_again_has_the_same_uids(series, images, data, tmp_path):
    folder, _ = series
    again, _ = written(images, NAME, data / FOLDER, out=tmp_path, change=lambda v: (v - 1024).astype(np.int16))
    for one, other in zip(sorted(folder.iterdir()), sorted(again.iterdir()), strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert uid("a", "b") != uid("ab", "")
    assert pydicom.uid.UID(uid("a")).is_valid


def test_a_nifti_keeps_its_affine_to_the_last_bit(images, data, tmp_path):
    nibabel = pytest.importorskip("nibabel")
    source = nibabel.load(data / "images/heads/chris_t1.nii.gz")
    path, _ = written(images, "chris_t1.nii.gz", data / "images/heads", out=tmp_path, change=lambda v: v[:, ::1])
    made = nibabel.load(path)
    assert made.shape == source.shape
    assert np.array_equal(made.affine.astype(np.float32), source.affine.astype(np.float32))
    assert np.array_equal(np.asarray(made.dataobj), np.asarray(source.dataobj)), "written back as it was stored"
    assert bytes(made.header["descrip"]).startswith(b"SYNTHETIC: translated from MR to CT by Osler")


def test_a_picture_says_that_it_is_synthetic(images, tmp_path):
    draws = np.random.default_rng(0)
    source = draws.integers(0, 255, (20, 30), np.uint8)
    Image.fromarray(source).save(tmp_path / "a.png")
    path, _ = written(images, "a.png", tmp_path, out=tmp_path / "out", change=lambda v: 255 - v)
    with Image.open(path) as made:
        assert np.array_equal(np.asarray(made), 255 - source)
        assert made.text["Source"] == "synthetic"
        assert "bundle model 0123456789ab" in made.text["Comment"]
    deep, _ = written(images, "a.png", tmp_path, out=tmp_path / "deep", change=lambda v: v.astype(np.uint16) * 200)
    with Image.open(deep) as made:
        assert np.array_equal(np.asarray(made), source.astype(np.uint16) * 200)


def test_what_a_form_cannot_hold_is_refused(images, data, tmp_path):
    Image.fromarray(np.zeros((8, 8), np.uint8) + np.arange(8, dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(Refused, match="a PNG holds one channel or three"):
        written(images, "a.png", tmp_path, out=tmp_path, change=lambda v: np.repeat(v, 2, axis=0))
    with pytest.raises(Refused, match="a DICOM series holds one channel"):
        written(images, NAME, data / FOLDER, out=tmp_path, change=lambda v: np.repeat(v, 2, axis=0))
    assert not list(tmp_path.glob("*.partial")), "nothing half written is left"


@pytest.mark.parametrize(
    "values", [np.array([[-5, 40_000]]), np.array([[0.25, 1e-3]], np.float32), np.array([[-1e5, 1e5]], np.float32)]
)
def test_values_survive_sixteen_bits(values):
    found = stored_as(values)
    back = found.planes.astype(np.float64) * found.slope + found.intercept
    assert np.abs(back - values).max() <= np.ptp(values) / 60_000
    assert np.array_equal(stored_as(np.array([[-1000, 3000]], np.int16)).planes, [[-1000, 3000]])
