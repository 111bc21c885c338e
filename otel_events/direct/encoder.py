"""Event and stamp → the bytes of one OTLP ``LogRecord``, as a field of ``ScopeLogs``; a batch is a concatenation of such.

An event goes the straight way, by the function of its class, which gives up where the event is not made of ordinary values; it is
then converted, and its record is encoded. Decoded, both ways give the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from otel_events.conversion.record import Converter, LogRecord
from otel_events.conversion.room import Losses
from otel_events.definition import EventDefinition
from otel_events.direct import protobuf
from otel_events.direct.protobuf import any_value, field, fixed64, key_value, span_context, varint
from otel_events.direct.straight import Straight, StraightWays
from otel_events.privacy import Policy
from otel_events.stamp import Stamp

_MAX_CLASSES: Final = 4096
_MAX_TIME: Final = 2**64 - 1


class Encoder:
    """Encodes events under one policy.

    Args:
        policy: What is private.
        on_losses: Told what conversion cut of an event, where it cut something.
    """

    def __init__(self, policy: Policy, on_losses: Callable[[Losses], None] = lambda _: None) -> None:
        self._on_losses = on_losses
        self._converter = Converter(policy)
        self._ways = StraightWays(policy)
        self._known: dict[type, Straight] = {}

    def encode(self, event: Any, stamp: Stamp) -> bytes:
        """Encode an event. No value raises.

        Args:
            event: An ``Event``, or any dataclass instance with ``name`` and ``created``.
            stamp: What was added when it was tracked.

        Returns:
            A ``LogRecord`` as a field of ``ScopeLogs``.
        """
        return self.way(event)(event, stamp)

    def way(self, event: Any) -> Straight:
        """Return what encodes the events of an event's class, in the same way."""
        try:
            return self._known[type(event)]
        except KeyError:
            if len(self._known) >= _MAX_CLASSES:
                self._known.clear()
            way = self._known[type(event)] = self._ways.of(self._converter.plan(event), self._convert)
            return way

    def definition(self, event: Any) -> EventDefinition:
        """Return what the class of an event says of its events."""
        return self._converter.plan(event).definition

    def _convert(self, event: Any, stamp: Stamp) -> bytes:
        record = self._converter.log_record(event, stamp)
        self._on_losses(record.losses)
        return encode_record(record)


def encode_record(record: LogRecord) -> bytes:
    """Encode a converted event, whatever it holds, as a field of ``ScopeLogs``."""
    pieces = [
        _time(protobuf.TIME, record.time_ns),
        protobuf.SEVERITY_NUMBER + varint(record.severity_number),
        field(protobuf.SEVERITY_TEXT, record.severity_text.encode()),
        field(protobuf.BODY, any_value(record.body)),
        *(key_value(protobuf.ATTRIBUTES, key, value) for key, value in record.attributes.items()),
        span_context(record.trace_id, record.span_id, record.trace_flags),
        _time(protobuf.OBSERVED, record.observed_ns),
        field(protobuf.EVENT_NAME, record.event_name.encode()),
    ]
    return field(protobuf.LOG_RECORDS, b"".join(pieces))


def _time(tag: bytes, ns: int) -> bytes:
    """Write a time; one that 64 bits cannot hold, of a clock that is out of its mind, is moved to their bounds."""
    return tag + fixed64(min(max(ns, 0), _MAX_TIME)) if ns else b""
