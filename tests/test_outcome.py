"""Outcomes add up, and a sum is unknown where a part of it is; a receipt is known by what it can do."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from otel_events import Outcome, Receipt


@pytest.mark.parametrize(
    ("parts", "total"),
    [
        ([], Outcome(0, 0, 0)),
        ([Outcome(3, 2, 1)], Outcome(3, 2, 1)),
        ([Outcome(3, 2, 1), Outcome(1, 1, 1)], Outcome(4, 3, 2)),
        ([Outcome(3, 2, 1), Outcome(None, 1, 1)], Outcome(None, 3, 2)),
        ([Outcome(None, None, None), Outcome(1, 1, 1)], Outcome(None, None, None)),
    ],
)
def test_outcomes_add_up(parts: list[Outcome], total: Outcome) -> None:
    assert Outcome.total(iter(parts)) == total


def test_a_receipt_can_be_awaited_and_waited_for() -> None:
    class Full:
        def wait(self, timeout: float | None = None) -> None: ...

        def __await__(self) -> Generator[Any, Any, None]:
            yield

    class OnlyWait:
        def wait(self) -> None: ...

    assert isinstance(Full(), Receipt)
    for other in (OnlyWait(), asyncio.Event(), None, "text"):
        assert not isinstance(other, Receipt)


def test_dead_letters_are_shown_where_there_are_some() -> None:
    assert repr(Outcome(1, 0, 0)) == "Outcome(sent=1, pending=0, lost=0)"
    assert repr(Outcome(1, 0, 0, 2)) == "Outcome(sent=1, pending=0, lost=0, dead_letters=2)"
    assert Outcome.total([Outcome(1, 0, 0, 2), Outcome(1, None, 0, 1)]) == Outcome(2, None, 0, 3)
