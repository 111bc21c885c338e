"""Providers: the application's own where it has them, else ours, made from the official OTLP exporters."""

from __future__ import annotations

from typing import Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_events.sdk.environment import foreign_headers, on_their_own
from otel_events.sdk.session import WatchedSession
from otel_events.sdk.watch import Watch, WatchedLogExporter, WatchedSpanExporter
from otel_events.settings import Settings
from otel_events.settings.greenlets import refuse_grpc_among_greenlets
from otel_events.settings.otlp import OtlpSettings


def make_resource(settings: Settings, *application: object) -> Resource:
    """Return the resource for providers of ours: that of the application's provider, where it has one, with the settings on top.

    Args:
        settings: May name the service and more attributes.
        application: Providers of the application's, or None.
    """
    attributes: dict[str, Any] = dict(settings.resource_attributes)
    if settings.service_name is not None:
        attributes["service.name"] = settings.service_name
    for provider in application:
        resource = getattr(provider, "resource", None)
        if isinstance(resource, Resource):
            return resource.merge(Resource(attributes))
    return Resource.create(attributes)


def make_logger_provider(settings: Settings, resource: Resource) -> tuple[LoggerProvider, Watch]:
    """Return a LoggerProvider that exports over OTLP as the settings say, and the watch on its exporter."""
    otlp = settings.logs.with_headers_now()
    watch = Watch("logs", otlp)
    with on_their_own("logs"):
        exporter = (
            GrpcLogExporter(**_grpc_arguments(otlp))
            if otlp.protocol == "grpc"
            else HttpLogExporter(**_http_arguments(otlp, watch))
        )
    provider = LoggerProvider(resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(WatchedLogExporter(exporter, watch)))
    return provider, watch


def make_tracer_provider(settings: Settings, resource: Resource) -> tuple[TracerProvider, Watch]:
    """Return a TracerProvider that exports over OTLP as the settings say, and the watch on its exporter."""
    otlp = settings.traces.with_headers_now()
    watch = Watch("traces", otlp)
    with on_their_own("traces"):
        exporter = (
            GrpcSpanExporter(**_grpc_arguments(otlp))
            if otlp.protocol == "grpc"
            else HttpSpanExporter(**_http_arguments(otlp, watch))
        )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(WatchedSpanExporter(exporter, watch)))
    return provider, watch


def _http_arguments(otlp: OtlpSettings, watch: Watch) -> dict[str, Any]:
    return {
        "session": WatchedSession(watch, otlp, foreign_headers(watch.signal, otlp)),
        "endpoint": otlp.endpoint,
        "headers": dict(otlp.headers),
        "timeout": otlp.timeout_seconds,
        "compression": Compression.Gzip if otlp.compression == "gzip" else Compression.NoCompression,
    }


def _grpc_arguments(otlp: OtlpSettings) -> dict[str, Any]:
    refuse_grpc_among_greenlets(otlp)
    return {
        "endpoint": otlp.endpoint,
        "insecure": not otlp.tls,
        "credentials": grpc.ssl_channel_credentials(*otlp.read_pem_files()) if otlp.tls else None,
        # Where it is given no headers it takes those of the environment; a comma stands for none.
        "headers": {name.lower(): value for name, value in otlp.headers.items()} or ",",
        "timeout": otlp.timeout_seconds,
        "compression": grpc.Compression.Gzip if otlp.compression == "gzip" else grpc.Compression.NoCompression,
    }
