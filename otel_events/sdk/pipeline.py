"""The SDK pipeline: stamped events are converted and emitted, as log records, span events, or both."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, Final

from opentelemetry._logs import LoggerProvider
from opentelemetry.trace import TracerProvider

from otel_events.at_exit import call_at_exit, cancel_at_exit
from otel_events.conversion.record import Converter
from otel_events.conversion.room import Losses
from otel_events.counts import Counts
from otel_events.outcome import Outcome
from otel_events.sdk.opened import Opened
from otel_events.sdk.spans import Bridged
from otel_events.settings import Settings
from otel_events.stamp import Stamp

_logger = logging.getLogger("otel_events")

_EXIT_SECONDS: Final = 5.0

_EMITTED: Final = {"logs": "log_records", "traces": "own_spans"}
"""What is handed to a provider for each signal, by the name under which it is counted."""


class SdkPipeline:
    """Opened at the first event, and again at the first one in a forked child.

    Args:
        settings: Signals, policy, and how to export where the application has no provider.
        logger_provider: The application's; default the one it has set globally by the time of the first event, else ours.
        tracer_provider: Likewise.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        logger_provider: LoggerProvider | None = None,
        tracer_provider: TracerProvider | None = None,
    ) -> None:
        self._settings = settings
        self._given = (logger_provider, tracer_provider)
        self._converter = Converter(settings.policy)
        # Reentrant, because signals and the garbage collector may run code that tracks an event, here as everywhere.
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._opened: Opened | None = None
        self._closed = False
        self._counts = Counts()
        self._overflowed: dict[str, int] = {}

    def accept(self, event: Any, stamp: Stamp) -> None:
        """Convert an event and emit it on each signal."""
        if self._closed:
            self._counts.add("after_shutdown")
            return
        opened = self._opened
        if opened is None or opened.pid != os.getpid():
            opened = self._open()
        losses: Losses | None = None
        if opened.logs is not None:
            record = self._converter.log_record(event, stamp)
            opened.logs.emit(record)
            self._counts.add("log_records")
            losses = record.losses
        if opened.spans is not None:
            span_event = self._converter.span_event(event, stamp)
            self._count_bridged(opened.spans.emit(span_event))
            losses = losses or span_event.losses
        if losses is not None:
            for name, count in losses.counted():
                self._counts.add(name, count)

    def flush(self, timeout: float) -> Outcome:
        """Have the providers send what waits, within ``timeout`` seconds."""
        opened = self._current()
        if opened is not None:
            emitted = self._emitted(opened)
            if opened.flush(timeout) and emitted == self._emitted(opened):
                for watch in opened.watches:
                    # Everything was handed to the exporter, so what it never saw was pushed out of the SDK's full queue.
                    self._overflowed[watch.signal] = max(emitted[watch.signal] - watch.sent - watch.lost, 0)
        return self._outcome()

    def shutdown(self, timeout: float) -> Outcome:
        """Flush, then shut down the providers that are ours, within ``timeout`` seconds. The application's stay open."""
        self.flush(timeout * 0.8)
        self._closed = True
        opened = self._current()
        if opened is not None:
            cancel_at_exit(self._at_exit)
            opened.shutdown(max(timeout * 0.2, 0.1))
        return self._outcome()

    def stats(self) -> dict[str, Any]:
        """Return counts of what was emitted, sent, lost and cut, and what is in trouble."""
        stats: dict[str, Any] = dict(self._counts.as_dict())
        opened = self._current()
        for watch in [] if opened is None else opened.watches:
            stats[f"{watch.signal}.sent"] = watch.sent
            stats[f"{watch.signal}.lost"] = watch.lost
            stats[f"{watch.signal}.queue_full"] = self._overflowed.get(watch.signal, 0)
            stats[f"{watch.signal}.trouble"] = watch.trouble
        return stats

    def healthy(self) -> bool:
        """Tell whether it is open and no exporter of ours is in trouble; an application's own do not tell."""
        opened = self._current()
        return not self._closed and (opened is None or all(watch.trouble is None for watch in opened.watches))

    def _count_bridged(self, bridged: Bridged) -> None:
        if bridged is Bridged.NOT_SAMPLED:
            self._counts.add("not_bridged.not_sampled")
            return
        self._counts.add("span_events")
        if bridged is Bridged.OWN_SPAN:
            self._counts.add("own_spans")

    def _emitted(self, opened: Opened) -> dict[str, int]:
        """Return how much was handed to the providers in this process, by signal."""
        return {signal: self._counts[name] - opened.emitted_before.get(signal, 0) for signal, name in _EMITTED.items()}

    def _outcome(self) -> Outcome:
        """Say what became of log records; with traces alone, of the spans made for events: events in others go with those."""
        opened = self._current()
        if opened is None:
            return Outcome(0, 0, 0)
        signal = "logs" if "logs" in self._settings.signals else "traces"
        watch = opened.watch(signal)
        if watch is None:
            return Outcome(None, None, None)
        lost = watch.lost + self._overflowed.get(signal, 0)
        pending = max(self._emitted(opened)[signal] - watch.sent - lost, 0)
        # What was waiting at the shutdown is not going to be sent any more.
        return Outcome(watch.sent, 0, lost + pending) if self._closed else Outcome(watch.sent, pending, lost)

    def _current(self) -> Opened | None:
        """Return what is open in this process; what a parent opened is the parent's."""
        opened = self._opened
        return opened if opened is not None and opened.pid == os.getpid() else None

    def _open(self) -> Opened:
        if self._pid != os.getpid():
            # Another thread of the parent may have held the lock at the fork; it is not here to give it back.
            self._pid, self._lock = os.getpid(), threading.RLock()
        with self._lock:
            opened = self._current()
            if opened is None:
                before = {signal: self._counts[name] for signal, name in _EMITTED.items()}
                self._overflowed = {}
                made = Opened(self._settings, *self._given, before)
                if (opened := self._current()) is not None:
                    made.shutdown(0.0)  # Meanwhile an event in between has opened another.
                    return opened
                self._opened = opened = made
                if opened.watches:
                    call_at_exit(self._at_exit)
            return opened

    def _at_exit(self) -> None:
        if self._current() is None or self._closed:
            return
        lost = self.shutdown(_EXIT_SECONDS).lost
        if lost:
            _logger.warning(
                "%d of the %s had not arrived when the process ended. tracker.shutdown(timeout=…) gives them longer.",
                lost,
                "log records" if "logs" in self._settings.signals else "spans",
            )
