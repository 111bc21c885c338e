"""Nothing that is put is lost or taken twice, whoever sleeps, and what is refused is told."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence

import pytest

from otel_events.direct.journal import inbox as module
from otel_events.direct.journal.entries import Entry
from otel_events.direct.journal.inbox import Inbox
from otel_events.direct.receipts import DeliveryReceipt
from tests.backends.wait import wait_until


class Rig:
    """An inbox, and a thread that takes out what is in it."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, DeliveryReceipt]] = []
        self.groups = 0
        self.refused: list[Entry] = []
        self.threads: list[threading.Thread] = []
        self.inbox = Inbox(self._start, self._refuse)

    def put(self, *records: bytes) -> None:
        for record in records:
            self.inbox.put(record, DeliveryReceipt())

    def end(self) -> None:
        self.inbox.close()
        for thread in self.threads:
            thread.join(10.0)
            assert not thread.is_alive()

    def _start(self) -> None:
        self.threads.append(threading.Thread(target=self._take, daemon=True))
        self.threads[-1].start()

    def _take(self) -> None:
        while (taken := self.inbox.take())[0]:
            self.taken += zip(*taken, strict=True)
            self.groups += 1
            self.inbox.settle()

    def _refuse(self, entries: Sequence[Entry]) -> None:
        self.refused += entries


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.end()


def test_its_thread_is_started_with_the_first_event_and_once(rig: Rig) -> None:
    assert rig.threads == []
    rig.put(b"1", b"2", b"3")
    wait_until(lambda: len(rig.taken) == 3)
    assert [record for record, _ in rig.taken] == [b"1", b"2", b"3"]
    assert len(rig.threads) == 1
    wait_until(lambda: len(rig.inbox) == 0)


@pytest.mark.parametrize("putters", [1, 8])
def test_many_threads_put_and_none_is_lost_or_comes_twice(rig: Rig, putters: int) -> None:
    def put(putter: int) -> None:
        for number in range(2_000):
            rig.put(b"%d %d" % (putter, number))

    threads = [threading.Thread(target=put, args=(putter,)) for putter in range(putters)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: len(rig.taken) >= putters * 2_000)
    records = [record for record, _ in rig.taken]
    assert len(records) == len(set(records)) == putters * 2_000
    for putter in range(putters):
        own = [record for record in records if record.startswith(b"%d " % putter)]
        assert own == [b"%d %d" % (putter, number) for number in range(2_000)]
    assert rig.refused == []


def test_one_event_after_another_wakes_who_sleeps(rig: Rig) -> None:
    for number in range(300):
        rig.put(b"%d" % number)
        wait_until(lambda number=number: len(rig.taken) == number + 1)  # type: ignore[misc]
    assert rig.groups == 300


def test_who_sleeps_is_woken_once_for_all_that_comes_until_it_is_awake(rig: Rig) -> None:
    rig.put(b"0")
    wait_until(lambda: rig.taken and rig.inbox._waiting.wanted)
    rung: list[None] = []
    ring, rig.inbox._waiting.ring = rig.inbox._waiting.ring, rung.append
    rig.put(b"1", b"2", b"3")
    assert len(rung) == 1
    assert ring is not None
    ring(None)
    wait_until(lambda: len(rig.taken) == 4)


def test_one_whose_thread_cannot_be_started_tries_again_with_the_next_event() -> None:
    rig = Rig()

    def start() -> None:
        starts.append(None)
        if len(starts) == 1:
            raise RuntimeError("can't start new thread")
        Rig._start(rig)

    starts: list[None] = []
    rig.inbox = Inbox(start, rig._refuse)
    with pytest.raises(RuntimeError):
        rig.put(b"1")
    rig.put(b"2")
    wait_until(lambda: len(rig.taken) == 2)
    assert len(starts) == 2
    rig.end()


def test_what_comes_after_the_end_is_refused_and_what_came_before_is_taken(rig: Rig) -> None:
    rig.put(b"before")
    rig.end()
    rig.put(b"after")
    assert [record for record, _ in rig.taken] == [b"before"]
    assert [entry.record for entry in rig.refused] == [b"after"]
    assert len(rig.inbox) == 0


def test_one_that_was_never_used_ends_without_a_thread() -> None:
    rig = Rig()
    rig.end()
    rig.put(b"after")
    assert (rig.threads, [entry.record for entry in rig.refused]) == ([], [b"after"])


def test_what_is_put_while_it_ends_is_either_taken_or_refused() -> None:
    for _ in range(50):
        rig = Rig()
        go = threading.Barrier(3)

        def put(rig: Rig = rig, go: threading.Barrier = go) -> None:
            go.wait()
            rig.put(*(b"%d" % number for number in range(50)))

        threads = [threading.Thread(target=put) for _ in range(2)]
        for thread in threads:
            thread.start()
        go.wait()
        rig.end()
        for thread in threads:
            thread.join()
        assert len(rig.taken) + len(rig.refused) == 100
        assert len(rig.inbox) == 0


def test_a_full_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    refused: list[Entry] = []
    inbox = Inbox(lambda: None, refused.extend)  # Nobody takes out.
    for record in (b"1", b"2", b"3"):
        inbox.put(record, DeliveryReceipt())
    assert len(inbox) == 2
    assert [entry.record for entry in refused] == [b"3"]


def test_one_that_is_full_of_bytes_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 5)
    refused: list[Entry] = []
    inbox = Inbox(lambda: None, refused.extend)  # Nobody takes out.
    for record in (b"longer than all", b"1"):
        inbox.put(record, DeliveryReceipt())
    assert len(inbox) == 1
    assert [entry.record for entry in refused] == [b"1"]


def test_the_garbage_collector_may_put_an_event_while_another_is_put(rig: Rig) -> None:
    class Tracks:
        def __init__(self) -> None:
            self.ring = self

        def __del__(self) -> None:
            rig.put(b"from the garbage collector")

    def start() -> None:  # It is called with the lock held.
        Tracks()
        gc.collect()
        Rig._start(rig)

    rig.inbox = Inbox(start, rig._refuse)
    rig.put(b"first")
    wait_until(lambda: len(rig.taken) == 2)
