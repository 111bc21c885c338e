"""Every way is given the same: what the others are handed is what ours makes of its event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.events import events_of
from benchmarks.workload import workload_of
from otel_events import Stamp, to_log_record


@pytest.mark.parametrize("fields", [None, (1, 10), (16, 3), (2, 4_000)])
@given(number=st.integers(0, 99_999_999))
def test_both_sides_say_the_same(fields: tuple[int, int] | None, number: int) -> None:
    workload = workload_of(fields)
    event_type, event = events_of(workload)
    record = to_log_record(event(number), stamp=Stamp("some-uid", 1))

    assert record.event_name == workload.name == event_type.name
    assert dict(record.attributes) == workload.attributes(number, "some-uid")
    assert record.body[:4_095] == workload.body(number)[:4_095]
    assert len(record.body) == len(workload.body(number))
