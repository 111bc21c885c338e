"""The full-text index of the events, kept in step with them.

Events get into it in pieces, soon after they were stored: that is much cheaper than one by one. Nothing notes how far
it is: ids only grow, so what is missing is what has a greater id than the last one in it, also after a crash.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from otel_events.receiver.rows import Entry

_COLUMNS: Final = "name, actor, service, body, attributes"

_NEWEST: Final = "SELECT coalesce(max(id), 0) FROM search_docsize"
_IS_INDEXED: Final = "SELECT 1 FROM search_docsize WHERE id = ?"
_OLDEST: Final = "SELECT min(id) FROM events"
# Only the names above stand in these texts. An entry is taken out by giving the index the text that it was made of.
_ADD: Final = (
    f"INSERT INTO search (rowid, {_COLUMNS}) "  # noqa: S608
    f"SELECT id, {_COLUMNS} FROM searched WHERE id > ? ORDER BY id LIMIT ?"
)
_ADD_GIVEN: Final = f"INSERT INTO search (rowid, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608
_ADD_ONE: Final = f"INSERT INTO search (rowid, {_COLUMNS}) SELECT id, {_COLUMNS} FROM searched WHERE id = ?"  # noqa: S608
_REMOVE: Final = (
    f"INSERT INTO search (search, rowid, {_COLUMNS}) "  # noqa: S608
    f"SELECT 'delete', id, {_COLUMNS} FROM searched WHERE id IN (SELECT value FROM json_each(?)) AND id <= ({_NEWEST})"
)


def newest_indexed(connection: sqlite3.Connection) -> int:
    """Give the id of the last event that is in the index, 0 where it is empty."""
    newest: int = connection.execute(_NEWEST).fetchone()[0]
    return newest


def index_more(connection: sqlite3.Connection, limit: int) -> int:
    """Put the next events into the index, at most so many; give how many there were."""
    return connection.execute(_ADD, (newest_indexed(connection), limit)).rowcount


def index_given(connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Put the next events into the index, whose text is given."""
    connection.executemany(_ADD_GIVEN, entries)


def is_indexed(connection: sqlite3.Connection, event_id: int) -> bool:
    """Say whether an event is in the index."""
    return connection.execute(_IS_INDEXED, (event_id,)).fetchone() is not None


def has_the_oldest(connection: sqlite3.Connection) -> bool:
    """Say whether the oldest event there is is in the index, so that none was deleted which was not."""
    oldest = connection.execute(_OLDEST).fetchone()[0]
    return oldest is not None and is_indexed(connection, oldest)


def index_one(connection: sqlite3.Connection, event_id: int) -> None:
    """Put an event into the index."""
    connection.execute(_ADD_ONE, (event_id,))


def remove(connection: sqlite3.Connection, event_ids: Sequence[int]) -> None:
    """Take events out of the index, before they are changed or deleted; those that are not in it yet do no harm."""
    connection.execute(_REMOVE, (json.dumps(event_ids),))
