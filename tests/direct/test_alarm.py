"""One timer ends all waits of a loop whose time is up, and those alone."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

from otel_events.direct.alarm import Alarm, TimedWait, alarm_of


def test_those_whose_time_is_up_are_told_in_their_order() -> None:
    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        alarm, rung, done = Alarm(loop, 0.05), [], loop.create_future()

        def ring(number: int) -> None:
            rung.append(number)
            if number == 4:
                done.set_result(None)

        for number in range(5):
            future: asyncio.Future[None] = loop.create_future()
            alarm.set(TimedWait(future.done, partial(ring, number)))
            if number in (1, 3):
                future.set_result(None)
            await asyncio.sleep(0.02)
        await asyncio.wait_for(done, 10.0)
        assert len(alarm) == 0
        return rung

    assert asyncio.run(main()) == [0, 2, 4]


def test_what_is_done_is_not_kept() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        alarm = Alarm(loop, 60.0)
        waiting = [loop.create_future() for _ in range(3000)]
        for future in waiting:
            alarm.set(TimedWait(future.done, lambda: None))
            alarm.set(TimedWait((done := loop.create_future()).done, lambda: None))
            done.set_result(None)
        assert len(alarm) < 3 * len(waiting)
        for future in waiting:
            future.set_result(None)
        for _ in range(10_000):
            alarm.set(TimedWait((done := loop.create_future()).done, lambda: None))
            done.set_result(None)
        assert len(alarm) <= 1025

    asyncio.run(main())


def test_each_loop_and_each_length_of_time_has_its_own() -> None:
    async def main() -> Alarm:
        loop = asyncio.get_running_loop()
        alarm = alarm_of(loop, 1.0)
        assert alarm_of(loop, 1.0) is alarm
        assert alarm_of(loop, 2.0) is not alarm
        return alarm

    first = asyncio.run(main())
    assert asyncio.run(main()) is not first
    others: list[Alarm] = []
    thread = threading.Thread(target=lambda: others.append(asyncio.run(main())))
    thread.start()
    thread.join()
    assert first not in others
