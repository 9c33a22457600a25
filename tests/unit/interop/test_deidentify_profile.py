"""The table against the Standard, the options by name, and what a key gives."""

import collections

import pytest

from osler.core.errors import RequestError
from osler.interop.deidentify import CHOICES, Key, choose, read_key
from osler.interop.deidentify.profile import offered, profile_of, required, rows
from osler.interop.deidentify.values import capped, known_words, moved, vocabulary
from osler.interop.deidentify.work import Work

BY_NAME = {row.keyword: row for row in rows()}
CT = "1.2.840.10008.5.1.4.1.1.2"


def test_the_table_has_the_rows_of_the_standard():
    """PS3.15 2026c, Table E.1-1, as dicom-anonymizer 2.1.0 has it, from which it was taken: 652 single attributes; 3 rows of groups."""
    assert len(rows()) == 655
    counts = collections.Counter(row.basic for row in rows() if "X" not in row.tag)
    assert counts == {
        "X": 412, "D": 93, "U": 55, "Z": 42, "X/D": 23, "X/Z": 11, "X/Z/D": 8, "Z/D": 6, "X/Z/U*": 2,
    }  # fmt: skip
    assert sum(counts.values()) == 652
    assert [row.tag for row in rows()] == sorted(row.tag for row in rows())


@pytest.mark.parametrize(
    ("keyword", "basic", "options"),
    [  # PS3.15, Table E.1-1, read in other transcriptions than the table was taken from: dicom-curate, innolitics
        ("PatientName", "Z", {}),
        ("PatientID", "Z/D", {}),
        ("PatientBirthDate", "Z", {}),
        ("PatientSex", "Z", {"patient": "K"}),
        ("StudyDate", "Z", {"full_dates": "K", "modified_dates": "C"}),
        ("SeriesDate", "X/D", {"full_dates": "K", "modified_dates": "C"}),
        ("AcquisitionDateTime", "X/Z/D", {"full_dates": "K", "modified_dates": "C"}),
        ("SeriesDescription", "X", {"descriptors": "C"}),
        ("InstitutionName", "X/Z/D", {"institution": "K"}),
        ("StationName", "X/Z/D", {"devices": "K"}),
        ("StationAETitle", "X", {"devices": "C"}),
        ("DeviceUID", "U", {"uids": "K", "devices": "K"}),
        ("SOPInstanceUID", "U", {"uids": "K"}),
        ("ReferencedImageSequence", "X/Z/U*", {"uids": "K"}),
        ("PatientState", "X", {"patient": "C", "descriptors": "C"}),
        ("ContentSequence", "D", {"structured": "C"}),
        ("GraphicAnnotationSequence", "D", {"graphics": "C"}),
        ("OverlayData", "X", {"graphics": "C"}),
        ("DateOfLastCalibration", "X", {"devices": "K", "full_dates": "K", "modified_dates": "C"}),
        ("LastMenstrualDate", "X", {"full_dates": "K", "modified_dates": "C"}),
        ("EncapsulatedDocument", "D", {}),
        ("ROIName", "Z", {"descriptors": "C"}),
    ],
)
def test_rows_are_the_standard_s(keyword, basic, options):
    assert (BY_NAME[keyword].basic, dict(BY_NAME[keyword].options)) == (basic, options)


def test_every_row_s_keyword_is_the_dictionary_s():
    from pydicom.datadict import keyword_for_tag

    wrong = [row for row in rows() if "X" not in row.tag and keyword_for_tag(int(row.tag, 16)) not in {"", row.keyword}]
    assert wrong == []


def test_codes_offer_what_the_type_needs():
    assert [offered("X/Z/D", kind) for kind in (3, 2, 1, None)] == ["X", "Z", "D", "D"]
    assert [offered("X/Z/U*", kind) for kind in (3, 2, 1)] == ["X", "Z", "U"]
    assert [offered("Z/D", kind) for kind in (2, 1)] == ["Z", "D"]
    assert len(required()) == 140
    assert required()[CT]["00080023"] == 2


def test_an_option_s_action_takes_the_place_of_the_profile_s():
    tag = 0x00080020
    assert profile_of(choose()).actions(CT, nested=False)[tag] == "Z"
    assert profile_of(choose(retain=["modified-dates"])).actions(CT, nested=False)[tag] == "C"
    assert profile_of(choose(retain=["full-dates"])).actions(CT, nested=True)[tag] == "K"
    both = profile_of(choose(retain=["modified-dates", "device-identity"])).actions(CT, nested=False)
    assert both[0x00181200] == "C"  # a calibration's date moves too, where others do


def test_options_have_the_codes_of_cid_7050():
    assert {c.name: c.code for c in CHOICES} == {
        "pixel-data": "113101", "visual-features": "113102", "graphics": "113103", "structured-content": "113104", "descriptors": "113105",
        "full-dates": "113106", "modified-dates": "113107", "patient-characteristics": "113108", "device-identity": "113109", "uids": "113110",
        "safe-private": "113111", "institution-identity": "113112",
    }  # fmt: skip
    assert max(len(c.meaning) for c in CHOICES) <= 64


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"retain": ["uid"]}, "--retain uid: there is no such option; did you mean 'uids'"),
        ({"clean": ["uids"]}, "--clean uids: there is no such option"),
        ({"retain": ["full-dates", "modified-dates"]}, "contradict each other"),
    ],
)
def test_options_that_cannot_be_are_refused(asked, message):
    with pytest.raises(RequestError, match=message):
        choose(**asked)


# the key --------------------------------------------------------------------------------------------------------------


def test_a_key_gives_the_same_for_the_same_and_hides_it():
    one, other = Key(b"0123456789abcdef"), Key(b"fedcba9876543210")
    assert one.uid("1.2.3") == one.uid("1.2.3") != one.uid("1.2.4") != other.uid("1.2.3")
    assert one.code("file", "a") != one.code("folder", "a")
    assert {-3650 <= one.days(str(n)) <= -30 for n in range(500)} == {True}
    assert len({one.days(str(n)) for n in range(500)}) > 400
    assert "0123" not in repr(one)
    number = int(one.uid("1.2.3").removeprefix("2.25."))
    assert (number >> 76 & 15, number >> 62 & 3) == (8, 2)  # version and variant of RFC 9562


def test_a_key_file_is_made_once_for_its_user_alone(tmp_path):
    first = read_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == first
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    (tmp_path / "short").write_bytes(b"1234")
    with pytest.raises(RequestError, match="has 4 bytes; wanted 16 or more"):
        read_key(tmp_path / "short")
    with pytest.raises(RequestError, match="cannot be read: Is a directory"):
        read_key(tmp_path)


def test_names_are_drawn_by_folder(tmp_path, key):
    work = Work(tmp_path, tmp_path, key, choose())
    first, second, third = (work.place(name, ".dcm") for name in ("Miller/a/1", "Miller/b/2", "1"))
    assert first.split("/")[0] == second.split("/")[0]
    assert len({*first.split("/"), *second.split("/"), third}) == 6
    assert Work(tmp_path, tmp_path, key, choose(), keep_names=True).place("Miller/a/1", ".dcm") == "Miller/a/1"


# values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "vr", "expected"),
    [
        ("20200301", "DA", "20200229"),
        ("2020.03.01", "DA", "20200229"),
        ("20200301101112.123456+0100", "DT", "20200229101112.123456"),
        ("202003", "DT", "202002"),
        ("2020", "DT", "2019"),
        ("101112.5", "TM", "101112.5"),
        ("20201301", "DA", None),
        ("20200101-20200201", "DA", None),
        ("Miller", "DA", None),
        ("10:11 Miller", "TM", None),
        ("10000101", "DA", None),
    ],
)
def test_moments_move_or_are_none(text, vr, expected):
    assert moved(text, vr, days=-1) == expected


def test_only_known_words_stay():
    assert known_words("Thorax^1_RoutineLung (Adult) for Ms. Chestnut, 5.0mm B70f") == "Thorax 5.0mm"
    assert known_words("12345678") == ""
    assert known_words("CT w/o contrast, MR W/CONTRAST") == "CT without contrast MR with CONTRAST"
    assert known_words("CHEST by Foot, Mrs. Head; Dr HAND") == "CHEST"
    assert len(known_words("head " * 100)) <= 64
    assert 250 < len(vocabulary()) < 600
    assert capped("089Y") == "089Y"
