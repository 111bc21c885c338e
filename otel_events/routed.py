"""Two pipelines for different events: those that are to be durable take one of their own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from otel_events.definition.definition import read
from otel_events.listener import Pipeline
from otel_events.outcome import Outcome, Receipt
from otel_events.stamp import Stamp

_MAX_CLASSES: Final = 4096


class RoutedPipelines:
    """Gives each event to one of the two, by the delivery of its class.

    Args:
        ordinary: Takes events that wait in memory.
        durable: Takes the others.
        delivery: Of classes that name none.
    """

    def __init__(self, ordinary: Pipeline, durable: Pipeline, delivery: str) -> None:
        self._ordinary = ordinary
        self._durable = durable
        self._delivery = delivery
        self._ways: dict[type, Pipeline] = {}

    def accept(self, event: Any, stamp: Stamp) -> Receipt | None:
        """Take an event."""
        way = self._ways.get(type(event))
        if way is None:
            way = self._way(type(event))
        return way.accept(event, stamp)

    def flush(self, timeout: float) -> Outcome:
        """Send what waits, within ``timeout`` seconds for both together."""
        deadline = time.monotonic() + timeout
        outcome = self._durable.flush(timeout)
        return Outcome.total((outcome, self._ordinary.flush(max(deadline - time.monotonic(), 0.0))))

    def shutdown(self, timeout: float) -> Outcome:
        """Flush and end, within ``timeout`` seconds for both together."""
        deadline = time.monotonic() + timeout
        outcome = self._durable.shutdown(timeout / 2)
        return Outcome.total((outcome, self._ordinary.shutdown(max(deadline - time.monotonic(), 0.0))))

    def stats(self) -> Mapping[str, Any]:
        """Return the counts of both."""
        return {**self._ordinary.stats(), **self._durable.stats()}

    def healthy(self) -> bool:
        """Tell whether both are well."""
        return self._ordinary.healthy() and self._durable.healthy()

    def _way(self, cls: type) -> Pipeline:
        if len(self._ways) >= _MAX_CLASSES:
            self._ways.clear()
        delivery = read(cls).delivery or self._delivery
        way = self._ways[cls] = self._ordinary if delivery == "memory" else self._durable
        return way
