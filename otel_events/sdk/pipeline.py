"""The SDK pipeline: stamped events are converted and emitted, as log records, span events, or both."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from opentelemetry._logs import LoggerProvider
from opentelemetry.trace import TracerProvider

from otel_events.conversion.record import Converter
from otel_events.conversion.values import Losses
from otel_events.outcome import Outcome
from otel_events.sdk import providers
from otel_events.sdk.logs import LogEmitter
from otel_events.sdk.spans import SpanEmitter
from otel_events.sdk.watch import Watch
from otel_events.settings import Settings
from otel_events.stamp import Stamp

_logger = logging.getLogger("otel_events")

_EXIT_SECONDS = 5.0


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
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._closed = False
        self._counts: Counter[str] = Counter()

    def accept(self, event: Any, stamp: Stamp) -> None:
        """Convert an event and emit it on each signal."""
        if self._closed:
            self._counts["after_shutdown"] += 1
            return
        opened = self._opened
        if opened is None or opened.pid != os.getpid():
            opened = self._open()
        losses: Losses | None = None
        if opened.logs is not None:
            record = self._converter.log_record(event, stamp)
            opened.logs.emit(record)
            self._counts["log_records"] += 1
            losses = record.losses
        if opened.spans is not None:
            span_event = self._converter.span_event(event, stamp)
            reason = opened.spans.emit(span_event)
            self._counts["span_events" if reason is None else f"not_bridged.{reason}"] += 1
            losses = losses or span_event.losses
        if losses is not None:
            for name in Losses.__slots__:
                if getattr(losses, name):
                    self._counts[f"conversion.{name}"] += getattr(losses, name)

    def flush(self, timeout: float) -> Outcome:
        """Have the providers send what waits, within ``timeout`` seconds."""
        opened = self._current()
        if opened is not None:
            emitted = self._counts["log_records"]
            deadline = time.monotonic() + timeout
            finished = True
            for provider in opened.all_providers():
                finished &= _within(deadline, provider.force_flush)
            watch = opened.watch("logs")
            if finished and watch is not None and emitted == self._counts["log_records"]:
                # Everything was handed to the exporter, so what it never saw was pushed out of the SDK's full queue.
                self._counts["queue_full"] = max(emitted - opened.emitted_before - watch.sent - watch.lost, 0)
        return self._outcome()

    def shutdown(self, timeout: float) -> Outcome:
        """Flush, then shut down the providers that are ours, within ``timeout`` seconds. The application's stay open."""
        self.flush(timeout * 0.8)
        self._closed = True
        opened = self._current()
        if opened is not None:
            atexit.unregister(self._at_exit)
            deadline = time.monotonic() + max(timeout * 0.2, 0.1)
            for provider, watch in opened.own:
                _within(deadline, provider.shutdown)
                watch.close()
        return self._outcome()

    def stats(self) -> dict[str, Any]:
        """Return counts of what was emitted, sent, lost and cut, and what is in trouble."""
        opened = self._current()
        stats: dict[str, Any] = dict(self._counts)
        for _, watch in () if opened is None else opened.own:
            stats[f"{watch.signal}.sent"] = watch.sent
            stats[f"{watch.signal}.lost"] = watch.lost
            stats[f"{watch.signal}.trouble"] = watch.trouble
        return stats

    def _outcome(self) -> Outcome:
        opened = self._current()
        if opened is None:
            return Outcome(0, 0, 0)
        watch = opened.watch("logs" if "logs" in self._settings.signals else "traces")
        if watch is None:
            return Outcome(None, None, None)
        lost = watch.lost + self._counts["queue_full"]
        if watch.signal == "traces":  # Spans are counted, not events: several events may be on one.
            return Outcome(watch.sent, None, lost)
        unaccounted = max(self._counts["log_records"] - opened.emitted_before - watch.sent - lost, 0)
        # What was waiting at the shutdown is not going to be sent any more.
        return Outcome(watch.sent, 0, lost + unaccounted) if self._closed else Outcome(watch.sent, unaccounted, lost)

    def _current(self) -> _Opened | None:
        """Return what is open in this process; what a parent opened is the parent's."""
        opened = self._opened
        return opened if opened is not None and opened.pid == os.getpid() else None

    def _open(self) -> _Opened:
        with self._lock:
            opened = self._opened
            if opened is not None and opened.pid == os.getpid():
                return opened
            self._opened = opened = _Opened(self._settings, *self._given, emitted_before=self._counts["log_records"])
            if opened.own:
                _call_at_exit(self._at_exit)
            return opened

    def _at_exit(self) -> None:
        if self._current() is not None and not self._closed:
            self.shutdown(_EXIT_SECONDS)


class _Opened:
    """The emitters and providers of one process."""

    def __init__(
        self,
        settings: Settings,
        logger_provider: LoggerProvider | None,
        tracer_provider: TracerProvider | None,
        *,
        emitted_before: int,
    ) -> None:
        self.pid = os.getpid()
        self.emitted_before = emitted_before
        self.own: list[tuple[Any, Watch]] = []
        self._application: list[Any] = []
        logs = logger_provider or providers.application_logger_provider()
        spans = tracer_provider or providers.application_tracer_provider()
        resource = providers.make_resource(settings, logs, spans)
        self.logs = self.spans = None
        if "logs" in settings.signals:
            self.logs = LogEmitter(logs or self._add(*providers.make_logger_provider(settings, resource)))
            self._application += [logs] if logs is not None else []
        if "traces" in settings.signals:
            self.spans = SpanEmitter(spans or self._add(*providers.make_tracer_provider(settings, resource)))
            self._application += [spans] if spans is not None else []

    def _add(self, provider: Any, watch: Watch) -> Any:
        watch.open()
        self.own.append((provider, watch))
        return provider

    def all_providers(self) -> list[Any]:
        """Return the providers that can be flushed, the application's included."""
        return [provider for provider, _ in self.own] + [
            one for one in self._application if hasattr(one, "force_flush")
        ]

    def watch(self, signal: str) -> Watch | None:
        """Return the watch on our own exporter of a signal; None where the provider is the application's."""
        return next((watch for _, watch in self.own if watch.signal == signal), None)


def _within(deadline: float, work: Callable[[], object]) -> bool:
    """Do some work in a thread of its own, wait for it no longer than the deadline, and say whether it was done by then.

    The SDK's ``force_flush`` and ``shutdown`` do not keep a time; the thread is a daemon, so it holds up no exit.
    """
    done = threading.Event()

    def run() -> None:
        try:
            work()
        except Exception:
            _logger.exception("the SDK's %s raised", getattr(work, "__qualname__", work))
        finally:
            done.set()

    thread = threading.Thread(target=run, name="otel-events-flush", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # The interpreter is ending and starts no more threads.
        run()
    return done.wait(max(deadline - time.monotonic(), 0.0))


def _call_at_exit(function: Callable[[], None]) -> None:
    """Have a function called when this process ends, also where it is a child made by ``multiprocessing``.

    Such a child ends without ``atexit``, but runs ``multiprocessing``'s own finalizers.
    """
    atexit.register(function)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, function, exitpriority=10)
