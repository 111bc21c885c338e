"""The direct pipeline: stamped events are encoded, wait in memory or in the journal, and are exported as log records."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from otel_events.at_exit import call_at_exit, cancel_at_exit
from otel_events.conversion.room import Losses
from otel_events.counts import Counts
from otel_events.direct.encoder import Encoder
from otel_events.direct.opened import Opened
from otel_events.direct.receipts import DeliveryReceipt
from otel_events.direct.straight import Straight
from otel_events.exceptions import DeliveryError
from otel_events.outcome import Outcome
from otel_events.settings import Settings
from otel_events.stamp import Stamp, Stamper
from otel_events.unexported import warn

try:
    from otel_events.direct.intake import Intake
except ImportError:  # no compiler where it was installed
    Intake = None  # type: ignore[assignment, misc] # and all events pass through the function in Python

_EXIT_SECONDS: Final = 5.0
_MAX_CLASSES: Final = 4096
_LATE: Final = "after_shutdown"


class _Durable(NamedTuple):
    """How the events of a class are to be kept that are not to wait in memory only."""

    closed: bool
    confirm_seconds: float


Journaled = tuple[
    Straight,
    Callable[[], DeliveryReceipt],
    Callable[[bytes, DeliveryReceipt], bool | None],
    Callable[[bytes, DeliveryReceipt, bool | None], None],
]
"""What the events of a class take that go into the journal: how they are encoded, what makes receipts, where both are put, and
what does the rest where more is to be done."""


class DirectPipeline:
    """Opened at the first event, and again at the first one in a forked child, whose queue begins empty.

    Args:
        settings: The policy, the queue's bounds, the journal, and how log records are exported.
        stamper: Numbers the events that come.
    """

    def __init__(self, settings: Settings, stamper: Stamper) -> None:
        self._settings = settings
        self._stamper = stamper
        self._encoder = Encoder(settings.policy, on_losses=self._count_losses)
        self._encode = self._encoder.encode
        self._durable: dict[type, _Durable | None] = {}
        self._ways: dict[type, Straight] = {}
        self._journaled: dict[type, Journaled] = {}
        self._counts = Counts()
        # Reentrant, because signals and the garbage collector may run code that tracks an event, here as everywhere.
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._opened: Opened | None = None
        self._closed = False
        self._intake = None
        if Intake is not None:
            python = partial(DirectPipeline.accept, self)
            self._intake = Intake(python, stamp=stamper.stamp, ways=self._ways, journaled=self._journaled)
            self.accept = self._intake  # type: ignore[assignment, method-assign] # which does the same

    def accept(self, event: Any, stamp: Stamp) -> DeliveryReceipt | None:
        """Encode an event, and queue it or have it written to the journal, of which the receipt tells.

        Raises:
            DeliveryError: It must be written to the journal, and cannot be.
        """
        try:
            opened = self._opened
            if self._closed:
                self._come_late(event)
                return None
            if opened is None or opened.pid != stamp.pid:
                opened = self._open()
            try:
                durable = self._durable[type(event)]
            except KeyError:
                durable = self._durable_of(event)
            record = self._encode(event, stamp)
            if durable is None:
                opened.queue.put(record)
                return None
            receipt = DeliveryReceipt(durable.closed, durable.confirm_seconds)
            journal = opened.opened_journal or opened.journal()
            journal.put(record, receipt)
            if self._intake is not None and type(event) not in self._journaled:
                make = partial(DeliveryReceipt, *durable)
                self._add_journaled(event, (self._encoder.way(event), make, journal.try_to_put, journal.attend))
            return receipt
        except DeliveryError:
            raise
        except Exception as error:
            # Whatever it was, its caller must not take the event for safe.
            if self._must_be_kept(event):
                raise DeliveryError(
                    f"an event is not delivered: {type(error).__name__}: {error}. See the traceback; this should not happen."
                ) from error
            raise

    def flush(self, timeout: float) -> Outcome:
        """Send what waits, within ``timeout`` seconds."""
        opened = self._current()
        if opened is not None:
            opened.flush(timeout)
        return self._outcome()

    def shutdown(self, timeout: float) -> Outcome:
        """Flush and end, within ``timeout`` seconds. What waits in memory then is lost; the journal keeps what it has."""
        with self._own_lock():
            self._closed = True
            self._ways.clear()
            self._journaled.clear()
        opened = self._current()
        if opened is not None and not opened.closed:
            cancel_at_exit(self._at_exit)
            opened.shutdown(timeout)
        return self._outcome()

    def healthy(self) -> bool:
        """Tell whether the collector takes what it is sent, and the journal too."""
        opened = self._current()
        if opened is None:
            return True
        journal = opened.opened_journal
        return opened.trouble.now is None and (journal is None or journal.trouble is None)

    def stats(self) -> dict[str, Any]:
        """Return counts of what was sent, waits, was lost and cut, and what is in trouble."""
        stats: dict[str, Any] = dict(self._counts.as_dict())
        opened = self._current()
        if opened is None:
            return stats
        stats["logs.sent"] = opened.sent
        stats["logs.pending"] = opened.pending
        stats["logs.queue_bytes"] = opened.queue.size_bytes
        stats.update({f"logs.lost.{reason}": count for reason, count in opened.lost().items()})
        stats["logs.trouble"] = opened.trouble.now
        stats["logs.last_answer"] = opened.trouble.last
        stats["logs.last_error"] = opened.trouble.last_error
        journal = opened.opened_journal
        if journal is not None:
            stats["journal.pending"] = journal.unsettled
            stats["journal.bytes"] = journal.size_bytes
            stats["journal.dead_letters"] = journal.dead_letters
            stats["journal.orphans.adopted"] = journal.orphans.adopted
            stats["journal.in_memory_instead"] = opened.instead
            stats["journal.trouble"] = journal.trouble
        return stats

    def _outcome(self) -> Outcome:
        opened = self._current()
        if opened is None:
            return Outcome(0, 0, 0)
        return Outcome(opened.sent, opened.pending, sum(opened.lost().values()), opened.dead)

    def _count_losses(self, losses: Losses) -> None:
        for name, count in losses.counted():
            self._counts.add(name, count)

    def _come_late(self, event: Any) -> None:
        self._counts.add(_LATE)
        if self._must_be_kept(event):
            raise DeliveryError("an event is not delivered: it was tracked after the shutdown. Call shutdown() last.")

    def _must_be_kept(self, event: Any) -> bool:
        durable = self._durable_of(event)
        return durable is not None and durable.closed

    def _durable_of(self, event: Any) -> _Durable | None:
        if len(self._durable) >= _MAX_CLASSES:
            self._durable.clear()
        definition = self._encoder.definition(event)
        delivery = definition.delivery or self._settings.delivery
        journal = self._settings.journal
        durable = None
        if delivery != "memory":
            closed = (definition.on_failure or journal.on_failure) == "closed"
            durable = _Durable(closed, journal.confirm_seconds if delivery == "confirmed" else 0.0)
        elif self._intake is not None:
            self._add_way(event)
        self._durable[type(event)] = durable
        return durable

    def _add_way(self, event: Any) -> None:
        """Have the compiled intake take the events of a class, which are to wait in memory."""
        way = self._encoder.way(event)
        with self._own_lock():
            if len(self._ways) >= _MAX_CLASSES:
                self._ways.clear()
            if not self._closed:
                self._ways[type(event)] = way

    def _add_journaled(self, event: Any, journaled: Journaled) -> None:
        """Likewise of a class whose events are to be written to the journal."""
        with self._own_lock():
            if len(self._journaled) >= _MAX_CLASSES:
                self._journaled.clear()
            if not self._closed:
                self._journaled[type(event)] = journaled

    def _current(self) -> Opened | None:
        """Return what is open in this process; what a parent opened is the parent's."""
        opened = self._opened
        return opened if opened is not None and opened.pid == os.getpid() else None

    def _open(self) -> Opened:
        with self._own_lock():
            opened = self._current()
            if opened is None:
                parents = self._opened
                left_alone = frozenset[Path]() if parents is None else parents.journal_files
                made = Opened(self._settings, self._stamper, lambda: self._counts[_LATE], left_alone)
                if (opened := self._current()) is not None:
                    return opened  # Meanwhile an event in between has opened another.
                opened = self._opened = made
                opened.start()
                if self._settings.delivery != "memory":
                    opened.journal()
                call_at_exit(self._at_exit)
                if self._intake is not None:
                    self._journaled.clear()  # They are a parent's.
                    queue = opened.queue
                    self._intake.begin(append=queue.append, attend=queue.attend, pid=opened.pid)
            return opened

    def _own_lock(self) -> threading.RLock:
        if self._pid != os.getpid():
            # Another thread of the parent may have held the lock at the fork; it is not here to give it back.
            self._pid, self._lock = os.getpid(), threading.RLock()
        return self._lock

    def _at_exit(self) -> None:
        opened = self._current()
        if opened is None or self._closed:
            return
        self.shutdown(_EXIT_SECONDS)
        if lost := opened.lost().get("shutdown", 0):
            warn(
                f"{lost} of the log records had not arrived when the process ended, and are lost. tracker.shutdown(timeout=…) "
                'gives them longer than 5 s, delivery="journal" keeps them.'
            )
