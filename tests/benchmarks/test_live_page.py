"""The page's benchmark asks every kind of question of a database like the one it builds, and each is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.live_page import ask, build, percentile, questions
from otel_events.page import Page
from otel_events.receiver import Receiver


def test_every_kind_of_question_is_asked_and_answered(tmp_path: Path) -> None:
    build(tmp_path / "events.db", 2_000)
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver, Page(receiver, port=0) as page:
        assert receiver.store.count() == 2_000
        assert receiver.store.indexed_id == 2_000
        found = ask(page.port, 2_000, 1)
    assert list(found) == list(questions(2_000))
    assert all(0 < of["p50"] <= of["p95"] for of in found.values())


@pytest.mark.parametrize(("number", "part", "value"), [(1, 0.95, 1), (20, 0.95, 19), (100, 0.95, 95), (10, 0.5, 5)])
def test_percentiles_are_values_that_were_measured(number: int, part: float, value: float) -> None:
    assert percentile([float(at) for at in range(number, 0, -1)], part) == value
