"""Rows into the tables: what is new becomes a row, what is there already is merged with its row."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Final

from otel_events.receiver import search
from otel_events.receiver.rows import EventRow, Rows, SpanRow
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
_KNOWN: Final = "SELECT uid FROM events WHERE uid IN (SELECT value FROM json_each(?))"
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
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.added = Added()
        self.rows = 0
        self.newest_id = 0

    def add(self, rows: Rows) -> None:
        """Put rows into the tables, in their order.

        Raises:
            sqlite3.Error: The database does not take them.
        """
        self.rows += len(rows.events) + len(rows.spans)
        fresh: list[EventRow] = []
        uids = json.dumps([row.uid for row in rows.events if row.uid is not None])
        known = {uid for (uid,) in self._connection.execute(_KNOWN, (uids,))}
        for row in rows.events:
            if row.uid is None or row.uid not in known:
                known.add(row.uid)
                fresh.append(row)
            else:
                self._insert(fresh)  # It may be one of these.
                fresh = []
                self._merge(row)
        self._insert(fresh)
        if rows.spans:
            self.added.spans += self._connection.executemany(_INSERT_SPAN, rows.spans).rowcount

    def _insert(self, rows: list[EventRow]) -> None:
        if not rows:
            return
        self._connection.executemany(_INSERT_EVENT, rows)
        last_id: int = self._connection.execute("SELECT last_insert_rowid()").fetchone()[0]
        for age, row in enumerate(reversed(rows)):  # Within a transaction the ids follow each other.
            if row.name != CHECKPOINT:
                self.newest_id = max(self.newest_id, last_id - age)
                break
        self.added.events += sum(row.name != CHECKPOINT for row in rows)

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
