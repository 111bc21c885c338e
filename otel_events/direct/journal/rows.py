"""What stands in a file of a journal: groups of encoded records, and dead letters."""

from __future__ import annotations

from typing import NamedTuple

from otel_events.direct.journal.schema import JournalDamagedError


class Group(NamedTuple):
    """What was appended at once.

    Attributes:
        id: Its number, which grows.
        body: Its records, each a ``LogRecord`` as a field of ``ScopeLogs``.
        count: How many they are.
    """

    id: int
    body: bytes
    count: int  # type: ignore[assignment] # hides a method of tuples that nobody calls here


class DeadLetter(NamedTuple):
    """Records that are not sent any more.

    Attributes:
        id: Its number; 0 for one that is to be written.
        request: A whole ``ExportLogsServiceRequest``.
        count: How many records are in it.
        reason: Why, in words.
        at_ns: When they were given up: nanoseconds since 1970 UTC.
        possibly_delivered: Whether the server may have taken some of them.
    """

    id: int
    request: bytes
    count: int  # type: ignore[assignment] # as above
    reason: str
    at_ns: int
    possibly_delivered: bool


def records_of(body: bytes) -> list[bytes]:
    """Split records that stand one after the other, as in ``Group.body``.

    Raises:
        JournalDamagedError: They are no such thing.
    """
    records = []
    start = 0
    while start < len(body):
        if body[start] != 0x12:
            raise JournalDamagedError(f"a group of a journal is damaged: no record begins at byte {start}.")
        length = shift = 0
        position = start + 1
        while True:
            if position >= len(body) or shift > 28:
                raise JournalDamagedError(f"a group of a journal is damaged: the record at byte {start} has no length.")
            byte = body[position]
            length |= (byte & 127) << shift
            position, shift = position + 1, shift + 7
            if byte < 128:
                break
        end = position + length
        if end > len(body):
            raise JournalDamagedError(f"a group of a journal is damaged: the record at byte {start} is cut short.")
        records.append(body[start:end])
        start = end
    return records
