"""Bodies that are made to take far more memory or time than they have bytes; they need not be stored, only survived."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tests.receiver.support import keyed, log_record, logs_request, span, traces_request

MAX_BODY = 16 * 1024 * 1024
"""What a receiver takes unless it is told otherwise."""


def field(number: int, content: bytes) -> bytes:
    """Write a field of bytes in protobuf."""
    size = len(content)
    length = bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | 2]) + bytes(length) + content


def record(content: bytes) -> bytes:
    """Put the content of a log record, or of a span, into a request."""
    return field(1, field(2, field(2, content)))


def protobuf(size: int = MAX_BODY - 64) -> Iterator[tuple[str, bytes]]:
    """Yield names and bodies in protobuf, for either signal."""
    yield "empty groups by resource", field(1, b"") * (size // 2)
    yield "empty groups by scope", field(1, field(2, b"") * (size // 2))
    yield "empty records", field(1, field(2, field(2, b"") * (size // 2)))
    yield "one record of empty attributes", record(field(6, b"") * (size // 2))
    yield "one record of empty attributes, of a size that is taken", record(field(6, b"") * (1024 * 1024 - 32))
    yield "spans of empty events", field(1, field(2, field(2, field(11, b"") * 1_000) * (size // 2_010)))
    yield "a resource of empty attributes", field(1, field(1, field(1, b"") * (size // 2)) + field(2, field(2, b"")))
    array = field(5, field(1, b"") * (1024 * 1024 - 32))
    yield "a body of empty values", record(field(5, array))
    lists = field(5, field(1, field(5, b"")) * (512 * 1024 - 32))
    yield "a body of empty arrays", record(field(5, lists))
    deep = b""
    for _ in range(2_000):
        deep = field(1, field(5, deep))
    yield "a body nested deeply", record(field(5, deep))
    wide = keyed("k", "\0" * (600 * 1024) + "\N{GRINNING FACE}").SerializeToString()
    yield "text that grows to twenty times its size", field(1, field(2, field(2, field(6, wide)) * 20))
    small = b"".join(field(2, field(6, b"\x0a\x01k")) for _ in range(200_000))
    yield (
        "small records with a large resource",
        field(1, field(1, field(1, keyed("r", "x" * 1_000_000).SerializeToString())) + field(2, small)),
    )
    yield "only high bits", b"\xff" * size
    yield "only zeroes", bytes(size)


def json_bodies(size: int = MAX_BODY - 64) -> Iterator[tuple[str, bytes]]:
    """Yield names and bodies in JSON."""
    for name, item in (
        ("empty arrays", b"[],"),
        ("empty objects", b"{},"),
        ("objects", b'{"a":0},'),
        ("numbers", b"1e1,"),
    ):
        for length in (size, 4 * 1024 * 1024 - 64):
            yield f"{name}, {length} bytes", b'{"resourceLogs":[' + item * (length // len(item)) + b"{}]}"
    attribute = b'{"key":"","value":{}},'
    head, tail = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[', b"{}]}]}]}]}"
    yield "one record of empty attributes", head + attribute * (4_000_000 // len(attribute)) + tail
    yield "a large text", b'{"resourceLogs":[{"schemaUrl":"' + b"x" * (size - 100) + b'"}]}'


def packed() -> Iterator[tuple[str, bytes]]:
    """Yield names and gzip bodies that unpack to much more."""
    yield "zeroes", gzip.compress(bytes(256 * 1024 * 1024), 6)
    yield "empty records", gzip.compress(field(1, field(2, field(2, b"") * (MAX_BODY // 2 - 32))), 6)
    yield "members", gzip.compress(b"") * 100_000


def large_and_honest() -> bytes:
    """Give a request of the largest size that is nothing but ordinary records."""
    one = log_record(
        body=AnyValue(string_value="x" * 400), attributes=[keyed(f"app.key{n}", f"value {n}") for n in range(10)]
    )
    return logs_request(*[one] * 23_000).SerializeToString()


def large_spans() -> bytes:
    """Give the same of spans."""
    spans = (span(span_id=n.to_bytes(8, "big"), attributes=[keyed("app.key", "x" * 300)]) for n in range(1, 30_000))
    return traces_request(*spans).SerializeToString()
