"""What arrived is counted once, for the service that sent it, in the Collector's files and in databases."""

from __future__ import annotations

import json
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, TracesData

from benchmarks import arrivals


def pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def logs(service: str, *uids: str) -> bytes:
    records = [LogRecord(attributes=[pair("shop.order", "1"), pair("log.record.uid", uid)]) for uid in uids]
    resource = Resource(attributes=[pair("service.name", service)])
    of_scope = ScopeLogs(log_records=records)
    return framed(LogsData(resource_logs=[ResourceLogs(resource=resource, scope_logs=[of_scope])]).SerializeToString())


def framed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def test_log_records_are_counted_by_service_from_an_offset(tmp_path: Path) -> None:
    path = tmp_path / "logs"
    first = logs("a", "1", "2")
    path.write_bytes(first + logs("b", "3") + logs("a", "2", "4"))

    assert arrivals.in_collector(path, "logs", "a") == {"1", "2", "4"}
    assert arrivals.in_collector(path, "logs", "a", len(first)) == {"2", "4"}
    assert arrivals.in_collector(path, "logs", "c") == set()


def test_a_message_that_is_being_written_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "logs"
    path.write_bytes(logs("a", "1") + logs("a", "2")[:-1])

    assert arrivals.in_collector(path, "logs", "a") == {"1"}
    assert arrivals.in_collector(tmp_path / "none", "logs", "a") == set()


def test_spans_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "spans"
    spans = ScopeSpans(spans=[Span(attributes=[pair("log.record.uid", "1")])])
    resource = Resource(attributes=[pair("service.name", "a")])
    path.write_bytes(
        framed(TracesData(resource_spans=[ResourceSpans(resource=resource, scope_spans=[spans])]).SerializeToString())
    )

    assert arrivals.in_collector(path, "spans", "a") == {"1"}


def test_rows_are_counted_by_instance(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table events (instance, properties)")
        rows = [("a", "o-1"), ("a", "o-1"), ("a", "o-2"), ("b", "o-3")]
        connection.executemany("insert into events values (?, ?)", [(a, json.dumps({"order_id": o})) for a, o in rows])

    assert arrivals.in_database(path, "events", "a") == {"o-1", "o-2"}
    assert arrivals.in_database(path, "events") == {"o-1", "o-2", "o-3"}
