"""The comparison: what an event costs on each way, created, tracked, and acknowledged by a real server (`make bench`).

Each way runs in a process of its own, one after the other, against the same Collector, and all of them again in each round; the
medians of the rounds are shown. Goals that are ratios of two ways are judged by pairs: the two run right after each other, in
alternating order, many short times. The numbers of one run can be compared with each other, and with nothing else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import machine, picture, table
from benchmarks.bench import Bench, Queueing, WayError, say, scaled
from benchmarks.goals import PAIRS, goals_of
from benchmarks.imports import import_times
from benchmarks.passes import Amounts
from benchmarks.report import Measured, Paired, Report
from benchmarks.ways import WAYS

MOST_CHUNK = 5_000
PAIR_PART = 2
"""What a round's amounts are divided by: a pair is short, so that the machine is as fast for its one side as for its other."""
IMPORTS = 25


def main() -> int:
    """Run the comparison and show it.

    Returns:
        0 when every event of every way arrived, 1 when one did not or a way failed, 2 for wrong usage.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--events", type=int, default=40_000, help="events of a way in a round (%(default)s)")
    parser.add_argument("--calls", type=int, default=10_000, help="further events whose calls are timed (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is run (%(default)s)")
    parser.add_argument("--pairs", type=int, default=15, help="how often each pair of ways is run (%(default)s)")
    parser.add_argument("--queue", type=int, default=10_000, help="size of every queue, in records (%(default)s)")
    parser.add_argument("--batch", type=int, default=4_096, help="size of every batch, in records (%(default)s)")
    parser.add_argument("--only", nargs="+", choices=WAYS, metavar="WAY", default=list(WAYS), help=", ".join(WAYS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the CPU time of an event")
    arguments = parser.parse_args()
    report = compare(arguments)
    if arguments.json:
        report.write(arguments.json)
    if arguments.svg:
        arguments.svg.write_text(picture.draw(report), encoding="utf-8")
    print(f"{machine.line(report.machine)}\nMedians of {arguments.rounds} rounds of {arguments.events:,} events.")
    table.show(table.COLUMNS, table.rows_of(report))
    if report.pairs:
        print(f"Medians of {arguments.pairs} pairs of {report.settings['pair_events']:,} events.")
    table.show(table.GOAL_COLUMNS, table.goal_rows_of(goals_of(report)))
    errors = [*(way.error for way in report.ways), *(pair.error for pair in report.pairs)]
    for error in filter(None, errors):
        print(error, file=sys.stderr)
    return 0 if not any(errors) and all(way.complete for way in report.ways) else 1


def compare(arguments: argparse.Namespace) -> Report:
    """Run every way in every round, and every pair.

    Args:
        arguments: Those of the command line.
    """
    amounts = Amounts(arguments.events, arguments.calls, min(MOST_CHUNK, arguments.queue // 2))
    ways = {name: Measured(name, WAYS[name].label, WAYS[name].group) for name in WAYS if name in arguments.only}
    pairs = [Paired([*pair]) for pair in PAIRS if arguments.pairs and ways.keys() >= {*pair}]
    queueing = Queueing(arguments.queue, min(arguments.batch, arguments.queue))
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), queueing) as bench:
        for number in range(1, arguments.rounds + 1):
            for name, measured in ways.items():
                say(f"round {number} of {arguments.rounds}: {name}")
                with _failing(measured):
                    measured.rounds.append(bench.run(WAYS[name], scaled(WAYS[name], amounts)))
        short = Amounts(amounts.events // PAIR_PART, amounts.calls // PAIR_PART, amounts.chunk)
        for number in range(1, arguments.pairs + 1):
            for pair in pairs:
                if pair.error is None:
                    say(f"pair {number} of {arguments.pairs}: {' and '.join(pair.ways)}")
                    with _failing(pair):
                        pair.runs.append(_run_pair(bench, pair.ways if number % 2 else pair.ways[::-1], short))
        for name, measured in ways.items():
            say(f"bytes: {name}")
            with _failing(measured):
                measured.wire_bytes = bench.wire_bytes(WAYS[name], scaled(WAYS[name], amounts).chunk)
    say("imports")
    settings = {"events": amounts.events, "calls": amounts.calls, "rounds": arguments.rounds, "chunk": amounts.chunk}
    settings |= {"pairs": arguments.pairs, "pair_events": short.events, "pair_calls": short.calls}
    settings |= {"queue": queueing.max_records, "batch": queueing.batch_records}
    imports = import_times(IMPORTS)
    say("")
    return Report(machine.describe(), settings, list(ways.values()), imports, pairs)


def _run_pair(bench: Bench, names: Iterable[str], amounts: Amounts) -> dict[str, dict[str, float]]:
    """Run ways right after each other; what they give has their order.

    Raises:
        WayError: The process of one failed, or not everything arrived.
    """
    results = {name: bench.run(WAYS[name], scaled(WAYS[name], amounts)) for name in names}
    for name, result in results.items():
        if result["arrived"] != result["expected"]:
            raise WayError(f"{name}: only {result['arrived']:,} of {result['expected']:,} arrived, in a pair")
    return results


@contextmanager
def _failing(measured: Measured | Paired) -> Iterator[None]:
    """Note the failure of a way in what was measured of it, so that the others are measured nevertheless."""
    try:
        yield
    except WayError as error:
        measured.error = str(error)


if __name__ == "__main__":
    sys.exit(main())
