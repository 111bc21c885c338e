"""A stage costs what its rung costs more than the one below, by the medians; every rung of every ladder takes events."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.ladder import LADDERS
from benchmarks.ways import WAYS, Opening
from benchmarks.where import rows_of, stages_of
from benchmarks.workload import workload_of


def test_a_stage_is_the_difference_of_two_rungs() -> None:
    rounds = [{"making": 1.0, "tracking": 3.0, "sending": 9.0}, {"making": 5.0, "tracking": 3.0, "sending": 11.0}]
    rounds.append({"making": 2.0, "tracking": 2.0, "sending": 10.0})
    stages = stages_of(rounds)

    assert stages == {"making": 2.0, "tracking": 1.0, "sending": 7.0}
    assert rows_of(stages)[2] == ("sending", "7.0 µs", "70 %")


def test_a_rung_that_costs_nothing_more_is_a_stage_without_cost() -> None:
    assert stages_of([{"making": 2.0, "tracking": 1.5}]) == {"making": 2.0, "tracking": 0.0}


@pytest.mark.parametrize("way", LADDERS)
def test_a_ladder_is_of_a_way_and_its_rungs_take_events(way: str, tmp_path: Path) -> None:
    assert way in WAYS
    for rung in LADDERS[way][:-1]:  # the last one is the way itself, which needs a collector
        send, flush = rung.open(Opening("http://127.0.0.1:1", "test", tmp_path, workload_of(None)))
        for number in range(10):
            send(number)
        flush()
