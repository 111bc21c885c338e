"""What stands around the records of a request: resource and scope, encoded once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from otel_events import semconv
from otel_events.direct.protobuf import field, key_value, varint
from otel_events.version import VERSION


class Envelope:
    """Makes an ``ExportLogsServiceRequest`` of encoded records.

    Args:
        resource: The resource's attributes: str, bool, int, float, or lists of them.
    """

    def __init__(self, resource: Mapping[str, Any]) -> None:
        attributes = b"".join(key_value(b"\x0a", key, value) for key, value in resource.items())
        scope = field(b"\x0a", semconv.SCOPE_NAME.encode()) + field(b"\x12", VERSION.encode())
        self._resource = field(b"\x0a", attributes)
        self._scope = field(b"\x0a", scope)
        self._scope_schema = field(b"\x1a", semconv.SCHEMA_URL.encode())

    @classmethod
    def of_request(cls, request: bytes) -> Envelope:
        """Return the envelope that stands around the records of a request, such as ``wrap`` has made.

        Raises:
            ValueError: It is no such request.
        """
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

        try:
            [logs] = ExportLogsServiceRequest.FromString(request).resource_logs
            [scoped] = logs.scope_logs
        except (DecodeError, ValueError) as error:
            raise ValueError("it is no request with one resource and one scope") from error
        envelope = cls({})
        envelope._resource = field(b"\x0a", logs.resource.SerializeToString())
        envelope._scope = field(b"\x0a", scoped.scope.SerializeToString())
        envelope._scope_schema = field(b"\x1a", scoped.schema_url.encode())
        return envelope

    def wrap(self, records: Collection[bytes]) -> bytes:
        """Return the body of a request.

        Args:
            records: Each a ``LogRecord`` as a field of ``ScopeLogs``, as ``Encoder.encode`` gives it.
        """
        scope_length = len(self._scope) + sum(map(len, records)) + len(self._scope_schema)
        scope_head = b"\x12" + varint(scope_length)
        length = len(self._resource) + len(scope_head) + scope_length
        return b"".join(
            (
                b"\x0a",
                varint(length),
                self._resource,
                scope_head,
                self._scope,
                *records,
                self._scope_schema,
            )
        )
