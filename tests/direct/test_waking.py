"""Tasks are woken on their loop from any thread, whatever the loop can do, and descriptors do not outlive their loops."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_events.direct import waking
from otel_events.direct.receipts import DeliveryReceipt, resolve
from otel_events.direct.waking import Doorbell, waker_of

has_counters = pytest.mark.skipif(not hasattr(os, "eventfd"), reason="only Linux has eventfd")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


class Blind(asyncio.SelectorEventLoop):
    """A loop that watches no descriptors of others, as that of Windows."""

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override] # is not generic
        raise NotImplementedError


@pytest.fixture(params=["of a kernel with counters", "of a system without", "blind"])
def any_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.AbstractEventLoop]:
    if request.param == "of a system without":
        monkeypatch.delattr(os, "eventfd", raising=False)
    loop = Blind() if request.param == "blind" else asyncio.new_event_loop()
    yield loop
    loop.close()


def on_a_thread(function: Callable[[], None]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_all_that_is_said_from_another_thread_is_heard_on_the_loop(any_loop: asyncio.AbstractEventLoop) -> None:
    heard: list[tuple[list[int], bool]] = []
    home = threading.get_ident()

    async def main() -> None:
        waker = waker_of(any_loop, lambda waiting: heard.append((waiting, threading.get_ident() == home)))
        on_a_thread(lambda: waker([0, 0]))
        on_a_thread(lambda: waker([1, 1]))
        on_a_thread(lambda: waker([2, 2]))
        assert heard == []
        await asyncio.sleep(0.01)
        on_a_thread(lambda: waker([3]))
        waiting = asyncio.get_running_loop().create_future()
        any_loop.call_later(0.01, waiting.set_result, None)
        await waiting

    any_loop.run_until_complete(main())
    assert heard == [([0, 0], True), ([1, 1], True), ([2, 2], True), ([3], True)]


def test_a_loop_that_is_closed_is_told_in_vain(any_loop: asyncio.AbstractEventLoop) -> None:
    heard: list[list[int]] = []

    async def main() -> waking.Waker:
        return waker_of(any_loop, heard.append)

    waker = any_loop.run_until_complete(main())
    any_loop.close()
    waker([1])
    assert heard == []


@has_counters
def test_a_loop_has_one_doorbell(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> tuple[waking.Waker, waking.Waker]:
        return waker_of(loop, print), waker_of(loop, print)

    first, second = loop.run_until_complete(main())
    assert first is second


@has_counters
def test_what_ends_the_loop_does_not_end_the_waking_of_others(loop: asyncio.AbstractEventLoop) -> None:
    heard: list[int] = []

    def hear(waiting: list[int]) -> None:
        heard.extend(waiting)
        if waiting == [1]:
            raise SystemExit

    doorbell = Doorbell(loop, hear)
    for number in range(3):
        doorbell([number])
    with pytest.raises(SystemExit):
        loop.run_until_complete(asyncio.sleep(10.0))
    assert heard == [0, 1]
    loop.run_until_complete(asyncio.sleep(0.01))
    assert heard == [0, 1, 2]


@has_counters
def test_a_counter_that_another_process_has_read_is_no_harm(loop: asyncio.AbstractEventLoop) -> None:
    heard: list[list[int]] = []
    doorbell = Doorbell(loop, heard.append)
    doorbell([1])
    os.eventfd_read(doorbell._counter)
    doorbell._hear()
    assert heard == [[1]]


@has_counters
def test_the_descriptor_goes_with_the_loop() -> None:
    async def main() -> int:
        waker = waker_of(asyncio.get_running_loop(), print)
        assert isinstance(waker, Doorbell)
        return waker._counter

    loop = asyncio.new_event_loop()
    descriptor = loop.run_until_complete(main())
    link = Path(f"/proc/self/fd/{descriptor}")
    assert "eventfd" in str(link.readlink())
    loop.close()
    del loop
    gc.collect()
    assert not link.is_symlink() or "eventfd" not in str(link.readlink())


@has_counters
def test_those_who_wait_again_at_once_do_not_keep_the_loop_from_everything_else(
    loop: asyncio.AbstractEventLoop,
) -> None:
    heard = 0
    stopped_at: list[int] = []

    def hear(waiting: list[int]) -> None:
        nonlocal heard
        heard += 1
        if heard < 10_000:
            doorbell(waiting)  # as a task that is woken, and whose next event is on disk already

    def stop() -> None:
        stopped_at.append(heard)
        loop.stop()

    doorbell = Doorbell(loop, hear)
    doorbell([1])
    doorbell([2])
    loop.call_soon(loop.call_soon, loop.call_soon, stop)
    loop.run_forever()
    assert 2 <= stopped_at[0] <= 20
    while heard < 100:  # They are not forgotten, either.
        loop.call_soon(loop.stop)
        loop.run_forever()


@has_counters
def test_the_descriptors_of_closed_loops_go_at_the_next_loop_without_the_garbage_collector() -> None:
    async def main() -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        waker = waker_of(loop, print)
        assert isinstance(waker, Doorbell)
        waker([])
        return loop

    def counters() -> int:
        links = []
        for link in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                links.append(str(link.readlink()))
        return sum("eventfd" in link for link in links)

    loops, open_ones = [], []
    gc.disable()
    try:
        for _ in range(20):
            loops.append(asyncio.run(main()))  # as what a cycle keeps
            open_ones.append(counters())
        assert max(open_ones) <= open_ones[0]
    finally:
        gc.enable()


@has_counters
def test_a_loop_does_not_keep_what_its_first_caller_has_in_the_context(loop: asyncio.AbstractEventLoop) -> None:
    class Request:
        pass

    current: contextvars.ContextVar[Request] = contextvars.ContextVar("current")
    seen: list[weakref.ref[Request]] = []

    async def handle() -> None:
        current.set(request := Request())
        seen.append(weakref.ref(request))
        waker_of(loop, print)

    async def main() -> None:
        await asyncio.get_running_loop().create_task(handle())

    loop.run_until_complete(main())
    gc.collect()
    assert [one() for one in seen] == [None]


def test_receipts_wake_callers_on_any_loop(any_loop: asyncio.AbstractEventLoop) -> None:
    receipts = [DeliveryReceipt() for _ in range(100)]

    async def wait(receipt: DeliveryReceipt) -> str:
        return await receipt

    async def main() -> list[str]:
        tasks = [asyncio.ensure_future(wait(receipt)) for receipt in receipts]
        await asyncio.sleep(0)
        threading.Thread(target=resolve, args=(receipts, "journal")).start()
        return await asyncio.wait_for(asyncio.gather(*tasks), 8.0)

    assert any_loop.run_until_complete(main()) == ["journal"] * 100
