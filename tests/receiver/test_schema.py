"""A new database is made private and documented; a file of another version or program is refused and left alone."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.exceptions import ReceiverError
from otel_events.receiver.rows import EventRow, SpanRow
from otel_events.receiver.schema import APPLICATION_ID, SCHEMA_VERSION, open_writer, reading
from otel_events.receiver.store import Store
from tests.backends.wait import wait_until
from tests.receiver.rows import event
from tests.receiver.support import query


def test_a_new_file_has_documented_tables_and_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    open_writer(path).close()
    assert query(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert query(path, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    [(sql,)] = query(path, "SELECT sql FROM sqlite_master WHERE name = 'events'")
    assert "-- the attribute log.record.uid" in sql


@pytest.mark.parametrize(
    ("table", "row", "made_by_sqlite"), [("events", EventRow, {"id", "time"}), ("spans", SpanRow, set())]
)
def test_the_rows_have_the_columns_of_their_tables(
    tmp_path: Path, table: str, row: type[EventRow | SpanRow], made_by_sqlite: set[str]
) -> None:
    path = tmp_path / "events.db"
    open_writer(path).close()
    columns = [name for (name,) in query(path, f"SELECT name FROM pragma_table_xinfo('{table}')")]
    assert [name for name in columns if name not in made_by_sqlite] == list(row._fields)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_only_the_owner_may_read_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with closing(open_writer(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {"events.db": 0o600, "events.db-wal": 0o600, "events.db-shm": 0o600}


def test_our_own_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    open_writer(path).close()
    with closing(open_writer(path)) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_an_empty_file_becomes_ours(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.touch()
    open_writer(path).close()
    assert query(path, "SELECT count(*) FROM events") == [(0,)]


def test_a_file_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with closing(open_writer(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(ReceiverError, match=r"version 7 of the tables.*version 2\. Choose a new file with --database"):
        open_writer(path)


def test_the_database_of_another_program_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(ReceiverError, match=r"of another program.*--database"):
        open_writer(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 100)
    with pytest.raises(ReceiverError, match=r"letter\.txt as a database: file is not a database"):
        open_writer(path)
    assert path.read_text() == "Dear reader, " * 100


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReceiverError, match=r"nowhere.*No such file or directory.*a folder that exists"):
        open_writer(tmp_path / "nowhere" / "events.db")


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "odd name?#%41.db"
    with closing(open_writer(path)), reading(path) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("DELETE FROM events")


VERSION_1 = Path(__file__).parent / "files" / "version-1.db"
"""Written by the version of this package that had version 1 of the tables."""


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "events.db"
    shutil.copyfile(VERSION_1, path)
    return path


def test_a_file_of_version_1_is_upgraded_where_it_is_and_keeps_its_rows(tmp_path: Path, old_file: Path) -> None:
    rows, spans = query(old_file, "SELECT * FROM events"), query(old_file, "SELECT * FROM spans")
    open_writer(old_file).close()
    open_writer(tmp_path / "new.db").close()
    assert query(old_file, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert query(old_file, "SELECT * FROM events") == rows
    assert [row[:-1] for row in query(old_file, "SELECT * FROM spans")] == spans
    assert query(old_file, "SELECT received_ns = end_ns FROM spans") == [(1,)]
    names = "SELECT type, name FROM sqlite_master ORDER BY 1, 2"
    assert query(old_file, names) == query(tmp_path / "new.db", names)
    columns = "SELECT name, type, \"notnull\" FROM pragma_table_xinfo('spans')"
    assert query(old_file, columns) == query(tmp_path / "new.db", columns)
    assert query(old_file, "SELECT sum(events) FROM first_and_last_seen") == [(22,)]


def test_the_search_index_of_an_upgraded_file_is_filled_while_it_is_open(old_file: Path) -> None:
    with closing(Store(old_file)) as store:
        store.add([event("new", name="order-placed", actor="alice")])
        wait_until(lambda: store.indexed_id == store.newest_id)
    found = 'SELECT count(*) FROM search WHERE search MATCH \'"order-placed" "alice"\''
    assert query(old_file, found) == [(21,)]


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(old_file: Path) -> None:
    with closing(sqlite3.connect(old_file)) as connection:
        connection.execute("CREATE VIEW actors AS SELECT 1")
    before = query(old_file, "SELECT * FROM sqlite_master")
    with pytest.raises(ReceiverError, match="actors already exists"):
        open_writer(old_file)
    assert query(old_file, "SELECT * FROM sqlite_master") == before
    assert query(old_file, "PRAGMA user_version") == [(1,)]
