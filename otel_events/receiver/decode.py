"""OTLP requests to rows of the database, piece by piece, so that no request is in memory as objects at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, Literal

from google.protobuf.message import DecodeError

from otel_events.receiver.compiled import log_rows as log_rows_at_once
from otel_events.receiver.records import Origin, log_rows, origin, span_rows
from otel_events.receiver.rows import Rows
from otel_events.receiver.wire import Group, groups

MAX_RECORD_BYTES: Final = 2 * 1024 * 1024
"""How large one log record, span (with its events), resource or scope may be in protobuf."""

MAX_TEXT_BYTES: Final = 16 * 1024 * 1024
"""How much memory the text of one record may take. A NUL is six characters in JSON, and one emoji makes each of the
characters around it take four bytes."""

MAX_STORED_CHARACTERS: Final = 256 * 1024 * 1024
"""How much text the rows of one request may hold. The resource stands in every row, so a large one sent once with very
many small records would fill the disk otherwise."""

_REQUESTS: Final = {"log records": "ExportLogsServiceRequest", "spans": "ExportTraceServiceRequest"}
_SMALL_BYTES: Final = 64 * 1024
_CONTROLS: Final = bytes(range(32))
_ASTRAL: Final = re.compile(rb"[\xf0-\xf4]")
"""How characters beyond the first 65,536 begin in UTF-8."""

_PIECE_ROWS: Final = 1000
_PIECE_BYTES: Final = 1024 * 1024


class Decoding:
    """One request on its way to rows. Iterate over it once; then ask what was refused.

    Attributes:
        too_many: How many log records or spans were refused because those before them filled the room of a request.
        too_large: How many were refused because they, or their resource or scope, are too large.
        invalid: How many spans were refused because OTLP does not allow their ids.
    """

    def __init__(
        self, data: bytes, what: Literal["log records", "spans"], *, received_ns: int, max_records: int
    ) -> None:
        """Prepare.

        Args:
            data: ``ExportLogsServiceRequest`` or ``ExportTraceServiceRequest`` in protobuf.
            what: What the request holds.
            received_ns: When it came, in nanoseconds since 1970; the time of an event that has none of its own.
            max_records: At most so many log records, or spans and span events counted together, are taken, and at most
                :data:`MAX_STORED_CHARACTERS` of text. A span is taken with all of its events or not at all.
        """
        self._data = data
        self._what = what
        self._rows: Callable[[bytes, Origin], Rows | None] = log_rows if what == "log records" else span_rows
        self._received_ns = received_ns
        self._max_records = max_records
        self._records_left = max_records
        self._characters_left = MAX_STORED_CHARACTERS
        self.too_many = 0
        self.too_large = 0
        self.invalid = 0

    @property
    def refused(self) -> int:
        """How many log records or spans were refused."""
        return self.too_many + self.too_large + self.invalid

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows in the order of the request, some hundreds at a time.

        Raises:
            ValueError: The request is not what it should be; what was yielded before is void.
        """
        problem = None
        try:
            yield from self._pieces()
        except (DecodeError, ValueError) as error:
            problem = str(error)
        self._data = b""
        if (
            problem is not None
        ):  # Raised out here: the traceback of the first error would keep the whole request in memory.
            raise ValueError(f"the body is no {_REQUESTS[self._what]} in protobuf: {problem}")

    def reasons(self) -> str:
        """Say how many were refused and why."""
        told = []
        if self.invalid:
            told.append(f"{self.invalid} spans refused: without a valid trace id (16 bytes) and span id (8 bytes).")
        if self.too_large:
            told.append(
                f"{self.too_large} {self._what} refused: one, like its resource and scope, may have {MAX_RECORD_BYTES} "
                f"bytes, and {MAX_TEXT_BYTES} bytes as text in memory."
            )
        if self.too_many:
            told.append(
                f"{self.too_many} {self._what} refused: one request may hold {self._max_records} records and fill "
                f"{MAX_STORED_CHARACTERS} characters of rows; send smaller batches."
            )
        return " ".join(told)

    def _pieces(self) -> Iterator[Rows]:
        events, spans = piece = Rows([], [])
        bytes_left = _PIECE_BYTES
        for group in groups(self._data):
            if _is_too_large(group.resource) or _is_too_large(group.scope):
                self.too_large += len(group.starts)
                continue
            shared = origin(group.resource, group.scope, self._received_ns)
            number = 0
            while number < len(group.starts):
                if self._records_left <= 0:
                    self.too_many += len(group.starts) - number
                    break
                begun, room = number, _PIECE_ROWS - len(events) - len(spans)
                rows = self._common(group, number, room, bytes_left, shared)
                number += len(rows.events)
                if not rows.events:
                    rows = self._record(group.starts[number], group.ends[number], shared)
                    number += 1
                events += rows.events
                spans += rows.spans
                bytes_left -= group.ends[number - 1] - group.starts[begun]
                if bytes_left <= 0 or len(events) + len(spans) >= _PIECE_ROWS:
                    yield piece
                    events, spans = piece = Rows([], [])
                    bytes_left = _PIECE_BYTES
        yield piece

    def _common(self, group: Group, first: int, most: int, most_bytes: int, shared: Origin) -> Rows:
        """Give the rows of the next log records, as far as they can be had at once."""
        if self._what != "log records":
            return Rows([], [])
        events, characters = log_rows_at_once(
            self._data,
            group.starts,
            group.ends,
            first,
            min(len(group.starts), first + min(most, self._records_left)),
            max_record_bytes=min(_SMALL_BYTES, MAX_RECORD_BYTES),
            max_bytes=most_bytes,
            max_characters=self._characters_left,
            shared=shared.of_logs(),
        )
        self._records_left -= len(events)
        self._characters_left -= characters
        return Rows(events, [])

    def _record(self, start: int, end: int, shared: Origin) -> Rows:
        """Give the rows of one record, none where it is refused."""
        size = end - start
        if size > MAX_RECORD_BYTES or (size > _SMALL_BYTES and _is_too_large(self._data[start:end])):
            self.too_large += 1
            return Rows([], [])
        rows = self._rows(self._data[start:end], shared)
        if rows is None:
            self.invalid += 1
        elif not self._fits(rows):
            self.too_many += 1
        else:
            return rows
        return Rows([], [])

    def _fits(self, rows: Rows) -> bool:
        """Take up the room of the rows, if there is enough. Once something did not fit, nothing more does."""
        self._records_left -= len(rows.events) + len(rows.spans)
        for row in rows.events:
            self._characters_left -= len(row.attributes) + len(row.resource) + len(row.body or "")
        for span in rows.spans:
            self._characters_left -= len(span.attributes) + len(span.resource)
        if self._records_left < 0 or self._characters_left < 0:
            self._records_left = 0
            return False
        return True


def _is_too_large(message: bytes) -> bool:
    """Say so from its bytes alone, before anything is made of them."""
    if len(message) > MAX_RECORD_BYTES:
        return True
    controls = len(message) - len(message.translate(None, _CONTROLS))
    width = 4 if _ASTRAL.search(message) else 2 if not message.isascii() else 1
    return width * (len(message) + 5 * controls) > MAX_TEXT_BYTES
