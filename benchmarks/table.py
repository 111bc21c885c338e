"""A report as tables: for a terminal, and for a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.goals import Goal
from benchmarks.report import Measured, Report

COLUMNS: Final = (
    "way",
    "CPU an event",
    "of the SDK's",
    "events/s",
    "p50",
    "p99",
    "p99.9",
    "peak memory",
    "bytes sent",
    "arrived",
)
GROUPS: Final = {"ours": "", "others": "", "datasette": "In Datasette: "}
TERMINAL_COLUMNS: Final = 200
GOAL_COLUMNS: Final = ("goal", "wanted", "reached", "by pair: middle half (all)", "")
BASELINE: Final = "sdk-http"


def rows_of(report: Report) -> list[list[str]]:
    """Return the rows under ``COLUMNS``, the ways in their order."""
    baseline = report.way(BASELINE)
    return [_row(way, baseline) for way in report.ways]


def goal_rows_of(goals: Iterable[Goal]) -> list[list[str]]:
    """Return the rows under ``GOAL_COLUMNS``."""
    return [[goal.what, goal.wanted, goal.reached, goal.pairs, goal.verdict] for goal in goals]


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for a page."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def show(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    console = Console()
    console.width = max(console.width, TERMINAL_COLUMNS)  # not a terminal: 80
    table = Table(*columns, box=box.SIMPLE_HEAD)
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _row(way: Measured, baseline: Measured | None) -> list[str]:
    label = GROUPS[way.group] + way.label
    if not way.rounds:
        return [label, *["–"] * (len(COLUMNS) - 2), "failed"]
    cpu = way.median("cpu_us")
    return [
        label,
        f"{cpu:,.1f} µs",
        ratio(cpu, baseline.median("cpu_us")) if baseline else "–",
        f"{way.median('per_second'):,.0f}",
        *(f"{way.median(key):,.1f} µs" for key in ("p50_us", "p99_us", "p999_us")),
        f"{way.median('peak_mib'):,.0f} MiB",
        "–" if way.wire_bytes is None else f"{way.wire_bytes:,.0f}",
        _arrived(way),
    ]


def ratio(value: float, baseline: float) -> str:
    """Return a value in terms of another: ``1/4.0`` where it is less, ``4.0`` where it is more."""
    less = f"{baseline / value:.1f}"
    return f"1/{less}" if value < baseline and less != "1.0" else f"{value / baseline:.1f}"


def _arrived(way: Measured) -> str:
    arrived, expected = way.total("arrived"), way.total("expected")
    if way.error is not None:
        return "failed"
    return f"all {expected:,}" if way.complete else f"ONLY {arrived:,} of {expected:,}"
