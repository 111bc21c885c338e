"""OTLP requests made by hand, for what no application of ours would send."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from tests.backends.servers import Collector

REQUEST_SECONDS = 30.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def record(event_name: str, attributes: Mapping[str, Any] | None = None) -> LogRecord:
    """Return a log record of now."""
    return LogRecord(
        event_name=event_name,
        time_unix_nano=time.time_ns(),
        body=AnyValue(string_value="something happened"),
        attributes=[KeyValue(key=key, value=value_of(value)) for key, value in (attributes or {}).items()],
    )


def logs(service: str | None, *records: LogRecord) -> bytes:
    """Return a request with log records of a service; None leaves its name out."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    if service is not None:
        resource_logs.resource.attributes.add(key="service.name", value=AnyValue(string_value=service))
    resource_logs.scope_logs.add().log_records.extend(records)
    return request.SerializeToString()


def metric(service: str, name: str, value: int, time_ns: int, temporality: int) -> bytes:
    """Return a request with one point of a monotonic sum: of an instance called "one"."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    for key, text in (("service.name", service), ("service.instance.id", "one")):
        resource_metrics.resource.attributes.add(key=key, value=AnyValue(string_value=text))
    made = resource_metrics.scope_metrics.add().metrics.add(name=name, unit="{log_record}")
    made.sum.is_monotonic = True
    made.sum.aggregation_temporality = AggregationTemporality.ValueType(temporality)
    made.sum.data_points.add(as_int=value, time_unix_nano=time_ns)
    return request.SerializeToString()


def post(node: Collector, body: bytes, signal: str = "logs") -> int:
    """Send a request over HTTP and return the status of the answer."""
    headers = {"Content-Type": "application/x-protobuf"}
    request = urllib.request.Request(f"{node.http_endpoint}/v1/{signal}", body, headers)
    try:
        with _OPENER.open(request, timeout=REQUEST_SECONDS) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def value_of(value: Any) -> AnyValue:
    """Return a Python value as OTLP has it."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, bytes):
        return AnyValue(bytes_value=value)
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=[value_of(item) for item in value]))
    if isinstance(value, dict):
        pairs = [KeyValue(key=key, value=value_of(item)) for key, item in value.items()]
        return AnyValue(kvlist_value=KeyValueList(values=pairs))
    return AnyValue(string_value=value)
