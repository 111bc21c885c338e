"""A goal is met on its side of the line, and is not judged where a side of it was not measured."""

from __future__ import annotations

import pytest

from benchmarks.goals import goals_of, scaling_goals_of
from benchmarks.report import Point, Scaling
from tests.benchmarks.reports import measured, report


@pytest.mark.parametrize(("memory_us", "met"), [(5.0, True), (5.1, False)])
def test_cpu_and_rate_against_the_sdk(memory_us: float, met: bool) -> None:
    cpu, rate, *_ = goals_of(report(measured("memory-http", memory_us), measured("sdk-http", 50.0)))

    assert (cpu.met, rate.met) == (met, met)
    assert cpu.wanted == "at least 10 times less"
    assert cpu.reached == f"{50 / memory_us:.1f} times less"


@pytest.mark.parametrize(("p99", "met"), [(9.0, True), (9.1, False)])
def test_the_calls_of_track_against_the_median_of_emit(p99: float, met: bool) -> None:
    goals = goals_of(report(measured("memory-http", 5.0, p99_us=p99), measured("sdk-http", 50.0, p50_us=9.0)))
    [calls] = [goal for goal in goals if "p99 of `track`" in goal.what]

    assert calls.met is met
    assert calls.reached == f"{100 * p99 / 9:.1f} %"


@pytest.mark.parametrize(("journal_us", "own_ms", "met"), [(15.0, 15.0, True), (15.1, 15.1, False)])
def test_the_journal_and_the_import(journal_us: float, own_ms: float, met: bool) -> None:
    ways = measured("memory-http-async", 5.0), measured("journal-http-async", journal_us)

    assert [goal.met for goal in goals_of(report(*ways, own_ms=own_ms))] == [met, met]


@pytest.mark.parametrize(
    ("memory_us", "verdict", "rounds"),
    [
        ((5.0, 4.0, 5.0), "reached", "10.0 to 12.5"),
        ((5.0, 4.0, 6.0), "reached, not in every round", "8.3 to 12.5"),
        ((6.0, 4.0, 6.0), "not reached, but in some round", "8.3 to 12.5"),
        ((6.0, 7.0, 6.0), "not reached", "7.1 to 8.3"),
    ],
)
def test_rounds_that_say_something_else_are_not_hidden(memory_us: tuple[float, ...], verdict: str, rounds: str) -> None:
    memory, sdk = measured("memory-http", 1.0), measured("sdk-http", 50.0)
    memory.rounds = [{**memory.rounds[0], "cpu_us": cost} for cost in memory_us]
    sdk.rounds *= len(memory_us)
    cpu = goals_of(report(memory, sdk))[0]

    assert (cpu.verdict, cpu.rounds) == (verdict, rounds)
    assert cpu.met is verdict.startswith("reached")


def test_against_logfire() -> None:
    [goal, _] = goals_of(report(measured("memory-http", 4.0), measured("logfire-http", 160.0)))

    assert (goal.met, goal.reached) == (True, "40.0 times less")


def test_what_lost_events_is_not_judged() -> None:
    [only_imports] = goals_of(report(measured("memory-http", 5.0, arrived=99), measured("sdk-http", 50.0)))

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
