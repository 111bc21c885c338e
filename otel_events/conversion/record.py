"""The converted event: a log record or a span event, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from otel_events.conversion.plan import Attributes, Plan
from otel_events.conversion.room import Losses
from otel_events.definition import read
from otel_events.privacy import DEFAULT_POLICY, Policy
from otel_events.stamp import Stamp

_MAX_PLANS: Final = 4096
"""Classes made at run time must not fill the memory with plans."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """An event as a log record (OpenTelemetry log data model).

    Args:
        event_name: The event's name.
        time_ns: When it happened, in nanoseconds since the Unix epoch; 0 for unknown.
        observed_ns: When it was tracked, likewise.
        severity_number: 1 to 24.
        severity_text: Its name: ``INFO``.
        body: One readable line.
        attributes: Keys and values.
        trace_id: The trace it belongs to, 0 for none.
        span_id: The span it belongs to, 0 for none.
        trace_flags: W3C trace flags.
        losses: What the conversion cut.
    """

    event_name: str
    time_ns: int
    observed_ns: int
    severity_number: int
    severity_text: str
    body: str
    attributes: Attributes
    trace_id: int = 0
    span_id: int = 0
    trace_flags: int = 0
    losses: Losses = field(default_factory=Losses, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event as a span event.

    Args:
        name: The event's name.
        time_ns: When it happened, in nanoseconds since the Unix epoch; 0 for unknown.
        attributes: Keys and values, the same as in the log record.
        losses: What the conversion cut.
    """

    name: str
    time_ns: int
    attributes: Attributes
    losses: Losses = field(default_factory=Losses, compare=False, repr=False)


class Converter:
    """Converts events under one policy. Pure but for the plans it keeps, one per class.

    Args:
        policy: What is private.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._plans: dict[type, Plan] = {}

    def log_record(self, event: Any, stamp: Stamp | None = None) -> LogRecord:
        """Convert an event to a log record; see ``to_log_record``."""
        plan = self.plan(event)
        losses = Losses()
        attributes, body = plan.attributes(event, stamp, losses)
        time_ns = plan.created_ns(event, losses)
        return LogRecord(
            event_name=plan.name(event),
            time_ns=time_ns,
            observed_ns=time_ns if stamp is None else stamp.observed_ns,
            severity_number=plan.definition.severity_number,
            severity_text=plan.definition.severity_text,
            body=body,
            attributes=attributes,
            trace_id=0 if stamp is None else stamp.trace_id,
            span_id=0 if stamp is None else stamp.span_id,
            trace_flags=0 if stamp is None else stamp.trace_flags,
            losses=losses,
        )

    def span_event(self, event: Any, stamp: Stamp | None = None) -> SpanEvent:
        """Convert an event to a span event; see ``to_span_event``."""
        plan = self.plan(event)
        losses = Losses()
        attributes, _ = plan.attributes(event, stamp, losses)
        return SpanEvent(plan.name(event), plan.created_ns(event, losses), attributes, losses)

    def plan(self, event: Any) -> Plan:
        """Return the plan of an event's class, made at its first event."""
        plan = self._plans.get(type(event))
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
            plan = self._plans[type(event)] = Plan(read(type(event)), self._policy)
        return plan


@lru_cache(maxsize=64)
def _converter(policy: Policy) -> Converter:
    return Converter(policy)


def to_log_record(event: Any, *, stamp: Stamp | None = None, policy: Policy = DEFAULT_POLICY) -> LogRecord:
    """Convert an event to a log record. Pure; no value raises.

    Args:
        event: An ``Event``, or any dataclass instance with ``name`` and ``created``.
        stamp: What was added when it was tracked; without one the record has no uid, no trace and no request, and was
            observed when it happened.
        policy: What is private.
    """
    return _converter(policy).log_record(event, stamp)


def to_span_event(event: Any, *, stamp: Stamp | None = None, policy: Policy = DEFAULT_POLICY) -> SpanEvent:
    """Convert an event to a span event. Pure; no value raises. Arguments as in ``to_log_record``."""
    return _converter(policy).span_event(event, stamp)
