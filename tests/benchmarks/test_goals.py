"""A goal is met on its side of the line, and is not judged where a side of it was not measured."""

from __future__ import annotations

import pytest

from benchmarks.goals import PAIRS, RATIOS, Goal, goals_of, scaling_goals_of
from benchmarks.report import Measured, Paired, Point, Scaling
from benchmarks.ways import WAYS
from tests.benchmarks.reports import measured, paired, report


def judged(above: Measured, below: Measured, own_ms: float = 10.0) -> list[Goal]:
    return goals_of(report(above, below, own_ms=own_ms, pairs=(paired(above, below),)))


def test_the_ways_that_a_goal_compares_are_run_as_a_pair() -> None:
    assert {ratio.above.way for ratio in RATIOS} | {ratio.below.way for ratio in RATIOS} <= WAYS.keys()
    assert PAIRS == (
        ("memory-http", "sdk-http"),
        ("logfire-http", "memory-http"),
        ("journal-http-async", "memory-http-async"),
    )


@pytest.mark.parametrize(("memory_us", "met"), [(5.0, True), (5.1, False)])
def test_cpu_and_rate_against_the_sdk(memory_us: float, met: bool) -> None:
    cpu, rate, *_ = judged(measured("memory-http", memory_us), measured("sdk-http", 50.0))

    assert (cpu.met, rate.met) == (met, met)
    assert cpu.wanted == "at least 10 times less"
    assert cpu.reached == f"{50 / memory_us:.1f} times less"


@pytest.mark.parametrize(("p99", "met"), [(9.0, True), (9.1, False)])
def test_the_calls_of_track_against_the_median_of_emit(p99: float, met: bool) -> None:
    goals = judged(measured("memory-http", 5.0, p99_us=p99), measured("sdk-http", 50.0, p50_us=9.0))
    [calls] = [goal for goal in goals if "p99 of `track`" in goal.what]

    assert calls.met is met
    assert calls.reached == f"{100 * p99 / 9:.1f} %"


@pytest.mark.parametrize(("journal_us", "own_ms", "met"), [(15.0, 15.0, True), (15.1, 15.1, False)])
def test_the_journal_and_the_import(journal_us: float, own_ms: float, met: bool) -> None:
    goals = judged(measured("memory-http-async", 5.0), measured("journal-http-async", journal_us), own_ms)

    assert [goal.met for goal in goals] == [met, met]


def test_against_logfire() -> None:
    [goal, _] = judged(measured("memory-http", 4.0), measured("logfire-http", 160.0))

    assert (goal.met, goal.reached, goal.pairs, goal.verdict) == (True, "40.0 times less", "", "reached")


def in_pairs(*costs: tuple[float, float]) -> Goal:
    """Return the goal of the CPU time against the SDK, of pairs that cost so much in memory and on the SDK."""
    memory, sdk = measured("memory-http", 1.0), measured("sdk-http", 1.0)
    runs = [
        {"memory-http": {**memory.rounds[0], "cpu_us": ours}, "sdk-http": {**sdk.rounds[0], "cpu_us": theirs}}
        for ours, theirs in costs
    ]
    return goals_of(report(memory, sdk, pairs=(Paired(["memory-http", "sdk-http"], runs),)))[0]


@pytest.mark.parametrize(
    ("memory_us", "reached", "pairs", "verdict"),
    [
        ((5.0, 4.0, 5.0, 2.0, 4.0), "12.5", "10.0 to 12.5 (10.0 to 25.0)", "reached, in 5 of 5 pairs"),
        ((10.0, 4.0, 5.0, 20.0, 4.0), "10.0", "5.0 to 12.5 (2.5 to 12.5)", "reached, in 3 of 5 pairs"),
        ((10.0, 4.0, 8.0, 20.0, 4.0), "6.2", "5.0 to 12.5 (2.5 to 12.5)", "not reached, only in 2 of 5 pairs"),
        ((10.0, 10.0, 10.0, 10.0, 10.0), "5.0", "5.0 to 5.0 (5.0 to 5.0)", "not reached, only in 0 of 5 pairs"),
    ],
)
def test_a_goal_is_judged_by_the_median_of_its_pairs_and_tells_of_each(
    memory_us: tuple[float, ...], reached: str, pairs: str, verdict: str
) -> None:
    cpu = in_pairs(*((cost, 50.0) for cost in memory_us))

    assert (cpu.reached, cpu.pairs, cpu.verdict) == (f"{reached} times less", pairs, verdict)
    assert cpu.met is verdict.startswith("reached")


def test_a_machine_that_is_slower_in_some_pairs_changes_nothing() -> None:
    even, uneven = in_pairs((4.0, 50.0), (4.0, 50.0), (4.0, 50.0)), in_pairs((4.0, 50.0), (8.0, 100.0), (2.0, 25.0))

    assert even == uneven


def test_what_lost_events_or_was_not_run_in_pairs_is_not_judged() -> None:
    memory, sdk, lossy = (
        measured("memory-http", 5.0),
        measured("sdk-http", 50.0),
        measured("sdk-http", 50.0, arrived=99),
    )
    given_up = Paired(["memory-http", "sdk-http"], paired(memory, sdk).runs, error="it ended")
    reports = (
        report(memory, sdk),
        report(memory, sdk, pairs=(given_up,)),
        report(memory, lossy, pairs=(paired(memory, sdk),)),
    )

    for one in reports:
        [only_imports] = goals_of(one)
        assert "import" in only_imports.what


def backlog(**values: float) -> dict[str, float]:
    whole = {"events": 10.0, "arrived": 10.0, "expected": 10.0, "growth_mib": 64.0, "memory_per_second": 100.0}
    return {**whole, "per_second": 60.0, **values}


@pytest.mark.parametrize(
    ("values", "met"),
    [
        ({}, [True, True]),
        ({"per_second": 59.0}, [False, True]),
        ({"growth_mib": 65.0}, [True, False]),
        ({"arrived": 9.0}, []),
    ],
)
def test_a_backlog(values: dict[str, float], met: list[bool]) -> None:
    assert [goal.met for goal in scaling_goals_of(Scaling({}, [], [backlog(**values)]))] == met


@pytest.mark.parametrize(("last_us", "met"), [(11.4, True), (8.6, True), (11.6, False), (8.4, False)])
def test_the_cost_stays_flat(last_us: float, met: bool) -> None:
    points = [
        Point("events", size, "memory-http", [{"cpu_us": cost, "arrived": size, "expected": size}])
        for size, cost in ((10, 10.0), (100, last_us), (1000, 10.0))
    ]
    [goal] = scaling_goals_of(Scaling({}, points, []))

    assert goal.met is met
    assert "from 10 events to 1,000" in goal.what
