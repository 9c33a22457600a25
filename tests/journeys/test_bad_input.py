"""Input that cannot be used: each ends with a clear message and exit code 2, or with refused rows."""

import resource
import subprocess
import zipfile

import numpy as np
import polars as pl
import pytest

from tests.journeys.command import SHORT, finished, osler, refused, started


@pytest.fixture(scope="module")
def rows(cancer):
    return pl.read_csv(cancer / "table.csv").head(200)


def trained(tmp_path, content, *more, target="diagnosis", name="t.csv"):
    if isinstance(content, pl.DataFrame):
        content = content.write_csv()
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return osler("train", tmp_path / name, "--target", target, "--out", tmp_path / "m", *SHORT, *more)


FAULTS = {
    "an empty file": (lambda _: "", "is empty"),
    "blank lines": (lambda _: "\n\n\n", "holds blank lines only"),
    "a header only": (lambda t: t.head(0), "has a header but no rows"),
    "a column twice": (lambda t: t.write_csv().replace("mean texture", "mean radius", 1), "used more than once: 'mean radius'"),
    "one class": (lambda t: t.with_columns(diagnosis=pl.lit("benign")), "one class only"),
    "no target": (lambda t: t.with_columns(diagnosis=pl.lit(None, pl.String)), "'diagnosis' is missing in every row"),
    "constants": (lambda t: t.select("diagnosis", a=pl.lit(1.5), b=pl.lit("x")), "no column is left to predict from"),
    "the target alone": (lambda t: t.select("diagnosis"), "nothing is left to predict from"),
    "NULs everywhere": (lambda _: "a,diagnosis\n" + "1\0,x\n" * 50, "none of its 50 rows can be used"),
    "no text": (lambda _: bytes(range(256)) * 20, "holds no text"),
    "two rows": (lambda t: t.head(2), "target 'diagnosis' has one class only"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_that_cannot_be_trained_on(rows, tmp_path, name):
    make, match = FAULTS[name]
    assert match in refused(trained(tmp_path, make(rows)))
    assert not (tmp_path / "m").exists()


def test_a_text_of_its_own_in_each_row(tmp_path):
    draws = np.random.default_rng(0)
    table = pl.DataFrame({"text": [f"text {i * 7919 % 20000}" for i in range(20000)], "y": draws.integers(0, 2, 20000)})
    assert "no column is left to predict from" in refused(trained(tmp_path, table, target="y"))
    said = refused(trained(tmp_path, table.with_columns(x=draws.normal(size=20000)), target="text"))
    assert "has 20000 different values in 20000 rows" in said


def test_mixed_encodings_nuls_and_formulas_are_refused_or_read(rows, bundle, tmp_path):
    lines = [line.encode() for line in rows.with_columns(note=pl.lit("größe")).write_csv().splitlines()]
    lines[3] = lines[3].replace("größe".encode(), "größe".encode("cp1252"))
    lines[5] = lines[5].replace("größe".encode(), b"gr\0sse")
    lines[7] = lines[7].replace("größe".encode(), b"=HYPERLINK(1)")
    (tmp_path / "t.csv").write_bytes(b"\n".join(lines))
    assert osler("predict", bundle, tmp_path / "t.csv", "--out", tmp_path / "p.csv").code == 0
    reasons = pl.read_csv(tmp_path / "p.csv")["refused"].fill_null("").to_list()
    assert {n: reason.split(":")[0] for n, reason in enumerate(reasons) if reason} == {2: "encoding", 4: "nul"}


def test_a_file_joined_from_two_encodings_is_told(rows, tmp_path):
    text = rows.with_columns(note=pl.lit("größe")).write_csv().splitlines()
    lines = [line.encode("cp1252" if number > len(text) * 0.4 else "utf-8") for number, line in enumerate(text)]
    (tmp_path / "t.csv").write_bytes(b"\n".join(lines))
    said = refused(osler("train", tmp_path / "t.csv", "--target", "diagnosis", "--out", tmp_path / "m"))
    assert "lines in UTF-8 and" in said
    assert "in another encoding" in said


def test_an_empty_row_gets_no_prediction(rows, bundle, tmp_path):
    holes = rows.with_row_index("number").with_columns(
        pl.when(pl.col("number") == 4).then(None).otherwise(pl.col(c)).alias(c) for c in rows.columns
    )
    holes.drop("number").write_csv(tmp_path / "t.csv")
    assert osler("predict", bundle, tmp_path / "t.csv", "--out", tmp_path / "p.csv").code == 0
    reasons = pl.read_csv(tmp_path / "p.csv")["refused"].fill_null("").to_list()
    assert {n: reason.split(":")[0] for n, reason in enumerate(reasons) if reason} == {4: "no_input"}


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORKBOOK = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r0" Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="str"><v>a</v></c>'
    '<c r="B1" t="str"><v>diagnosis</v></c></row><row r="2"><c r="A2"><v>1</v></c></row></sheetData>'
    '<mergeCells count="1"><mergeCell ref="A2:B3"/></mergeCells></worksheet>',
}


def test_excel_with_merged_cells(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as book:
        for name, text in WORKBOOK.items():
            book.writestr(name, text)
    ended = osler("train", tmp_path / "t.xlsx", "--target", "diagnosis", "--out", tmp_path / "m")
    assert "merged cells at A2:B3" in refused(ended)


@pytest.mark.parametrize("table", ["../secret.csv", "/etc/passwd"])
def test_a_study_whose_table_is_not_in_its_folder(tmp_path, table):
    (tmp_path / "study").mkdir()
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (tmp_path / "study" / "study.yaml").write_text(f"table: {table}\ntarget: b\n")
    refused(osler("train", tmp_path / "study" / "study.yaml", "--out", tmp_path / "m"))
    assert not (tmp_path / "m").exists()


def test_an_unknown_key_of_a_study_ends_with_the_near_miss(cancer, tmp_path):
    (tmp_path / "study.yaml").write_text(f"table: {cancer / 'table.csv'}\ntaget: diagnosis\n")
    assert "did you mean 'target'?" in refused(osler("train", tmp_path / "study.yaml", "--out", tmp_path / "m"))


def test_places_that_cannot_be_written_to(cancer, plan, bundle, tmp_path):
    (tmp_path / "file").write_text("")
    place = tmp_path / "file" / "m"
    refused(osler("train", cancer / "study.yaml", "--plan", plan, "--out", place))
    refused(osler("inspect", cancer / "study.yaml", "--out", place, *SHORT))
    refused(osler("predict", bundle, cancer / "table.csv", "--out", tmp_path / "file" / "p.csv"))
    refused(osler("evaluate", bundle, cancer / "table.csv", "--out", place))
    refused(osler("data", "get", "breast-cancer", "--to", place))
    assert "no format is known by this ending" in refused(
        osler("predict", bundle, cancer / "table.csv", "--out", tmp_path / "p.doc")
    )


@pytest.fixture(params=["ro", "size=1200k"])
def mounted(request, tmp_path):
    """A disk that is read-only, or small."""
    (tmp_path / "disk").mkdir()
    words = ["mount", "-t", "tmpfs", "-o", request.param, "tmpfs", tmp_path / "disk"]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a disk cannot be mounted here")
    yield tmp_path / "disk"
    subprocess.run(["umount", tmp_path / "disk"], check=True)


def test_a_read_only_and_a_full_disk(mounted, cancer, plan):
    said = refused(osler("train", cancer / "study.yaml", "--plan", plan, "--out", mounted / "m"))
    assert "Read-only" in said or "No space left" in said or "no room left" in said
    assert not (mounted / "m").exists()


def test_a_limit_on_the_size_of_files(cancer, plan, tmp_path):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    ended = finished(started("train", cancer / "study.yaml", "--plan", plan, "--out", tmp_path / "m", limit=limited))
    assert "File too large" in refused(ended)


def test_a_missing_column_at_prediction_ends_with_the_near_miss(bundle, rows, tmp_path):
    rows.rename({"mean radius": "mean_radius"}).write_csv(tmp_path / "t.csv")
    said = refused(osler("predict", bundle, tmp_path / "t.csv", "--out", tmp_path / "p.csv"))
    assert "'mean radius'; did you mean 'mean_radius'?" in said


def test_a_budget_of_a_second_works_or_says_why(cancer, tmp_path):
    ended = osler("train", cancer / "study.yaml", "--budget", "1s", "--out", tmp_path / "m", "--set", "split.folds=2")
    if ended.code:
        refused(ended)
    else:
        assert (tmp_path / "m" / "bundle.json").exists()


@pytest.mark.parametrize("budget", ["0s", "-5m", "soon", "nan"])
def test_a_budget_that_is_no_time(cancer, tmp_path, budget):
    assert "budget" in refused(osler("train", cancer / "study.yaml", f"--budget={budget}", "--out", tmp_path / "m"))


def test_targets_that_were_not_seen_in_training(bundle, rows, tmp_path):
    rows.with_columns(diagnosis=pl.lit("uncertain")).write_csv(tmp_path / "t.csv")
    said = refused(osler("evaluate", bundle, tmp_path / "t.csv", "--out", tmp_path / "e"))
    assert "no case can be scored: all 200 rows are refused" in said
    rows.drop("diagnosis").write_csv(tmp_path / "u.csv")
    assert "no column 'diagnosis' to score against" in refused(
        osler("evaluate", bundle, tmp_path / "u.csv", "--out", tmp_path / "e")
    )


def test_a_class_that_only_the_test_holds_is_told(rows, tmp_path):
    parts = pl.Series("part", ["train"] * 150 + ["test"] * (len(rows) - 150))
    late = rows.with_columns(parts).with_row_index("number")
    late = late.with_columns(
        pl.when(pl.col("number") >= len(rows) - 20).then(pl.lit("borderline")).otherwise(pl.col("diagnosis")).alias("diagnosis")
    ).drop("number")
    late.write_csv(tmp_path / "t.csv")
    words = ("train", tmp_path / "t.csv", "--target", "diagnosis", "--split", "part", *SHORT, "--out", tmp_path / "m")
    said = refused(osler(*words))
    assert "class 'borderline' of 'diagnosis' is in 20 test cases and in no training case" in said


def test_a_device_that_is_not_here_is_told(bundle, cancer, tmp_path):
    words = ("predict", bundle, cancer / "table.csv", "--out", tmp_path / "p.csv", "--device", "gpu")
    assert "there is no device 'gpu' here; there is cpu" in refused(osler(*words))


def test_nothing_that_was_given_is_written_over(rows, bundle, tmp_path):
    rows.write_csv(tmp_path / "t.csv")
    before = (tmp_path / "t.csv").read_bytes()
    assert "would be lost" in refused(osler("inspect", tmp_path / "t.csv", "--target", "diagnosis", "--out", tmp_path / "t.csv"))
    assert "would be lost" in refused(osler("compare", bundle, bundle, tmp_path / "t.csv", "--out", tmp_path / "t.csv"))
    assert (tmp_path / "t.csv").read_bytes() == before
