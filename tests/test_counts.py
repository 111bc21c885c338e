"""Counts are exact however many threads add at once, and a forked child goes on from its parent's."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from otel_events.counts import Counts


def test_what_was_never_added_is_zero_and_not_listed() -> None:
    counts = Counts()
    assert counts["none"] == 0
    assert counts.add("one") == 1
    assert counts.add("one") == 2
    assert counts.as_dict() == {"one": 2}


def test_many_threads_lose_nothing() -> None:
    counts = Counts()
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=lambda: [counts.add(f"key-{number % 7}") for number in range(2_000)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert sum(counts.as_dict().values()) == 8 * 2_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # other tests' threads
def test_a_child_counts_although_another_thread_of_its_parent_held_the_lock() -> None:
    counts = Counts()
    counts.add("events")
    with counts._lock:
        child = os.fork()
        if child == 0:
            os._exit(counts.add("events"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
