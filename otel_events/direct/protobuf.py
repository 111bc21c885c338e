"""The few pieces of protobuf's wire format that OTLP log records are written in.

Protocol Buffers, "Encoding": a field is a tag, then a varint, 4 or 8 bytes in little-endian order, or a length and so many
bytes. Names of messages and numbers of fields are those of ``opentelemetry/proto``, version 1.
"""

from __future__ import annotations

import struct
from typing import Any, Final

TIME: Final = b"\x09"
SEVERITY_NUMBER: Final = b"\x10"
SEVERITY_TEXT: Final = b"\x1a"
BODY: Final = b"\x2a"
ATTRIBUTES: Final = b"\x32"
FLAGS: Final = b"\x45"
TRACE_ID: Final = b"\x4a\x10"
SPAN_ID: Final = b"\x52\x08"
OBSERVED: Final = b"\x59"
EVENT_NAME: Final = b"\x62"
"""Tags of the fields of ``LogRecord``; those of the ids have their lengths, too."""

LOG_RECORDS: Final = b"\x12"
"""The tag of ``ScopeLogs.log_records``."""

double = struct.Struct("<d").pack
fixed64 = struct.Struct("<Q").pack
fixed32 = struct.Struct("<I").pack


def varint(number: int) -> bytes:
    """Write a whole number of 0 or more, seven bits a byte, the lowest first."""
    if number < 128:
        return _ONE_BYTE[number]
    if number < 16_384:
        return bytes((number & 127 | 128, number >> 7))
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


_MAX_HEADERS: Final = 4096
_ONE_BYTE: Final = [bytes((number,)) for number in range(128)]


def field(tag: bytes, content: bytes) -> bytes:
    """Write a field that has a length."""
    return tag + varint(len(content)) + content


def int64(number: int) -> bytes:
    """Write a signed number as protobuf's ``int64``: two's complement in 64 bits, as a varint."""
    return varint(number & 0xFFFF_FFFF_FFFF_FFFF)


class FieldHeaders(dict[int, bytes]):
    """What stands before n bytes of a field that has a length: ``headers[n]``.

    Args:
        tag: The field's.
    """

    __slots__ = ("_tag",)

    def __init__(self, tag: bytes) -> None:
        self._tag = tag

    def __missing__(self, length: int) -> bytes:
        header = self._tag + varint(length)
        if len(self) < _MAX_HEADERS:
            self[length] = header
        return header


class TextHeaders(dict[int, bytes]):
    """What stands before a text of n bytes in a certain place: ``headers[n]``, worked out when it is first asked for and kept.

    Args:
        tag: The tag of the outer message's field, ``LogRecord.attributes`` or ``LogRecord.body``.
        before: What stands in that message before the ``AnyValue``: key and tag, or nothing.
    """

    __slots__ = ("_before", "_tag")

    def __init__(self, tag: bytes, before: bytes) -> None:
        self._tag, self._before = tag, before

    def __missing__(self, length: int) -> bytes:
        text = b"\x0a" + varint(length)  # AnyValue.string_value
        head = self._before + varint(len(text) + length) + text if self._before else text
        header = self._tag + varint(len(head) + length) + head
        if len(self) < _MAX_HEADERS:
            self[length] = header
        return header


def any_value(value: Any) -> bytes:
    """Write an ``AnyValue``: a str, bool, int of 64 bits, float, bytes, or a list of them."""
    if isinstance(value, str):
        return field(b"\x0a", value.encode())
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        return b"\x18" + int64(value)
    if isinstance(value, float):
        return b"\x21" + double(value)
    if isinstance(value, bytes):
        return field(b"\x3a", value)
    return field(b"\x2a", b"".join([field(b"\x0a", any_value(item)) for item in value]))


def key_value(tag: bytes, key: str, value: Any) -> bytes:
    """Write a ``KeyValue`` as a field of another message."""
    return field(tag, field(b"\x0a", key.encode()) + field(b"\x12", any_value(value)))


def span_context(trace_id: int, span_id: int, flags: int) -> bytes:
    """Write what a ``LogRecord`` has of the span in which it came to be, as far as there is one."""
    return (
        (FLAGS + fixed32(flags) if flags else b"")
        + (TRACE_ID + trace_id.to_bytes(16, "big") if trace_id else b"")
        + (SPAN_ID + span_id.to_bytes(8, "big") if span_id else b"")
    )
