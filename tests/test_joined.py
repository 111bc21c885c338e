"""Both pipelines get each event; promises and counts are the first one's; time is shared."""

from __future__ import annotations

import time
from typing import Any

import pytest

from otel_events import Login, Outcome
from otel_events.joined import JoinedPipelines
from otel_events.stamp import Stamp, Stamper


class Noting:
    def __init__(self, sent: int, *, raises: bool = False, seconds: float = 0.0) -> None:
        self.accepted: list[str] = []
        self.timeouts: list[float] = []
        self._sent, self._raises, self._seconds = sent, raises, seconds

    def accept(self, event: Any, stamp: Stamp) -> None:
        self.accepted.append(stamp.uid)
        if self._raises:
            raise ValueError("no")

    def flush(self, timeout: float) -> Outcome:
        self.timeouts.append(timeout)
        time.sleep(self._seconds)
        return Outcome(self._sent, 0, 0)

    shutdown = flush

    def stats(self) -> dict[str, int]:
        return {"sent": self._sent, f"only-{self._sent}": 1}

    def healthy(self) -> bool:
        return not self._raises


@pytest.mark.parametrize("raises", [True, False])
def test_both_get_each_event_under_one_uid(raises: bool) -> None:
    first, second = Noting(1, raises=raises), Noting(2)
    stamp = Stamper().stamp()
    try:
        JoinedPipelines(first, second).accept(Login(), stamp)
    except ValueError:
        assert raises

    assert first.accepted == second.accepted == [stamp.uid]


def test_outcomes_and_counts() -> None:
    first, second = Noting(1, seconds=0.05), Noting(2)
    joined = JoinedPipelines(first, second)

    assert joined.flush(1.0) == joined.shutdown(1.0) == Outcome(1, 0, 0)
    assert joined.stats() == {"sent": 1, "only-1": 1, "only-2": 1}
    assert all(timeout <= 0.96 for timeout in second.timeouts)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_they_are_well_where_both_are(first: bool, second: bool) -> None:
    assert JoinedPipelines(Noting(1, raises=not first), Noting(2, raises=not second)).healthy() is (first and second)
