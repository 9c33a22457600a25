"""OMOP in databases: SQLite, DuckDB, and a real PostgreSQL on loopback."""

import os
import sqlite3
import threading

import duckdb
import polars as pl
import pytest
import sqlalchemy

from osler.core.errors import RequestError, RunError, TableError
from osler.modalities.timelines.read import omop
from osler.modalities.timelines.read.omop import copying, database
from osler.modalities.timelines.read.source import Source
from tests.unit.modalities.timelines.hospital import Hospital, micro, read, write_csv
from tests.unit.modalities.timelines.postgres import NAME, PASSWORD, USER, server

TIMES = ("visit_start_datetime", "visit_end_datetime", "measurement_datetime")
DATES = ("condition_start_date", "drug_exposure_start_date", "death_date")


@pytest.fixture(scope="module")
def hospital(data):
    return Hospital(data, patients=3)


@pytest.fixture(scope="module")
def frames(hospital):
    return hospital.omop()


@pytest.fixture(scope="module")
def expected(frames, tmp_path_factory):
    return read("omop", write_csv(tmp_path_factory.mktemp("csv"), frames))


@pytest.fixture(scope="module")
def postgres(frames):
    with server() as running:
        create(running.url(), frames)
        yield running


def sql_type(name, dtype, *, ids="BIGINT"):
    if name in TIMES:
        return "TIMESTAMP"
    if name in DATES:
        return "DATE"
    if dtype == pl.Float64:
        return "NUMERIC"
    return ids if dtype == pl.Int64 else "TEXT"


def create(url, frames, *, schema=None, upper=False):
    """Write tables with the types that OMOP's own scripts give them."""
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+pg8000:"))
    with engine.begin() as connection:
        if schema:
            connection.execute(sqlalchemy.text(f'CREATE SCHEMA "{schema}"'))
        for name, frame in frames.items():
            place = f'"{schema}".' * bool(schema) + f'"{name.upper() if upper else name}"'
            columns = [c.upper() if upper else c for c in frame.columns]
            typed = ", ".join(f'"{c}" {sql_type(c.lower(), t)}' for c, t in zip(columns, frame.dtypes, strict=True))
            connection.execute(sqlalchemy.text(f"CREATE TABLE {place} ({typed})"))
            values = ", ".join(
                f"CAST(:{c} AS {sql_type(c, t)})" if url.startswith("postgresql") else f":{c}" for c, t in frame.schema.items()
            )
            if len(frame):
                connection.execute(sqlalchemy.text(f"INSERT INTO {place} VALUES ({values})"), frame.to_dicts())
    engine.dispose()


def of_duck(path, frames, *, schema="main"):
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name, frame in frames.items():
            connection.register("given", frame.to_arrow())
            typed = ", ".join(
                f"CAST({c} AS {sql_type(c, t).replace('NUMERIC', 'DOUBLE')}) AS {c}" for c, t in frame.schema.items()
            )
            connection.execute(f"CREATE TABLE {schema}.{name} AS SELECT {typed} FROM given")
    return path


# the same from each ---------------------------------------------------------------------------------------------------


def test_sqlite_holds_the_same_as_the_files(frames, expected, tmp_path):
    path = tmp_path / "h.db"
    create(f"sqlite:///{path}", frames, upper=True)
    assert read("omop", f"sqlite:///{path}") == expected
    assert omop.recognises(path)
    assert read("omop", path) == expected
    assert omop.files(Source(f"sqlite:///{path}", "omop")) == omop.files(Source(path, "omop")) == [path]


def test_duckdb_holds_the_same_as_the_files(frames, expected, tmp_path):
    path = of_duck(tmp_path / "h.duckdb", frames)
    assert read("omop", f"duckdb:///{path}") == expected
    assert omop.recognises(path)
    assert read("omop", path) == expected
    assert omop.files(Source(f"duckdb:///{path}", "omop")) == [path]


def test_postgresql_holds_the_same_as_the_files(expected, postgres):
    assert omop.recognises(postgres.url())
    assert omop.files(Source(postgres.url(), "omop")) == []
    assert read("omop", postgres.url()) == expected


def test_postgresql_is_asked_for_rows_in_one_order(postgres):
    tables = database.connect(postgres.url())
    asked = [("synchronize_seqscans", "off"), ("max_parallel_workers_per_gather", "0"), ("DateStyle", "ISO, MDY")]
    found = [(name, tables._connection.execute(sqlalchemy.text(f"SHOW {name}")).scalar()) for name, _ in asked]
    tables.close()
    assert found == asked


def test_small_chunks_give_the_same(frames, expected, postgres, tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "BYTES", 1 << 13)
    monkeypatch.setattr(database.Database, "rows_at_once", 100)
    create(f"sqlite:///{tmp_path / 'h.db'}", frames)
    for url in (postgres.url(), f"sqlite:///{tmp_path / 'h.db'}"):
        sizes = [len(piece.rows) for piece in omop.pieces(Source(url, "omop"))]
        assert max(sizes) < 200 < len(expected[0]) == sum(sizes)
        assert read("omop", url) == expected


def test_a_reader_that_stops_early_lets_go_of_the_server(postgres, monkeypatch):
    monkeypatch.setattr(copying, "BYTES", 1)
    pieces = omop.pieces(Source(postgres.url(), "omop"))
    for _ in range(8):  # into the midst of a table
        next(pieces)
    pieces.close()
    assert [t for t in threading.enumerate() if t is not threading.main_thread() and "_fill" in t.name] == []


def test_a_schema_and_the_vocabulary_in_another_are_asked_for(frames, expected, postgres, tmp_path):
    concept = {"concept": frames["concept"]}
    others = {name: frame for name, frame in frames.items() if name != "concept"}
    create(postgres.url(), others, schema="Cdm")
    create(postgres.url(), concept, schema="vocab")
    assert read("omop", postgres.url(query="?schema=Cdm&vocabulary=vocab")) == expected
    duck = of_duck(tmp_path / "h.duckdb", others, schema="cdm")
    of_duck(duck, concept, schema="vocab")
    assert read("omop", f"duckdb:///{duck}?schema=cdm&vocabulary=vocab") == expected
    for url in (postgres.url(query="?schema=cmd"), f"duckdb:///{duck}?schema=cmd"):
        with pytest.raises(RequestError, match=r"has no schema 'cmd'; did you mean '[Cc]dm'\?"):
            read("omop", url)


def test_the_password_may_stand_in_the_environment(expected, postgres, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert read("omop", postgres.url().replace(f":{PASSWORD}", "")) == expected


def test_times_of_postgresql_that_no_calendar_holds_are_counted(postgres):
    create(postgres.url(), {"person": pl.DataFrame({"person_id": [1]})}, schema="odd")
    engine = sqlalchemy.create_engine(postgres.url().replace("postgresql:", "postgresql+pg8000:"))
    rows = "(1, 5, 'infinity'), (1, 5, '0044-03-15 BC'), (1, 5, '2020-01-01 10:00:00+02')"
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "CREATE TABLE odd.measurement (person_id int, measurement_concept_id int, measurement_datetime timestamptz)"
            )
        )
        connection.execute(sqlalchemy.text(f"INSERT INTO odd.measurement VALUES {rows}"))
    engine.dispose()
    events, refused = read("omop", postgres.url(query="?schema=odd"))
    assert [e[1] for e in events] == [micro("2020-01-01 08:00:00+00:00")]
    assert refused == {"no time that can be read": 3}  # the third is the person, whose birth is not told


def test_sqlite_with_cells_of_any_type_and_bad_bytes(tmp_path):
    path = tmp_path / "h.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE person (person_id, year_of_birth)")
        connection.execute(
            "CREATE TABLE measurement (person_id, measurement_concept_id, measurement_date, value_as_number, value_source_value)"
        )
        connection.execute("INSERT INTO person VALUES (1, 1950)")
        rows = [
            (1, 5, "2020-01-01", "high", b"caf\xe9"),
            ("1", "5", "2020-01-01", 7, None),
            (1, 5, 20200102, 8.5, None),
            (None, 5, b"\xff", 1, None),
        ]
        connection.executemany("INSERT INTO measurement VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    events, refused = read("omop", path)
    assert [(e[0], e[3], e[4]) for e in events if e[2] == "OMOP//5"] == [
        ("1", None, "caf\ufffd"),
        ("1", 7.0, None),
        ("1", 8.5, None),
    ]
    assert refused == {"no subject": 1}


# what is wrong ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def doomed():
    with server() as running:
        yield running


def many(url, rows=400_000):
    """A table so long that it is not read at one go."""
    create(url, {"person": pl.DataFrame({"person_id": [1], "year_of_birth": [1950]})})
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+pg8000:"))
    columns = "CAST(1 AS bigint) AS person_id, CAST(5 AS bigint) AS measurement_concept_id, DATE '2020-01-01' AS measurement_date"
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(f"CREATE TABLE measurement AS SELECT {columns} FROM generate_series(1, {rows})"))
    engine.dispose()


def test_a_server_that_is_killed_while_it_is_read_is_told(doomed, monkeypatch):
    monkeypatch.setattr(copying, "BYTES", 1 << 16)
    many(doomed.url())
    seen = []

    def read_on():
        for piece in omop.pieces(Source(doomed.url(), "omop")):
            seen.append(len(piece.rows))
            if sum(seen) > 1:
                doomed.kill()

    message = r"database 'hospital' on '127.0.0.1:\d+' went away in the middle of the table 'measurement'; nothing of it is kept"
    with pytest.raises(RunError, match=message) as told:
        read_on()
    assert 1 < sum(seen) < 400_000
    assert PASSWORD not in str(told.value)
    assert told.value.__suppress_context__
    with pytest.raises(RequestError, match="cannot be opened: check host, port, and that the server runs"):
        read("omop", doomed.url())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "wrong-secret"}, "cannot be opened: the password is wrong; check user and password"),
        ({"name": "hospitl"}, "there is no database of this name; check what stands behind the last slash of the URL"),
        (
            {"query": "?schema=information_schema"},
            "has no table 'person'; wanted the tables of OMOP CDM v5.4, found none of OMOP's",
        ),
        ({"query": "?sslmode=require"}, "cannot be opened: check host, port"),
        ({"query": "?colour=red"}, "URL's query has 'colour', which is not known"),
    ],
)
def test_what_is_wrong_with_an_address_is_told_without_its_password(postgres, change, message):
    with pytest.raises(RequestError, match=message) as told:
        read("omop", postgres.url(**change))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:very-secret@127.0.0.1:1/x",
        "postgresql://u:very@secret/w@127.0.0.1:1/x",
        "postgresql://u:12/very-secret@127.0.0.1:1/x",
        "postgresql://u:se/secret@127.0.0.1/x",
        "oracle+nothing://u:very-secret@h/x",
        "nothing://u:very-secret@h/x",
        "postgresql://u:very-secret@no such host/x",
    ],
)
def test_no_message_quotes_a_password_however_the_url_is_written(url):
    with pytest.raises(RequestError) as told:
        read("omop", url)
    assert "secret" not in str(told.value)


def test_a_user_without_the_right_to_read_is_told(postgres):
    create(postgres.url(), {"person": pl.DataFrame({"person_id": [1]})}, schema="closed")
    engine = sqlalchemy.create_engine(postgres.url().replace("postgresql:", "postgresql+pg8000:"))
    with engine.begin() as connection:
        for statement in ("CREATE ROLE guest LOGIN PASSWORD 'guest'", "GRANT USAGE ON SCHEMA closed TO guest"):
            connection.execute(sqlalchemy.text(statement))
    engine.dispose()
    url = postgres.url(query="?schema=closed").replace(f"{USER}:{PASSWORD}", "guest:guest")
    with pytest.raises(
        RequestError, match=f"database '{NAME}' .* the user may not read the table 'person'; ask for the right to SELECT"
    ):
        read("omop", url)


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_database_file_that_is_not_there_is_told_and_not_made(tmp_path, kind):
    path = tmp_path / "h.db"
    with pytest.raises(RequestError, match=r"no database file '.*h.db'; after KIND:// a relative path has one more slash"):
        read("omop", f"{kind}:///{path}")
    assert not path.exists()


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_file_that_is_no_database_is_told(tmp_path, kind):
    path = tmp_path / "h.db"
    path.write_bytes(b"no database at all " * 1000)
    with pytest.raises(RequestError, match=r"database 'h.db' cannot be opened"):
        read("omop", f"{kind}:///{path}")
    assert not omop.recognises(path)


def test_a_sqlite_file_that_is_damaged_in_the_middle_is_told(frames, tmp_path):
    path = tmp_path / "h.db"
    create(f"sqlite:///{path}", frames)
    content = bytearray(path.read_bytes())
    content[len(content) // 3 : -4096] = os.urandom(len(content) - 4096 - len(content) // 3)
    path.write_bytes(content)
    with pytest.raises(
        (RunError, RequestError), match=r"could not be read on in the table '\w+'|cannot be opened: check that the file is whole"
    ):
        read("omop", path)


def test_a_database_without_persons_is_told(tmp_path):
    path = of_duck(tmp_path / "h.duckdb", {"measurement": pl.DataFrame({"person_id": [1]})})
    with pytest.raises(
        TableError, match=r"no table 'person'; wanted the tables of OMOP CDM v5.4, found measurement.*\?schema=NAME"
    ):
        read("omop", path)


def test_a_file_is_opened_to_be_read_only(frames, tmp_path):
    path = tmp_path / "h.db"
    create(f"sqlite:///{path}", frames)
    before = path.read_bytes()
    path.chmod(0o444)
    read("omop", path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["h.db"]
