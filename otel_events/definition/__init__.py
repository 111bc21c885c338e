"""What a class says of its events, read from its annotations and class attributes."""

from __future__ import annotations

from otel_events.definition.definition import MAX_NAME_LENGTH, SEVERITIES, EventDefinition, MessagePart, define, read

__all__ = ["MAX_NAME_LENGTH", "SEVERITIES", "EventDefinition", "MessagePart", "define", "read"]
