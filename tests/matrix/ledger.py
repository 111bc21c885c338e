"""What became of numbered events: counted where they arrived, and where they are kept."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from otel_events.direct.envelope import Envelope
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.letters import Letters
from tests.backends.records import LogRecord
from tests.matrix.proxy import NUMBER, numbers_in

SUCCESSORS = 1_000_000_000
"""Numbers from here on are of events that are not counted: those of applications that come after."""


@dataclass(frozen=True)
class Told:
    """What an application was told of one event.

    Args:
        number: Of the event.
        seconds: How long the call took.
        acknowledged: Whether it returned without an error.
    """

    number: int
    seconds: float
    acknowledged: bool


@dataclass(frozen=True)
class Kept:
    """The numbers of the events that a journal holds.

    Args:
        waiting: To be sent.
        dead: Among its dead letters.
    """

    waiting: frozenset[int]
    dead: frozenset[int]


@dataclass(frozen=True)
class Tally:
    """What became of the events of one cell.

    Args:
        tracked: Calls that came back.
        acknowledged: Of these, without an error.
        refused: Of these, with a ``DeliveryError``.
        arrived: Different events that the Collector wrote down, those included whose calls had not come back at a kill.
        repeated: Records that it wrote down beyond these.
        in_journal: Events that wait in the journal in the end.
        dead_letters: Events among its dead letters.
        lost: Events that were acknowledged, and are nowhere.
        counted: What ``stats()`` says of losses in the end; None where nobody was left to say so.
        in_memory_instead: What it says of events that the journal could not take.
        median_ms: How long a call took, in milliseconds.
        longest_ms: Likewise.
    """

    tracked: int
    acknowledged: int
    refused: int
    arrived: int
    repeated: int
    in_journal: int
    dead_letters: int
    lost: int
    counted: int | None
    in_memory_instead: int
    median_ms: float
    longest_ms: float


def kept_in(directory: Path) -> Kept:
    """Look into a journal that no process owns."""
    journal = JournalDirectory(directory, 0)
    waiting: set[int] = set()
    for path, _ in journal.files() if directory.exists() else ():
        with journal.visit(path) as (file, _):
            after = 0
            while groups := file.read(after, 10_000, 10_000_000):
                request = Envelope.of_request(file.request).wrap([group.body for group in groups])
                waiting.update(numbers_in(request))
                after = groups[-1].id
    dead = {number for found in Letters(journal) for number in numbers_in(found.letter.request)}
    return Kept(frozenset(waiting), frozenset(dead))


def tally(
    told: Iterable[Told], records: Iterable[LogRecord], kept: Kept, stats: Iterable[dict[str, object]], alive: bool
) -> Tally:
    """Count.

    Args:
        told: What the application was told.
        records: What arrived.
        kept: What the journal holds.
        stats: What the application counted, in each of its processes.
        alive: Whether it lived to its end.
    """
    told = list(told)
    acknowledged = {one.number for one in told if one.acknowledged}
    numbers = (record.attributes.get(NUMBER, SUCCESSORS) for record in records)
    arrived = Counter(number for number in numbers if number < SUCCESSORS)
    seconds = [one.seconds for one in told]
    stats = list(stats)
    lost = sum(int(str(value)) for each in stats for name, value in each.items() if name.startswith("logs.lost."))
    return Tally(
        tracked=len(told),
        acknowledged=len(acknowledged),
        refused=len(told) - len(acknowledged),
        arrived=len(arrived),
        repeated=arrived.total() - len(arrived),
        in_journal=len(kept.waiting),
        dead_letters=len(kept.dead),
        lost=len(acknowledged - set(arrived) - kept.waiting - kept.dead),
        counted=lost if alive else None,
        in_memory_instead=sum(int(str(each.get("journal.in_memory_instead", 0))) for each in stats),
        median_ms=statistics.median(seconds) * 1e3,
        longest_ms=max(seconds) * 1e3,
    )
