"""The direct pipeline: stamped events are encoded, wait in memory, and are exported as log records."""

from __future__ import annotations

import os
import threading
from typing import Any, Final

from otel_events.at_exit import call_at_exit, cancel_at_exit
from otel_events.counts import Counts
from otel_events.direct.encoder import Encoder
from otel_events.direct.envelope import Envelope
from otel_events.direct.exporter import Exporter
from otel_events.direct.memory import MemoryQueue
from otel_events.direct.resource import resource_attributes
from otel_events.direct.trouble import Trouble
from otel_events.outcome import Outcome
from otel_events.settings import Settings
from otel_events.stamp import Stamp

_EXIT_SECONDS: Final = 5.0


class DirectPipeline:
    """Opened at the first event, and again at the first one in a forked child, whose queue begins empty.

    Args:
        settings: The policy, the queue's bounds, and how log records are exported.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._encoder = Encoder(settings.policy)
        self._counts = Counts()
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._opened: _Opened | None = None
        self._closed = False

    def accept(self, event: Any, stamp: Stamp) -> None:
        """Encode an event and queue it."""
        if self._closed:
            self._counts.add("after_shutdown")
            return
        opened = self._opened
        if opened is None or opened.exporter.pid != os.getpid():
            opened = self._open()
        record, losses = self._encoder.encode(event, stamp)
        opened.queue.put(record)
        if losses is not None:
            for name, count in losses.counted():
                self._counts.add(name, count)

    def flush(self, timeout: float) -> Outcome:
        """Send what waits, within ``timeout`` seconds."""
        opened = self._current()
        if opened is not None:
            opened.exporter.flush(timeout)
        return self._outcome()

    def shutdown(self, timeout: float) -> Outcome:
        """Flush and end, within ``timeout`` seconds. What waits then is lost."""
        self._closed = True
        opened = self._current()
        if opened is not None:
            cancel_at_exit(self._at_exit)
            opened.exporter.shutdown(timeout)
        return self._outcome()

    def stats(self) -> dict[str, Any]:
        """Return counts of what was sent, waits, was lost and cut, and what is in trouble."""
        stats: dict[str, Any] = dict(self._counts.as_dict())
        opened = self._current()
        if opened is not None:
            stats["logs.sent"] = opened.exporter.sent
            stats["logs.pending"] = self._pending(opened)
            stats["logs.queue_bytes"] = opened.queue.size_bytes
            stats.update({f"logs.lost.{reason}": count for reason, count in opened.lost().items()})
            stats["logs.trouble"] = opened.trouble.now
        return stats

    def _outcome(self) -> Outcome:
        opened = self._current()
        if opened is None:
            return Outcome(0, 0, 0)
        return Outcome(opened.exporter.sent, self._pending(opened), sum(opened.lost().values()))

    def _pending(self, opened: _Opened) -> int:
        """Return how many records wait; after the shutdown none does, what waited is lost."""
        return 0 if self._closed else opened.exporter.pending

    def _current(self) -> _Opened | None:
        """Return what is open in this process; what a parent opened is the parent's."""
        opened = self._opened
        return opened if opened is not None and opened.exporter.pid == os.getpid() else None

    def _open(self) -> _Opened:
        if self._pid != os.getpid():
            # Another thread of the parent may have held the lock at the fork; it is not here to give it back.
            self._pid, self._lock = os.getpid(), threading.Lock()
        with self._lock:
            opened = self._current()
            if opened is None:
                opened = self._opened = _Opened(self._settings)
                call_at_exit(self._at_exit)
            return opened

    def _at_exit(self) -> None:
        if self._current() is not None and not self._closed:
            self.shutdown(_EXIT_SECONDS)


class _Opened:
    """The queue and the exporter of one process."""

    def __init__(self, settings: Settings) -> None:
        otlp, queue = settings.logs, settings.queue
        if otlp.protocol == "grpc":
            from otel_events.direct.grpc import GrpcTransport as Transport  # It takes a while to import.
        else:
            from otel_events.direct.http import HttpTransport as Transport  # type: ignore[assignment] # the same methods
        self.trouble = Trouble(otlp)
        self.queue = MemoryQueue(
            max_records=queue.max_records,
            max_bytes=queue.max_bytes,
            when_full=queue.when_full,
            batch_records=queue.batch_records,
        )
        self.exporter = Exporter(
            self.queue,
            Envelope(resource_attributes(settings)),
            Transport(otlp),
            batch_records=queue.batch_records,
            batch_bytes=queue.batch_bytes,
            delay_seconds=queue.delay_seconds,
            on_answer=self.trouble.see,
        )
        self.exporter.start()

    def lost(self) -> dict[str, int]:
        """Return what was lost, by reason."""
        reasons = dict(self.exporter.lost)
        return {**reasons, "queue_full": self.queue.dropped} if self.queue.dropped else reasons
