"""What is done with an open way: events are tracked and acknowledged, once for the cost, once with a clock around each call."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.usage import cpu_seconds, peak_mib
from benchmarks.ways import Sender

PERCENTILES: Final = {"p50_us": 0.5, "p99_us": 0.99, "p999_us": 0.999}


@dataclass(frozen=True)
class Amounts:
    """How much is tracked.

    Args:
        events: For the cost.
        calls: For the percentiles.
        chunk: After so many events, all are flushed. As many are tracked first, which do not count: connections are made then.
    """

    events: int
    calls: int
    chunk: int

    @property
    def total(self) -> int:
        """The events that arrive if none is lost."""
        return self.chunk + self.events + self.calls


def sync_passes(open_sender: Callable[[], Sender], amounts: Amounts, threads: int = 1) -> dict[str, float]:
    """Run both passes of a way with synchronous calls; those of the first one are made by so many threads."""
    sender = open_sender()

    def send(start: int, end: int, step: int) -> None:
        for number in range(start, end, step):
            sender.send(number)

    def cost(start: int, count: int) -> None:
        others = [
            threading.Thread(target=send, args=(start + first, start + count, threads)) for first in range(1, threads)
        ]
        for other in others:
            other.start()
        send(start, start + count, threads)
        for other in others:
            other.join()
        sender.flush()

    def clocked(start: int, count: int, spent: list[int]) -> None:
        clock, prepare, call = time.perf_counter_ns, sender.prepare, sender.call
        for number in range(start, start + count):
            prepared = prepare(number)
            began = clock()
            call(prepared)
            spent.append(clock() - began)
        sender.flush()

    cost(0, amounts.chunk)
    watch = _Watch()
    for start, count in _chunks(amounts.chunk, amounts.events, amounts.chunk):
        cost(start, count)
    result = watch.result(amounts.events)
    spent: list[int] = []
    for start, count in _chunks(amounts.chunk + amounts.events, amounts.calls, amounts.chunk):
        clocked(start, count, spent)
    sender.close()
    return {**result, **percentiles(spent)}


async def async_passes(open_sender: Callable[[], Awaitable[Any]], amounts: Amounts, callers: int) -> dict[str, float]:
    """Run both passes of a way with concurrent callers in one event loop, each of which makes its calls one after the other."""
    sender = await open_sender()

    async def cost(numbers: Iterator[int]) -> None:
        for number in numbers:
            await sender.send(number)

    async def clocked(numbers: Iterator[int], spent: list[int]) -> None:
        clock, prepare, call = time.perf_counter_ns, sender.prepare, sender.call
        for number in numbers:
            prepared = prepare(number)
            began = clock()
            await call(prepared)
            spent.append(clock() - began)

    async def chunk(start: int, count: int, *spent: list[int]) -> None:
        numbers = iter(range(start, start + count))  # of which each caller takes the next
        await asyncio.gather(*((clocked if spent else cost)(numbers, *spent) for _ in range(callers)))
        await sender.flush()

    await chunk(0, amounts.chunk)
    watch = _Watch()
    for start, count in _chunks(amounts.chunk, amounts.events, amounts.chunk):
        await chunk(start, count)
    result = watch.result(amounts.events)
    spent: list[int] = []
    for start, count in _chunks(amounts.chunk + amounts.events, amounts.calls, amounts.chunk):
        await chunk(start, count, spent)
    await sender.close()
    return {**result, **percentiles(spent)}


def percentiles(spent_ns: list[int]) -> dict[str, float]:
    """Return the percentiles of the calls' times, in microseconds, by the nearest-rank method; none of no calls."""
    ordered = sorted(spent_ns)
    if not ordered:
        return {}
    return {name: ordered[max(math.ceil(part * len(ordered)), 1) - 1] / 1000 for name, part in PERCENTILES.items()}


class _Watch:
    """Begins to measure when it is made."""

    def __init__(self) -> None:
        self._began, self._cpu_began = time.perf_counter(), cpu_seconds()

    def result(self, events: int) -> dict[str, float]:
        cpu, seconds = cpu_seconds() - self._cpu_began, time.perf_counter() - self._began
        return {
            "cpu_us": cpu / max(events, 1) * 1e6,
            "per_second": events / seconds,
            "peak_mib": peak_mib(),
        }


def _chunks(start: int, events: int, size: int) -> Iterator[tuple[int, int]]:
    for begun in range(0, events, size):
        yield start + begun, min(size, events - begun)
