"""Providers are the application's where it has them, else ours; ours export as the settings say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource

import otel_events
from otel_events import Outcome
from otel_events.receiver import Receiver
from otel_events.sdk import providers
from otel_events.settings import resolve
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.sdk.support import GRPC, HTTP, TOKEN, Certificates, Ping, WebServer, protocols

PORTS = {HTTP: "otlp_http", GRPC: "otlp_grpc"}


def arrives(collector: Collector, protocol: str, service: str, scheme: str = "https://", **arguments: Any) -> None:
    """Check that events sent with these settings arrive on both signals."""
    tracker = otel_events.configure(
        pipeline="sdk",
        event_types=[Ping],
        signals="logs,traces",
        endpoint=f"{scheme}{collector.address(PORTS[protocol])}",
        protocol=protocol,
        service_name=service,
        environ={},
        **arguments,
    )
    tracker.track(Ping(number=1))
    assert tracker.shutdown(10.0) == Outcome(1, 0, 0)
    [record] = wait_until(lambda: collector.log_records(service))
    [span] = wait_until(lambda: collector.spans(service))
    assert record.attributes["test.number"] == span.events[0].attributes["test.number"] == 1


@protocols
@pytest.mark.parametrize("name", ["authorization", "Authorization"])
def test_headers_are_sent(token_collector: Collector, protocol: str, name: str) -> None:
    service = f"headers-{protocol}-{name}"
    arrives(token_collector, protocol, service, "http://", headers={name: f"Bearer {TOKEN}"})


@protocols
def test_headers_in_a_file_are_those_that_stand_in_it_at_the_first_event(
    token_collector: Collector, tmp_path: Path, protocol: str
) -> None:
    file = tmp_path / "headers"
    file.write_text("authorization=Bearer%20old", encoding="utf-8")
    tracker = otel_events.configure(
        pipeline="sdk",
        event_types=[Ping],
        endpoint=f"http://{token_collector.address(PORTS[protocol])}",
        protocol=protocol,
        headers={"Authorization": "Bearer other"},
        headers_file=file,
        environ={},
    )
    file.write_text(f"authorization=Bearer%20{TOKEN}", encoding="utf-8")
    tracker.track(Ping())
    assert tracker.shutdown(10.0) == Outcome(1, 0, 0)


@protocols
def test_the_authority_that_is_set_is_trusted(
    tls_collector: Collector, certificates: Certificates, protocol: str
) -> None:
    arrives(tls_collector, protocol, f"tls-{protocol}", certificate=certificates.certificate("authority"))


@protocols
@pytest.mark.parametrize("files", ["two", "one"])
def test_a_client_certificate_is_shown_from_two_files_or_from_one(
    mutual_collector: Collector, certificates: Certificates, tmp_path: Path, protocol: str, files: str
) -> None:
    certificate, key = certificates.certificate("client"), certificates.key("client")
    if files == "one":
        both = tmp_path / "both.pem"
        both.write_bytes(Path(key).read_bytes() + Path(certificate).read_bytes())
        client = {"client_certificate": str(both)}
    else:
        client = {"client_certificate": certificate, "client_key": key}
    authority = certificates.certificate("authority")
    arrives(mutual_collector, protocol, f"mutual-{protocol}-{files}", certificate=authority, **client)


def test_grpc_needs_no_scheme(plain_collector: Collector, tls_collector: Collector, certificates: Certificates) -> None:
    arrives(plain_collector, GRPC, "no-scheme", "", insecure=True)
    arrives(tls_collector, GRPC, "no-scheme", "", certificate=certificates.certificate("authority"))


@protocols
def test_a_scheme_decides_before_insecure_does(plain_collector: Collector, protocol: str) -> None:
    arrives(plain_collector, protocol, f"scheme-{protocol}", "http://", insecure=False)


@protocols
def test_what_is_compressed_arrives(plain_collector: Collector, protocol: str) -> None:
    arrives(plain_collector, protocol, f"gzip-{protocol}", "http://", compression="gzip")


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_http_says_how_it_is_compressed_and_where_it_goes(compression: str) -> None:
    with WebServer(200) as server:
        tracker = otel_events.configure(
            pipeline="sdk",
            event_types=[Ping],
            signals="logs,traces",
            endpoint=f"{server.endpoint}/base",
            compression=compression,
            headers={"x-tenant": "one"},
            environ={},
        )
        tracker.track(Ping())
        tracker.shutdown(10.0)
    assert sorted(path for path, _ in server.requests) == ["/base/v1/logs", "/base/v1/traces"]
    for _, headers in server.requests:
        assert headers["x-tenant"] == "one"
        assert headers.get("Content-Encoding") == (None if compression == "none" else "gzip")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, {"service.name": "theirs", "host.name": "h"}),
        ({"service_name": "ours"}, {"service.name": "ours", "host.name": "h"}),
        ({"resource_attributes": {"host.name": "k"}}, {"service.name": "theirs", "host.name": "k"}),
    ],
)
def test_the_resource_of_the_application_is_used_with_the_settings_on_top(
    arguments: dict[str, Any], expected: dict[str, str]
) -> None:
    theirs = LoggerProvider(Resource({"service.name": "theirs", "host.name": "h"}), shutdown_on_exit=False)
    resource = providers.make_resource(resolve(arguments, {}), None, theirs)
    assert resource.attributes == expected


def test_without_an_application_the_resource_is_that_of_the_sdk_with_the_settings_on_top(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    resource = providers.make_resource(resolve({"service_name": "ours"}), None, None)
    assert resource.attributes["service.name"] == "ours"
    assert resource.attributes["deployment.environment.name"] == "test"
    assert resource.attributes["telemetry.sdk.language"] == "python"


@pytest.mark.parametrize("protocol", [HTTP, GRPC])
def test_nothing_is_sent_before_the_first_event(receiver: Receiver, protocol: str) -> None:
    port = receiver.http_port if protocol == HTTP else receiver.grpc_port
    tracker = otel_events.configure(
        pipeline="sdk", event_types=[Ping], endpoint=f"http://127.0.0.1:{port}", protocol=protocol, environ={}
    )
    assert tracker.shutdown(1.0) == Outcome(0, 0, 0)
    assert receiver.stats().requests == 0
