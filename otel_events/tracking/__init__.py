"""Handing events to plugins: the tracker, and how it calls them."""

from __future__ import annotations

from otel_events.tracking.calls import OnError
from otel_events.tracking.tracker import EventTracker

__all__ = ["EventTracker", "OnError"]
