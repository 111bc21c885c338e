"""The senders against which the receiver is measured: raw batches, made beforehand, and the official exporter."""

from __future__ import annotations

import functools
import http.client
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord, ResourceLogs, ScopeLogs

CONNECTIONS: Final = 16
DAY_NS: Final = 86_400_000_000_000
SPREAD_DAYS: Final = 30
LOGS_METHOD: Final = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
NAMES: Final = (
    "order-placed",
    "login",
    "logout",
    "insert-rows",
    "create-table",
    "page-viewed",
    "permission-denied",
    "alter",
)
Sender = Callable[[], int]
"""Sends, and returns how many events were acknowledged."""


def attributes_of(number: int, source: random.Random) -> dict[str, Any]:
    """Return the attributes of one event, without its uid."""
    return {
        "user.id": f"user-{source.randrange(2000)}",
        "app.order_id": f"o-{number}",
        "app.total": round(source.random() * 100, 2),
        "app.currency": "EUR",
        "app.table": source.choice(["orders", "people", "stock"]),
        "app.rows": source.randrange(100),
        "client.address": f"10.0.{source.randrange(255)}.{source.randrange(255)}",
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0",
    }


def bodies(events: int, batch: int, *, days: int = 0) -> Iterator[bytes]:
    """Yield requests with so many events together: of now, as live senders have them, or of any time in so many days."""
    source = random.Random()  # noqa: S311 - what is sent need not be secret
    stream = f"{source.randrange(10**10):010d}"
    for start in range(0, events, batch):
        records = []
        for number in range(start, min(start + batch, events)):
            now = time.time_ns() - source.randrange(days * DAY_NS + 1)
            attributes = {"log.record.uid": f"01J{stream}{number:013d}", **attributes_of(number, source)}
            name = source.choice(NAMES)
            records.append(
                LogRecord(
                    time_unix_nano=now,
                    observed_time_unix_nano=now,
                    severity_number=SEVERITY_NUMBER_INFO,
                    severity_text="INFO",
                    event_name=name,
                    body=_value(
                        f"{name} by {attributes['user.id']}: order_id=o-{number} table={attributes['app.table']}"
                    ),
                    attributes=[KeyValue(key=key, value=_value(value)) for key, value in attributes.items()],
                )
            )
        scope = InstrumentationScope(name="otel_events", version="1.0")
        group = ResourceLogs(scope_logs=[ScopeLogs(scope=scope, log_records=records)])
        resource = {
            "service.name": "shop",
            "service.instance.id": stream,
            "host.name": "h1",
            "telemetry.sdk.language": "python",
        }
        group.resource.attributes.extend(KeyValue(key=key, value=_value(value)) for key, value in resource.items())
        yield ExportLogsServiceRequest(resource_logs=[group]).SerializeToString()


def _value(value: Any) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(int_value=value)


def over_http(ports: Mapping[str, int], events: int, batch: int, *, days: int = 0) -> Sender:
    """Return a sender of raw batches over one connection."""
    made = list(bodies(events, batch, days=days))

    def send() -> int:
        _post(ports["http"], made)
        return events

    return send


def over_many(ports: Mapping[str, int], events: int, batch: int) -> Sender:
    """Return a sender of raw batches over many connections at once."""
    made = list(bodies(events, batch))

    def send() -> int:
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(
                threads.map(functools.partial(_post, ports["http"]), [made[n::CONNECTIONS] for n in range(CONNECTIONS)])
            )
        return events

    return send


def over_grpc(ports: Mapping[str, int], events: int, batch: int) -> Sender:
    """Return a sender of raw batches over one gRPC channel, four at a time."""
    import grpc

    made = list(bodies(events, batch))

    def send() -> int:
        with grpc.insecure_channel(f"127.0.0.1:{ports['grpc']}") as channel, ThreadPoolExecutor(4) as threads:
            export = channel.unary_unary(LOGS_METHOD, request_serializer=bytes, response_deserializer=bytes)
            if any(threads.map(functools.partial(export, timeout=60.0), made)):
                raise SystemExit("the receiver refused a part")
        return events

    return send


def over_sdk(ports: Mapping[str, int], events: int, batch: int) -> Sender:
    """Return a sender that emits to the official SDK, whose exporter sends."""
    from opentelemetry._logs import LogRecord as Emitted
    from opentelemetry._logs import SeverityNumber
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    source = random.Random()  # noqa: S311 - what is sent need not be secret
    provider = LoggerProvider(Resource.create({"service.name": "shop"}))
    exporter = OTLPLogExporter(f"http://127.0.0.1:{ports['http']}/v1/logs")
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter, max_queue_size=events, max_export_batch_size=batch, schedule_delay_millis=50)
    )
    logger = provider.get_logger("otel_events", "1.0")

    def send() -> int:
        for number in range(events):
            now = time.time_ns()
            logger.emit(
                Emitted(
                    timestamp=now,
                    observed_timestamp=now,
                    severity_number=SeverityNumber.INFO,
                    event_name="order-placed",
                    body=f"order-placed: order_id=o-{number}",
                    attributes=attributes_of(number, source),
                )
            )
        provider.force_flush(120_000)
        provider.shutdown()
        return events

    return send


def _post(port: int, made: list[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for body in made:
        connection.request("POST", "/v1/logs", body, {"Content-Type": "application/x-protobuf"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200 or text:
            raise SystemExit(f"the receiver answered {response.status} {text[:200]!r}")
    connection.close()


SENDERS: Final[Mapping[str, Callable[[Mapping[str, int], int, int], Sender]]] = {
    "http": over_http,
    "http-spread": functools.partial(over_http, days=SPREAD_DAYS),
    "http-many": over_many,
    "grpc": over_grpc,
    "sdk": over_sdk,
}
