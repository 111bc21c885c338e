"""Requests become the JSON of OTLP, which this project's receiver and a Collector read back as the same records."""

from __future__ import annotations

import json

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events.direct.otlp_json import as_data, as_line
from otel_events.receiver.otlp_json import parse_json
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.receiver.support import JSON, SPAN_ID, TRACE_ID, keyed, log_record, logs_request, post


def request(service: str = "json") -> ExportLogsServiceRequest:
    traced = log_record("1", trace_id=bytes.fromhex(TRACE_ID), span_id=bytes.fromhex(SPAN_ID), severity_number=9)
    return logs_request(
        traced, log_record("2 \x1b[31m\n'\"", event_name="é"), resource=[keyed("service.name", service)]
    )


def test_ids_are_hex_and_enums_are_numbers() -> None:
    [logs] = as_data(request())["resourceLogs"]
    record = logs["scopeLogs"][0]["logRecords"][0]
    assert (record["traceId"], record["spanId"], record["severityNumber"]) == (TRACE_ID, SPAN_ID, 9)


def test_a_line_reads_back_as_the_same_request() -> None:
    line = as_line(request())
    assert line.isascii()
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert parse_json(ExportLogsServiceRequest(), line.encode()) == request()
    assert json.loads(line) == as_data(request())
    assert as_line(ExportLogsServiceRequest()) == "{}\n"


def test_a_collector_reads_it(collector: Collector) -> None:
    port = int(collector.http_endpoint.rpartition(":")[2])
    assert post(port, "/v1/logs", as_line(request("otlp-json")).encode(), JSON).status == 200
    first, second = wait_until(lambda: collector.log_records("otlp-json"))
    assert first.trace_id == TRACE_ID
    assert second.attributes["log.record.uid"] == "2 \x1b[31m\n'\""
