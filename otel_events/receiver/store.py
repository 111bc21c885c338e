"""The store: one row an event in a SQLite file, written by one connection and read by others."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from otel_events.receiver.rows import EventRow, SpanRow, StoredEvent
from otel_events.receiver.schema import open_writer, reading, transaction
from otel_events.semconv import CHECKPOINT

_COLUMNS: Final = ", ".join(EventRow._fields)
_SPAN_COLUMNS: Final = ", ".join(SpanRow._fields)

# The names in these texts are the fields of the row classes; what comes from outside is bound to the question marks.
_INSERT_EVENT: Final = f"INSERT INTO events ({_COLUMNS}) VALUES ({', '.join('?' * len(EventRow._fields))})"  # noqa: S608
_REPLACE_EVENT: Final = f"UPDATE events SET {_COLUMNS.replace(',', ' = ?,')} = ? WHERE id = ?"  # noqa: S608
_INSERT_SPAN: Final = (
    f"INSERT INTO spans ({_SPAN_COLUMNS}) VALUES ({', '.join('?' * len(SpanRow._fields))}) "  # noqa: S608
    "ON CONFLICT (trace_id, span_id) DO NOTHING"
)
_NO_CHECKPOINT: Final = f"name IS NOT '{CHECKPOINT}'"
_NEWEST: Final = f"SELECT coalesce(max(id), 0) FROM events WHERE {_NO_CHECKPOINT}"  # noqa: S608
_PAGE: Final = f"SELECT * FROM events WHERE id > ? AND {_NO_CHECKPOINT} ORDER BY id LIMIT ?"  # noqa: S608
_COUNT: Final = f"SELECT count(*) FROM events WHERE {_NO_CHECKPOINT}"  # noqa: S608


@dataclass(frozen=True)
class Added:
    """What one call of :meth:`Store.add` did.

    Attributes:
        events: Events that became a new row, without checkpoints.
        merged: Copies of an event by its other signal, merged into its row.
        repeated: Events that were there already.
        spans: Spans that became a new row.
    """

    events: int = 0
    merged: int = 0
    repeated: int = 0
    spans: int = 0


class Store:
    """Events and spans in a SQLite file.

    The same event (the same ``log.record.uid``) is one row, however often and by whichever signal it comes: the log
    record's data stands where both came, and the link to a trace is taken from whichever has one. Events without a uid
    are never taken for the same. A span that comes again is one row as well.

    All methods may be called from any thread. Reading goes on while somebody writes.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file, or make it.

        Args:
            path: The database file; its folder must exist.

        Raises:
            ReceiverError: The file cannot be used; the text says why and what to do.
        """
        self.path = Path(path)
        self._lock = threading.Lock()
        self._connection = open_writer(self.path)
        self._arrival = threading.Condition()
        self._newest_id: int = self._connection.execute(_NEWEST).fetchone()[0]
        self._closed = False

    @property
    def newest_id(self) -> int:
        """The id of the newest event that this store knows of, 0 where there is none."""
        return self._newest_id

    def add(self, events: Sequence[EventRow], spans: Sequence[SpanRow] = ()) -> Added:
        """Store a batch in one transaction: all of it is on disk when the call returns, or none of it.

        Args:
            events: The events, in the order in which they are to be numbered.
            spans: The spans.

        Returns:
            What was new and what was not.

        Raises:
            sqlite3.Error: The database cannot take it now: the disk is full, another process holds it, it is closed.
        """
        outcomes = {"events": 0, "merged": 0, "repeated": 0}
        new_spans = 0
        newest_id = 0
        with self._lock, transaction(self._connection):
            for row in events:
                outcome, event_id = self._add_event(row)
                if row.name != CHECKPOINT:
                    outcomes[outcome] += 1
                    newest_id = max(newest_id, event_id)
            for span in spans:
                new_spans += self._connection.execute(_INSERT_SPAN, span).rowcount
        with self._arrival:
            self._newest_id = max(self._newest_id, newest_id)
            self._arrival.notify_all()
        return Added(spans=new_spans, **outcomes)

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
        with self._lock:
            # Out of WAL mode the closed database is one plain file, readable from a read-only disk as well. Somebody
            # who reads at this moment prevents that, which costs nothing: the next clean close does it.
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("PRAGMA journal_mode = DELETE")
            self._connection.close()
        with self._arrival:
            self._closed = True
            self._arrival.notify_all()

    def _add_event(self, row: EventRow) -> tuple[str, int]:
        """Insert the event or merge it with its row; say which, and the row's id."""
        known = None
        if row.uid is not None:
            query = "SELECT id, signal, received_ns, trace_id, span_id FROM events WHERE uid = ?"
            known = self._connection.execute(query, (row.uid,)).fetchone()
        if known is None:
            event_id = self._connection.execute(_INSERT_EVENT, row).lastrowid
            return "events", cast("int", event_id)  # after an INSERT there always is one
        event_id, signal, received_ns, trace_id, span_id = known
        if (signal, row.signal) == ("span_event", "log"):
            row = row._replace(received_ns=received_ns)
            if row.trace_id is None:
                row = row._replace(trace_id=trace_id, span_id=span_id)
            self._connection.execute(_REPLACE_EVENT, (*row, event_id))
        elif trace_id is None and row.trace_id is not None:
            link = (row.trace_id, row.span_id, event_id)
            self._connection.execute("UPDATE events SET trace_id = ?, span_id = ? WHERE id = ?", link)
        return ("repeated" if signal == row.signal else "merged"), event_id
