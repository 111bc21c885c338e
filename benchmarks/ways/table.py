"""Every way, in the order of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks.ways.way import Way

CALLERS: Final = 64

_OURS: Final = (
    Way("memory-http", "otel-events, memory, HTTP", "ours", "ours:memory_http"),
    Way(
        "memory-http-python",
        "otel-events without its compiled modules, memory, HTTP",
        "ours",
        "ours:memory_http_python",
    ),
    Way("memory-grpc", "otel-events, memory, gRPC", "ours", "ours:memory_grpc", protocol="grpc"),
    Way(
        "memory-http-async",
        f"otel-events, memory, HTTP, {CALLERS} async callers",
        "ours",
        "ours:memory_http_async",
        callers=CALLERS,
    ),
    Way("journal-http", "otel-events, journal, HTTP, one caller", "ours", "ours:journal_http", share=0.1),
    Way(
        "journal-http-async",
        f"otel-events, journal, HTTP, {CALLERS} async callers",
        "ours",
        "ours:journal_http_async",
        callers=CALLERS,
    ),
    Way("on-sdk-http", "otel-events on the SDK, HTTP", "ours", "ours:sdk_http"),
    Way("on-sdk-grpc", "otel-events on the SDK, gRPC", "ours", "ours:sdk_grpc", protocol="grpc"),
)
_OTHERS: Final = (
    Way("sdk-http", "OpenTelemetry SDK, HTTP", "others", "official:logs_http"),
    Way("sdk-grpc", "OpenTelemetry SDK, gRPC", "others", "official:logs_grpc", protocol="grpc"),
    Way("logging-http", "OpenTelemetry logging handler, HTTP", "others", "official:handler_http"),
    Way("logfire-http", "Logfire, HTTP", "others", "pydantic_logfire:logs_http", arrives="spans", share=0.5),
)
_DATASETTE: Final = (
    Way("datasette-otel-events", "otel-events, memory, HTTP", "datasette", "in_datasette:otel_events", callers=1),
    Way(
        "datasette-events-db",
        "datasette-events-db",
        "datasette",
        "in_datasette:events_db",
        protocol="none",
        arrives="database",
        callers=1,
        share=0.1,
    ),
    Way(
        "datasette-events-forward",
        "datasette-events-forward",
        "datasette",
        "in_datasette:events_forward",
        protocol="datasette",
        arrives="forwarded",
        callers=1,
        share=0.05,
    ),
)

WAYS: Final[Mapping[str, Way]] = {way.name: way for way in (*_OURS, *_OTHERS, *_DATASETTE)}
