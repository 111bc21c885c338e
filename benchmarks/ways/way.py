"""One way from an application's values to a collector: how it is opened, and what is measured of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.workload import Workload


@dataclass(frozen=True)
class Opening:
    """What a way is given.

    Args:
        endpoint: Base URL of the collector, for the way's protocol.
        service: The ``service.name`` under which its records are counted.
        folder: For whatever it keeps on disk.
        workload: What it tracks.
        token: What the receiver asks for, where it does.
    """

    endpoint: str
    service: str
    folder: Path
    workload: Workload
    token: str = ""


class Sender(Protocol):
    """A way that is open. ``send`` is ``call(prepare(number))``; in ways with async callers, both are awaited."""

    def send(self, number: int) -> Any:
        """Make the event of this number and track it."""

    def prepare(self, number: int) -> Any:
        """Make what the tracking call takes, without tracking it."""

    def call(self, prepared: Any) -> Any:
        """Track what was prepared: the call whose time is measured."""

    def flush(self) -> Any:
        """Wait until all that was tracked is acknowledged."""

    def close(self) -> Any:
        """Flush and end."""


@dataclass(frozen=True)
class Way:
    """A way by its name.

    Args:
        name: On the command line.
        label: In the table.
        group: ``ours``, ``others`` or ``datasette``: ways of one group stand together.
        opener: ``module:function`` in this package. Each module loads a library, and a process loads only the one it measures.
        protocol: Of the endpoint it is given: ``http``, ``grpc``, ``datasette``, or ``none``.
        arrives: Where its events are counted: ``logs``, ``spans``, ``database``, its own, or ``forwarded``, the receiver's.
        callers: Concurrent asyncio callers; 0 where the calls are synchronous, one after the other.
        share: Of the events that others track, where each takes too long for all of them.
    """

    name: str
    label: str
    group: str
    opener: str
    protocol: str = "http"
    arrives: str = "logs"
    callers: int = 0
    share: float = 1.0

    def load(self) -> Callable[[Opening], Any]:
        """Return the function that opens it; what that returns is awaited where there are callers."""
        module, function = self.opener.split(":")
        opener: Callable[[Opening], Any] = getattr(importlib.import_module(f"benchmarks.ways.{module}"), function)
        return opener
