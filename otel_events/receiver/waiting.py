"""What was stored a moment ago and is not in the search index yet, kept so that it need not be read and taken apart again.

It is of use only while it is all that the index lacks. So it is given up where somebody else wrote to the file, where an
event changed, and where too much waits; the events are then read from the table, until the index has all of them.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from otel_events.receiver.compiled import entries
from otel_events.receiver.rows import Entry, EventRow

MAX_EVENTS: Final = 20_000
MAX_CHARACTERS: Final = 4 * 1024 * 1024
_MAX_ATTRIBUTES_CHARACTERS: Final = 8 * 1024


class Entries:
    """The entries of events in the order of their ids, within bounds, or the knowledge that they have to be read from the table.

    Attributes:
        are_known: Whether they are here.
    """

    def __init__(self) -> None:
        self.are_known = True
        self._entries: list[Entry] = []
        self._characters = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, first_id: int, events: list[EventRow]) -> None:
        """Add events with ids that follow each other."""
        room = MAX_CHARACTERS - self._characters
        found = entries(first_id, events, max_attributes=_MAX_ATTRIBUTES_CHARACTERS, max_characters=room)
        if found is None:
            self.give_up()
        else:
            self._extend(*found)

    def extend(self, others: Entries) -> None:
        """Add all of others."""
        if others.are_known:
            self._extend(others._entries, others._characters)
        else:
            self.give_up()

    def take(self, limit: int) -> list[Entry]:
        """Remove and give the first ones."""
        taken, self._entries = self._entries[:limit], self._entries[limit:]
        self._characters = sum(len(entry[4] or "") + len(entry[5]) for entry in self._entries)
        return taken

    def give_up(self) -> None:
        """Have them read from the table."""
        self.are_known = False
        self._entries = []
        self._characters = 0

    def _extend(self, entries: list[Entry], characters: int) -> None:
        if not self.are_known:
            return
        self._entries += entries
        self._characters += characters
        if len(self._entries) > MAX_EVENTS or self._characters > MAX_CHARACTERS:
            self.give_up()


class Waiting:
    """The events that wait for the search index of one database. Used by the thread that writes to it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make it, for a database of which nothing is known yet."""
        self._connection = connection
        self._entries = Entries()
        self.give_up()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entries: Entries) -> None:
        """Add events that were stored."""
        self._entries.extend(entries)

    def take(self, limit: int) -> list[Entry] | None:
        """Remove and give the first entries, None where they have to be read from the table.

        The caller has begun a transaction, and calls :meth:`give_up` where that fails.
        """
        if self._entries.are_known and self._data_version() != self._version:
            self.give_up()
        return self._entries.take(limit) if self._entries.are_known else None

    def begin(self) -> None:
        """Begin anew: the index has all events there are. The caller has begun a transaction."""
        self._version = self._data_version()
        self._entries = Entries()

    def give_up(self) -> None:
        """Have all that waits read from the table."""
        self._entries.give_up()

    def _data_version(self) -> int:
        """Give a number that changes when another connection writes to the database."""
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version
