"""Each event is tracked once, and all are flushed after each chunk, with one caller and with several."""

from __future__ import annotations

import asyncio

import pytest

from benchmarks.passes import Amounts, async_passes, percentiles, sync_passes

AMOUNTS = Amounts(events=25, calls=7, chunk=10)


class Noting:
    """Notes what it is asked to send, and how many had been sent at each flush."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.flushed: list[int] = []

    def prepare(self, number: int) -> int:
        return number

    def call(self, prepared: int) -> None:
        self.sent.append(prepared)

    def send(self, number: int) -> None:
        self.sent.append(number)

    def flush(self) -> None:
        self.flushed.append(len(self.sent))

    def close(self) -> None:
        pass


class AsyncNoting(Noting):
    async def call(self, prepared: int) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        self.sent.append(prepared)

    async def send(self, number: int) -> None:  # type: ignore[override]
        await self.call(number)

    async def flush(self) -> None:  # type: ignore[override]
        self.flushed.append(len(self.sent))

    async def close(self) -> None:  # type: ignore[override]
        pass


@pytest.mark.parametrize("threads", [1, 3])
def test_sync_calls(threads: int) -> None:
    noting = Noting()
    result = sync_passes(lambda: noting, AMOUNTS, threads)

    assert sorted(noting.sent) == list(range(AMOUNTS.total))
    assert noting.flushed == [10, 20, 30, 35, 42]
    assert result.keys() == {"cpu_us", "per_second", "peak_mib", "p50_us", "p99_us", "p999_us"}


@pytest.mark.parametrize("callers", [1, 4])
def test_async_calls(callers: int) -> None:
    noting = AsyncNoting()

    async def opened() -> AsyncNoting:
        return noting

    asyncio.run(async_passes(opened, AMOUNTS, callers))

    assert sorted(noting.sent) == list(range(AMOUNTS.total))
    assert noting.flushed == [10, 20, 30, 35, 42]


def test_percentiles_are_in_microseconds() -> None:
    assert percentiles([number * 1000 for number in range(1000, 0, -1)]) == {
        "p50_us": 500,
        "p99_us": 990,
        "p999_us": 999,
    }
    assert percentiles([7_000]) == {"p50_us": 7, "p99_us": 7, "p999_us": 7}
    assert percentiles([]) == {}
