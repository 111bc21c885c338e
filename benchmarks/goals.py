"""What was aimed at, and whether it was reached, as ratios within one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report import Measured, Report, Scaling

CPU_TIMES = 10.0
LOGFIRE_TIMES = 40.0
RATE_TIMES = 10.0
TRACK_PERCENT = 100.0
JOURNAL_TIMES = 3.0
IMPORT_MS = 15.0
DRAIN_PART = 0.6
BACKLOG_MIB = 64.0
FLAT_PART = 0.15


@dataclass(frozen=True)
class Goal:
    """One goal.

    Args:
        what: Which number.
        wanted: What it should be.
        reached: What it is.
        rounds: What it is within single rounds, from the least to the most; "" where there is no more than one number.
        verdict: Whether that is enough, and whether it is in every round.
    """

    what: str
    wanted: str
    reached: str
    rounds: str
    verdict: str

    @property
    def met(self) -> bool:
        """Whether what is reached is enough."""
        return not self.verdict.startswith("not")


def goals_of(report: Report) -> list[Goal]:
    """Return the goals for which the report has both sides."""
    goals: list[Goal] = []
    memory, sdk, logfire = (report.way(name) for name in ("memory-http", "sdk-http", "logfire-http"))
    if memory and sdk:
        times = _ratios(sdk, "cpu_us", memory, "cpu_us")
        goals += [_at_least("CPU per event in memory, against the SDK over HTTP", CPU_TIMES, times, "times less")]
    if memory and logfire:
        times = _ratios(logfire, "cpu_us", memory, "cpu_us")
        goals += [_at_least("CPU per event in memory, against Logfire", LOGFIRE_TIMES, times, "times less")]
    if memory and sdk:
        times = _ratios(memory, "per_second", sdk, "per_second")
        goals += [_at_least("events a second from one process, against the SDK over HTTP", RATE_TIMES, times, "times")]
        part = [100 * ratio for ratio in _ratios(memory, "p99_us", sdk, "p50_us")]
        goals += [
            _at_most("p99 of `track` in memory, against p50 of the SDK's `emit` over HTTP", TRACK_PERCENT, part, "%")
        ]
    journal, memory = report.way("journal-http-async"), report.way("memory-http-async")
    if journal and memory:
        times = _ratios(journal, "cpu_us", memory, "cpu_us")
        what = "CPU per event in the journal, against memory, both with async callers"
        goals += [_at_most(what, JOURNAL_TIMES, times, "times")]
    if report.imports:
        what = "`import otel_events`, on top of opentelemetry-api and pluggy"
        goals += [_at_most(what, IMPORT_MS, [report.imports["own_ms"]], "ms")]
    return goals


def scaling_goals_of(scaling: Scaling) -> list[Goal]:
    """Return the goals for which the measurements of scaling have both sides."""
    goals: list[Goal] = []
    counts = scaling.costs("events", "memory-http")
    if len(counts) > 1:
        first, *others = counts
        change = max(abs(counts[size] / counts[first] - 1) for size in others) * 100
        what = f"change of CPU per event from {first:,} events to {others[-1]:,}"
        goals += [_at_most(what, FLAT_PART * 100, [change], "%")]
    for backlog in scaling.backlogs:
        if backlog["arrived"] != backlog["expected"]:
            continue
        name = f"a backlog of {backlog['events']:,.0f} events"
        part = backlog["per_second"] / backlog["memory_per_second"]
        goals += [
            _at_least(f"{name}: drained, against events a second in memory", DRAIN_PART * 100, [part * 100], "%"),
            _at_most(f"{name}: growth of memory", BACKLOG_MIB, [backlog["growth_mib"]], "MiB"),
        ]
    return goals


def _ratios(above: Measured, above_key: str, below: Measured, below_key: str) -> list[float]:
    """Return the ratio of the medians, and behind it the ratio within each round."""
    of_rounds = [one[above_key] / other[below_key] for one, other in zip(above.rounds, below.rounds, strict=False)]
    return [above.median(above_key) / below.median(below_key), *of_rounds]


def _at_least(what: str, wanted: float, found: Sequence[float], unit: str) -> Goal:
    return _goal(what, f"at least {wanted:g} {unit}", found, unit, [value >= wanted for value in found])


def _at_most(what: str, wanted: float, found: Sequence[float], unit: str) -> Goal:
    return _goal(what, f"at most {wanted:g} {unit}", found, unit, [value <= wanted for value in found])


def _goal(what: str, wanted: str, found: Sequence[float], unit: str, enough: Sequence[bool]) -> Goal:
    """Return a goal of what was found: over all rounds, and behind it in each, where that is known."""
    over_all, *of_rounds = found
    verdict = "reached" if enough[0] else "not reached"
    if len(set(enough)) > 1:
        verdict += ", not in every round" if enough[0] else ", but in some round"
    rounds = f"{min(of_rounds):.1f} to {max(of_rounds):.1f}" if of_rounds else ""
    return Goal(what, wanted, f"{over_all:.1f} {unit}", rounds, verdict)
