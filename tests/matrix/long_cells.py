"""The long conditions of the matrix: an outage of a minute, many kills, millions of events."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.backends.records import complete_lines
from tests.backends.wait import wait_until
from tests.matrix import proxy
from tests.matrix.ledger import Tally, kept_in
from tests.matrix.scene import Scene
from tests.peak import peak_kib

_NUMBERS = re.compile(rb'"key":"app\.number","value":\{"intValue":"(\d+)"\}')

_BATCH = 500
_KILL_AFTER_SECONDS = (0.02, 1.5)
_PAUSE_SECONDS = 0.01


def long_outage(scene: Scene, seconds: float) -> Tally:
    """Have the Collector killed for so long, while events come; then start it, and let the application end."""
    scene.collector.stop(kill=True)
    try:
        with scene.application(endpoint=scene.collector.http_endpoint, events=2_000, flush_seconds=60.0) as application:
            application.tracked(120.0)
            time.sleep(seconds)
            scene.collector.start()
            application.finish(120.0)
    finally:
        if not scene.collector.running:
            scene.collector.start()
    return scene.tally()


@dataclass(frozen=True)
class Killings:
    """What rounds of ``kill -9`` came to.

    Args:
        tally: Of all rounds.
        empty_rounds: After how many the journal held nothing.
        most_left: The most events that it held after one.
    """

    tally: Tally
    empty_rounds: int
    most_left: int


def killings(scene: Scene, rounds: int, callers: int, chance: random.Random) -> Killings:
    """Kill the application at a random moment while it tracks and exports, again and again; each adopts what the last one left.

    Args:
        scene: Of the cell.
        rounds: How many.
        callers: Of each application; 0 for plain calls.
        chance: Chooses the moments, and what the proxy does in each round.
    """
    empty_rounds = most_left = 0
    for number in range(rounds):
        scene.proxy.behaviour = chance.choice([proxy.passing, proxy.slow(0.05), proxy.hanging_up, proxy.answering(503)])
        before = len(scene.told)
        plan = {"first": number * 1_000_000, "events": 1_000_000, "callers": callers, "batch_records": _BATCH}
        with scene.application(**plan) as application:
            wait_until(lambda: len(scene.told) > before, 30.0)  # noqa: B023 # it is called in this round only
            time.sleep(chance.uniform(*_KILL_AFTER_SECONDS))
            application.kill()
        left = len(scene.kept().waiting)
        empty_rounds += not left
        most_left = max(most_left, left)
    scene.proxy.behaviour = proxy.passing
    scene.successor(flush_seconds=60.0)
    return Killings(scene.tally(), empty_rounds, most_left)


@dataclass(frozen=True)
class Flood:
    """What became of a great many events.

    Args:
        events: How many were tracked.
        arrived: Different ones.
        repeated: Records beyond these.
        left: In the journal.
        track_seconds: How long it took to track them.
        drain_seconds: How long it took from then, with the Collector back, until all were sent.
        journal_mib: The size of the journal when all were tracked.
        kib_at_first: The application's peak in memory after the first 16 MiB of the journal.
        kib_tracked: Its peak when all were tracked.
        kib_drained: Its peak in the end.
    """

    events: int
    arrived: int
    repeated: int
    left: int
    track_seconds: float
    drain_seconds: float
    journal_mib: float
    kib_at_first: int
    kib_tracked: int
    kib_drained: int


def flood(scene: Scene, events: int) -> Flood:
    """Track a great many events in the journal while the Collector is off; then let them go."""
    scene.collector.stop()
    try:
        begin = time.monotonic()
        plan = {"endpoint": scene.collector.http_endpoint, "events": events, "callers": 64, "each": False}
        with scene.application(**plan, flush_seconds=3600.0) as application:
            at_first = size_when(application.pid, scene.journal)
            application.tracked(3600.0)
            tracked = time.monotonic()
            size = sum(path.stat().st_size for path in scene.journal.iterdir())
            scene.collector.start()
            started = time.monotonic()
            application.finish(3600.0)
            drained = time.monotonic()
    finally:
        if not scene.collector.running:
            scene.collector.start()
    counts = bytearray(events)
    for number in numbers_in_file(scene.collector.logs_file):
        counts[number] = min(counts[number] + 1, 255)
    [stats] = application.stats
    return Flood(
        events=events,
        arrived=events - counts.count(0),
        repeated=sum(counts) - (events - counts.count(0)),
        left=len(kept_in(scene.journal).waiting),
        track_seconds=tracked - begin,
        drain_seconds=drained - started,
        journal_mib=size / 2**20,
        kib_at_first=at_first,
        kib_tracked=application.tracked_kib,
        kib_drained=stats["peak_kib"],
    )


def size_when(pid: int, journal: Path, journal_bytes: int = 16 * 2**20) -> int:
    """Return the peak of a process's memory, in KiB, when its journal has grown to so many bytes, or after a minute."""

    def grown() -> bool:
        return journal.exists() and sum(path.stat().st_size for path in journal.iterdir()) > journal_bytes

    wait_until(lambda: grown() or not Path(f"/proc/{pid}").exists(), 60.0)
    return peak_kib(pid)


def numbers_in_file(path: Path) -> Iterator[int]:
    """Yield the numbers of the events in what a Collector wrote, without parsing all of it."""
    for line in complete_lines(path):
        yield from map(int, _NUMBERS.findall(line))
