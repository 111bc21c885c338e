"""The loop for async hook implementations: started when needed, in the caller's context, ended whole."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import os
import threading
import time
from collections.abc import Iterator

import pytest

from otel_events.tracking.hook_loop import HookLoop
from tests.backends.wait import wait_until
from tests.tracking.hook_threads import HookThreads

variable = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def threads() -> HookThreads:
    return HookThreads()


@pytest.fixture
def loop(threads: HookThreads) -> Iterator[HookLoop]:
    loop = HookLoop()
    yield loop
    loop.stop(5.0)
    assert threads.now() == []


async def value() -> str:
    await asyncio.sleep(0)
    return variable.get()


def test_it_starts_no_thread_before_it_is_needed_and_ends_it_when_stopped(loop: HookLoop, threads: HookThreads) -> None:
    assert threads.now() == []
    assert loop.run(value(), 5.0) == "unset"
    [thread] = threads.now()
    assert thread.daemon
    loop.stop(5.0)
    assert threads.now() == []


def test_work_runs_in_the_context_of_its_caller(loop: HookLoop) -> None:
    token = variable.set("set")
    try:
        assert loop.run(value(), 5.0) == "set"
    finally:
        variable.reset(token)
    assert loop.run(value(), 5.0) == "unset"


def test_the_wait_is_bounded_and_the_work_goes_on(loop: HookLoop) -> None:
    go, done = threading.Event(), threading.Event()

    async def work() -> None:
        while not go.is_set():
            await asyncio.sleep(0.001)
        done.set()

    with pytest.raises(concurrent.futures.TimeoutError):
        loop.run(work(), 0.01)
    assert not done.is_set()
    go.set()
    assert done.wait(5.0)


def test_work_given_from_the_loop_itself_is_done_later(loop: HookLoop) -> None:
    done = threading.Event()

    async def inner() -> None:
        done.set()

    async def outer() -> str:
        assert loop.run(inner(), 5.0) is None
        return "went on"

    assert loop.run(outer(), 5.0) == "went on"
    assert done.wait(5.0)


def test_stopping_cancels_what_still_runs(loop: HookLoop) -> None:
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(concurrent.futures.TimeoutError):
        loop.run(forever(), 0.01)
    loop.stop(5.0)
    assert cancelled.is_set()


def test_stopping_does_not_wait_for_one_that_blocks(loop: HookLoop, threads: HookThreads) -> None:
    release = threading.Event()

    async def blocking() -> None:
        release.wait(30.0)

    with pytest.raises(concurrent.futures.TimeoutError):
        loop.run(blocking(), 0.01)
    before = time.monotonic()
    loop.stop(0.05)
    assert time.monotonic() - before < 5.0
    release.set()
    wait_until(lambda: threads.now() == [])


def test_it_can_be_used_again_after_it_was_stopped(loop: HookLoop) -> None:
    loop.run(value(), 5.0)
    loop.stop(5.0)
    assert loop.run(value(), 5.0) == "unset"


def test_stopping_one_that_never_started_does_nothing(loop: HookLoop) -> None:
    loop.stop(0.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings(
    "ignore:This process .* is multi-threaded:DeprecationWarning"
)  # which is what this is about
def test_a_forked_child_starts_a_thread_of_its_own(loop: HookLoop, threads: HookThreads) -> None:
    loop.run(value(), 5.0)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            loop.stop(0.0)  # the parent's, which is not here
            code = 0 if loop.run(value(), 5.0) == "unset" and len(threads.now()) == 1 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert loop.run(value(), 5.0) == "unset"
