"""Requests as OTLP JSON, one a line, as the Collector's ``file`` exporter writes them and its ``otlpjsonfile`` receiver reads.

OTLP JSON is the protobuf JSON mapping, but trace and span ids are hex digits, and enums are numbers (OTLP specification 1.x,
"JSON Protobuf Encoding").
"""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


def as_data(request: ExportLogsServiceRequest) -> dict[str, Any]:
    """Return a request as OTLP JSON's objects, lists, texts and numbers."""
    data: dict[str, Any] = MessageToDict(request, use_integers_for_enums=True)
    for logs in data.get("resourceLogs", ()):
        for scoped in logs.get("scopeLogs", ()):
            for record in scoped.get("logRecords", ()):
                for key in ("traceId", "spanId"):
                    if key in record:
                        record[key] = base64.b64decode(record[key]).hex()
    return data


def as_line(request: ExportLogsServiceRequest) -> str:
    """Return a request as one line of ASCII, with its end."""
    return json.dumps(as_data(request), separators=(",", ":")) + "\n"
