"""A day in a shop, sent to the real receiver by the official SDK and by otel_events: what the browser's tests look at."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord as ProtoRecord
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode, set_span_in_context

import otel_events
from otel_events import Event
from otel_events.builtin import CreateTable, DropTable, InsertRows, Login, LoginFailed, PermissionDenied
from tests.receiver.support import logs_request, post

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
ACTORS = ("alice", "bob", "carol", "dave", "erin", "frank", "grace")
TABLES = ("customers", "invoices", "orders", "payments", "sessions")
BATCH = 2_000


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    namespace = "shop"
    message = "{actor} placed order {order_id} for {total}"
    order_id: str
    total: Decimal
    items: int
    currency: str


@contextmanager
def sdk(port: int, service: str) -> Iterator[tuple[LoggerProvider, TracerProvider]]:
    """Give providers of the official SDK that export to this receiver; at the end all has arrived."""
    resource = Resource({"service.name": service, "service.instance.id": f"{service}-1"})
    logs = LoggerProvider(resource=resource, shutdown_on_exit=False)
    logs.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(f"http://127.0.0.1:{port}/v1/logs"), max_queue_size=10_000)
    )
    spans = TracerProvider(resource=resource, shutdown_on_exit=False)
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")))
    try:
        yield logs, spans
    finally:
        logs.shutdown()
        spans.shutdown()


def emit(logs: LoggerProvider, name: str | None, body: str, attributes: Mapping[str, Any], **fields: Any) -> None:
    """Emit one log record of the official SDK; further fields are those of ``LogRecord``."""
    now = time.time_ns()
    given = {"timestamp": now, "observed_timestamp": now, "severity_number": SeverityNumber.INFO, **fields}
    logs.get_logger("shop", "1.0").emit(LogRecord(event_name=name, body=body, attributes=dict(attributes), **given))


def send_one(port: int, name: str, body: str, service: str = "shop-web", **attributes: Any) -> None:
    """Send one event now; attributes are given with ``__`` for ``.``."""
    with sdk(port, service) as (logs, _):
        emit(logs, name, body, {key.replace("__", "."): value for key, value in attributes.items()})


def send_day(port: int, now_ns: int) -> None:
    """Send some hours of orders, sign-ins and changes of tables, about a thousand events, the last one just now."""
    chance = random.Random(20260131)
    tracker = otel_events.configure(
        event_types=[OrderPlaced, InsertRows, CreateTable, DropTable, Login, LoginFailed, PermissionDenied],
        endpoint=f"http://127.0.0.1:{port}",
        service_name="shop-web",
        environ={},
    )
    try:
        for number, at in enumerate(_times(chance, now_ns, 900)):
            tracker.track(_event(chance, number, at))
    finally:
        tracker.shutdown(timeout=20)
    with sdk(port, "shop-worker") as (logs, spans):
        for number, at in enumerate(_times(chance, now_ns, 40)):
            _traced_order(logs, spans, number, at, chance)
        for at in _times(chance, now_ns, 20):
            emit(logs, None, "GET /-/health 200", {"http.request.method": "GET"}, timestamp=at)


def _times(chance: random.Random, now_ns: int, count: int) -> list[int]:
    return sorted(now_ns - int(chance.betavariate(1, 1.8) * 5 * HOUR) for _ in range(count))


def _event(chance: random.Random, number: int, at_ns: int) -> Event:
    actor = chance.choice(ACTORS)
    common: dict[str, Any] = {"actor": actor, "created": datetime.fromtimestamp(at_ns / SECOND, timezone.utc)}
    kind = chance.choices(("order", "rows", "login", "failed", "create", "drop", "denied"), (34, 26, 18, 7, 5, 2, 3))[0]
    table = chance.choice(TABLES)
    if kind == "order":
        total = Decimal(chance.randint(500, 25_000)) / 100
        return OrderPlaced(
            order_id=f"o-{1000 + number}", total=total, items=chance.randint(1, 9), currency="EUR", **common
        )
    if kind == "rows":
        return InsertRows(
            database="shop", table=table, num_rows=chance.randint(1, 400), ignore=False, replace=False, **common
        )
    if kind == "login":
        return Login(**common)
    if kind == "failed":
        return LoginFailed(reason="wrong password", **common)
    if kind == "create":
        return CreateTable(database="shop", table=f"{table}_{number}", **common)
    if kind == "drop":
        return DropTable(database="shop", table=f"{table}_{number}", **common)
    return PermissionDenied(action="drop-table", resource=f"shop/{table}", reason="not an administrator", **common)


def _traced_order(logs: LoggerProvider, spans: TracerProvider, number: int, at_ns: int, chance: random.Random) -> None:
    """Send the spans of one request and the events within them."""
    tracer = spans.get_tracer("shop")
    ms = SECOND // 1000
    actor = chance.choice(ACTORS)
    root = tracer.start_span("POST /orders", start_time=at_ns - 12 * ms)
    check = tracer.start_span("check stock", context=set_span_in_context(root), start_time=at_ns - 9 * ms)
    check.end(at_ns - 3 * ms)
    write = tracer.start_span("INSERT orders", context=set_span_in_context(root), start_time=at_ns - 2 * ms)
    for offset, name, span in ((-6, "stock-checked", check), (1, "order-placed", write), (14, "mail-queued", root)):
        attributes = {"user.id": actor, "shop.order_id": f"w-{number}", "shop.items": chance.randint(1, 9)}
        emit(
            logs, name, f"{actor}: {name} for w-{number}", attributes,
            timestamp=at_ns + offset * ms, context=set_span_in_context(span),
        )  # fmt: skip
    if number % 7 == 0:
        write.set_status(Status(StatusCode.ERROR, "disk full"))
    write.end(at_ns + 9 * ms)
    root.end(at_ns + 22 * ms)


def send_many(port: int, service: str, count: int, now_ns: int) -> None:
    """Send many small events of a service of their own, as protobuf: number 0 is the oldest."""
    for first in range(0, count, BATCH):
        records = [
            ProtoRecord(
                time_unix_nano=now_ns - (count - number) * (SECOND // 100),
                event_name="counted",
                body=AnyValue(string_value=f"number {number}"),
                attributes=[keyed("shop.number", number), keyed("log.record.uid", f"{service}-{number}")],
            )
            for number in range(first, min(first + BATCH, count))
        ]
        request = logs_request(*records, resource=[keyed("service.name", service)])
        answer = post(port, "/v1/logs", request.SerializeToString())
        assert answer.status == 200, answer


def any_value(value: Any) -> AnyValue:
    """Give a Python value as OTLP has it."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
    if isinstance(value, dict):
        return AnyValue(kvlist_value=KeyValueList(values=[keyed(key, item) for key, item in value.items()]))
    return AnyValue() if value is None else AnyValue(string_value=str(value))


def keyed(key: str, value: Any) -> KeyValue:
    """Give an attribute as OTLP has it."""
    return KeyValue(key=key, value=any_value(value))
