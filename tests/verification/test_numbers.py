"""Numbers are a set, whatever their order; what was added again is known; those in their order take no room."""

from __future__ import annotations

import itertools
import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from otel_events.verification import numbers as module
from otel_events.verification.numbers import Numbers


def members(numbers: Numbers) -> list[int]:
    return [number for first, end in numbers.intervals() for number in range(first, end)]


def filled(values: list[int]) -> tuple[Numbers, Numbers]:
    repeated = Numbers()
    seen = Numbers(repeated)
    for value in values:
        seen.add(value)
    return seen, repeated


@given(st.lists(st.integers(0, 40)) | st.lists(st.integers(0, 2**40)), st.booleans())
def test_they_are_a_set(values: list[int], asked_meanwhile: bool) -> None:
    repeated = Numbers()
    seen = Numbers(repeated)
    for count, value in enumerate(values, 1):
        seen.add(value)
        if asked_meanwhile:
            assert len(seen) == len(set(values[:count]))
    assert len(seen) == len(set(values))
    assert seen.end == max(values, default=-1) + 1
    intervals = list(seen.intervals())
    assert all(first < end for first, end in intervals)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(intervals))
    assert members(seen) == sorted(set(values))
    assert members(repeated) == sorted(value for value, count in Counter(values).items() if count > 1)


@given(st.sets(st.integers(0, 30)), st.integers(0, 35), st.integers(0, 35))
def test_gaps_are_what_is_not_in_it(values: set[int], first: int, end: int) -> None:
    seen, _ = filled(sorted(values))
    gaps = [number for begins, ends in seen.gaps(first, end) for number in range(begins, ends)]
    assert gaps == [number for number in range(first, end) if number not in values]


def test_millions_in_their_order_take_no_room() -> None:
    seen, repeated = filled(list(range(1_000_000)))
    assert (seen.room, repeated.room, len(seen)) == (2, 0, 1_000_000)


def test_those_that_threads_have_mixed_up_take_little() -> None:
    mixed = list(range(100_000))
    dice = random.Random(1)
    for start in range(0, len(mixed), 100):
        part = mixed[start : start + 100]
        dice.shuffle(part)
        mixed[start : start + 100] = part
    repeated = Numbers()
    seen = Numbers(repeated)
    most = 0
    for number in mixed:
        seen.add(number)
        most = max(most, seen.room)
    assert most < 10 * module._MIN_LATE
    assert list(seen.intervals()) == [(0, 100_000)]
    assert seen.room == 2
    assert len(repeated) == 0


def test_the_whole_again_is_one_interval_of_repeated_ones() -> None:
    seen, repeated = filled([*range(5000)] * 3)
    assert list(seen.intervals()) == [(0, 5000)]
    assert list(repeated.intervals()) == [(0, 5000)]
