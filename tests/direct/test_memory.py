"""The queue keeps its bounds, counts what it lets go of, and wakes whoever empties it when there is a batch."""

from __future__ import annotations

import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.answers import Answer, Kind
from otel_events.direct.envelope import Envelope
from otel_events.direct.memory import MemoryQueue, MemorySource
from otel_events.settings.queueing import FULL_POLICIES, FullPolicy


def queue(when_full: FullPolicy = "drop_newest", **more: int) -> MemoryQueue:
    bounds = {"max_records": 3, "max_bytes": 100, "waking_records": 2, **more}
    return MemoryQueue(when_full=when_full, block_seconds=0.05, **bounds)


def test_records_come_out_in_their_order_and_within_the_bounds_asked_for() -> None:
    records = queue()
    for record in (b"one", b"two", b"three"):
        assert records.put(record)

    assert records.take(10, 6) == [b"one", b"two"]
    assert records.size_bytes == len(b"three")
    assert records.take(10, 1) == [b"three"]
    assert records.take(10, 10) == []


def test_the_newest_is_dropped() -> None:
    records = queue("drop_newest")

    assert [records.put(bytes((number,))) for number in range(5)] == [True, True, True, False, False]
    assert records.take(9, 99) == [b"\0", b"\1", b"\2"]
    assert records.dropped == 2


def test_the_oldest_are_dropped() -> None:
    records = queue("drop_oldest", max_bytes=10)

    assert records.put(b"12345")
    assert records.put(b"67890")
    assert records.put(b"abcdefgh")
    assert not records.put(b"more than there will ever be room for")
    assert records.take(9, 99) == [b"abcdefgh"]
    assert records.dropped == 3


def test_a_full_queue_waits_for_room_and_then_refuses() -> None:
    records = queue("block")
    for _ in range(3):
        records.put(b"x")
    assert not records.put(b"y")
    assert records.dropped == 1

    patient = MemoryQueue(max_records=1, max_bytes=9, when_full="block", block_seconds=30.0, waking_records=1)
    patient.put(b"1")
    threading.Timer(0.05, patient.take, (1, 9)).start()
    assert patient.put(b"2")
    assert patient.dropped == 0


def test_a_batch_or_a_call_ends_a_wait() -> None:
    records = queue(waking_records=2)
    for end in (lambda: (records.put(b"1"), records.put(b"2")), records.wake):
        records.take(9, 99)
        timer = threading.Timer(0.05, end)
        timer.start()
        started = time.monotonic()
        records.wait(30.0)
        assert time.monotonic() - started < 25.0
        timer.join()


@given(
    st.sampled_from([policy for policy in FULL_POLICIES if policy != "block"]),
    st.lists(st.binary(min_size=1, max_size=40) | st.none(), max_size=30),
)
def test_whatever_comes_and_goes_bounds_and_counts_hold(when_full: FullPolicy, steps: list[bytes | None]) -> None:
    records = queue(when_full)
    put = taken = 0
    for step in steps:
        if step is None:
            taken += len(records.take(2, 50))
        else:
            put += 1
            records.put(step)
        assert len(records) <= 3
        assert records.size_bytes <= 100
    left = records.take(99, 10_000)
    assert put == taken + len(left) + records.dropped
    assert records.unsettled == taken + len(left)
    records.settle(taken + len(left))
    assert records.unsettled == 0
    assert records.size_bytes == 0


def test_many_threads_lose_nothing() -> None:
    records = MemoryQueue(max_records=100_000, max_bytes=10_000_000, waking_records=100)
    threads = [threading.Thread(target=lambda: [records.put(b"record") for _ in range(1000)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    taken = 0
    deadline = time.monotonic() + 30
    while taken < 8000 and time.monotonic() < deadline:
        records.wait(0.01)
        taken += len(records.take(512, 100_000))
    for thread in threads:
        thread.join()

    assert taken == 8000
    assert (len(records), records.size_bytes, records.dropped) == (0, 0, 0)


def test_a_source_gives_batches_that_settle_what_was_taken_out() -> None:
    records, envelope = queue(), Envelope({"service.name": "memory"})
    source = MemorySource(records, envelope)
    assert source.take(9, 99) is None
    for record in (b"1", b"2", b"3"):
        records.put(record)
    batch = source.take(9, 99)
    assert batch is not None
    assert (batch.records(), batch.bodies, batch.count, batch.envelope) == (*[[b"1", b"2", b"3"]] * 2, 3, envelope)
    assert source.unsettled == 3
    batch.sent(1)
    assert source.unsettled == 2
    assert batch.refused([b"2"], 1, Answer(Kind.BAD_DATA, 400)) is False  # Nothing keeps it.
    batch.end()
    assert source.abandon(0.0) == source.unsettled == 1


def test_a_source_waits_as_its_queue_does() -> None:
    records = queue()
    source = MemorySource(records, Envelope({}))
    timer = threading.Timer(0.05, source.wake)
    timer.start()
    started = time.monotonic()
    source.wait(30.0)
    assert time.monotonic() - started < 25.0
    timer.join()
