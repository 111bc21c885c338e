"""What was aimed at, and whether it was reached, as ratios within one run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks.report import Report, Scaling

CPU_TIMES = 10.0
LOGFIRE_TIMES = 40.0
RATE_TIMES = 10.0
TRACK_PERCENT = 100.0
JOURNAL_TIMES = 3.0
IMPORT_MS = 15.0
DRAIN_PART = 0.6
BACKLOG_MIB = 64.0
FLAT_PART = 0.15


class Side(NamedTuple):
    """One side of a ratio.

    Args:
        way: The way's name.
        key: Which of its numbers.
    """

    way: str
    key: str


@dataclass(frozen=True)
class Ratio:
    """A goal that is a ratio of two ways.

    Args:
        what: Which number.
        above: What is divided.
        below: By what.
        wanted: What it should be.
        unit: What its number counts; ``%`` is a hundredth.
        least: Whether it should be at least that, instead of at most.
    """

    what: str
    above: Side
    below: Side
    wanted: float
    unit: str
    least: bool = True

    def of(self, run: dict[str, dict[str, float]]) -> float:
        """Return the ratio within one pair of runs."""
        ratio = run[self.above.way][self.above.key] / run[self.below.way][self.below.key]
        return 100 * ratio if self.unit == "%" else ratio


RATIOS: Final = (
    Ratio(
        "CPU per event in memory, against the SDK over HTTP",
        Side("sdk-http", "cpu_us"),
        Side("memory-http", "cpu_us"),
        CPU_TIMES,
        "times less",
    ),
    Ratio(
        "CPU per event in memory, against Logfire",
        Side("logfire-http", "cpu_us"),
        Side("memory-http", "cpu_us"),
        LOGFIRE_TIMES,
        "times less",
    ),
    Ratio(
        "events a second from one process, against the SDK over HTTP",
        Side("memory-http", "per_second"),
        Side("sdk-http", "per_second"),
        RATE_TIMES,
        "times",
    ),
    Ratio(
        "p99 of `track` in memory, against p50 of the SDK's `emit` over HTTP",
        Side("memory-http", "p99_us"),
        Side("sdk-http", "p50_us"),
        TRACK_PERCENT,
        "%",
        least=False,
    ),
    Ratio(
        "CPU per event in the journal, against memory, both with async callers",
        Side("journal-http-async", "cpu_us"),
        Side("memory-http-async", "cpu_us"),
        JOURNAL_TIMES,
        "times",
        least=False,
    ),
)
PAIRS: Final = tuple(dict.fromkeys(tuple(sorted((ratio.above.way, ratio.below.way))) for ratio in RATIOS))
"""The ways that are run in pairs: each two of which a goal is a ratio, once."""


@dataclass(frozen=True)
class Goal:
    """One goal.

    Args:
        what: Which number.
        wanted: What it should be.
        reached: What it is: of pairs, the median.
        pairs: From where to where the middle half of the pairs reaches, and all of them; "" where there is but one number.
        verdict: Whether that is enough, and in how many pairs it is.
    """

    what: str
    wanted: str
    reached: str
    pairs: str
    verdict: str

    @property
    def met(self) -> bool:
        """Whether what is reached is enough."""
        return not self.verdict.startswith("not")


def goals_of(report: Report) -> list[Goal]:
    """Return the goals for which the report has both sides."""
    goals: list[Goal] = []
    for ratio in RATIOS:
        if found := [ratio.of(run) for run in report.runs(ratio.above.way, ratio.below.way)]:
            judged = _at_least if ratio.least else _at_most
            goals.append(judged(ratio.what, ratio.wanted, found, ratio.unit))
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


def _at_least(what: str, wanted: float, found: Sequence[float], unit: str) -> Goal:
    enough = [value >= wanted for value in found]
    return _goal(what, f"at least {wanted:g} {unit}", found, unit, statistics.median(found) >= wanted, sum(enough))


def _at_most(what: str, wanted: float, found: Sequence[float], unit: str) -> Goal:
    enough = [value <= wanted for value in found]
    return _goal(what, f"at most {wanted:g} {unit}", found, unit, statistics.median(found) <= wanted, sum(enough))


def _goal(what: str, wanted: str, found: Sequence[float], unit: str, reached: bool, times: int) -> Goal:
    """Return a goal of what was found, once or in each pair, which is enough so many times."""
    verdict, pairs = "reached" if reached else "not reached", ""
    if len(found) > 1:
        verdict += f", {'' if reached else 'only '}in {times} of {len(found)} pairs"
        low, _, high = statistics.quantiles(found, n=4, method="inclusive")
        pairs = f"{low:.1f} to {high:.1f} ({min(found):.1f} to {max(found):.1f})"
    return Goal(what, wanted, f"{statistics.median(found):.1f} {unit}", pairs, verdict)
