"""The store: one row an event in a SQLite file, written by one connection and read by others."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from otel_events.receiver.insertion import Added
from otel_events.receiver.retention import KEEP_ALL, Expired, Retention
from otel_events.receiver.rows import EventRow, Rows, SpanRow, StoredEvent
from otel_events.receiver.schema import open_writer, reading
from otel_events.receiver.upkeep import Upkeep
from otel_events.receiver.writer import Writer
from otel_events.semconv import CHECKPOINT

# The name in these texts is ours.
_NO_CHECKPOINT: Final = f"name IS NOT '{CHECKPOINT}'"
_NEWEST: Final = f"SELECT coalesce(max(id), 0) FROM events WHERE {_NO_CHECKPOINT}"  # noqa: S608
_PAGE: Final = f"SELECT * FROM events WHERE id > ? AND {_NO_CHECKPOINT} ORDER BY id LIMIT ?"  # noqa: S608
_COUNT: Final = f"SELECT count(*) FROM events WHERE {_NO_CHECKPOINT}"  # noqa: S608


class Store:
    """Events and spans in a SQLite file.

    The same event (the same ``log.record.uid``) is one row, however often and by whichever signal it comes: the log
    record's data stands where both came, and the link to a trace is taken from whichever has one. Events without a uid
    are never taken for the same. A span that comes again is one row as well.

    All methods may be called from any thread. Reading goes on while somebody writes.
    """

    def __init__(self, path: str | Path, *, retention: Retention = KEEP_ALL) -> None:
        """Open the file, or make it.

        Args:
            path: The database file; its folder must exist.
            retention: How much is kept; all, unless this says otherwise.

        Raises:
            ReceiverError: The file cannot be used; the text says why and what to do.
        """
        self.path = Path(path)
        self._connection = open_writer(self.path)
        self._arrival = threading.Condition()
        self._newest_id: int = self._connection.execute(_NEWEST).fetchone()[0]
        self._closed = False
        self._upkeep = Upkeep(self._connection, retention)
        self._writer = Writer(self._connection, self._upkeep, self._announce)

    @property
    def newest_id(self) -> int:
        """The id of the newest event that this store knows of, 0 where there is none."""
        return self._newest_id

    @property
    def indexed_id(self) -> int:
        """The id of the last event that can be found in the table ``search``; checkpoints count here."""
        return self._upkeep.newest_indexed

    @property
    def expired(self) -> Expired:
        """What was deleted since the file was opened, because it was too old or the file too large."""
        return self._upkeep.expired

    def submit(self, pieces: Iterable[Rows]) -> Future[Added]:
        """Have a batch stored, together with others that are submitted at the same time.

        Args:
            pieces: Its events, in the order in which they are to be numbered, and its spans. They are iterated over in
                another thread.

        Returns:
            Done when all of it is on disk. Failed when none of it is: with ``sqlite3.Error`` where the database cannot
            take it now (the disk is full, another process holds it, it is closed), or with what the pieces raise.
        """
        return self._writer.submit(pieces)

    def add(self, events: Sequence[EventRow], spans: Sequence[SpanRow] = ()) -> Added:
        """Store a batch: all of it is on disk when the call returns, or none of it.

        Args:
            events: The events, in the order in which they are to be numbered.
            spans: The spans.

        Returns:
            What was new and what was not.

        Raises:
            sqlite3.Error: The database cannot take it now: the disk is full, another process holds it, it is closed.
        """
        return self.submit([Rows([*events], [*spans])]).result()

    def events(self, *, after_id: int = 0, limit: int = 1000) -> list[StoredEvent]:
        """Read events in the order of their ids. Checkpoints, which are no events, stay in the file.

        Args:
            after_id: Only events with a greater id; the id of the last event read gives the next page.
            limit: At most so many.

        Returns:
            The events, oldest arrival first. An event keeps its id when its other signal's copy comes later.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        with reading(self.path) as connection:
            rows = connection.execute(_PAGE, (after_id, limit))
            return [StoredEvent.from_columns(dict(row)) for row in rows]

    def count(self) -> int:
        """Count the events in the file."""
        with reading(self.path) as connection:
            number: int = connection.execute(_COUNT).fetchone()[0]
            return number

    def wait_for_new(self, after_id: int, timeout: float) -> bool:
        """Wait until this store has an event with a greater id than the given one.

        Args:
            after_id: The id of the last event the caller knows.
            timeout: Seconds to wait at most.

        Returns:
            True when there is one; False when the time is up or the store was closed first.
        """
        with self._arrival:
            self._arrival.wait_for(lambda: self._newest_id > after_id or self._closed, timeout)
            return self._newest_id > after_id

    def close(self) -> None:
        """Close the file for writing and wake those who wait; reading stays possible. Doing it twice is harmless."""
        self._writer.close()
        # Out of WAL mode the closed database is one plain file, readable from a read-only disk as well. Somebody
        # who reads at this moment prevents that, which costs nothing: the next clean close does it.
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()
        with self._arrival:
            self._closed = True
            self._arrival.notify_all()

    def _announce(self, newest_id: int) -> None:
        with self._arrival:
            self._newest_id = max(self._newest_id, newest_id)
            self._arrival.notify_all()
