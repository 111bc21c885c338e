"""The file of a journal: its tables, how it is made and opened, and what is said where that does not work."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Final

from otel_events.exceptions import JournalError

APPLICATION_ID: Final = 0x4F544A4C
"""``OTJL`` in ASCII: what ``PRAGMA application_id`` of a journal gives."""

SCHEMA_VERSION: Final = 2

FIRST_VERSION: Final = 1
"""Its files are read, sent and emptied too. Their totals tell of all groups, and have no ``last_id``."""

BUSY_TIMEOUT_SECONDS: Final = 5.0
"""How long a statement waits for another process that works on the same file."""

_MAX_IDLE_LOG_BYTES: Final = 4 * 1024 * 1024

_TABLES: Final = (
    """CREATE TABLE envelope (
  request BLOB NOT NULL                 -- an ExportLogsServiceRequest without records: under what these are sent
)""",
    """CREATE TABLE totals (
  records INTEGER NOT NULL,             -- in groups up to last_id; those after it are to be added
  size_bytes INTEGER NOT NULL,          -- of the bodies of groups up to last_id and the requests of dead letters
  dead_letters INTEGER NOT NULL,        -- rows of dead_letters
  last_id INTEGER NOT NULL              -- of groups, so that not every append has to write this row
)""",
    """CREATE TABLE groups (
  id INTEGER PRIMARY KEY,               -- grows in order of arrival
  at_ns INTEGER NOT NULL,               -- when it was appended: nanoseconds since 1970 UTC
  count INTEGER NOT NULL,               -- of records
  body BLOB NOT NULL                    -- encoded LogRecords, each as a field of ScopeLogs, one after the other
)""",
    """CREATE TABLE dead_letters (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- is never used again
  at_ns INTEGER NOT NULL,               -- when it was given up: nanoseconds since 1970 UTC
  count INTEGER NOT NULL,               -- of records
  reason TEXT NOT NULL,                 -- in words
  possibly_delivered INTEGER NOT NULL,  -- 1 where the server may have taken some of it
  request BLOB NOT NULL                 -- a whole ExportLogsServiceRequest
)""",
)
_NAMES: Final = {"envelope", "totals", "groups", "dead_letters"}


class JournalFullError(JournalError):
    """A file holds as many bytes as it may, or would.

    Args:
        said: In words.
        room_bytes: How many more it may hold.
    """

    def __init__(self, said: str, room_bytes: int) -> None:
        super().__init__(said)
        self.room_bytes = room_bytes


class JournalDamagedError(JournalError):
    """What stands in a file is no journal, or no longer."""


class told:  # noqa: N801 # reads as the function that it could be, but that would take longer, and it is entered with each write
    """Has what goes wrong with a file in the block raised as a ``JournalError``.

    Args:
        path: The file.
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        """End it."""
        if isinstance(error, JournalError) or not isinstance(error, (sqlite3.Error, OSError)):
            return
        # SQLITE_CORRUPT and SQLITE_NOTADB come as this very class, and nothing else that can come here.
        if type(error) is sqlite3.DatabaseError:
            raise JournalDamagedError(f"the journal {self._path} is damaged: {error}.") from error
        raise JournalError(
            f"the journal {self._path} cannot be used: {error}. "
            "Look whether its disk has room and whether it can be written to."
        ) from error


def make(path: Path, request: bytes) -> sqlite3.Connection:
    """Make a file with the tables in it, which must not be there, and return the connection to it.

    A process that is killed meanwhile leaves an empty file.
    """
    with told(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        connection = _connect(path)
        try:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            connection.execute("INSERT INTO envelope VALUES (?)", (request,))
            connection.execute("INSERT INTO totals VALUES (0, 0, 0, 0)")
            connection.execute("COMMIT")
            _prepare(connection, path)
            # Both files must be found after a power cut. The log is made when the database is first used in this mode.
            connection.execute("SELECT records FROM totals").fetchone()
            sync_directory(path.parent)
        except BaseException:
            connection.close()
            raise
        return connection


def open_existing(path: Path) -> sqlite3.Connection:
    """Open a file that is there and return the connection to it."""
    with told(path):
        connection = _connect(path)
        try:
            _check(connection, path)
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def sync_directory(path: Path) -> None:
    """Have the names in a directory on the disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA temp_store = MEMORY")
    # Where SQLite overwrites what is deleted, it writes each event once more; so it does only where that costs no writing.
    connection.execute("PRAGMA secure_delete = FAST")
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise JournalError(
            f"the journal {path} cannot be used: its file system has no shared memory. Choose a local disk."
        )
    connection.execute(f"PRAGMA journal_size_limit = {_MAX_IDLE_LOG_BYTES}")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if application_id == APPLICATION_ID and not FIRST_VERSION <= version <= SCHEMA_VERSION:
        raise JournalError(
            f"the journal {path} is of version {version}; this version of otel-events reads version {FIRST_VERSION} to "
            f"{SCHEMA_VERSION} and leaves it as it is. Run the otel-events that wrote it, until it is empty."
        )
    if application_id != APPLICATION_ID and names:
        raise JournalError(
            f"{path} is a SQLite database of another program and is left as it is. Move it out of the journal's directory."
        )
    if not names >= _NAMES:
        raise JournalDamagedError(f"the journal {path} is damaged: it has not the tables of one.")
