"""What belongs to single patients does not land in a bundle: its bytes are searched."""

import struct

import numpy as np
import polars as pl
import pytest

from tests.journeys.command import SHORT, osler

WORDS = ("Zyxwolfgang", "Quetzalcoatl-Huber", "/data/ward7/scan_00017.png", "zebraencephalitis", "PATIENTKEY", "Sondergruppe9")
NUMBERS = (987654.328125, -424242.71875, 31337.1884765625)


@pytest.fixture(scope="module", params=["classification", "regression"])
def trained(request, data, home, tmp_path_factory):
    """SUPPORT2 with names, paths, rare categories and numbers of single patients planted."""
    folder = tmp_path_factory.mktemp("planted")
    rows = pl.read_csv(data / "records" / "support2.csv", infer_schema_length=None).head(800)
    rows = rows.drop("fac_sfdm2", "fac_dnr", "num_surv2m", "num_surv6m", "num_sps", "event")
    rows = rows.with_columns((pl.col("time") <= 180).cast(pl.Int8).alias("died")) if request.param == "classification" else rows
    target = "died" if request.param == "classification" else "time"
    rows = rows.drop("time") if target == "died" else rows.with_columns(pl.col("time").cast(pl.Float64))
    count, numbers = len(rows), [c for c in rows.columns if c.startswith("num_")]
    planted = {name: rows[name].cast(pl.Float64).to_list() for name in numbers[:3]}
    for place, (name, value) in enumerate(zip(numbers[:3], NUMBERS, strict=True)):
        planted[name][40 + place * 97] = value
    factor = next(c for c in rows.columns if c.startswith("fac_"))
    factors = rows[factor].cast(pl.String).to_list()
    factors[11] = WORDS[3]
    hospital = [f"h{i % 5}" for i in range(count)]
    hospital[13] = WORDS[5]
    rows = rows.with_columns(
        *(pl.Series(name, values) for name, values in planted.items()),
        pl.Series(factor, factors),
        pl.Series("hospital", hospital),
        pl.Series("name", [f"{WORDS[i % 2]} {i}" for i in range(count)]),
        pl.Series("file", [WORDS[2].replace("17", str(i)) for i in range(count)]),
        pl.Series("key", [f"{WORDS[4]}{i:05d}" for i in range(count)]),
    )
    rows.write_csv(folder / "table.csv")
    roles = ("--id", "key", "--subgroup", "hospital", "--subgroup", factor)
    ended = osler("train", folder / "table.csv", "--target", target, *roles, "--out", folder / "m", *SHORT)
    assert ended.code == 0, ended.said
    return folder / "m", factor, numbers[0]


def held(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_no_name_path_key_or_rare_category_is_in_any_file(trained):
    for file, data in held(trained[0]).items():
        for word in (*WORDS, "scan_000", str(trained[0].parent)):
            assert word.encode() not in data, (file, word)
            assert word.encode("utf-16-le") not in data, (file, word)


def test_no_single_number_is_in_any_file(trained):
    for file, data in held(trained[0]).items():
        for number in NUMBERS:
            forms = [struct.pack("<f", number), struct.pack("<d", number), np.float32(number).astype(">f4").tobytes()]
            forms += [repr(number).lstrip("-").encode(), f"{abs(number):.6g}".encode(), f"{abs(number):.2f}".encode()]
            for form in forms:
                assert form not in data, (file, number)


def test_the_search_finds_what_may_be_there(trained):
    """The columns' names and common categories are in the bundle: a search that finds nothing proves nothing."""
    folder, factor, number = trained
    text = (folder / "fitted.json").read_bytes() + (folder / "plan.json").read_bytes()
    assert factor.encode() in text
    assert number.encode() in text
    assert b"h1" in text
