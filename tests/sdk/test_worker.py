"""The worker does what it is given in its order, and holds up nobody."""

from __future__ import annotations

import threading

import pytest

from otel_events.sdk.worker import Worker
from tests.backends.wait import wait_until


@pytest.fixture
def others() -> set[threading.Thread]:
    """Give the threads that were there before the test."""
    return set(threading.enumerate())


def test_work_is_done_in_its_order_and_then_the_thread_ends(others: set[threading.Thread]) -> None:
    worker, done = Worker(), list[int]()
    events = [worker.begin(lambda number=number: done.append(number)) for number in range(5)]  # type: ignore[misc]
    assert all(event.wait(5.0) for event in events)
    assert done == [0, 1, 2, 3, 4]
    worker.end()
    wait_until(lambda: not set(threading.enumerate()) - others)


def test_work_that_hangs_holds_up_nobody_but_what_comes_after_it() -> None:
    worker, go_on = Worker(), threading.Event()
    hanging, next_one = worker.begin(lambda: go_on.wait(30.0)), worker.begin(lambda: None)
    assert not hanging.wait(0.05)
    assert not next_one.is_set()
    go_on.set()
    assert next_one.wait(5.0)
    worker.end()


def test_what_raises_is_logged_and_done(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker()

    def fails() -> None:
        raise OSError("the disk is full")

    assert worker.begin(fails).wait(5.0)
    assert worker.begin(lambda: None).wait(5.0)
    worker.end()
    assert "fails raised" in caplog.text
    assert "the disk is full" in caplog.text


def test_it_has_no_thread_before_it_is_started_or_given_work(others: set[threading.Thread]) -> None:
    worker = Worker()
    worker.end()
    assert set(threading.enumerate()) <= others
    worker.start()
    wait_until(lambda: not set(threading.enumerate()) - others)
