"""Copies, patients, scanners and markers are found on real films, and clean films are left in peace."""

import io

import numpy as np
import PIL.Image
import pytest

from osler.modalities.images.leaks import leaks
from tests.unit.modalities.images.films import NOBODY, columns_of, films, split_of, target_of

TRAINING, TEST = np.arange(900), np.arange(900, 1200)


def stored_again(picture, *, quality=70):
    held = io.BytesIO()
    PIL.Image.fromarray(picture).save(held, "JPEG", quality=quality)
    return np.asarray(PIL.Image.open(held))


def halved(picture):
    small = PIL.Image.fromarray(picture).resize((20, 20), PIL.Image.Resampling.BOX)
    return np.asarray(small.resize((28, 28), PIL.Image.Resampling.BICUBIC))


CHANGES = {
    "stored again": stored_again,
    "turned": lambda x: np.rot90(x, 1),
    "mirrored and stored again": lambda x: stored_again(np.ascontiguousarray(x[:, ::-1])),
    "upside down": lambda x: x[::-1],
    "brighter": lambda x: np.clip(x * 1.1 + 8, 0, 255).astype(np.uint8),
    "darker": lambda x: (255 * (x / 255) ** 1.25).astype(np.uint8),
    "scaled": halved,
}


def found(pictures, labels, kind, **marks):
    split = split_of(TRAINING, TEST)
    return [one for one in leaks(columns_of(pictures, **marks), split, target=target_of(labels)) if one.kind == kind]


def test_clean_films_have_no_finding(data):
    pictures, labels = films(data)
    split = split_of(np.arange(700), TEST, tune=np.arange(700, 900))
    assert leaks(columns_of(pictures), split, target=target_of(labels)) == ()


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(data, change):
    pictures, labels = films(data)
    mixed = pictures.copy()
    for turn in range(20):
        mixed[TEST[10 * turn]] = CHANGES[change](pictures[TRAINING[30 * turn]])
    one = found(mixed, labels, "near-copy")[0]
    assert one.severity == "warn"
    assert len(np.intersect1d(one.test_rows, TEST[:200:10])) >= 18
    assert len(np.setdiff1d(one.test_rows, TEST[:200:10])) == 0
    assert len(np.intersect1d(one.rows, TRAINING[:600:30])) >= 18


def test_equal_pixels_are_not_told_twice(data):
    pictures, labels = films(data)
    mixed = pictures.copy()
    mixed[TEST[:5]] = mixed[TRAINING[:5]]
    assert found(mixed, labels, "near-copy") == []


def test_copies_in_validation_are_told_without_test_rows(data):
    pictures, labels = films(data)
    mixed = pictures.copy()
    mixed[890:900] = np.stack([stored_again(p) for p in pictures[:10]])
    split = split_of(np.arange(800), TEST, tune=np.arange(800, 900))
    one = next(f for f in leaks(columns_of(mixed), split, target=target_of(labels)) if f.kind == "near-copy")
    assert "validation pictures" in one.sentence
    assert len(one.test_rows) == 0


def test_flat_pictures_are_no_copies(data):
    pictures, labels = films(data)
    mixed = pictures.copy()
    mixed[TEST[:9]], mixed[TRAINING[:9]] = np.arange(9)[:, None, None], np.arange(20, 29)[:, None, None]
    assert found(mixed, labels, "near-copy") == []


@pytest.mark.parametrize("corner", ["top left", "bottom right"])
def test_a_marker_of_one_class_is_found(data, corner):
    pictures, labels = films(data)
    marked = pictures.copy()
    sick = np.flatnonzero(labels == 1)
    shown = sick[np.random.default_rng(0).random(len(sick)) < 0.9]
    rows, columns = (slice(1, 5), slice(2, 4)) if corner == "top left" else (slice(23, 27), slice(24, 26))
    marked[np.ix_(shown, np.r_[rows], np.r_[columns])] = 250
    told = found(marked, labels, "marker")
    assert [one.severity for one in told] == ["warn"]
    assert f"the {corner} corner" in told[0].sentence
    assert "finding: pneumonia" in told[0].sentence


def test_a_marker_on_both_classes_is_none(data):
    pictures, labels = films(data)
    marked = pictures.copy()
    marked[::2, 1:5, 2:4] = 250
    assert found(marked, labels, "marker") == []


def test_a_class_that_is_brighter_throughout_is_no_marker(data):
    pictures, labels = films(data)
    brighter = np.where(labels[:, None, None] == 1, np.minimum(pictures.astype(int) // 2 + 120, 255), pictures // 2)
    assert found(brighter.astype(np.uint8), labels, "marker") == []


def test_a_patient_on_both_sides_stops_the_run(data):
    pictures, labels = films(data)
    patients = 1 + np.arange(1200) // 2
    patients[TEST[0]] = patients[TRAINING[10]]
    one = found(pictures, labels, "same-patient", patients=patients)[0]
    assert one.severity == "stop"
    assert one.rows.tolist() == [10, 11]
    assert one.test_rows.tolist() == [900]


def test_a_placeholder_is_no_patient(data):
    pictures, labels = films(data)
    patients = np.full(1200, 77)
    assert found(pictures, labels, "same-patient", patients=patients) == []
    assert [one.severity for one in found(pictures, labels, "patient-unknown", patients=patients)] == ["warn"]


@pytest.mark.parametrize(("mixed", "told"), [(0.0, 1), (0.3, 0)])
def test_a_scanner_that_goes_with_the_class_is_told(data, mixed, told):
    pictures, labels = films(data)
    scanners = 5 + labels.astype(np.int64)
    other = np.random.default_rng(0).random(len(labels)) < mixed
    scanners[other] = 11 - scanners[other]
    assert len(found(pictures, labels, "scanner", scanners=scanners)) == told


@pytest.mark.parametrize("cases", [0, 1, 30])
def test_few_pictures_have_no_findings(data, cases):
    pictures, labels = films(data)
    split = split_of(np.arange(cases), TEST[:cases])
    assert leaks(columns_of(pictures), split, target=target_of(labels)) == ()
    assert leaks(columns_of(pictures), split_of(np.arange(cases), NOBODY), target=target_of(labels)) == ()
