"""A backlog: events are tracked into the journal while the collector is away, and sent once it is back.

The process in which that happens (`python -m benchmarks.backlog`) does a step for each line that it reads, and answers with a
line: it warms up, tracks, and drains.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from benchmarks import arrivals
from benchmarks.bench import ROOT, Queueing, clean_environment
from benchmarks.usage import cpu_seconds, peak_mib, resident_mib
from benchmarks.ways import CALLERS, WAYS, Opening
from benchmarks.workload import workload_of
from tests.backends.servers import Collector

WARM_UP: Final = 10_000
WAY: Final = WAYS["journal-http-async"]
SERVICE: Final = "backlog"


def measure_backlog(collector: Collector, folder: Path, queueing: Queueing, events: int) -> dict[str, float]:
    """Track a backlog while the Collector is stopped, start it, and drain.

    Args:
        collector: It runs, and runs again afterwards.
        folder: For the journal.
        queueing: The queue.
        events: How many.

    Returns:
        ``events``, ``arrived`` and ``expected``; ``cpu_us``, of tracking an event, and ``drain_cpu_us``, of sending it;
        ``drained``, how many waited once the Collector was ready, and ``per_second``, how fast those were sent;
        ``growth_mib``, the peak of memory over what it was after the warm-up.
    """
    service = f"{SERVICE}-{events}"
    offset = collector.logs_file.stat().st_size if collector.logs_file.exists() else 0
    task = json.dumps(
        {"endpoint": collector.http_endpoint, "service": service, "folder": str(folder), "events": events}
    )
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.backlog"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean_environment(queueing),
    ) as process:
        result = _ask(process, task)
        collector.stop()
        result |= _ask(process, "track")
        collector.start()
        result |= _ask(process, "drain")
    found = arrivals.in_collector(collector.logs_file, "logs", service, offset)
    growth = result["peak_mib"] - result["before_mib"]
    expected = events + WARM_UP
    return {**result, "events": events, "growth_mib": growth, "arrived": len(found), "expected": expected}


def _ask(process: subprocess.Popen[str], line: str) -> dict[str, float]:
    assert process.stdin is not None  # noqa: S101 # for mypy
    assert process.stdout is not None  # noqa: S101 # for mypy
    process.stdin.write(line + "\n")
    process.stdin.flush()
    answer: dict[str, float] = json.loads(process.stdout.readline())
    return answer


async def _serve() -> None:
    task = json.loads(sys.stdin.readline())
    opening = Opening(task["endpoint"], task["service"], Path(task["folder"]), workload_of(None))
    sender: Any = await WAY.load()(opening)

    async def track(start: int, count: int) -> None:
        numbers = iter(range(start, start + count))

        async def caller() -> None:
            for number in numbers:
                await sender.send(number)

        await asyncio.gather(*(caller() for _ in range(CALLERS)))

    await track(0, WARM_UP)
    await sender.flush()
    _answer(before_mib=resident_mib())
    sys.stdin.readline()
    events, cpu = task["events"], cpu_seconds()
    await track(WARM_UP, events)
    _answer(cpu_us=(cpu_seconds() - cpu) / events * 1e6)
    sys.stdin.readline()
    waiting = sender.pending()  # less than all: it may have noticed before this process was told
    began, cpu = time.perf_counter(), cpu_seconds()
    await sender.flush()
    seconds, spent = time.perf_counter() - began, cpu_seconds() - cpu
    _answer(
        drained=waiting, per_second=waiting / seconds, drain_cpu_us=spent / max(waiting, 1) * 1e6, peak_mib=peak_mib()
    )
    await sender.close()


def _answer(**values: float) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
