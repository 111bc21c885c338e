"""The hooks: what a plugin may implement, with ``@otel_events.hookimpl``. The docs page "Hooks" shows each in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pluggy

from otel_events.outcome import Outcome

PROJECT: Final = "otel_events"
"""The name of the pluggy project and of the entry-point group of plugins."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_events() -> Iterable[type] | None:
    """Return event classes to register. Called once, when the plugin is registered."""


@hookspec
def track_event(event: Any) -> Any:
    """Receive an event. May be sync or async; may return a ``Receipt``.

    What it raises stays with the tracker, but for a ``DeliveryError``, which reaches the application.
    """


@hookspec
def late_event(event: Any) -> Any:
    """Receive an event that was tracked after the shutdown, which ``track_event`` does not. Otherwise as that."""


@hookspec
def flush(timeout: float) -> Outcome | None:
    """Send what is waiting, within ``timeout`` seconds, and say what became of it."""


@hookspec
def shutdown(timeout: float) -> Outcome | None:
    """Flush, then end, within ``timeout`` seconds. Called once."""


@hookspec
def stats() -> Mapping[str, Any] | None:
    """Return counts to show under the plugin's name in ``tracker.stats()``."""


@hookspec
def healthy() -> bool | None:
    """Return False where something is wrong that concerns events from now on."""
