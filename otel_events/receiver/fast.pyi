from array import array
from typing import Any

from otel_events.receiver.records import Shared
from otel_events.receiver.rows import Entry, EventRow

def places(data: bytes, start: int, end: int, room: int, /) -> tuple[bytes, bytes, bytes, int] | None: ...
def log_rows(
    data: bytes,
    starts: array[int],
    ends: array[int],
    first: int,
    stop: int,
    bounds: tuple[int, int, int],
    row: type[EventRow],
    shared: Shared,
    /,
) -> tuple[list[EventRow], int]: ...
def numbered(first_id: int, rows: list[EventRow], /) -> list[tuple[Any, ...]]: ...
def entries(
    first_id: int, rows: list[EventRow], max_attributes: int, max_characters: int, /
) -> tuple[list[Entry], int] | None: ...
def words(attributes: str, /) -> str | None: ...
