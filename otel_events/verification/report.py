"""What is said of each stream: which of its numbers are missing, how many of these are explained, and what came twice.

A stream's events are numbered from 0, without gaps. Its checkpoint says how many numbers were given out, and what became of
them, in counts: it does not say which number was dropped. So what is missing is matched by counts:

- *missing* are the numbers below the checkpoint's ``emitted`` that were not found.
- *explained* are as many of them as the checkpoint accounts for: dropped, by reason, then dead letters, then, if it is the
  stream's last one, pending.
- *unknown* are, of those missing, as many more as were pending at a checkpoint that is not the last one: they may be under way
  still, or went with the memory of a process that was killed. So are the numbers that were not found at or above ``emitted``,
  or anywhere in a stream without a checkpoint, below the greatest number that was found.
- *unexplained* is the rest of those missing: the checkpoint says that they were delivered, or nothing says what became of them.

A stream without its last checkpoint has an open end: of what comes behind the greatest number that was found, or that a
checkpoint speaks of, nothing is known, not even how many there are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from otel_events.direct.checkpoint import Checkpoint
from otel_events.verification.numbers import Interval, Numbers

MAX_RANGES: Final = 20
"""So many ranges of numbers are told; of all others only how many there are."""


@dataclass(frozen=True)
class Ranges:
    """Numbers of a stream.

    Args:
        numbers: How many there are.
        ranges: How many ranges of consecutive ones.
        first: The first of these, each as its first and its last number.
    """

    numbers: int = 0
    ranges: int = 0
    first: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, intervals: Iterable[Interval]) -> Ranges:
        """Return them, given as intervals."""
        rest: Iterator[Interval] = iter(intervals)
        shown = list(itertools.islice(rest, MAX_RANGES))
        numbers, ranges = sum(end - first for first, end in shown), len(shown)
        for first, end in rest:
            numbers, ranges = numbers + end - first, ranges + 1
        return cls(numbers, ranges, tuple((first, end - 1) for first, end in shown))


@dataclass(frozen=True)
class StreamReport:
    """What was found of a stream.

    Args:
        service: Its ``service.name``, "" where there is none.
        instance: Its ``service.instance.id``, likewise.
        stream: Its part of the uids, 8 characters.
        records: How many log records with a uid of it were found.
        events: How many different numbers.
        checkpoint: Its latest checkpoint; None if there is none.
        duplicates: Records beyond the first of each number. Delivery is at least once: a retry sends the same record again.
        repeated: The numbers of which there was more than one record.
        missing: Numbers that were given out and not found.
        explained: How many of these the checkpoint accounts for, by reason.
        unexplained: How many of these it does not account for.
        unsettled: How many of these were pending at that checkpoint, which is not the last: what became of them is unknown.
        unknown: Numbers that were not found and of which no checkpoint speaks.
    """

    service: str
    instance: str
    stream: str
    records: int
    events: int
    checkpoint: Checkpoint | None
    duplicates: int
    repeated: Ranges
    missing: Ranges
    explained: Mapping[str, int]
    unexplained: int
    unsettled: int
    unknown: Ranges

    @property
    def ended(self) -> bool:
        """Whether its last checkpoint is there, so that it is known how many events it had."""
        return self.checkpoint is not None and self.checkpoint.final


@dataclass(frozen=True)
class SourceReport:
    """What was read.

    Args:
        where: A path, or a URL fit to be shown.
        records: How many log records of this package it holds, of the service that was asked for.
        notes: What is to be known of it, in words.
    """

    where: str
    records: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All that was found.

    Args:
        sources: What was read.
        streams: In the order of services, instances and streams.
        others: Log records of this package that are neither events with a uid nor checkpoints that can be understood.
    """

    sources: tuple[SourceReport, ...]
    streams: tuple[StreamReport, ...]
    others: int

    @property
    def fine(self) -> bool:
        """Whether nothing is missing without an explanation."""
        return not any(stream.unexplained for stream in self.streams)

    @property
    def totals(self) -> dict[str, int]:
        """The counts of all streams together."""
        streams = self.streams
        return {
            "streams": len(streams),
            "records": sum(stream.records for stream in streams),
            "events": sum(stream.events for stream in streams),
            "duplicates": sum(stream.duplicates for stream in streams),
            "missing": sum(stream.missing.numbers for stream in streams),
            "explained": sum(sum(stream.explained.values()) for stream in streams),
            "unexplained": sum(stream.unexplained for stream in streams),
            "unknown": sum(stream.unsettled + stream.unknown.numbers for stream in streams),
            "open": sum(not stream.ended for stream in streams),
        }


def judge(
    key: tuple[str, str, str], records: int, seen: Numbers, repeated: Numbers, checkpoint: Checkpoint | None
) -> StreamReport:
    """Return what is said of a stream.

    Args:
        key: Service, instance and stream.
        records: How many log records of it were found.
        seen: Their numbers.
        repeated: Those of which there was more than one.
        checkpoint: The stream's latest.
    """
    events = len(seen)
    emitted = 0 if checkpoint is None else checkpoint.emitted
    missing = Ranges.of(seen.gaps(0, emitted))
    explained = {} if checkpoint is None else _matched(missing.numbers, _accounts(checkpoint))
    rest = missing.numbers - sum(explained.values())
    unsettled = 0 if checkpoint is None or checkpoint.final else min(checkpoint.pending, rest)
    return StreamReport(
        *key,
        records=records,
        events=events,
        checkpoint=checkpoint,
        duplicates=records - events,
        repeated=Ranges.of(repeated.intervals()),
        missing=missing,
        explained=explained,
        unexplained=rest - unsettled,
        unsettled=unsettled,
        unknown=Ranges.of(seen.gaps(emitted, seen.end)),
    )


def _accounts(checkpoint: Checkpoint) -> dict[str, int]:
    """Return how many numbers may be missing, by reason."""
    accounts = {f"dropped.{reason}": count for reason, count in checkpoint.dropped.items()}
    accounts["dead_letters"] = checkpoint.dead_letters
    if checkpoint.final:
        # What waits at the end is in the journal. Before that it may be in memory alone, which ends with the process.
        accounts["pending"] = checkpoint.pending
    return accounts


def _matched(missing: int, accounts: Mapping[str, int]) -> dict[str, int]:
    """Return how many of those missing each reason explains."""
    explained: dict[str, int] = {}
    for reason, count in accounts.items():
        if taken := min(count, missing):
            explained[reason] = taken
            missing -= taken
    return explained
