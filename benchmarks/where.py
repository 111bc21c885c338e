"""Where the time of an event goes: what each rung of a way's ladder costs more than the one below (`make bench-where`)."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks import table
from benchmarks.bench import ROOT, Bench, Queueing, clean_environment, say
from benchmarks.usage import cpu_seconds
from benchmarks.ways import WAYS, Opening
from benchmarks.workload import workload_of

QUEUEING: Final = Queueing(10_000, 4_096)
CHUNK: Final = 5_000
COLUMNS: Final = ("CPU an event", "of all")


def main() -> int:
    """Measure the ladders and show the stages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.where", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="how many are tracked on each rung (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each rung is measured (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the stages")
    parser.add_argument("--rung", nargs=2, metavar=("WAY", "ENDPOINT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rung:
        way, endpoint = arguments.rung
        print(json.dumps(_climb(way, endpoint, arguments.events)))
        return 0
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder), QUEUEING) as bench:
        climbed: dict[str, list[dict[str, float]]] = {"memory-http": [], "sdk-http": []}
        for number in range(1, arguments.rounds + 1):
            for way, rounds in climbed.items():
                say(f"round {number} of {arguments.rounds}: {way}")
                rounds.append(_climbed(way, bench.collector.http_endpoint, arguments.events))
        found = {way: stages_of(rounds) for way, rounds in climbed.items()}
    say("")
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for way, stages in found.items():
        table.show((WAYS[way].label, *COLUMNS), rows_of(stages))
    return 0


def stages_of(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Return what each rung costs more than the one below it, in microseconds an event: of the medians of the rounds.

    Args:
        rounds: The costs of the rungs, from the lowest to the highest.
    """
    costs = {adds: statistics.median(one[adds] for one in rounds) for adds in rounds[0]}
    below = [0.0, *costs.values()]
    return {adds: max(cost - lower, 0.0) for (adds, cost), lower in zip(costs.items(), below, strict=False)}


def rows_of(stages: Mapping[str, float]) -> list[tuple[str, str, str]]:
    """Return a row for each stage: its cost, and its part of all."""
    total = sum(stages.values())
    return [(stage, f"{cost:.1f} µs", f"{100 * cost / total:.0f} %") for stage, cost in stages.items()]


def _climbed(way: str, endpoint: str, events: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.where", "--events", str(events), "--rung", way, endpoint]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=clean_environment(QUEUEING)
    )
    costs: dict[str, float] = json.loads(done.stdout)
    return costs


def _climb(way: str, endpoint: str, events: int) -> dict[str, float]:
    from benchmarks.ladder import LADDERS  # loads both libraries

    costs = {}
    for rung in LADDERS[way]:
        send, flush = rung.open(Opening(endpoint, f"where-{way}", Path(os.devnull), workload_of(None)))
        for start in range(0, CHUNK + events, CHUNK):
            if start == CHUNK:
                began = cpu_seconds()
            for number in range(start, start + CHUNK):
                send(number)
            flush()
        costs[rung.adds] = (cpu_seconds() - began) / events * 1e6
    return costs


if __name__ == "__main__":
    sys.exit(main())
