"""Bodies are unpacked up to the bound and no further."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.receiver.compression import TooLargeError, decompress


@given(st.binary(max_size=500), st.binary(max_size=500))
def test_gzip_of_one_or_more_members_and_zlib_are_unpacked(first: bytes, second: bytes) -> None:
    assert decompress(gzip.compress(first), max_bytes=1000) == first
    assert decompress(gzip.compress(first) + gzip.compress(second), max_bytes=1000) == first + second
    assert decompress(zlib.compress(first), max_bytes=1000) == first


def test_a_body_of_exactly_the_bound_is_taken_and_one_byte_more_is_not() -> None:
    assert decompress(gzip.compress(bytes(1000)), max_bytes=1000) == bytes(1000)
    with pytest.raises(TooLargeError, match="larger than 1000 bytes"):
        decompress(gzip.compress(bytes(1001)), max_bytes=1000)
    with pytest.raises(TooLargeError):
        decompress(gzip.compress(bytes(600)) * 2, max_bytes=1000)


def test_a_bomb_is_stopped_before_it_fills_the_memory() -> None:
    bomb = gzip.compress(bytes(100_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError):
            decompress(bomb, max_bytes=1_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "cut off"),
        (b"plain text", "unpacked"),
        (gzip.compress(b"x" * 100)[:-1], "cut off"),
        (gzip.compress(b"x" * 100) + b"trailing", "unpacked"),
        (gzip.compress(b"") * 65, "more than 64 gzip members"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decompress(body, max_bytes=1000)
