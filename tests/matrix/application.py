"""An application that tracks numbered events and prints what it was told of each, line by line, as it is told.

It runs as a process of its own: ``python -m tests.matrix.application PLAN``, where the plan is JSON. For each event it prints
``ack NUMBER SECONDS`` or ``refused NUMBER SECONDS``, with how long the call took; then ``tracked`` and its peak in memory. It
waits for a line on its standard input, and prints ``end`` with what it counted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Another user may not get at what is imported later.
import otel_events.direct.http
import otel_events.direct.journal.queue
import otel_events.direct.opened
from otel_events import DeliveryError, Event, EventTracker
from tests.peak import peak_kib


@dataclass
class Counted(Event):
    """An event with a number."""

    name = "counted"
    number: int
    text: str


@dataclass(frozen=True)
class Plan:
    """What to do.

    Args:
        endpoint: Where events go.
        service: Under which name.
        delivery: Of them.
        journal: The directory.
        headers_file: As in ``configure``; empty for none.
        on_failure: As in ``configure``.
        journal_bytes: Likewise; 0 for the default.
        confirm_seconds: Likewise.
        events: How many to track.
        first: The number of the first.
        callers: How many coroutines track them; 0 for plain calls, one after the other.
        batch_records: The most records of one request; 0 for the default.
        queue_records: The most records in memory; 0 for the default.
        text: So many characters are in each event.
        each: Whether to print a line for each event.
        end: ``shutdown`` after a flush, or ``exit`` without either.
        flush_seconds: How long the flush may take.
        fork: Whether a child that is forked off tracks the second half.
        file_bytes: No file may become larger; 0 for no limit.
        user: The user to run as; 0 for no other.
    """

    endpoint: str
    service: str
    delivery: str
    journal: str
    headers_file: str = ""
    on_failure: str = "open"
    journal_bytes: int = 0
    confirm_seconds: float = 0.2
    events: int = 40
    first: int = 0
    callers: int = 8
    batch_records: int = 0
    queue_records: int = 0
    text: int = 20
    each: bool = True
    end: str = "shutdown"
    flush_seconds: float = 10.0
    fork: bool = False
    file_bytes: int = 0
    user: int = 0


class Application:
    """Does what a plan says."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._text = "x" * plan.text
        standard = {
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": plan.batch_records,
            "OTEL_BLRP_MAX_QUEUE_SIZE": plan.queue_records,
        }
        self._tracker: EventTracker = otel_events.configure(
            event_types=[Counted],
            delivery=plan.delivery,
            journal=plan.journal,
            headers_file=plan.headers_file or None,
            on_failure=plan.on_failure,
            journal_bytes=plan.journal_bytes or None,
            confirm_seconds=plan.confirm_seconds,
            endpoint=plan.endpoint,
            service_name=plan.service,
            environ={name: str(value) for name, value in standard.items() if value},
        )

    def run(self) -> None:
        """Track, wait to be told to go on, end."""
        plan = self._plan
        numbers = range(plan.first, plan.first + plan.events)
        child = -1
        if plan.fork:
            middle = plan.first + plan.events // 2
            self._track(range(plan.first, middle))
            with warnings.catch_warnings():
                # Python 3.12 and newer warn of forks where there are threads.
                warnings.simplefilter("ignore", DeprecationWarning)
                child = os.fork()
            numbers = range(middle, plan.first + plan.events) if child == 0 else range(0)
        self._track(numbers)
        if child > 0:
            os.waitpid(child, 0)
        if child != 0:
            say("tracked", peak_kib())
            sys.stdin.readline()
        if plan.end == "shutdown":
            self._tracker.flush(plan.flush_seconds)
            self._tracker.shutdown(5.0)
            say("end", json.dumps(self._counts()))

    def _counts(self) -> dict[str, Any]:
        stats: dict[str, Any] = self._tracker.stats()["otel"]
        stats["peak_kib"] = peak_kib()
        return stats

    def _track(self, numbers: range) -> None:
        if not self._plan.callers:
            for number in numbers:
                self._track_one(number)
        elif numbers:
            asyncio.run(self._track_together(iter(numbers)))

    def _track_one(self, number: int) -> None:
        begin = time.perf_counter()
        try:
            self._tracker.track(Counted(number, self._text))
        except DeliveryError:
            self._told("refused", number, begin)
        else:
            self._told("ack", number, begin)

    async def _track_together(self, numbers: Iterator[int]) -> None:
        async def caller() -> None:
            for number in numbers:
                begin = time.perf_counter()
                try:
                    await self._tracker.track_event(Counted(number, self._text))
                except DeliveryError:
                    self._told("refused", number, begin)
                else:
                    self._told("ack", number, begin)

        await asyncio.gather(*(caller() for _ in range(self._plan.callers)))

    def _told(self, what: str, number: int, begin: float) -> None:
        if self._plan.each:
            say(what, number, f"{time.perf_counter() - begin:.6f}")


def say(*words: object) -> None:
    """Print a line, at once and as a whole."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main() -> None:
    """Run with the plan on the command line."""
    plan = Plan(**json.loads(sys.argv[1]))
    if plan.file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (plan.file_bytes, plan.file_bytes))
    if plan.user:
        "".encode("idna")  # This is imported at its first use, too.
        os.setgid(plan.user)
        os.setuid(plan.user)
    Application(plan).run()


def argument(plan: Plan) -> str:
    """Return a plan as it stands on the command line."""
    return json.dumps(dataclasses.asdict(plan))


if __name__ == "__main__":
    main()
