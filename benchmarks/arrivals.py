"""Counts what arrived, by an id that each event has: in the files of the Collector, and in the databases of Datasettes."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

UID: Final = "log.record.uid"
_LENGTH: Final = struct.Struct(">I")


def in_collector(path: Path, signal: str, service: str, offset: int = 0) -> set[str]:
    """Return the uids of what arrived of a service.

    Args:
        path: A file of the Collector's file exporter, in its format ``proto``: messages, each behind its length in four bytes.
        signal: ``logs`` or ``spans``.
        service: The ``service.name``.
        offset: Where in the file to begin.
    """
    uids: set[str] = set()
    for data in _messages(path, offset):
        for item in _items(data, signal, service):
            uids.update(pair.value.string_value for pair in item.attributes if pair.key == UID)
    return uids


def in_database(path: Path, table: str, instance: str | None = None) -> set[str]:
    """Return the order ids of the events that a Datasette plugin stored.

    Args:
        path: The database.
        table: The table of events.
        instance: Only those that came from this instance; None where there is but one.
    """
    where = "" if instance is None else " where instance = :instance"
    query = f"select json_extract(properties, '$.order_id') from {table}{where}"  # noqa: S608 # names of ours
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute(query, {"instance": instance})}


def _items(data: bytes, signal: str, service: str) -> Iterator[Any]:
    if signal == "logs":
        for by_resource in LogsData.FromString(data).resource_logs:
            if _is_of(by_resource, service):
                for by_scope in by_resource.scope_logs:
                    yield from by_scope.log_records
    else:
        for by_resource_spans in TracesData.FromString(data).resource_spans:
            if _is_of(by_resource_spans, service):
                for by_scope_spans in by_resource_spans.scope_spans:
                    yield from by_scope_spans.spans


def _is_of(by_resource: Any, service: str) -> bool:
    return any(
        pair.value.string_value == service for pair in by_resource.resource.attributes if pair.key == "service.name"
    )


def _messages(path: Path, offset: int) -> Iterator[bytes]:
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        while len(head := file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(head)
            data = file.read(length)
            if len(data) < length:
                return
            yield data
