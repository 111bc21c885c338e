"""What is kept: the oldest events and spans are deleted where they are too old, or the file too large.

Age and order are those of arrival (``received_ns``), so an event that came late, or was backfilled, is not deleted before
those that came earlier, and nothing is deleted that is newer than anything that is kept.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Final, NamedTuple

from otel_events.exceptions import ReceiverError
from otel_events.receiver import search

DEFAULT_MAX_BYTES: Final = 8 * 1024**3
MIN_MAX_BYTES: Final = 16 * 1024**2

_PIECE_ROWS: Final = 500
_FILL: Final = 0.9
"""Deleting begins when so much of the file's bound is in use, so that what comes in meanwhile finds room in it."""

_VACUUM_PAGES: Final = 500
_EVER_NS: Final = 2**63
_DAY_NS: Final = 24 * 3600 * 1_000_000_000

_OLDEST_EVENTS: Final = "SELECT id, received_ns FROM events ORDER BY id LIMIT ?"
_OLDEST_SPANS: Final = "SELECT rowid, received_ns FROM spans ORDER BY rowid LIMIT ?"


@dataclass(frozen=True)
class Retention:
    """How much is kept; None keeps all.

    Attributes:
        max_age_days: Events and spans that came earlier are deleted.
        max_bytes: How large the database file may be; its write-ahead log comes on top while it is open.
    """

    max_age_days: float | None = None
    max_bytes: int | None = DEFAULT_MAX_BYTES

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ReceiverError: One is not possible.
        """
        if self.max_age_days is not None and not self.max_age_days > 0:
            raise ReceiverError(f"max_age_days is {self.max_age_days!r}: give a number above 0, or None to keep all.")
        if self.max_bytes is not None and not self.max_bytes >= MIN_MAX_BYTES:
            raise ReceiverError(
                f"max_bytes is {self.max_bytes!r}: give at least {MIN_MAX_BYTES} (16 MiB), or None to keep all."
            )


KEEP_ALL: Final = Retention(max_age_days=None, max_bytes=None)


class Expired(NamedTuple):
    """How many events (with checkpoints) and spans were deleted."""

    events: int = 0
    spans: int = 0


def expire(connection: sqlite3.Connection, retention: Retention, now_ns: int) -> Expired:
    """Delete the oldest of what should not be kept, some hundred rows at most. The caller has begun a transaction.

    Returns:
        How much was deleted; nothing when all that is there may stay.
    """
    before_ns = _bound(connection, retention, now_ns)
    if before_ns is None:
        return Expired()
    events = connection.execute(_OLDEST_EVENTS, (_PIECE_ROWS,)).fetchall()
    spans = connection.execute(_OLDEST_SPANS, (_PIECE_ROWS,)).fetchall()
    for oldest in (events, spans):
        if (
            len(oldest) == _PIECE_ROWS
        ):  # What comes after these is not known here, and may be older than the other kind.
            before_ns = min(before_ns, oldest[-1][1] + 1)
    return Expired(_delete_events(connection, events, before_ns), _delete_spans(connection, spans, before_ns))


def is_too_large(connection: sqlite3.Connection, retention: Retention) -> bool:
    """Say whether so much of the file is in use that the oldest has to go. This costs next to nothing."""
    if retention.max_bytes is None:
        return False
    page_bytes, pages, free = _pages(connection)
    return (pages - free) * page_bytes > retention.max_bytes * _FILL


def shrink(connection: sqlite3.Connection, retention: Retention) -> bool:
    """Give free pages back to the file system where the file is larger than its bound; say whether there may be more.

    Free pages are used again, so that happens only after the bound was lowered. Outside of a transaction.
    """
    page_bytes, pages, free = _pages(connection)
    if retention.max_bytes is None or pages * page_bytes <= retention.max_bytes or not free:
        return False
    # execute() would make one step of it, which is one page.
    connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()  # Only that makes the file itself smaller.
    return _pages(connection)[1] < pages


def _bound(connection: sqlite3.Connection, retention: Retention, now_ns: int) -> int | None:
    """Give the time before which things may be deleted now, None where nothing may."""
    if is_too_large(connection, retention):
        return _EVER_NS
    if retention.max_age_days is not None:
        return now_ns - int(retention.max_age_days * _DAY_NS)
    return None


def _pages(connection: sqlite3.Connection) -> tuple[int, int, int]:
    names = ("page_size", "page_count", "freelist_count")
    page_bytes, pages, free = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return page_bytes, pages, free


def _delete_events(connection: sqlite3.Connection, oldest: list[tuple[int, int]], before_ns: int) -> int:
    ids = [event_id for event_id, received_ns in oldest if received_ns < before_ns]
    if ids:
        search.remove(connection, ids)
        connection.execute("DELETE FROM events WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))
    return len(ids)


def _delete_spans(connection: sqlite3.Connection, oldest: list[tuple[int, int]], before_ns: int) -> int:
    ids = [rowid for rowid, received_ns in oldest if received_ns < before_ns]
    connection.execute("DELETE FROM spans WHERE rowid IN (SELECT value FROM json_each(?))", (json.dumps(ids),))
    return len(ids)
