"""The database file: how it is made, opened and brought up to date, and how a file that is not ours is told apart.

``PRAGMA application_id`` says that a file is one of ours, and ``PRAGMA user_version`` which version of the tables it
holds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from otel_events.exceptions import ReceiverError
from otel_events.receiver.tables import CREATE, UPGRADES

_LOG: Final = logging.getLogger(__name__)

APPLICATION_ID: Final = 0x4F544556
"""``OTEV`` in ASCII: what ``PRAGMA application_id`` of our files gives."""

SCHEMA_VERSION: Final = 2
"""The version that is written. Older ones in ``UPGRADES`` are brought up to it when they are opened for writing."""

READABLE_VERSIONS: Final = frozenset({*UPGRADES, SCHEMA_VERSION})
"""The versions in which ``events`` has the columns that it has now."""

_CACHE_KIB: Final = 50_000
"""What does not fit is written before the transaction ends, and again when it does. Events of many actors and times change
pages all over the indexes, which are read again where they are not in here."""

_CHECKPOINT_PAGES: Final = 16_000
"""A page that changes again before the next checkpoint is written to the database once less, and a checkpoint syncs twice."""

_MAX_IDLE_WAL_BYTES: Final = 64 * 1024 * 1024
"""The write-ahead log is cut back to this after it grew, as it does while somebody reads for long."""

BUSY_TIMEOUT_SECONDS: Final = 5.0
"""How long one statement waits for another process that writes to the same file."""


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one write transaction: committed as a whole, or undone as a whole when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def open_writer(path: Path) -> sqlite3.Connection:
    """Open the database for writing; make it, readable by its owner alone, where there is none.

    Args:
        path: The file. Its folder must exist.

    Returns:
        A connection in WAL mode that may be used from any thread, one at a time. It syncs at every commit.

    Raises:
        ReceiverError: The file cannot be opened, is not one of ours, or is of another version. It is left as it was.
    """
    connection: sqlite3.Connection | None = None
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False)
        if _version(connection, path) != SCHEMA_VERSION:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # Of effect only where there is no table yet.
            with transaction(connection):
                _bring_up_to_date(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_MAX_IDLE_WAL_BYTES}")
        return connection
    except (OSError, sqlite3.Error) as error:
        if connection is not None:
            connection.close()
        raise ReceiverError(
            f"cannot use {path} as a database: {error}. Choose another file, in a folder that exists, with --database."
        ) from error
    except ReceiverError:
        if connection is not None:
            connection.close()
        raise


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a read-only connection of its own to the database and close it at the end of the block."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Give the version of our tables in the file; 0 means that it is empty and may become ours."""
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    has_tables: bool = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
    if application_id == APPLICATION_ID and version in READABLE_VERSIONS:
        return version
    if application_id == APPLICATION_ID:
        raise ReceiverError(
            f"{path} holds events in version {version} of the tables; this version of otel-events reads and writes "
            f"version {SCHEMA_VERSION}. Choose a new file with --database, or use the otel-events that wrote this one."
        )
    if has_tables or application_id or version:
        raise ReceiverError(
            f"{path} is a SQLite database of another program and is left as it is. Choose another file with --database."
        )
    return 0


def _bring_up_to_date(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or what is missing of them. The search index of old events is filled later, in pieces."""
    version = _version(connection, path)
    if not version:
        for statement in CREATE:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for old in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
        _LOG.info("%s: upgrading the tables from version %d to %d", path, old, old + 1)
        for statement in UPGRADES[old]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
