"""What the direct pipeline has open in one process: the queue in memory, the journal if it is asked for, and their exporters."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from otel_events.direct.answers import Kind
from otel_events.direct.checkpoint import Checkpoint, Checkpoints
from otel_events.direct.envelope import Envelope
from otel_events.direct.exporter import Exporter
from otel_events.direct.memory import MemoryQueue, MemorySource
from otel_events.direct.metrics import Reading, observe
from otel_events.direct.notices import Notices
from otel_events.direct.receipts import resolve
from otel_events.direct.resource import resource_attributes
from otel_events.direct.transport import Transport
from otel_events.direct.trouble import Trouble
from otel_events.exceptions import DeliveryError, JournalError
from otel_events.settings import Settings
from otel_events.stamp import Stamper

if TYPE_CHECKING:
    from otel_events.direct.journal.entries import Entry
    from otel_events.direct.journal.queue import JournalQueue

_JOURNAL_SHARE: Final = 0.3
"""Of the time of a shutdown where records wait in memory, too: what is in the journal is safe without it."""

_MEMORY_SHARE: Final = 0.1
"""Of the time of a shutdown where none does."""

_WAKING_RECORDS: Final = 512
"""So many records are sent without delay, a size of batch at which a request costs little; more come while it is under way."""


class Opened:
    """It belongs to the process that made it.

    Args:
        settings: The queue's bounds, the journal, and how log records are exported.
        stamper: Numbers the events.
        late: Gives how many events came after the shutdown had begun.
        left_alone: Files of the journal that belong to processes from which this one was forked off.

    Attributes:
        failed: Events that were refused to their callers, by reason.
        instead: Events that were queued in memory instead of in the journal.
        closed: Whether the shutdown has begun.
    """

    def __init__(
        self, settings: Settings, stamper: Stamper, late: Callable[[], int], left_alone: frozenset[Path]
    ) -> None:
        self.pid = os.getpid()
        self.trouble = Trouble(settings.logs, self.counted)
        self.failed: Counter[str] = Counter()
        self.instead = 0
        self.closed = self._ended = False
        self._settings = settings
        self._stamper = stamper
        self._late = late
        self._left_alone = left_alone
        self._envelope = Envelope(resource_attributes(settings))
        # Reentrant, because signals and the garbage collector may run code that tracks an event, here as everywhere.
        self._lock = threading.RLock()
        self._journal: tuple[JournalQueue, Exporter] | None = None
        self._checkpoints = Checkpoints(self._checkpoint, self._send_checkpoint)
        queue = settings.queue
        self.queue = MemoryQueue(
            max_records=queue.max_records,
            max_bytes=queue.max_bytes,
            when_full=queue.when_full,
            waking_records=min(queue.batch_records, _WAKING_RECORDS),
        )
        self._transport = transport_of(settings)
        self._exporter = Exporter(
            MemorySource(self.queue, self._envelope),
            self._transport,
            batch_records=queue.batch_records,
            batch_bytes=queue.batch_bytes,
            delay_seconds=queue.delay_seconds,
            on_answer=self.trouble.see,
            on_turn=self._checkpoint_now_and_then,
            on_end=self._checkpoints.final,
        )

    # -- what is known -------------------------------------------------------------------------------------------------

    @property
    def opened_journal(self) -> JournalQueue | None:
        """The journal, where one is open."""
        return None if self._journal is None else self._journal[0]

    @property
    def sent(self) -> int:
        """Records that were accepted, those of processes that are no more included."""
        return sum(exporter.sent for exporter in self._exporters())

    @property
    def pending(self) -> int:
        """Records that wait: in memory, until the shutdown, and in the journal."""
        return sum(
            exporter.pending for exporter in self._exporters() if not (self.closed and exporter is self._exporter)
        )

    @property
    def dead(self) -> int:
        """Records that were put among the dead letters."""
        return sum(exporter.dead for exporter in self._exporters())

    def lost(self) -> dict[str, int]:
        """Return what was lost, by reason."""
        lost = Counter(self.failed)
        for exporter in self._exporters():
            lost.update(exporter.lost)
        if self.queue.dropped:
            lost["queue_full"] += self.queue.dropped
        return dict(lost)

    def counted(self) -> str:
        """Say how many records wait and are lost, in words."""
        return f"{self.pending} records wait, {sum(self.lost().values())} are lost so far"

    def reading(self) -> Reading | None:
        """Return what the metrics tell."""
        journal = self.opened_journal
        lost = self.lost()
        failed: dict[str, int] = {reason: lost.pop(reason) for reason in ("refused", "rejected") if reason in lost}
        if self.dead:
            failed["dead_letter"] = self.dead
        if late := self._late():
            lost["already_shutdown"] = late
        oldest = [_observed_ns(self.queue.oldest), None if journal is None else journal.oldest_ns]
        in_flight = self.queue.unsettled - len(self.queue) + (0 if journal is None else journal.under_way)
        # What is left in the queue at the end is lost, and counted as such.
        if self._ended:
            oldest = oldest[1:]
        ages = [(time.time_ns() - moment) / 1e9 for moment in oldest if moment is not None]
        return Reading(
            queue_records=0 if self._ended else len(self.queue),
            queue_capacity=self._settings.queue.max_records,
            in_flight=0 if self._ended else in_flight,
            sent=self.sent,
            dropped=lost,
            failed=failed,
            journal_bytes=None if journal is None else journal.size_bytes,
            journal_records=None if journal is None else journal.unsettled,
            dead_letters=None if journal is None else journal.dead_letters,
            oldest_seconds=max(*ages, 0.0) if ages else 0.0,
        )

    # -- what is done --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to export, and to be observed. To be called once, before anything else is done."""
        self._exporter.start()
        observe(self.reading, self._settings.logs)

    def journal(self) -> JournalQueue:
        """Return the journal; it is opened the first time. Whether its directory can be used shows at the first event."""
        with self._lock:
            if self._journal is None:
                made = self._make_journal()
                if self._journal is None:  # still: an event in between may have opened one
                    self._journal = made
                    made[1].start()
            return self._journal[0]

    def flush(self, timeout: float) -> None:
        """Send what waits, within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        for exporter in self._exporters():
            exporter.hurry()
        for exporter in self._exporters():
            exporter.flush(max(deadline - time.monotonic(), 0.0))

    def shutdown(self, timeout: float) -> None:
        """Flush and end, within ``timeout`` seconds. What waits in memory then is lost; the journal keeps what it has."""
        self.closed = True
        deadline = time.monotonic() + timeout
        for exporter in self._exporters():
            exporter.hurry()
        if self._journal is not None:
            share = _JOURNAL_SHARE if self._exporter.pending else 1 - _MEMORY_SHARE
            self._journal[1].shutdown(timeout * share)
        self._exporter.shutdown(max(deadline - time.monotonic(), 0.0))
        self._ended = True

    @property
    def journal_files(self) -> frozenset[Path]:
        """Files of the journal that a child which is forked off has to leave alone."""
        return self._left_alone if self._journal is None else self._journal[0].paths

    # -- within --------------------------------------------------------------------------------------------------------

    def _exporters(self) -> tuple[Exporter, ...]:
        return (self._exporter,) if self._journal is None else (self._exporter, self._journal[1])

    def _make_journal(self) -> tuple[JournalQueue, Exporter]:
        from otel_events.direct.journal.directory import JournalDirectory
        from otel_events.direct.journal.queue import JournalQueue

        settings = self._settings
        bounds = settings.queue
        queue = JournalQueue(
            JournalDirectory(settings.journal.directory, settings.journal.max_bytes),
            self._envelope,
            batch_records=bounds.batch_records,
            batch_bytes=bounds.batch_bytes,
            on_failure=self._journal_failed,
            notices=Notices(self.counted),
            excluded=self._left_alone,
        )
        exporter = Exporter(
            queue,
            transport_of(settings),
            batch_records=bounds.batch_records,
            batch_bytes=bounds.batch_bytes,
            delay_seconds=bounds.delay_seconds,
            on_answer=self.trouble.see,
            name="otel-events-journal-exporter",
        )
        queue.on_confirm = exporter.hurry
        return queue, exporter

    def _journal_failed(self, entries: Sequence[Entry], error: JournalError) -> None:
        """Do with events that the journal could not take what was asked for: keep them in memory, or tell their callers."""
        closed = [entry.receipt for entry in entries if entry.receipt.closed]
        if closed:
            self.failed["journal_failed"] += len(closed)
            resolve(closed, None, DeliveryError(f"the journal cannot take an event, which is not delivered: {error}"))
        opened = [entry for entry in entries if not entry.receipt.closed]
        self.instead += len(opened)
        for entry in opened:
            self.queue.put(entry.record)
        resolve([entry.receipt for entry in opened], "memory")

    def _checkpoint(self) -> Checkpoint | None:
        emitted = self._stamper.emitted
        if not emitted:
            return None
        journal = self.opened_journal
        dropped = self.lost()
        waiting = self._exporter.pending
        if self.closed and waiting:
            dropped["shutdown"] = waiting
        if late := self._late():
            dropped["after_shutdown"] = late
        return Checkpoint(
            stream=self._stamper.stream,
            emitted=emitted,
            delivered=self._exporter.sent + (0 if journal is None else journal.delivered),
            pending=(0 if self.closed else waiting) + (0 if journal is None else journal.own_unsettled),
            dropped=dropped,
            dead_letters=0 if journal is None else journal.dead,
            final=False,
        )

    def _checkpoint_now_and_then(self) -> None:
        # In trouble it would only hold up what waits; the last one is tried all the same.
        if self.trouble.now is None:
            self._checkpoints.tick()

    def _send_checkpoint(self, record: bytes) -> bool:
        """Send a checkpoint, once, and past the queues: it is no event, and the next one says all that it said."""
        answer = self._transport.send(self._envelope.wrap([record]))
        is_acknowledged = answer.kind is Kind.ACCEPTED
        if is_acknowledged or self.trouble.now is None:  # Trouble that is known is not said again at the end.
            self.trouble.see(answer)
        return is_acknowledged


def transport_of(settings: Settings) -> Transport[Any]:
    """Return what log records are sent over."""
    if settings.logs.protocol == "grpc":
        from otel_events.direct.grpc import GrpcTransport  # It takes a while to import.

        return GrpcTransport(settings.logs)
    from otel_events.direct.http import HttpTransport

    return HttpTransport(settings.logs)


def _observed_ns(record: bytes | None) -> int | None:
    """Return when an encoded record was tracked, in nanoseconds since the Unix epoch."""
    if record is None:
        return None
    from opentelemetry.proto.logs.v1.logs_pb2 import ScopeLogs

    return int(ScopeLogs.FromString(record).log_records[0].observed_time_unix_nano)
