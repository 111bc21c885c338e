"""A receipt wakes its caller, on a thread or on any event loop, once the event is where it has to be; every wait is bounded."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import importlib.util
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_events import Receipt
from otel_events.direct import receipts
from otel_events.direct.alarm import alarm_of
from otel_events.direct.receipts import Place
from otel_events.exceptions import DeliveryError
from tests.backends.wait import wait_until

LONG = 8.0
"""Seconds that no test waits to their end."""

Wait = Callable[[Any], Place]


def sync(receipt: Any) -> Place:
    where: Place = receipt.wait()
    return where


def on_a_loop(receipt: Any) -> Place:
    return asyncio.run(_waiting(receipt))


ways = pytest.mark.parametrize("wait", [sync, on_a_loop])


def of_kind(*, compiled: bool) -> Any:
    """Return the module with receipts that are compiled, or with those that are not."""
    name = "otel_events.direct.receipt"
    before = sys.modules.get(name)
    try:
        if not compiled:
            sys.modules[name] = None  # type: ignore[assignment] # Python takes it for one that is not there
        spec = importlib.util.spec_from_file_location("receipts_of_kind", receipts.__file__)
        assert spec is not None
        assert spec.loader is not None
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    finally:
        if before is not None:
            sys.modules[name] = before
        else:
            sys.modules.pop(name, None)
    return found


KINDS = {"plain": of_kind(compiled=False), "compiled": of_kind(compiled=True)}
if KINDS["compiled"].Receipt is KINDS["plain"].Receipt:
    del KINDS["compiled"]  # There was no compiler where it was installed.

module: Any = None
DeliveryReceipt: Any = None
resolve: Any = None


@pytest.fixture(params=list(KINDS), autouse=True, scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    """Have every test here run with each kind."""
    global module, DeliveryReceipt, resolve
    module = KINDS[request.param]
    DeliveryReceipt, resolve = module.DeliveryReceipt, module.resolve
    return str(request.param)


def waits(receipt: Any) -> bool:
    return receipt._gate is not None or receipt._waiting is not None


class Caller:
    """Waits for a receipt on a thread of its own."""

    def __init__(self, wait: Wait, receipt: Any) -> None:
        self.got: list[Place | Exception] = []
        self._thread = threading.Thread(target=self._run, args=(wait, receipt))
        self._thread.start()

    def _run(self, wait: Wait, receipt: Any) -> None:
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

        tasks = [asyncio.ensure_future(_waiting(receipt)) for receipt in receipts]
        await asyncio.sleep(0)
        threading.Thread(target=resolve, args=(receipts, "journal")).start()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["journal"] * 100


def test_many_waits_are_timed_and_those_that_are_over_are_not_kept() -> None:
    """More than an alarm keeps before it looks which are over."""

    async def main() -> list[Place]:
        late = [DeliveryReceipt(confirm_seconds=0.2) for _ in range(300)]
        resolve(late, "journal")
        tasks = [asyncio.ensure_future(_waiting(receipt)) for receipt in late]
        for _ in range(4):
            early = [DeliveryReceipt(confirm_seconds=0.2) for _ in range(300)]
            others = [asyncio.ensure_future(_waiting(receipt)) for receipt in early]
            await asyncio.sleep(0)
            resolve(early, "collector")
            assert await asyncio.gather(*others) == ["collector"] * 300
        assert len(alarm_of(asyncio.get_running_loop(), 0.2)) <= 300 + 2 * 300
        return await asyncio.wait_for(asyncio.gather(*tasks), LONG)

    assert asyncio.run(main()) == ["journal"] * 300


def test_many_that_all_wait_are_not_looked_at_again_with_each_further_one() -> None:
    async def main() -> None:
        alarm = alarm_of(asyncio.get_running_loop(), LONG)
        kept = [alarm.kept]
        receipts = [DeliveryReceipt(confirm_seconds=LONG) for _ in range(1000)]
        tasks = []
        for receipt in receipts:
            tasks.append(asyncio.ensure_future(_waiting(receipt)))
            await asyncio.sleep(0)
            if alarm.kept != kept[-1]:
                kept.append(alarm.kept)
        assert len(alarm) == 1000
        assert alarm.kept >= 1000
        assert len(kept) <= 5  # So often all of them were looked at.
        resolve(receipts, "collector")
        assert await asyncio.gather(*tasks) == ["collector"] * 1000
        for _ in range(alarm.kept):
            more = DeliveryReceipt(confirm_seconds=LONG)
            asyncio.get_running_loop().call_soon(resolve, [more], "collector")
            assert await more == "collector"
        assert len(alarm) <= 128
        assert alarm.kept == 128

    asyncio.run(main())


def test_a_loop_that_is_run_within_a_callback_of_another_wakes_its_own_callers() -> None:
    """As nest_asyncio and its like do it."""

    async def wait_on_a_loop() -> None:
        loop = asyncio.get_running_loop()
        receipts = [DeliveryReceipt(confirm_seconds=LONG) for _ in range(3)]
        waiting = [receipt.__await__() for receipt in receipts]
        assert [one.get_loop() for one in map(next, waiting)] == [loop] * 3
        tasks = [asyncio.ensure_future(_waiting(receipt)) for receipt in map(_new, range(3))]
        await asyncio.sleep(0)
        assert await asyncio.wait_for(asyncio.gather(*tasks), LONG) == ["journal"] * 3

    def _new(_: int) -> Any:
        receipt = DeliveryReceipt()
        asyncio.get_running_loop().call_soon(resolve, [receipt], "journal")
        return receipt

    def within() -> None:
        outer = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        inner = asyncio.new_event_loop()
        try:
            inner.run_until_complete(wait_on_a_loop())
        finally:
            inner.close()
            asyncio._set_running_loop(outer)

    async def main() -> None:
        await wait_on_a_loop()
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def call() -> None:
            try:
                within()
            except BaseException as error:
                ended.set_exception(error)
            else:
                ended.set_result(None)

        asyncio.get_running_loop().call_soon(call)
        await ended
        await wait_on_a_loop()

    asyncio.run(main())


FORKED = """
import asyncio, os, sys
if sys.argv[1] == "plain":
    sys.modules["otel_events.direct.receipt"] = None
from otel_events.direct.receipts import DeliveryReceipt, resolve

async def wait():
    loop = asyncio.get_running_loop()
    receipts = [DeliveryReceipt(True, 0.0) for _ in range(3)]
    async def one(receipt):
        return await receipt
    tasks = [asyncio.ensure_future(one(receipt)) for receipt in receipts]
    await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)  # as on a loop that would be told of a wait on another
    loop.call_soon(resolve, receipts, "journal")
    return await asyncio.wait_for(asyncio.gather(*tasks), 8.0)

async def main():
    assert await wait() == ["journal"] * 3
    child = os.fork()
    if not child:
        try:
            # The parent's loop does not run here, which Python before 3.12 sees by the process.
            if sys.version_info < (3, 12):
                assert asyncio._get_running_loop() is None
            else:
                asyncio._set_running_loop(None)
            assert asyncio.run(wait()) == ["journal"] * 3
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    assert await wait() == ["journal"] * 3
    sys.exit(os.waitstatus_to_exitcode(status))

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_that_is_forked_off_within_a_loop_awaits_on_its_own(kind: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKED, kind]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_a_caller_that_is_cancelled_leaves_the_others_alone() -> None:
    async def main() -> Place:
        cancelled, other = DeliveryReceipt(), DeliveryReceipt()

        tasks = [asyncio.ensure_future(_waiting(receipt)) for receipt in (cancelled, other)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        resolve([cancelled, other], "journal")
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert cancelled.where == "journal"
        return await tasks[1]

    assert asyncio.run(main()) == "journal"


def test_a_cancelled_caller_is_told_why_and_its_task_is_cancelled() -> None:
    async def main() -> None:
        receipt = DeliveryReceipt()
        task = asyncio.ensure_future(_waiting(receipt))
        await asyncio.sleep(0)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        resolve([receipt], "journal")
        await asyncio.sleep(0.01)
        assert await receipt == "journal"

    asyncio.run(main())


def test_a_task_that_is_cancelled_before_it_begins_to_wait_does_not_wait() -> None:
    async def main() -> None:
        receipt = DeliveryReceipt()

        async def wait() -> None:
            task.cancel()
            await receipt

        task = asyncio.ensure_future(wait())
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, LONG)

    asyncio.run(main())


def test_callers_go_on_in_their_own_tasks_and_contexts_and_may_wait_again_at_once() -> None:
    number: contextvars.ContextVar[int] = contextvars.ContextVar("number")

    async def main() -> list[int]:
        first, second = ([DeliveryReceipt() for _ in range(20)] for _ in range(2))

        async def wait(index: int) -> int:
            number.set(index)
            task = asyncio.current_task()
            await first[index]
            assert asyncio.current_task() is task
            number.set(number.get() + 100)
            await second[index]
            assert asyncio.current_task() is task
            return number.get()

        tasks = [asyncio.ensure_future(wait(index)) for index in range(20)]
        await asyncio.sleep(0)
        for several in (first, second):
            thread = threading.Thread(target=resolve, args=(several, "journal"))
            thread.start()
            await asyncio.sleep(0.02)
            thread.join()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [index + 100 for index in range(20)]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tasks have no context to share before Python 3.11")
def test_tasks_that_share_a_context_are_woken_too() -> None:
    async def main() -> list[Place]:
        several = [DeliveryReceipt() for _ in range(3)]
        shared: dict[str, Any] = {"context": contextvars.copy_context()}
        tasks = [asyncio.get_running_loop().create_task(_waiting(receipt), **shared) for receipt in several]
        await asyncio.sleep(0)
        shared["context"].run(resolve, several, "journal")
        return await asyncio.wait_for(asyncio.gather(*tasks), LONG)

    assert asyncio.run(main()) == ["journal"] * 3


def test_tasks_in_python_wait_likewise() -> None:
    async def main() -> None:
        receipt, cancelled = DeliveryReceipt(), DeliveryReceipt()
        loop = asyncio.get_running_loop()
        python: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined] # of debuggers and other interpreters
        waits, gives_up = python(_waiting(receipt), loop=loop), python(_waiting(cancelled), loop=loop)
        await asyncio.sleep(0)
        gives_up.cancel()
        resolve([receipt, cancelled], "journal")
        assert await waits == "journal"
        with pytest.raises(asyncio.CancelledError):
            await gives_up

    asyncio.run(main())


@pytest.mark.parametrize("debug", [False, True])
def test_waits_with_a_bound_and_in_groups_work_in_debug_mode_too(debug: bool) -> None:
    async def main() -> None:
        late, soon = DeliveryReceipt(), DeliveryReceipt()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_waiting(late), 0.01)
        asyncio.get_running_loop().call_later(0.01, resolve, [late, soon], "journal")
        assert await asyncio.wait_for(asyncio.shield(_waiting(soon)), LONG) == "journal"
        assert list(await asyncio.gather(late, soon)) == ["journal", "journal"]

    asyncio.run(main(), debug=debug)


def test_what_ends_the_loop_leaves_the_others_to_go_on() -> None:
    loop = asyncio.new_event_loop()
    first, second = DeliveryReceipt(), DeliveryReceipt()

    async def leave() -> None:
        await first
        raise SystemExit(3)

    leaving, staying = loop.create_task(leave()), loop.create_task(_waiting(second))
    loop.run_until_complete(asyncio.sleep(0))
    resolve([first, second], "journal")
    with pytest.raises(SystemExit):
        loop.run_until_complete(asyncio.sleep(LONG))
    assert loop.run_until_complete(asyncio.wait_for(staying, LONG)) == "journal"
    assert isinstance(leaving.exception(), SystemExit)
    loop.close()


def test_many_receipts_leave_nothing_behind() -> None:
    class Seen(DeliveryReceipt):  # type: ignore[misc] # a class, of one kind or the other
        pass

    seen: list[weakref.ref[Any]] = []

    async def wait() -> None:
        receipt = Seen()
        seen.append(weakref.ref(receipt))
        asyncio.get_running_loop().call_soon(resolve, [receipt], "journal")
        await receipt

    async def main() -> None:
        await asyncio.gather(*(wait() for _ in range(50)))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_waiting(Seen()), 0.001)

    asyncio.run(main())

    async def another() -> None:  # The alarm of the loop that ran last is kept until there is another.
        receipt = DeliveryReceipt()
        asyncio.get_running_loop().call_soon(resolve, [receipt], "journal")
        await receipt

    asyncio.run(another())
    gc.collect()
    assert [one for one in seen if one() is not None] == []


def test_a_loop_that_is_closed_is_no_matter() -> None:
    gone, other = DeliveryReceipt(), DeliveryReceipt()

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.ensure_future(_waiting(gone)), 0.01)

    asyncio.run(give_up())
    resolve([gone, other], "journal")
    assert other.wait() == "journal"


async def _waiting(receipt: Awaitable[Place]) -> Place:
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
