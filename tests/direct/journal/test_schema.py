"""A file is made for its owner alone, and one that is no journal, or not of this version, is told apart and left as it is."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest

from otel_events.direct.journal.file import JournalDamagedError, JournalFile
from otel_events.direct.journal.schema import APPLICATION_ID, SCHEMA_VERSION, make, open_existing
from otel_events.exceptions import JournalError
from tests.direct.journal.support import record


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a ?#%.journal"


def refused(path: Path, kind: type[JournalError], words: str) -> None:
    """See that a file is refused, and that it is the same afterwards."""
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(kind, match=words) as raised:
        open_existing(path)
    assert type(raised.value) is kind
    assert path.name in str(raised.value)
    assert (path.read_bytes() if path.exists() else None) == before


def changed(path: Path, statement: str) -> Path:
    """Make a file with something else in it."""
    make(path, b"request").close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    return path


def test_only_its_owner_may_read_it(path: Path) -> None:
    connection = make(path, b"request")
    for end in ("", "-wal", "-shm"):
        assert stat.S_IMODE(path.with_name(path.name + end).stat().st_mode) == 0o600
    connection.close()
    assert [name.name for name in path.parent.iterdir()] == [path.name]
    with pytest.raises(JournalError, match="File exists"):
        make(path, b"request")


def test_another_version_and_another_program_are_left_alone(path: Path) -> None:
    refused(
        changed(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}"), JournalError, "version 3.*Run the otel-events"
    )
    other = path.with_name("other.journal")
    refused(changed(other, f"PRAGMA application_id = {APPLICATION_ID + 1}"), JournalError, "of another program")


def test_what_is_no_journal_is_damaged(path: Path) -> None:
    path.write_bytes(b"garbage " * 1000)
    refused(path, JournalDamagedError, "file is not a database")
    refused(changed(path.with_name("1"), "DROP TABLE totals"), JournalDamagedError, "not the tables")
    empty = path.with_name("2")
    empty.touch()
    refused(empty, JournalDamagedError, "not the tables")


@pytest.mark.parametrize("table", ["totals", "envelope"])
def test_a_missing_row_is_damage(path: Path, table: str) -> None:
    with pytest.raises(JournalDamagedError, match="a row is missing"):
        JournalFile.open(changed(path, f"DELETE FROM {table}"))


def test_a_half_written_file_is_damaged(path: Path) -> None:
    file = JournalFile.create(path, b"request", max_bytes=1_000_000)
    file.append([(record("x" * 20_000), 1)] * 10)
    file.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + b"\xa5" * 4096)
    with pytest.raises(JournalDamagedError):
        JournalFile.open(path).read(0, 100, 10_000_000)


def test_a_file_that_is_not_there_is_not_made(path: Path) -> None:
    refused(path, JournalError, "unable to open")
    assert not path.exists()
