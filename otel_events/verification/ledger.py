"""Counting: each record that is found goes into the account of its stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from otel_events.direct.checkpoint import Checkpoint
from otel_events.exceptions import VerificationError
from otel_events.verification.numbers import Numbers
from otel_events.verification.record import Record, checkpoint_of, place_of
from otel_events.verification.report import Report, SourceReport, StreamReport, judge

MAX_STREAMS: Final = 100_000
MAX_ROOM: Final = 20_000_000
"""Integers in memory, for the intervals of all streams: two for each."""

_LOOK_EVERY: Final = 250_000
_MAX_SERVICES: Final = 20


class Ledger:
    """The accounts of all streams. What it holds in memory grows with streams and gaps, not with events.

    Args:
        service: Only streams of this ``service.name``; None for all.

    Attributes:
        entered: How many records were entered.
        others: How many of these are neither events with a uid nor checkpoints that can be understood.
        other_services: Some of the services whose records were left out.
    """

    def __init__(self, service: str | None = None) -> None:
        self._service = service
        self._accounts: dict[tuple[str, str, str], _Account] = {}
        self._until_look = _LOOK_EVERY
        self.entered = 0
        self.others = 0
        self.other_services: set[str] = set()

    def add(self, record: Record) -> None:
        """Enter a record.

        Raises:
            VerificationError: There are too many streams or gaps.
        """
        if self._service is not None and record.service != self._service:
            if len(self.other_services) < _MAX_SERVICES:
                self.other_services.add(record.service)
            return
        self.entered += 1
        place = place_of(record.uid)
        if place is not None:
            stream, number = place
            account = self._account(record, stream)
            account.records += 1
            account.seen.add(number)
            self._until_look -= 1
            if not self._until_look:
                self._look()
            return
        checkpoint = None if record.checkpoint is None else checkpoint_of(record.checkpoint)
        if checkpoint is None:
            self.others += 1
        else:
            self._account(record, checkpoint.stream).see(checkpoint)

    def report(self, sources: Iterable[SourceReport] = ()) -> Report:
        """Return what is said of all that was entered.

        Args:
            sources: What was read.
        """
        return Report(tuple(sources), tuple(self._reports()), self.others)

    def _reports(self) -> Iterable[StreamReport]:
        for key in sorted(self._accounts):
            account = self._accounts[key]
            yield judge(key, account.records, account.seen, account.repeated, account.checkpoint)

    def _account(self, record: Record, stream: str) -> _Account:
        key = (record.service, record.instance, stream)
        account = self._accounts.get(key)
        if account is None:
            if len(self._accounts) >= MAX_STREAMS:
                raise VerificationError(
                    f"there are more than {MAX_STREAMS} streams. Give fewer files at once, or one --service."
                )
            account = self._accounts[key] = _Account()
        return account

    def _look(self) -> None:
        self._until_look = _LOOK_EVERY
        if sum(account.seen.room + account.repeated.room for account in self._accounts.values()) > MAX_ROOM:
            raise VerificationError(
                f"there are more than {MAX_ROOM // 2} gaps, as where a collector samples log records. "
                "Give fewer files at once, or one --service."
            )


class _Account:
    """What was found of one stream."""

    __slots__ = ("checkpoint", "records", "repeated", "seen")

    def __init__(self) -> None:
        self.records = 0
        self.repeated = Numbers()
        self.seen = Numbers(self.repeated)
        self.checkpoint: Checkpoint | None = None

    def see(self, checkpoint: Checkpoint) -> None:
        """Keep the latest checkpoint: the last one that the stream has, else the one that speaks of most."""
        if self.checkpoint is None or _age(checkpoint) > _age(self.checkpoint):
            self.checkpoint = checkpoint


def _age(checkpoint: Checkpoint) -> tuple[bool, int, int]:
    """Return what grows from one checkpoint of a stream to the next, in whatever order they are found."""
    settled = checkpoint.delivered + checkpoint.dead_letters + sum(checkpoint.dropped.values())
    return checkpoint.final, checkpoint.emitted, settled
