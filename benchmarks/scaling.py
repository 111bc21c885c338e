"""How the cost of an event changes with its size, with threads, batches, numbers, and with a backlog (`make bench-scaling`)."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks import machine, table
from benchmarks.backlog import measure_backlog
from benchmarks.bench import Bench, Queueing, WayError, say
from benchmarks.goals import scaling_goals_of
from benchmarks.passes import Amounts
from benchmarks.report import Point, Scaling
from benchmarks.ways import WAYS

SIZES: Final = {
    "fields": (1, 4, 16, 64),
    "characters": (10, 100, 1_000, 4_000),
    "threads": (1, 2, 4, 8, 16),
    "batch": (512, 4_096),
    "events": (10_000, 100_000),
}
LONG_EVENTS: Final = (10_000, 100_000, 1_000_000, 2_000_000)
BACKLOGS: Final = (100_000,)
LONG_BACKLOGS: Final = (100_000, 2_000_000)

QUEUEING: Final = Queueing(10_000, 4_096)
CHUNK: Final = 5_000
OF_LARGE_EVENTS: Final = Queueing(10_000, 512)
CHUNK_OF_LARGE_EVENTS: Final = 1_000
"""Of 4,000 characters and as long a body, so many stay below the bytes that a queue of ours holds and a Collector takes."""
COMPARED: Final = ("memory-http", "sdk-http")
COLUMNS: Final = ("CPU an event", "memory, HTTP", "SDK, HTTP", "ratio")


def main() -> int:
    """Measure and show it.

    Returns:
        0 when every event arrived, 1 when one did not, 2 for wrong usage.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000, help="events at each size in a round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each size is measured (%(default)s)")
    parser.add_argument("--long", action="store_true", help="up to two million events; takes minutes longer")
    parser.add_argument("--only", nargs="+", choices=[*SIZES, "backlog"], metavar="PART", default=[*SIZES, "backlog"])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    arguments = parser.parse_args()
    scaling = measure(arguments)
    if arguments.json:
        scaling.write(arguments.json)
    for part in SIZES:
        if rows := rows_of(scaling, part):
            table.show((part, *COLUMNS[1:]), rows)
    table.show(table.GOAL_COLUMNS, table.goal_rows_of(scaling_goals_of(scaling)))
    for what in scaling.incomplete():
        print(f"not everything arrived: {what}", file=sys.stderr)
    return 1 if scaling.incomplete() else 0


def measure(arguments: argparse.Namespace) -> Scaling:
    """Measure each size in every round, and the backlogs.

    Args:
        arguments: Those of the command line.
    """
    sizes = {**SIZES, "events": LONG_EVENTS if arguments.long else SIZES["events"]}
    points = [
        Point(part, size, way)
        for part in SIZES
        if part in arguments.only
        for size in sizes[part]
        for way in (COMPARED if part != "events" else COMPARED[:1])
    ]
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), QUEUEING) as bench:
        for number in range(1, arguments.rounds + 1):
            for point in points:
                say(f"round {number} of {arguments.rounds}: {point.way}, {point.part} {point.size}")
                point.rounds.append(bench.run(WAYS[point.way], **how(point, arguments.events)))
        backlogs = []
        if "backlog" in arguments.only:
            memory = bench.run(WAYS["memory-http"], Amounts(100_000, 0, CHUNK))
            if memory["arrived"] != memory["expected"]:
                raise WayError(f"memory-http: only {memory['arrived']:,} of {memory['expected']:,} arrived")
            for events in LONG_BACKLOGS if arguments.long else BACKLOGS:
                say(f"backlog of {events}")
                found = measure_backlog(bench.collector, Path(folder) / f"backlog-{events}", QUEUEING, events)
                backlogs.append({**found, "memory_per_second": memory["per_second"]})
    say("")
    return Scaling(machine.describe(), points, backlogs)


def how(point: Point, events: int) -> dict[str, Any]:
    """Return the arguments with which a point is run."""
    if point.part in ("fields", "characters"):
        fields = (point.size, 10) if point.part == "fields" else (1, point.size)
        return {"amounts": Amounts(events, 0, CHUNK_OF_LARGE_EVENTS), "fields": fields, "queueing": OF_LARGE_EVENTS}
    if point.part == "threads":
        return {"amounts": Amounts(events, 0, CHUNK), "threads": point.size}
    if point.part == "batch":
        return {"amounts": Amounts(events, 0, CHUNK), "queueing": Queueing(QUEUEING.max_records, point.size)}
    return {"amounts": Amounts(point.size, 0, CHUNK)}


def rows_of(scaling: Scaling, part: str) -> list[Sequence[str]]:
    """Return a row for each size: what an event costs in memory, with the SDK, and the one in terms of the other."""
    ours, theirs = (scaling.costs(part, way) for way in COMPARED)
    rows: list[Sequence[str]] = []
    for size in dict.fromkeys(point.size for point in scaling.points if point.part == part):
        costs = [ways.get(size) for ways in (ours, theirs)]
        shown = ["–" if cost is None else f"{cost:,.1f} µs" for cost in costs]
        memory, sdk = costs
        rows.append((f"{size:,}", *shown, "–" if memory is None or sdk is None else table.ratio(memory, sdk)))
    return rows


if __name__ == "__main__":
    sys.exit(main())
