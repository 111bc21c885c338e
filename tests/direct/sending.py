"""What the tests of the transports share: making one, and a request whose arrival can be looked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from otel_events.direct.answers import Answer
from otel_events.direct.grpc import GrpcTransport
from otel_events.direct.http import HttpTransport
from otel_events.settings import resolve
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.receiver.support import keyed, log_record, logs_request
from tests.sdk.support import GRPC, HTTP

protocols = pytest.mark.parametrize("protocol", [HTTP, GRPC])

PORTS = {HTTP: "otlp_http", GRPC: "otlp_grpc"}


def make_transport(
    endpoint: str, protocol: str = HTTP, signal: str = "logs", **arguments: Any
) -> HttpTransport | GrpcTransport:
    """Make a transport with these arguments of ``configure()``."""
    settings = resolve({"endpoint": endpoint, "protocol": protocol, "timeout_seconds": 5.0, **arguments}, {})
    return (GrpcTransport if protocol == GRPC else HttpTransport)(settings.otlp(signal), signal)


@contextlib.contextmanager
def transport(endpoint: str, protocol: str = HTTP, **arguments: Any) -> Iterator[HttpTransport | GrpcTransport]:
    """Give such a transport, and close it."""
    made = make_transport(endpoint, protocol, **arguments)
    try:
        yield made
    finally:
        made.close()


def answer_of(endpoint: str, protocol: str = HTTP, body: bytes = b"", **arguments: Any) -> Answer:
    """Send one request with a transport of its own."""
    with transport(endpoint, protocol, **arguments) as made:
        return made.send(body)


def request_of(service: str, *uids: str) -> bytes:
    """Return a request with log records of a service."""
    records = [log_record(uid) for uid in uids or ["1"]]
    return bytes(logs_request(*records, resource=[keyed("service.name", service)]).SerializeToString())


def arrived(collector: Collector, service: str) -> list[Any]:
    """Return the uids of a service's log records, once some are there."""
    found = wait_until(lambda: collector.log_records(service))
    return [record.attributes["log.record.uid"] for record in found]
