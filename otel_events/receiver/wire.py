"""The outer structure of an OTLP request in protobuf, walked field by field.

The official parser makes an object of every message in a body before anybody can look at one, and a message takes two
bytes to send and a hundred times that as an object. So only single records are left to it; what stands around them,
which is the same for logs and traces, is walked here: a request is a list of groups by resource, and each of these a
list of groups by scope, each with its records.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

from otel_events.receiver import compiled

MAX_FIELDS: Final = 1_000_000
"""How many fields the outer structure of one request may have."""

_FIRST, _SECOND = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BITS: Final = 64
_MAX_FIELD_NUMBER: Final = 2**29 - 1


class Group(NamedTuple):
    """The records of one resource and one scope.

    Attributes:
        resource: The resource, in protobuf.
        scope: The instrumentation scope, in protobuf.
        starts: Where in the request each record begins.
        ends: Where each of them ends.
    """

    resource: bytes
    scope: bytes
    starts: array[int]
    ends: array[int]


def groups(data: bytes) -> Iterator[Group]:
    """Walk a request.

    Args:
        data: An ``ExportLogsServiceRequest`` or ``ExportTraceServiceRequest`` in protobuf.

    Yields:
        Its records, group by group; groups without records are left out.

    Raises:
        ValueError: It is cut off, broken, or has more than :data:`MAX_FIELDS` fields.
    """
    walk = _Walk(data)
    for number, start, end in walk.fields(0, len(data)):
        if number == _FIRST:  # resource_logs or resource_spans
            resource, *scopes = walk.sorted(start, end)
            for place in zip(*scopes, strict=True):
                scope, starts, ends = walk.sorted(*place)
                if starts:
                    yield Group(resource, scope, starts, ends)


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_FIELDS

    def sorted(self, start: int, end: int) -> tuple[bytes, array[int], array[int]]:
        """Give field 1 of a message, where each of its fields 2 begins, and where it ends.

        These are resource and scopes, then scope and records. A field 1 that comes twice is merged, as protobuf has it.
        """
        found = compiled.places(self._data, start, end, self._left)
        if found is not None:
            first, starts, ends, fields = found
            self._left -= fields
            return first, starts, ends
        firsts = []
        starts, ends = array("L"), array("L")
        for number, begins, stops in self.fields(start, end):
            if number == _SECOND:
                starts.append(begins)
                ends.append(stops)
            elif number == _FIRST:
                firsts.append(self._data[begins:stops])
        return b"".join(firsts), starts, ends

    def fields(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield the number, the beginning and the end of each field of bytes; pass over the others."""
        data = self._data
        while start < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError(f"it has more than {MAX_FIELDS} records and groups of them; send smaller batches")
            tag = data[start]
            start += 1
            if tag > 0x7F:
                tag, start = _varint(data, start - 1, end)
            number, kind = tag >> 3, tag & 7
            if not 0 < number <= _MAX_FIELD_NUMBER:
                raise ValueError("a field has a number that is not possible")
            if kind == _BYTES:
                size, start = _varint(data, start, end)
                if start + size > end:
                    raise ValueError("it is cut off")
                yield number, start, start + size
                start += size
            elif kind == _VARINT:
                _, start = _varint(data, start, end)
            elif kind == _FIXED64:
                start += 8
            elif kind == _FIXED32:
                start += 4
            else:
                raise ValueError(f"a field has wire type {kind}, which OTLP does not have")
        if start > end:
            raise ValueError("it is cut off")


def _varint(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Read a number; give it and where it ends."""
    value = shift = 0
    while start < end:
        byte = data[start]
        start += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, start
        shift += 7
        if shift >= _MAX_VARINT_BITS:
            raise ValueError("a number in it is too long")
    raise ValueError("it is cut off")
