"""A receipt wakes its caller, on a thread or on any event loop, once the event is where it has to be; every wait is bounded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_events import Receipt
from otel_events.direct import receipts as module
from otel_events.direct.receipts import DeliveryReceipt, Place, resolve
from otel_events.exceptions import DeliveryError
from tests.backends.wait import wait_until

LONG = 8.0
"""Seconds that no test waits to their end."""

Wait = Callable[[DeliveryReceipt], Place]


def sync(receipt: DeliveryReceipt) -> Place:
    return receipt.wait()


def on_a_loop(receipt: DeliveryReceipt) -> Place:
    async def wait() -> Place:
        return await receipt

    return asyncio.run(wait())


ways = pytest.mark.parametrize("wait", [sync, on_a_loop])


def waits(receipt: DeliveryReceipt) -> bool:
    return receipt._gate is not None or receipt._waiter is not None


class Caller:
    """Waits for a receipt on a thread of its own."""

    def __init__(self, wait: Wait, receipt: DeliveryReceipt) -> None:
        self.got: list[Place | Exception] = []
        self._thread = threading.Thread(target=self._run, args=(wait, receipt))
        self._thread.start()

    def _run(self, wait: Wait, receipt: DeliveryReceipt) -> None:
        try:
            self.got.append(wait(receipt))
        except Exception as error:
            self.got.append(error)

    def result(self) -> Place | Exception:
        self._thread.join(30.0)
        return self.got[0]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have callers wait no longer than a moment."""
    monkeypatch.setattr(module, "BOUND_SECONDS", 0.1)


def test_it_is_what_a_hook_may_return() -> None:
    assert isinstance(DeliveryReceipt(), Receipt)


@ways
@pytest.mark.parametrize("where", ["memory", "journal", "collector"])
def test_what_is_resolved_is_not_waited_for(wait: Wait, where: Place) -> None:
    receipt = DeliveryReceipt()
    resolve([receipt], where)
    assert wait(receipt) == where
    assert wait(receipt) == where


@ways
def test_a_caller_that_waits_is_woken(wait: Wait) -> None:
    receipt = DeliveryReceipt()
    caller = Caller(wait, receipt)
    wait_until(lambda: waits(receipt))
    began = time.monotonic()
    resolve([receipt], "journal")
    assert caller.result() == "journal"
    assert time.monotonic() - began < module.BOUND_SECONDS / 2


@ways
def test_an_error_reaches_the_caller_whether_it_waits_already_or_not(wait: Wait) -> None:
    error = DeliveryError("no room")
    early, late = DeliveryReceipt(closed=True), DeliveryReceipt(closed=True)
    caller = Caller(wait, early)
    wait_until(lambda: waits(early))
    resolve([early, late], None, error)
    assert caller.result() is error
    with pytest.raises(DeliveryError, match="no room"):
        wait(late)


@ways
@pytest.mark.usefixtures("short")
def test_what_is_nowhere_in_time_is_told_apart(wait: Wait) -> None:
    with pytest.raises(DeliveryError, match="not on disk"):
        wait(DeliveryReceipt(closed=True))
    with pytest.raises(TimeoutError, match="not on disk"):
        wait(DeliveryReceipt())
    with pytest.raises(DeliveryError, match="not on disk"):
        wait(DeliveryReceipt(closed=True, confirm_seconds=0.01))


def test_a_caller_may_wait_for_less() -> None:
    receipt = DeliveryReceipt()
    with pytest.raises(TimeoutError):
        receipt.wait(0.0)
    resolve([receipt], "memory")
    assert receipt.wait(0.0) == "memory"


# -- confirmed ---------------------------------------------------------------------------------------------------------


@ways
def test_the_collector_ends_the_wait_at_once(wait: Wait) -> None:
    receipt = DeliveryReceipt(confirm_seconds=LONG)
    caller = Caller(wait, receipt)
    wait_until(lambda: waits(receipt))
    began = time.monotonic()
    resolve([receipt], "journal")
    assert caller.got == []
    resolve([receipt], "collector")
    assert caller.result() == "collector"
    assert time.monotonic() - began < LONG / 2


@ways
def test_after_its_time_the_journal_is_enough(wait: Wait) -> None:
    receipt = DeliveryReceipt(confirm_seconds=0.2)
    resolve([receipt], "journal")
    began = time.monotonic()
    assert wait(receipt) == "journal"
    assert 0.15 < time.monotonic() - began < LONG


@ways
def test_after_its_time_the_disk_is_waited_for(wait: Wait) -> None:
    receipt = DeliveryReceipt(confirm_seconds=0.05)
    caller = Caller(wait, receipt)
    wait_until(lambda: receipt._late)
    assert caller.got == []
    began = time.monotonic()
    resolve([receipt], "journal")
    assert caller.result() == "journal"
    assert time.monotonic() - began < module.BOUND_SECONDS / 2


@ways
def test_what_waits_in_memory_instead_is_not_confirmed(wait: Wait) -> None:
    receipt = DeliveryReceipt(confirm_seconds=LONG)
    caller = Caller(wait, receipt)
    wait_until(lambda: waits(receipt))
    resolve([receipt], "memory")
    assert caller.result() == "memory"


# -- many --------------------------------------------------------------------------------------------------------------


def test_callers_on_several_loops_and_threads_are_woken_together() -> None:
    receipts = [DeliveryReceipt() for _ in range(24)]
    callers = [Caller(on_a_loop if number % 2 else sync, receipt) for number, receipt in enumerate(receipts)]
    wait_until(lambda: all(map(waits, receipts)))
    resolve(receipts, "journal")
    assert [caller.result() for caller in callers] == ["journal"] * 24


def test_many_callers_on_one_loop_are_woken() -> None:
    async def main() -> list[Place]:
        receipts = [DeliveryReceipt() for _ in range(100)]

        async def wait(receipt: DeliveryReceipt) -> Place:
            return await receipt

        tasks = [asyncio.ensure_future(wait(receipt)) for receipt in receipts]
        await asyncio.sleep(0)
        threading.Thread(target=resolve, args=(receipts, "journal")).start()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["journal"] * 100


def test_a_caller_that_is_cancelled_leaves_the_others_alone() -> None:
    async def main() -> Place:
        cancelled, other = DeliveryReceipt(), DeliveryReceipt()

        async def wait(receipt: DeliveryReceipt) -> Place:
            return await receipt

        tasks = [asyncio.ensure_future(wait(receipt)) for receipt in (cancelled, other)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        resolve([cancelled, other], "journal")
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert cancelled.where == "journal"
        return await tasks[1]

    assert asyncio.run(main()) == "journal"


def test_a_loop_that_is_closed_is_no_matter() -> None:
    gone, other = DeliveryReceipt(), DeliveryReceipt()

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.ensure_future(_waiting(gone)), 0.01)

    asyncio.run(give_up())
    resolve([gone, other], "journal")
    assert other.wait() == "journal"


async def _waiting(receipt: DeliveryReceipt) -> Place:
    return await receipt


@settings(max_examples=60, deadline=None)
@given(
    st.booleans(),
    st.sampled_from([0.0, 0.002, LONG]),
    st.lists(st.sampled_from(["journal", "collector"]), min_size=1, max_size=2, unique=True),
    st.integers(0, 300),
)
def test_however_the_threads_meet_nobody_sleeps_on(
    asynchronous: bool, confirm_seconds: float, places: list[Place], spin: int
) -> None:
    """What is resolved to the end wakes the caller, at whichever point of its waiting that comes."""
    if confirm_seconds == LONG:
        places = [*(place for place in places if place != "collector"), "collector"]
    receipt = DeliveryReceipt(confirm_seconds=confirm_seconds)
    began = time.monotonic()
    caller = Caller(on_a_loop if asynchronous else sync, receipt)
    for _ in range(spin * 10):
        pass
    for place in places:
        resolve([receipt], place)
    assert caller.result() in ("journal", "collector")
    assert time.monotonic() - began < LONG / 2
