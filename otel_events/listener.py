"""The listener: receives every tracked event, stamps it, and hands it to a pipeline."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from otel_events.counts import Counts
from otel_events.exceptions import DeliveryError
from otel_events.hookspecs import hookimpl
from otel_events.outcome import Outcome, Receipt
from otel_events.settings import Settings
from otel_events.stamp import Stamp, Stamper

_logger = logging.getLogger("otel_events")


class Pipeline(Protocol):
    """Where stamped events go."""

    def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
        """Take an event at once; a receipt says when it is where it has to be."""

    def flush(self, timeout: float) -> Outcome:
        """Send what waits."""

    def shutdown(self, timeout: float) -> Outcome:
        """Flush and end."""

    def stats(self) -> Mapping[str, Any]:
        """Return counts."""

    def healthy(self) -> bool:
        """Tell whether events arrive, as far as is known, and will."""


class OTelListener:
    """The hook implementation that gives events to OpenTelemetry. It never waits, and raises nothing but a ``DeliveryError``.

    Args:
        settings: Which events are converted.
        pipeline: Where they go.
        stamper: Stamps them; one of its own by default.
    """

    def __init__(self, settings: Settings, pipeline: Pipeline, *, stamper: Stamper | None = None) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._stamper = stamper or Stamper()
        self._take: Callable[[Any], Receipt | None] = self._take_first
        self._counts = Counts()
        self._accepted = self._counts.adder("accepted")
        self._filtered = settings.include != ("*",) or bool(settings.exclude)
        self._included = lru_cache(maxsize=1024)(self._is_included)

    @hookimpl(tryfirst=True)
    def track_event(self, event: Any) -> Receipt | None:
        """Stamp an event and hand it on.

        Args:
            event: Whatever an application takes for an event.

        Returns:
            The pipeline's receipt, where it gives one.

        Raises:
            DeliveryError: The pipeline could not make it as safe as was asked for.
        """
        try:
            if self._filtered and not self._included(str(event.name)):
                self._counts.add("excluded")
                return None
            self._accepted()
            return self._take(event)
        except DeliveryError:
            raise
        except Exception as error:
            self._failed(error, event)
            return None

    @hookimpl
    def late_event(self, event: Any) -> Receipt | None:
        """Count an event that came after the shutdown.

        Args:
            event: The event.

        Raises:
            DeliveryError: It must not be lost.
        """
        return self.track_event(event)

    @hookimpl
    def flush(self, timeout: float) -> Outcome:
        """Send what waits, within ``timeout`` seconds."""
        return self._pipeline.flush(timeout)

    @hookimpl
    def shutdown(self, timeout: float) -> Outcome:
        """Flush and end, within ``timeout`` seconds."""
        return self._pipeline.shutdown(timeout)

    @hookimpl
    def stats(self) -> Mapping[str, Any]:
        """Return counts: ``accepted``, ``excluded``, ``failed`` by exception, the uids' ``stream``, and the pipeline's own."""
        return {**self._counts.as_dict(), "stream": self._stamper.stream, **self._pipeline.stats()}

    @hookimpl
    def healthy(self) -> bool:
        """Tell whether the pipeline is well."""
        return self._pipeline.healthy()

    def _take_first(self, event: Any) -> Receipt | None:
        receipt = self._pipeline.accept(event, self._stamper.stamp())
        # A pipeline may have found a shorter way with its first event: a compiled one can stamp, too.
        accept: Any = self._pipeline.accept
        stamps = getattr(accept, "stamps", None) is self._stamper.stamp
        self._take = accept if stamps else self._stamp_and_accept(accept)
        return receipt

    def _stamp_and_accept(self, accept: Callable[[Any, Stamp], Receipt | None]) -> Callable[[Any], Receipt | None]:
        stamp = self._stamper.stamp
        return lambda event: accept(event, stamp())

    def _is_included(self, name: str) -> bool:
        included = any(fnmatch.fnmatchcase(name, glob) for glob in self._settings.include)
        return included and not any(fnmatch.fnmatchcase(name, glob) for glob in self._settings.exclude)

    def _failed(self, error: Exception, event: Any) -> None:
        kind = type(error).__name__
        if self._counts.add(f"failed.{kind}") == 1:
            _logger.error(
                "an event of class %s was not handed on: %s. Further ones are counted in stats().",
                type(event).__qualname__,
                kind,
                exc_info=error,
            )
