"""Counts are exact however many threads add at once, and a forked child goes on from its parent's."""

from __future__ import annotations

import itertools
import os
import sys
import threading

import pytest

from otel_events.counts import Counts, next_number


def test_what_was_never_added_is_zero_and_not_listed() -> None:
    counts = Counts()
    assert counts["none"] == 0
    assert counts.add("one") == 1
    assert counts.add("one") == 2
    assert counts.as_dict() == {"one": 2}


def test_an_adder_adds_to_the_same_count() -> None:
    counts = Counts()
    counts.add("other")
    add = counts.adder("events")
    assert counts.as_dict() == {"other": 1}
    assert [add(), add()] == [1, 2]
    assert counts.adder("events")() == 3
    assert counts["events"] == 3
    assert counts.add("events", 5) == counts["events"] == 8
    assert counts["events"] == 8  # reading adds nothing
    assert list(counts.as_dict().items()) == [("events", 8), ("other", 1)]


@pytest.mark.parametrize("first", [0, 1, 2**62, 2**64, -3])
def test_the_next_number_is_seen_and_not_drawn(first: int) -> None:
    numbers = itertools.count(first)
    for drawn in range(3):
        assert next_number(numbers) == next_number(numbers) == first + drawn
        assert next(numbers) == first + drawn


@pytest.mark.parametrize("adding", ["add", "adder"])
def test_many_threads_lose_nothing(adding: str) -> None:
    counts = Counts()
    adders = {f"key-{number}": counts.adder(f"key-{number}") for number in range(7)} if adding == "adder" else {}

    def add(name: str) -> int:
        return adders[name]() if adders else counts.add(name)

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=lambda: [add(f"key-{number % 7}") for number in range(2_000)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switch)
    assert sum(counts.as_dict().values()) == 8 * 2_000
    assert counts["key-0"] == 8 * 286


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # other tests' threads
def test_a_child_counts_although_another_thread_of_its_parent_held_the_lock() -> None:
    counts = Counts()
    counts.add("events")
    add = counts.adder("events")
    add()
    with counts._lock:
        child = os.fork()
        if child == 0:
            add()
            os._exit(counts.add("events"))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
