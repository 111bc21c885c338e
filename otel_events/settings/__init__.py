"""What is set, where it came from, and what it may be."""

from __future__ import annotations

from otel_events.settings.resolution import OWN, PIPELINES, RESOURCE_ARGUMENTS, SIGNALS, Settings, resolve

__all__ = ["OWN", "PIPELINES", "RESOURCE_ARGUMENTS", "SIGNALS", "Settings", "resolve"]
