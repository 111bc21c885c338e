"""Records and receipts stay together and in their order, within a bound, compiled or not."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.journal.plain_pairs import PlainPairs
from otel_events.direct.receipts import DeliveryReceipt

KINDS: list[Callable[[int, int], Any]] = [PlainPairs]
try:
    from otel_events.direct.journal.pairs import Pairs
except ImportError:
    pass
else:
    KINDS.append(Pairs)

every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
@given(
    st.integers(0, 20),
    st.integers(0, 50),
    st.lists(st.one_of(st.binary(max_size=5), st.booleans(), st.none()), max_size=60),
    st.booleans(),
)
def test_it_does_what_a_list_with_bounds_does(
    kind: Any, max_pairs: int, max_bytes: int, steps: list[Any], has_bell: bool
) -> None:
    pairs = kind(max_pairs, max_bytes)
    rung: list[None] = []
    if has_bell:
        pairs.ring = rung.append
    expected: list[tuple[bytes, DeliveryReceipt]] = []
    for step in steps:
        if isinstance(step, bytes):
            receipt = DeliveryReceipt()
            size = sum(len(record) for record, _ in expected) + len(step)
            fits = len(expected) < max_pairs and (not expected or size <= max_bytes)
            wanted, before = pairs.wanted, len(rung)
            assert pairs.put(step, receipt) is (False if not fits else None if wanted and not has_bell else True)
            assert len(rung) - before == (fits and wanted and has_bell)
            assert pairs.wanted == (wanted and not (fits and has_bell))
            expected += [(step, receipt)] if fits else []
        elif step is None:
            records, receipts = pairs.take()
            assert list(zip(records, receipts, strict=True)) == expected
            expected = []
        else:
            pairs.wanted = step
        assert len(pairs) == len(expected)


@every_kind
def test_threads_may_put_while_one_takes(kind: Any) -> None:
    pairs = kind(10**6, 10**9)
    taken: list[tuple[bytes, Any]] = []

    def put(putter: int) -> None:
        for number in range(5_000):
            record = b"%d %d" % (putter, number)
            assert pairs.put(record, record)

    threads = [threading.Thread(target=put, args=(putter,)) for putter in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) or len(pairs):
        taken += zip(*pairs.take(), strict=True)
    assert len(taken) == len(set(taken)) == 20_000
    assert all(record == receipt for record, receipt in taken)


@every_kind
def test_it_lets_go_of_what_is_in_it(kind: Any) -> None:
    record = bytes(100)
    before = sys.getrefcount(record)
    pairs = kind(10, 1000)
    for _ in range(20):
        pairs.put(record, DeliveryReceipt())  # Half of them do not fit.
    assert sys.getrefcount(record) == before + 10
    pairs.take()
    assert sys.getrefcount(record) == before
    pairs.put(record, DeliveryReceipt())
    del pairs
    gc.collect()
    assert sys.getrefcount(record) == before


@every_kind
def test_it_can_do_without_a_bell_again(kind: Any) -> None:
    pairs = kind(10, 1000)
    pairs.ring = print
    pairs.ring, pairs.wanted = None, True
    assert pairs.put(b"", DeliveryReceipt()) is None
    assert pairs.wanted


@pytest.mark.skipif(len(KINDS) == 1, reason="it is not compiled")
def test_one_whose_bell_breaks_wants_on() -> None:
    def broken(_: None) -> None:
        raise MemoryError

    pairs: Any = KINDS[1](10, 1000)
    pairs.ring, pairs.wanted = broken, True
    with pytest.raises(MemoryError):
        pairs.put(b"", DeliveryReceipt())
    assert pairs.wanted
    assert len(pairs) == 1


@pytest.mark.skipif(len(KINDS) == 1, reason="it is not compiled")
def test_one_that_is_in_a_cycle_is_collected() -> None:
    class Holder:
        pairs: Any

        def hear(self, _: None) -> None: ...

    holder = Holder()
    holder.pairs = KINDS[1](10, 1000)
    holder.pairs.put(b"", holder)
    holder.pairs.ring = holder.hear
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(len(KINDS) == 1, reason="it is not compiled")
@pytest.mark.parametrize("arguments", [(), (b"",), ("text", 1), (b"", 1, 2)])
def test_it_takes_a_record_and_a_receipt(arguments: Any) -> None:
    with pytest.raises(TypeError, match="put takes a record"):
        KINDS[1](10, 1000).put(*arguments)
