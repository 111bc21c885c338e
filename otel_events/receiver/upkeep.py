"""What is done to the database between requests: the search index is filled, and what should not be kept is deleted."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable
from typing import Final

from otel_events.receiver import search
from otel_events.receiver.insertion import Insertion
from otel_events.receiver.retention import Expired, Retention, expire, is_too_large, shrink
from otel_events.receiver.schema import transaction
from otel_events.receiver.waiting import Waiting

INDEX_AFTER_SECONDS: Final = 0.2
"""How long a new event waits at most for others to be indexed with it."""

_INDEX_MANY_AFTER_SECONDS: Final = 0.7
_MANY: Final = 1_000
_ENOUGH: Final = 10_000
"""Where many wait, more come: they wait longer, so that more are indexed at once, until there are enough."""

_EXPIRE_AFTER_SECONDS: Final = 2.0
_SLICE_SECONDS: Final = 0.1
"""How long a piece may take, and deleting at once, while requests may be waiting."""

_CATCH_UP_SECONDS: Final = 0.3
"""How long indexing may go on at once, so that it keeps pace with what comes in."""

_FIRST_PIECE, _LARGEST_PIECE = 200, 10_000

_logger = logging.getLogger("otel_events")


class Upkeep:
    """The upkeep of one database, done in short slices by the thread that writes to it.

    Attributes:
        expired: What was deleted so far because it was too old or the file too large.
        newest_indexed: The id of the last event in the search index.
    """

    def __init__(self, connection: sqlite3.Connection, retention: Retention) -> None:
        self._connection = connection
        self._retention = retention
        self._piece = _FIRST_PIECE
        self._index_at: float | None = time.monotonic()
        self._index_by = self._index_at
        self._expire_at = time.monotonic()
        self._waiting = Waiting(connection)
        self.expired = Expired()
        self.newest_indexed = search.newest_indexed(connection)

    def changed(self, insertions: Iterable[Insertion]) -> None:
        """Note that there are new events."""
        for insertion in insertions:
            self._waiting.add(insertion.entries)
        now = time.monotonic()
        if self._index_at is None:
            self._index_at = now + INDEX_AFTER_SECONDS
            self._index_by = now + _INDEX_MANY_AFTER_SECONDS
        if self._index_at <= self._index_by:
            if len(self._waiting) >= _ENOUGH:
                self._index_at = now
            elif len(self._waiting) >= _MANY:
                self._index_at = self._index_by

    def wait_seconds(self) -> float:
        """Say in how many seconds there is something to do."""
        at = self._expire_at if self._index_at is None else min(self._index_at, self._expire_at)
        return max(0.0, at - time.monotonic())

    def run(self) -> None:
        """Do what is due, for a slice of time.

        Raises:
            sqlite3.Error: The database cannot take it now.
        """
        until = time.monotonic() + _SLICE_SECONDS
        if is_too_large(self._connection, self._retention):
            self._expire_at = min(self._expire_at, time.monotonic())
        while self._expire_at <= time.monotonic() < until:
            if not self._expire():
                self._expire_at = time.monotonic() + _EXPIRE_AFTER_SECONDS
        if self._index_at is not None and self._index_at <= time.monotonic():
            self.catch_up()

    def postpone(self) -> None:
        """Leave the database alone for some seconds, after it could not take something."""
        now = time.monotonic()
        self._expire_at = now + _EXPIRE_AFTER_SECONDS
        if self._index_at is not None:
            self._index_by, self._index_at = now, now + _EXPIRE_AFTER_SECONDS

    def catch_up(self) -> None:
        """Index what is there, for a slice of time; what then is missing is done next, or when the file is opened again."""
        until = time.monotonic() + _CATCH_UP_SECONDS
        while self._index():
            if time.monotonic() >= until:
                return
        self._index_at = None

    def _index(self) -> bool:
        """Index a piece; say whether there may be more."""
        begun = time.monotonic()
        try:
            with transaction(self._connection):
                done = self._index_next()
        except sqlite3.Error:
            self._waiting.give_up()
            raise
        if done:
            self.newest_indexed = search.newest_indexed(self._connection)
        more = done == self._piece
        # Events differ in size by a factor of thousands, so the next piece is what this one says fits into a slice.
        fits = done * _SLICE_SECONDS / max(time.monotonic() - begun, 0.001)
        if done:
            self._piece = int(min(max(fits, 1), 2 * self._piece if more else self._piece, _LARGEST_PIECE))
        return more

    def _index_next(self) -> int:
        """Index the next piece; give how many events it had."""
        entries = self._waiting.take(self._piece)
        if entries is not None:
            search.index_given(self._connection, entries)
            return len(entries)
        done = search.index_more(self._connection, self._piece)
        if done < self._piece:
            self._waiting.begin()
        return done

    def _expire(self) -> bool:
        """Delete a piece; say whether there may be more."""
        with transaction(self._connection):
            events, spans = expire(self._connection, self._retention, time.time_ns())
            if events and len(self._waiting) and not search.has_the_oldest(self._connection):
                self._waiting.give_up()
        if events or spans:
            if not any(self.expired):
                _logger.warning("The database has reached its bounds: its oldest events are deleted as new ones come.")
            self.expired = Expired(self.expired.events + events, self.expired.spans + spans)
            return True
        return shrink(self._connection, self._retention)
