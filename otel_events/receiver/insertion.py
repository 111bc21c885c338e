"""Rows into the tables: what is new becomes a row, what is there already is merged with its row."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from otel_events.receiver import search
from otel_events.receiver.compiled import numbered
from otel_events.receiver.rows import EventRow, Rows, SpanRow
from otel_events.receiver.waiting import Entries
from otel_events.semconv import CHECKPOINT

_COLUMNS: Final = ", ".join(EventRow._fields)
_SPAN_COLUMNS: Final = ", ".join(SpanRow._fields)

# The names in these texts are the fields of the row classes; what comes from outside is bound to the question marks.
_INSERT_EVENT: Final = (
    f"INSERT INTO events (id, {_COLUMNS}) VALUES (?, {', '.join('?' * len(EventRow._fields))}) "  # noqa: S608
    "ON CONFLICT (uid) DO NOTHING"
)
_REPLACE_EVENT: Final = f"UPDATE events SET {_COLUMNS.replace(',', ' = ?,')} = ? WHERE id = ?"  # noqa: S608
_INSERT_SPAN: Final = (
    f"INSERT INTO spans ({_SPAN_COLUMNS}) VALUES ({', '.join('?' * len(SpanRow._fields))}) "  # noqa: S608
    "ON CONFLICT (trace_id, span_id) DO NOTHING"
)
_LAST_ID: Final = (
    "SELECT max((SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'), "
    "(SELECT coalesce(max(id), 0) FROM events))"
)
_NEW: Final = "SELECT id, uid, name FROM events WHERE id > ?"
_ROW: Final = "SELECT id, signal, received_ns, trace_id, span_id FROM events WHERE uid = ?"
_LINK: Final = "UPDATE events SET trace_id = ?, span_id = ? WHERE id = ?"


@dataclass
class Added:
    """What storing a batch did.

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


class Insertion:
    """Puts the rows of one batch, which may come in pieces, into the tables. The caller has begun a transaction.

    Attributes:
        added: What it did so far.
        rows: How many rows it was given.
        newest_id: The greatest id of the events in the batch, 0 where it has none. Checkpoints are no events.
        entries: What the search index lacks then.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.added = Added()
        self.rows = 0
        self.newest_id = 0
        self.entries = Entries()

    def add(self, rows: Rows) -> None:
        """Put rows into the tables, in their order.

        Raises:
            sqlite3.Error: The database does not take them.
        """
        self.rows += len(rows.events) + len(rows.spans)
        if rows.events:
            self._insert(rows.events)
        if rows.spans:
            self.added.spans += self._connection.executemany(_INSERT_SPAN, rows.spans).rowcount

    def _insert(self, events: list[EventRow]) -> None:
        last_id: int = self._connection.execute(_LAST_ID).fetchone()[0]
        if self._connection.executemany(_INSERT_EVENT, numbered(last_id + 1, events)).rowcount < len(events):
            self._sort_out(events, last_id)
            return
        if self.entries.are_known:
            self.entries.add(last_id + 1, events)
        of_events = [event_id for event_id, row in enumerate(events, last_id + 1) if row.name != CHECKPOINT]
        if of_events:
            self.newest_id = max(self.newest_id, of_events[-1])
            self.added.events += len(of_events)

    def _sort_out(self, events: list[EventRow], last_id: int) -> None:
        """Merge those events that did not become a row with the row that has their uid, which may be of another of them."""
        self.entries.give_up()
        new = set()
        for event_id, uid, name in self._connection.execute(_NEW, (last_id,)).fetchall():
            new.add(uid)
            if name != CHECKPOINT:
                self.newest_id = max(self.newest_id, event_id)
                self.added.events += 1
        for row in events:
            if row.uid in new and row.uid is not None:
                new.remove(row.uid)
            elif row.uid is not None:
                self._merge(row)

    def _merge(self, row: EventRow) -> None:
        """Merge an event with the row that has its uid."""
        event_id, signal, received_ns, trace_id, span_id = self._connection.execute(_ROW, (row.uid,)).fetchone()
        if (signal, row.signal) == ("span_event", "log"):
            row = row._replace(received_ns=received_ns)
            if row.trace_id is None:
                row = row._replace(trace_id=trace_id, span_id=span_id)
            was_indexed = search.is_indexed(self._connection, event_id)
            if was_indexed:
                search.remove(self._connection, [event_id])
            self._connection.execute(_REPLACE_EVENT, (*row, event_id))
            if was_indexed:
                search.index_one(self._connection, event_id)
        elif trace_id is None and row.trace_id is not None:
            self._connection.execute(_LINK, (row.trace_id, row.span_id, event_id))
        if row.name != CHECKPOINT:
            self.newest_id = max(self.newest_id, event_id)
            if signal == row.signal:
                self.added.repeated += 1
            else:
                self.added.merged += 1
