"""What is said of each stream: which of its numbers are missing, how many of these are explained, and what came twice.

A stream's events are numbered from 0, without gaps. Its checkpoint says how many numbers were given out, and what became of
them, in counts: it does not say which number was dropped. So what is missing is matched by counts:

- *missing* are the numbers below the checkpoint's ``emitted`` that were not found.
- *explained* are as many of them as the checkpoint accounts for: dropped, by reason, then dead letters, then pending.
- *unexplained* is the rest: the checkpoint says that they were delivered, or nothing says what became of them.
- *unknown* are the numbers that were not found at or above ``emitted``, or anywhere in a stream without a checkpoint, below
  the greatest number that was found. Of what comes behind that nothing is known.
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
    unknown: Ranges


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
            "unknown": sum(stream.unknown.numbers for stream in streams),
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
    explained, unexplained = _explained(missing.numbers, checkpoint)
    return StreamReport(
        *key,
        records=records,
        events=events,
        checkpoint=checkpoint,
        duplicates=records - events,
        repeated=Ranges.of(repeated.intervals()),
        missing=missing,
        explained=explained,
        unexplained=unexplained,
        unknown=Ranges.of(seen.gaps(emitted, seen.end)),
    )


def _explained(missing: int, checkpoint: Checkpoint | None) -> tuple[dict[str, int], int]:
    """Return how many of those missing are explained, by reason, and how many are not."""
    explained: dict[str, int] = {}
    if checkpoint is not None:
        accounts = {f"dropped.{reason}": count for reason, count in checkpoint.dropped.items()}
        for reason, count in {
            **accounts,
            "dead_letters": checkpoint.dead_letters,
            "pending": checkpoint.pending,
        }.items():
            if taken := min(count, missing):
                explained[reason] = taken
                missing -= taken
    return explained, missing
