"""What the API is asked, as functions that run in a worker thread: parameters in, data for JSON out."""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any, Final, TypeVar

from otel_events.page import counting, listing, related
from otel_events.page.catalog import catalog, known_keys
from otel_events.page.database import Database
from otel_events.page.keys import AmbiguousKeyError, has_attributes, resolved, whole_key
from otel_events.page.listing import Cursor
from otel_events.page.parameters import Asked, ParameterError
from otel_events.page.search import Search
from otel_events.page.shape import event_json, ns_or_none
from otel_events.page.sql import Where, clues, needs_search_index, where
from otel_events.receiver import Store

T = TypeVar("T")

_KEYS_SECONDS: Final = 2.0
_LIVE_EVENTS: Final = 200
_FEW: Final = 5_000
"""Rows that are read one by one in some hundredths of a second."""


class Questions:
    """Answers to what the API is asked. May be used from any thread.

    Raises, everywhere:
        SearchError: A key of the search is ambiguous.
        TooSlowError: It took longer than it may.
        sqlite3.Error: The database cannot be read.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = Database(store.path)
        self._keys: tuple[float, Set[str]] = (float("-inf"), frozenset())

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()

    def status(self) -> dict[str, Any]:
        """Say how many events there are, and from when to when."""

        def question(connection: sqlite3.Connection) -> dict[str, Any]:
            span = counting.time_span(connection) or (None, None)
            return {
                "database": str(Path(self._store.path).resolve()),
                "total": counting.total(connection),
                "oldest_ns": ns_or_none(span[0]),
                "newest_ns": ns_or_none(span[1]),
                "newest_id": _newest_id(connection),
            }

        return self._database.ask(question)

    def events(self, asked: Asked, limit: int, before: Cursor | None) -> dict[str, Any]:
        """Give a page of events, the newest first."""

        def question(connection: sqlite3.Connection, found: Where, up_to_id: int) -> dict[str, Any]:
            rows, following = listing.newest(connection, found, limit, before)
            return {
                "events": [event_json(row) for row in rows],
                "next": None if following is None else str(following),
                "newest_id": up_to_id,
            }

        return self._ask(asked, question)

    def rows(self, asked: Asked, limit: int, before: Cursor | None) -> tuple[list[sqlite3.Row], Cursor | None]:
        """Give a page of rows, with all their columns, for a download."""
        return self._ask(asked, lambda connection, found, _: listing.newest(connection, found, limit, before, "*"))

    def histogram(self, asked: Asked, most_bars: int) -> dict[str, Any]:
        """Count the events by name and time."""

        def question(connection: sqlite3.Connection, found: Where, _: int) -> dict[str, Any]:
            first, last = counting.time_span(connection) or (0, 0)
            begin = first if asked.scope.from_ns is None else asked.scope.from_ns
            end = last + 1 if asked.scope.to_ns is None else asked.scope.to_ns
            if begin >= end:
                return {"from_ns": str(begin), "to_ns": str(begin), "width_ns": "0", "series": []}
            first, width, number = counting.bars(begin, end, most_bars)
            return {
                "from_ns": str(first),
                "to_ns": str(first + number * width),
                "width_ns": str(width),
                "series": counting.histogram(connection, found, first, width, number),
            }

        return self._ask(asked, question)

    def facets(self, asked: Asked, keys: list[str], limit: int) -> dict[str, Any]:
        """Count the events by values.

        Raises:
            ParameterError: A key is ambiguous.
        """

        def question(connection: sqlite3.Connection, found: Where, _: int) -> dict[str, Any]:
            known = self._known(connection)
            try:
                whole = [whole_key(key, known) for key in keys]
            except AmbiguousKeyError as error:
                raise ParameterError(str(error)) from error
            counted = counting.facets(connection, found, whole, limit + 1)
            return {
                "facets": [
                    {
                        "key": key,
                        "values": [{"value": value, "count": count} for value, count in values[:limit]],
                        "more": len(values) > limit,
                    }
                    for key, values in zip(keys, counted, strict=True)
                ]
            }

        return self._ask(asked, question)

    def live(self, asked: Asked, after_id: int) -> dict[str, Any]:
        """Give the newest of the events that came after one, and how many more there were."""

        def question(connection: sqlite3.Connection, found: Where, up_to_id: int) -> dict[str, Any]:
            rows, count = listing.arrived(connection, found, _LIVE_EVENTS)
            return {
                "events": [event_json(row) for row in rows],
                "newest_id": max(after_id, up_to_id),
                "skipped": count - len(rows),
            }

        scope = dataclasses.replace(asked.scope, after_id=after_id)
        return self._ask(dataclasses.replace(asked, scope=scope), question, always_bounded=True)

    def newest_id(self, asked: Asked) -> int:
        """Give the id of the newest event that a search can find now."""
        return self._ask(asked, lambda _connection, _found, up_to_id: up_to_id)

    def event(self, event_id: int) -> dict[str, Any] | None:
        """Give one event in full."""
        found = self._database.ask(lambda connection: related.one(connection, event_id))
        return None if found is None else {"event": found}

    def around(self, event_id: int, limit: int) -> dict[str, Any] | None:
        """Give what the same actor did before and after an event."""
        return self._database.ask(lambda connection: related.around(connection, event_id, limit))

    def trace(self, trace_id: str) -> dict[str, Any]:
        """Give the spans and the events of a trace."""
        return self._database.ask(lambda connection: related.trace(connection, trace_id))

    def actor(self, actor: str, asked: Asked) -> dict[str, Any]:
        """Give what an actor did."""
        return self._database.ask(lambda connection: related.activity(connection, actor, asked.scope))

    def catalog(self) -> dict[str, Any]:
        """Give the types of events."""
        return {"types": self._database.ask(catalog)}

    def _ask(
        self,
        asked: Asked,
        question: Callable[[sqlite3.Connection, Where, int], T],
        *,
        always_bounded: bool = False,
    ) -> T:
        """Ask a question about events that a search finds, all up to one id, with which the question is called."""

        def about_found(connection: sqlite3.Connection) -> T:
            search, scope = asked.search, asked.scope
            if has_attributes(search):
                search = resolved(search, self._known(connection))
            indexed_id, up_to_id = self._store.indexed_id, _newest_id(connection)
            if needs_search_index(search):
                # What the search index does not know yet would be missing, or found where words are not to occur.
                up_to_id = min(up_to_id, indexed_id)
                scope = dataclasses.replace(scope, up_to_id=up_to_id)
            elif always_bounded:
                scope = dataclasses.replace(scope, up_to_id=up_to_id)
            few_after = None if always_bounded else _indexed_if_few(connection, search, indexed_id)
            return question(connection, where(search, scope, indexed_id=few_after), up_to_id)

        return self._database.ask(about_found)

    def _known(self, connection: sqlite3.Connection) -> Set[str]:
        read_at, known = self._keys
        if time.monotonic() > read_at + _KEYS_SECONDS:
            known = known_keys(connection)
            self._keys = (time.monotonic(), known)
        return known


def _indexed_if_few(connection: sqlite3.Connection, search: Search, indexed_id: int) -> int | None:
    """Give ``indexed_id`` where the search index leaves few events to look at; else None."""
    asked = clues(search)
    if not asked or _newest_id(connection) - indexed_id > _FEW:
        return None
    statement = "SELECT count(*) FROM (SELECT 1 FROM search WHERE search MATCH ? LIMIT ?)"
    found: int = connection.execute(statement, (asked, _FEW)).fetchone()[0]
    return indexed_id if found < _FEW else None


def _newest_id(connection: sqlite3.Connection) -> int:
    newest: int = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]
    return newest
