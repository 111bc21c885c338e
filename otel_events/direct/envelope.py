"""What stands around the records of a request: resource and scope, encoded once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from otel_events import semconv
from otel_events.direct.protobuf import field, key_value, varint
from otel_events.version import VERSION


class Envelope:
    """Makes an ``ExportLogsServiceRequest`` of encoded records.

    Args:
        resource: The resource's attributes: str, bool, int, float, or lists of them.
        schema_url: The resource's schema, if it has one.
    """

    def __init__(self, resource: Mapping[str, Any], schema_url: str = "") -> None:
        attributes = b"".join(key_value(b"\x0a", key, value) for key, value in resource.items())
        scope = field(b"\x0a", semconv.SCOPE_NAME.encode()) + field(b"\x12", VERSION.encode())
        self._resource = field(b"\x0a", attributes)
        self._scope = field(b"\x0a", scope)
        self._scope_schema = field(b"\x1a", semconv.SCHEMA_URL.encode())
        self._resource_schema = field(b"\x1a", schema_url.encode()) if schema_url else b""

    def wrap(self, records: Iterable[bytes]) -> bytes:
        """Return the body of a request.

        Args:
            records: Each a ``LogRecord`` as a field of ``ScopeLogs``, as ``Encoder.encode`` gives it.
        """
        content = b"".join(records)
        scope_length = len(self._scope) + len(content) + len(self._scope_schema)
        scope_head = b"\x12" + varint(scope_length)
        length = len(self._resource) + len(scope_head) + scope_length + len(self._resource_schema)
        return b"".join(
            (
                b"\x0a",
                varint(length),
                self._resource,
                scope_head,
                self._scope,
                content,
                self._scope_schema,
                self._resource_schema,
            )
        )
