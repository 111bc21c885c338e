"""What a pipeline has open in one process: emitters, providers, and the watches on those that are ours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from opentelemetry._logs import LoggerProvider
from opentelemetry.trace import TracerProvider

from otel_events import application
from otel_events.sdk import providers
from otel_events.sdk.logs import LogEmitter
from otel_events.sdk.spans import SpanEmitter
from otel_events.sdk.watch import Watch
from otel_events.sdk.worker import Worker
from otel_events.settings import Settings


class _Used(NamedTuple):
    """A provider in use, the thread that flushes it, and the watch on its exporter if it is ours."""

    provider: Any
    worker: Worker
    watch: Watch | None


class Opened:
    """Emitters for the signals asked for. It belongs to the process that made it.

    Args:
        settings: Signals, and how to export where the application has no provider.
        logger_provider: The application's; default the one it has set globally, else one is made.
        tracer_provider: Likewise.
        emitted_before: What the pipeline has emitted before in other processes, by signal.
    """

    def __init__(
        self,
        settings: Settings,
        logger_provider: LoggerProvider | None,
        tracer_provider: TracerProvider | None,
        emitted_before: Mapping[str, int],
    ) -> None:
        self.pid = os.getpid()
        self.emitted_before = emitted_before
        self._used: list[_Used] = []
        logs = logger_provider or application.logger_provider()
        traces = tracer_provider or application.tracer_provider()
        resource = providers.make_resource(settings, logs, traces)
        self.logs = self.spans = None
        if "logs" in settings.signals:
            self.logs = LogEmitter(
                self._use(*((logs, None) if logs is not None else providers.make_logger_provider(settings, resource)))
            )
        if "traces" in settings.signals:
            self.spans = SpanEmitter(
                self._use(
                    *((traces, None) if traces is not None else providers.make_tracer_provider(settings, resource))
                )
            )

    @property
    def watches(self) -> list[Watch]:
        """The watches on our own exporters."""
        return [used.watch for used in self._used if used.watch is not None]

    def watch(self, signal: str) -> Watch | None:
        """Return the watch on our own exporter of a signal; None where the provider is the application's."""
        return next((watch for watch in self.watches if watch.signal == signal), None)

    def flush(self, timeout: float) -> bool:
        """Have all providers send what waits, the application's included, and say whether all have within ``timeout`` seconds."""
        return self._all([(used, used.provider.force_flush) for used in self._used if _can_flush(used)], timeout)

    def shutdown(self, timeout: float) -> None:
        """Shut down the providers that are ours, within ``timeout`` seconds. The application's stay open."""
        self._all([(used, used.provider.shutdown) for used in self._used if used.watch is not None], timeout)
        for watch in self.watches:
            watch.close()
        for used in self._used:
            used.worker.end()

    def _use(self, provider: Any, watch: Watch | None) -> Any:
        worker = Worker()
        if watch is not None:
            watch.open()
            worker.start()
        self._used.append(_Used(provider, worker, watch))
        return provider

    def _all(self, work: list[tuple[_Used, Callable[[], object]]], timeout: float) -> bool:
        """Do this work at once, each on the thread of its provider: the SDK keeps no time itself."""
        deadline = time.monotonic() + timeout
        begun = [used.worker.begin(one) for used, one in work]
        return all(done.wait(max(deadline - time.monotonic(), 0.0)) for done in begun)


def _can_flush(used: _Used) -> bool:
    return hasattr(used.provider, "force_flush")
