"""A canary: an event like the application's, sent on the application's way, that is looked for afterwards."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags

from otel_events import semconv
from otel_events.configure import make_listener
from otel_events.conversion.record import to_log_record
from otel_events.doctor.check import TO_COLLECTOR, Check, Mark
from otel_events.event import Event
from otel_events.sdk import providers
from otel_events.sdk.watch import Watch
from otel_events.sdk.worker import Worker
from otel_events.settings import Settings
from otel_events.tracking.tracker import EventTracker

_GRACE_SECONDS: Final = 2.0
"""How long to wait, after the first sign of trouble, whether a retry mends it."""

_MARGIN_SECONDS: Final = 2.0
_END_SECONDS: Final = 1.0


@dataclass
class Canary(Event):
    """Sent by ``otel-events doctor``.

    Args:
        canary: Finds this one among others.
        number: A number, to see whether numbers arrive.
        alive: A truth value, likewise.
    """

    name = "otel-events.doctor"
    namespace = "otel_events.doctor"
    message = "canary {canary} of otel-events doctor"
    canary: str
    number: int = 42
    alive: bool = True


@dataclass(frozen=True)
class Flight:
    """A canary that was sent, and what must arrive of it.

    Args:
        canary: Its own number.
        name: The event's name.
        body: The log record's body.
        attributes: Attributes, but for the uid's, whose value is made on the way.
        trace_id: Of the span in which it was sent, lower-case hex.
        span_id: Likewise.
        started_ns: When it was sent, in nanoseconds since the Unix epoch.
        accepted: The signals on which the collector acknowledged it.
    """

    canary: str
    name: str
    body: str
    attributes: Mapping[str, Any]
    trace_id: str
    span_id: str
    started_ns: int
    accepted: tuple[str, ...]


def send_canary(settings: Settings, signals: tuple[str, ...]) -> tuple[list[Check], Flight]:
    """Send a canary on some signals, inside a span, and say what the collector answers.

    The providers are ours, whatever the application has; ``include`` and ``exclude`` do not hold for it.
    """
    settings = replace(settings, signals=signals, include=("*",), exclude=())
    resource = providers.make_resource(settings)
    makers = {"logs": providers.make_logger_provider, "traces": providers.make_tracer_provider}
    made: dict[str, tuple[Any, Watch]] = {signal: makers[signal](settings, resource) for signal in signals}
    for _, watch in made.values():
        watch.open()
    tracer_provider = made["traces"][0] if "traces" in made else None
    listener = make_listener(
        settings, logger_provider=made["logs"][0] if "logs" in made else None, tracer_provider=tracer_provider
    )
    tracker = EventTracker([Canary])
    tracker.register(listener, "otel")
    event = Canary(actor="otel-events doctor", canary=secrets.token_hex(8))
    with _span(tracer_provider) as span:
        context = span.get_span_context()
        tracker.track(event)
    checks, accepted = [], []
    workers = {signal: Worker() for signal in signals}
    began = time.monotonic()
    flushed = {signal: workers[signal].begin(made[signal][0].force_flush) for signal in signals}
    for signal in signals:
        watch = made[signal][1]
        deadline = began + settings.otlp(signal).timeout_seconds + _MARGIN_SECONDS
        while not flushed[signal].wait(0.02) and time.monotonic() < deadline:
            if watch.trouble is not None:
                deadline = min(deadline, time.monotonic() + _GRACE_SECONDS)
        checks.append(_answer(settings, signal, watch, began))
        if checks[-1].mark is Mark.OK:
            accepted.append(signal)
    for signal in signals:
        workers[signal].begin(made[signal][0].shutdown).wait(_END_SECONDS)
        made[signal][1].close()
        workers[signal].end()
    tracker.shutdown(_END_SECONDS)
    record = to_log_record(event, policy=settings.policy)
    attributes = {key: value for key, value in record.attributes.items() if key != semconv.LOG_RECORD_UID}
    flight = Flight(
        canary=event.canary,
        name=record.event_name,
        body=record.body,
        attributes=attributes,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        started_ns=record.time_ns,
        accepted=tuple(accepted),
    )
    return checks, flight


def _answer(settings: Settings, signal: str, watch: Watch, began: float) -> Check:
    otlp = settings.otlp(signal)
    what = "log record" if signal == "logs" else "span with its event"
    if watch.sent and watch.rejection is None:
        seen = f"{otlp.shown_endpoint} accepts the {what} ({1000 * (time.monotonic() - began):.0f} ms)"
        return Check(Mark.OK, (signal,), "canary", seen)
    if watch.rejection is not None:
        cause, cure = watch.rejection, "Look at the log of the server."
    elif watch.diagnosis is not None:
        cause, cure = watch.diagnosis.cause, watch.diagnosis.cure
    elif signal == "traces" and not watch.lost:
        cause, cure = "no span was made, as a sampler left it out", "Look at OTEL_TRACES_SAMPLER."
    else:
        cause, cure = "the collector has not answered", "Look at the server, and at firewalls."
    seen = f"lost between the application and the collector: {cause}"
    return Check(Mark.FAIL, (signal,), "canary", seen, cure, TO_COLLECTOR)


@contextmanager
def _span(tracer_provider: Any) -> Iterator[Span]:
    """Make a span the active one: a real one of this provider, or without one only its ids, which a log record carries."""
    if tracer_provider is not None:
        with tracer_provider.get_tracer(semconv.SCOPE_NAME).start_as_current_span("otel-events doctor") as span:
            yield span
        return
    context = SpanContext(
        trace_id=secrets.randbits(127) + 1,
        span_id=secrets.randbits(63) + 1,
        is_remote=False,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    with trace.use_span(NonRecordingSpan(context)) as span:
        yield span
