"""A ring keeps its bounds and the order of its records, compiled or not."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.plain_ring import PlainRing

KINDS: list[Callable[[int, int], Any]] = [PlainRing]
try:
    from otel_events.direct.ring import Ring
except ImportError:
    pass
else:
    KINDS.append(Ring)

every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@given(
    st.integers(0, 40),
    st.integers(0, 200),
    st.integers(0, 10),
    st.lists(st.one_of(st.binary(max_size=20), st.tuples(st.integers(-1, 50), st.integers(-1, 100))), max_size=100),
)
def test_it_does_what_a_list_with_bounds_does(
    kind: Any, max_records: int, max_bytes: int, wanted: int, steps: list[Any]
) -> None:
    ring = kind(max_records, max_bytes)
    expected: deque[bytes] = deque()
    for step in steps:
        if isinstance(step, bytes):
            fits = len(expected) < max_records and sum(map(len, expected)) + len(step) <= max_bytes
            ring.wanted = wanted
            assert ring.append(step) is (
                False if not fits else None if wanted and len(expected) + 1 >= wanted else True
            )
            if fits:
                expected.append(step)
        else:
            records, size = step
            batch: list[bytes] = []
            while expected and len(batch) < records and (not batch or sum(map(len, batch)) + len(expected[0]) <= size):
                batch.append(expected.popleft())
            assert ring.take(records, size) == batch
        assert len(ring) == len(expected)
        assert ring.size_bytes == sum(map(len, expected))
        assert ring.oldest() == (expected[0] if expected else None)


@every_kind
def test_it_grows_and_goes_round(kind: Any) -> None:
    ring = kind(10_000, 10**9)
    came, went = 0, 0
    for more, fewer in ((3000, 2900), (5000, 100), (4900, 9900)):
        for _ in range(more):
            assert ring.append(b"%d" % came)
            came += 1
        for record in ring.take(fewer, 10**9):
            assert record == b"%d" % went
            went += 1
    assert (came, went, len(ring), ring.size_bytes) == (12_900, 12_900, 0, 0)


@every_kind
def test_it_lets_go_of_its_records(kind: Any) -> None:
    record = bytes(100)
    before = sys.getrefcount(record)
    ring = kind(100, 10_000)
    for _ in range(10):
        ring.append(record)
    taken = ring.take(5, 10_000)
    assert sys.getrefcount(record) == before + 10
    del ring, taken
    gc.collect()
    assert sys.getrefcount(record) == before


@every_kind
@pytest.mark.parametrize("record", ["text", None, 5])
def test_it_takes_nothing_but_bytes(kind: Any, record: Any) -> None:
    if kind is PlainRing and record == "text":
        pytest.skip("a text has a length, too; the encoder gives bytes")
    with pytest.raises(TypeError):
        kind(10, 100).append(record)
