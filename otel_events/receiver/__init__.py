"""An embedded OTLP receiver: what comes in over HTTP and gRPC is one row an event in a SQLite file."""

from __future__ import annotations

from otel_events.receiver.intake import IntakeStats
from otel_events.receiver.retention import Retention
from otel_events.receiver.rows import StoredEvent
from otel_events.receiver.server import Receiver
from otel_events.receiver.store import Store

__all__ = ["IntakeStats", "Receiver", "Retention", "Store", "StoredEvent"]
