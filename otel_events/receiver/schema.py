"""The database file: its tables, how a new one is made, and how a file that is not ours is told apart.

The comments inside ``CREATE TABLE`` are the documentation of the columns: SQLite keeps them, so ``.schema`` in any
SQLite shell shows them beside the data. ``PRAGMA application_id`` says that a file is one of ours, and
``PRAGMA user_version`` which version of the tables it holds.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from otel_events.exceptions import ReceiverError

APPLICATION_ID: Final = 0x4F544556
"""``OTEV`` in ASCII: what ``PRAGMA application_id`` of our files gives."""

SCHEMA_VERSION: Final = 1

BUSY_TIMEOUT_SECONDS: Final = 5.0
"""How long one statement waits for another process that writes to the same file."""

_TABLES: Final = (
    """CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- grows in order of arrival, has gaps, is never used again
  uid TEXT UNIQUE,                      -- the attribute log.record.uid; NULL where the sender gave none
  signal TEXT NOT NULL CHECK (signal IN ('log', 'span_event')), -- 'log' where both came
  time_ns INTEGER NOT NULL,             -- when it happened: nanoseconds since 1970 UTC, at most 9223372036854775807
  time TEXT GENERATED ALWAYS AS (
    strftime('%Y-%m-%dT%H:%M:%S', time_ns / 1000000000, 'unixepoch') || printf('.%03dZ', time_ns / 1000000 % 1000)
  ) VIRTUAL,                            -- time_ns as ISO 8601 text, UTC, to the millisecond
  observed_ns INTEGER,                  -- when the sender saw it, as time_ns; NULL where it does not say
  received_ns INTEGER NOT NULL,         -- when it came here first, as time_ns
  name TEXT,                            -- the event's name; NULL for a log record that is no event
  severity_number INTEGER,              -- 1 to 24 as in OpenTelemetry; NULL where not given
  severity_text TEXT,
  body TEXT,                            -- the text; a body that is no string is JSON, as in attributes
  actor TEXT,                           -- the attribute user.id, else user.hash
  service TEXT,                         -- the resource's service.name
  service_instance TEXT,                -- the resource's service.instance.id
  trace_id TEXT,                        -- 32 hex digits, lower case
  span_id TEXT,                         -- 16 hex digits, lower case
  scope TEXT,                           -- the name of the instrumentation scope
  scope_version TEXT,
  attributes TEXT NOT NULL,             -- JSON object; bytes are text 'base64:...'; NaN and the infinities are text
  dropped_attributes INTEGER NOT NULL,  -- how many attributes the sender says it left out
  resource TEXT NOT NULL                -- JSON object, as attributes
)""",
    """CREATE TABLE spans (
  trace_id TEXT NOT NULL,               -- 32 hex digits, lower case
  span_id TEXT NOT NULL,                -- 16 hex digits, lower case
  parent_span_id TEXT,                  -- NULL for a root
  name TEXT NOT NULL,
  kind TEXT,                            -- 'internal', 'server', 'client', 'producer', 'consumer'; NULL where not given
  service TEXT,                         -- the resource's service.name
  service_instance TEXT,                -- the resource's service.instance.id
  start_ns INTEGER NOT NULL,            -- nanoseconds since 1970 UTC, at most 9223372036854775807
  end_ns INTEGER NOT NULL,              -- as start_ns
  status TEXT NOT NULL,                 -- 'unset', 'ok' or 'error'
  status_message TEXT,
  scope TEXT,                           -- the name of the instrumentation scope
  scope_version TEXT,
  attributes TEXT NOT NULL,             -- JSON object, as in events
  resource TEXT NOT NULL,               -- JSON object, as in events
  PRIMARY KEY (trace_id, span_id)
)""",
    "CREATE INDEX events_time ON events (time_ns)",
    "CREATE INDEX events_name_time ON events (name, time_ns)",
    "CREATE INDEX events_trace ON events (trace_id) WHERE trace_id IS NOT NULL",
)


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
        if not _is_ours(connection, path):
            with transaction(connection):
                if not _is_ours(connection, path):
                    _create(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
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


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Say whether the file holds our tables; False means that it is empty and may become ours."""
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    has_tables: bool = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
    if application_id == APPLICATION_ID and version == SCHEMA_VERSION:
        return True
    if application_id == APPLICATION_ID:
        raise ReceiverError(
            f"{path} holds events in version {version} of the tables; this version of otel-events reads and writes "
            f"version {SCHEMA_VERSION}. Choose a new file with --database, or use the otel-events that wrote this one."
        )
    if has_tables or application_id or version:
        raise ReceiverError(
            f"{path} is a SQLite database of another program and is left as it is. Choose another file with --database."
        )
    return False


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
