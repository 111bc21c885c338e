"""What is under way stays within its bounds, and room is given back however a request ends."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.receiver.gate import BusyError, Gate


def test_as_many_requests_as_may_be_are_let_in() -> None:
    gate = Gate(max_requests=2, max_bytes=100)
    with gate.enter(), gate.enter(), pytest.raises(BusyError, match="2 requests are under way"):
        gate.enter()
    with gate.enter():
        assert gate.turned_away == 1


def test_bytes_are_counted_over_all_requests_and_given_back() -> None:
    gate = Gate(max_requests=10, max_bytes=100)
    with gate.enter() as one, gate.enter() as two:
        one.hold(60)
        two.hold(40)
        with pytest.raises(BusyError, match="100 bytes are under way"):
            two.hold(41)
        one.hold(10)
        two.hold(90)
    with gate.enter() as three:
        three.hold(100)
    assert gate.turned_away == 1


def test_a_request_that_fails_gives_its_room_back() -> None:
    gate = Gate(max_requests=1, max_bytes=10)
    with pytest.raises(BusyError), gate.enter() as passage:
        passage.hold(11)
    with gate.enter() as passage:
        passage.hold(10)
    with gate.enter() as passage:
        passage.hold(10)


@given(st.lists(st.lists(st.integers(0, 120), max_size=5), max_size=8))
def test_whatever_requests_do_the_bound_holds_and_all_room_comes_back(requests: list[list[int]]) -> None:
    gate = Gate(max_requests=4, max_bytes=100)

    def run(sizes: list[int]) -> None:
        with suppress(BusyError), gate.enter() as passage:
            for size in sizes:
                passage.hold(size)
                assert size <= 100

    threads = [threading.Thread(target=run, args=(sizes,)) for sizes in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    with gate.enter() as passage:
        passage.hold(100)
