"""The commonest requests to rows, compiled, where the extension module could be built; elsewhere all is left to Python.

``fast.c`` says what it does. Each function gives up where something is less common, and the code in Python does it then.
"""

from __future__ import annotations

from array import array
from typing import Any

from otel_events.receiver.records import Shared
from otel_events.receiver.rows import Entry, EventRow

try:
    from otel_events.receiver import fast
except ImportError:  # no compiler where it was installed
    IS_COMPILED = False
else:
    IS_COMPILED = True


def places(data: bytes, start: int, end: int, room: int) -> tuple[bytes, array[int], array[int], int] | None:
    """Give field 1 of a message, where each of its fields 2 begins and ends, and how many fields it has.

    Args:
        data: The request.
        start: Where in it the message begins.
        end: Where it ends.
        room: How many fields it may have.

    Returns:
        None where this is left to Python.
    """
    found = fast.places(data, start, end, room) if IS_COMPILED else None
    if found is None:
        return None
    first, starts, ends, fields = found
    return first, array("L", starts), array("L", ends), fields


def log_rows(
    data: bytes,
    starts: array[int],
    ends: array[int],
    first: int,
    stop: int,
    *,
    max_record_bytes: int,
    max_bytes: int,
    max_characters: int,
    shared: Shared,
) -> tuple[list[EventRow], int]:
    """Give the rows of log records.

    Args:
        data: The request.
        starts: Where in it each record begins.
        ends: Where each of them ends.
        first: The first of these that is wanted.
        stop: The one before which it ends.
        max_record_bytes: A larger record is left to Python.
        max_bytes: With so many it ends.
        max_characters: At most so much text is in the rows.
        shared: What stands in all rows.

    Returns:
        The rows of the first of these records, up to one that is left to Python, and how much text is in them.
    """
    if not IS_COMPILED:
        return [], 0
    bounds = (max_record_bytes, max_bytes, max_characters)
    return fast.log_rows(data, starts, ends, first, stop, bounds, EventRow, shared)


def numbered(first_id: int, rows: list[EventRow]) -> list[tuple[Any, ...]]:
    """Give rows with ids that follow each other before their columns."""
    if IS_COMPILED:
        return fast.numbered(first_id, rows)
    return [(event_id, *row) for event_id, row in enumerate(rows, first_id)]


def entries(
    first_id: int, rows: list[EventRow], *, max_attributes: int, max_characters: int
) -> tuple[list[Entry], int] | None:
    """Give what the search index takes of events, with the words of their attributes as the view ``searched`` has them.

    Args:
        first_id: The id of the first one; the others follow it.
        rows: The events.
        max_attributes: How many characters the attributes of one may have.
        max_characters: How many all bodies and words may have.

    Returns:
        The entries and how many characters they have; None where this is left to SQLite.
    """
    return fast.entries(first_id, rows, max_attributes, max_characters) if IS_COMPILED else None
