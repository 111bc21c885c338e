"""The exporters go by the settings alone: what else is in the environment is neither sent nor logged, and breaks nothing."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

import pytest

import otel_events
from otel_events import Outcome
from otel_events.sdk.environment import foreign_headers, on_their_own
from otel_events.settings import resolve
from tests.backends.servers import Collector
from tests.sdk.support import GRPC, HTTP, TOKEN, Certificates, Ping, WebServer, protocols

PLANTED = "planted-4711"


def outcome_of(endpoint: str, protocol: str = HTTP, **arguments: Any) -> Outcome:
    tracker = otel_events.configure(
        pipeline="sdk", event_types=[Ping], endpoint=endpoint, protocol=protocol, **{"environ": {}, **arguments}
    )
    tracker.track(Ping())
    return tracker.shutdown(10.0)


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_LOGS_HEADERS"])
def test_headers_of_the_environment_do_not_go_where_arguments_lead(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"authorization=Bearer%20{PLANTED},X-Theirs=1,x-both=theirs")
    with WebServer(200) as server:
        assert outcome_of(server.endpoint, headers={"X-Both": "ours"}) == Outcome(1, 0, 0)
        [(_, headers)] = server.requests
    assert headers["x-both"] == "ours"
    assert not {"authorization", "x-theirs"} & {name.lower() for name in headers}


def test_headers_of_the_environment_are_sent_where_they_are_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Theirs=one%20two")
    with WebServer(200) as server:
        assert outcome_of(server.endpoint, environ=None) == Outcome(1, 0, 0)
        [(_, headers)] = server.requests
    assert headers["x-theirs"] == "one two"


def test_credentials_in_the_endpoint_are_sent() -> None:
    with WebServer(200) as server:
        assert outcome_of(server.endpoint.replace("//", "//joe:pw@")) == Outcome(1, 0, 0)
        [(_, headers)] = server.requests
    assert headers["Authorization"].startswith("Basic ")


@protocols
@pytest.mark.parametrize("arguments", [{}, {"headers": {"x-other": "1"}}])
def test_a_token_of_the_environment_opens_no_other_door(
    token_collector: Collector, monkeypatch: pytest.MonkeyPatch, protocol: str, arguments: dict[str, Any]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{TOKEN}")
    address = token_collector.address("otlp_grpc" if protocol == GRPC else "otlp_http")
    assert outcome_of(f"http://{address}", protocol, **arguments) == Outcome(0, 0, 1)
    assert outcome_of(f"http://{address}", protocol, environ=None) == Outcome(1, 0, 0)


@protocols
def test_headers_that_cannot_be_read_are_not_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, plain_collector: Collector, protocol: str
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization {PLANTED}")
    address = plain_collector.address("otlp_grpc" if protocol == GRPC else "otlp_http")
    assert outcome_of(f"http://{address}", protocol, environ=None) == Outcome(1, 0, 0)
    assert "OTEL_EXPORTER_OTLP_HEADERS: the value given (not shown)" in caplog.text
    assert PLANTED not in caplog.text


@protocols
@pytest.mark.parametrize("signal", ["LOGS", "TRACES"])
def test_a_bad_timeout_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch, plain_collector: Collector, protocol: str, signal: str
) -> None:
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{signal}_TIMEOUT", "soon")
    address = plain_collector.address("otlp_grpc" if protocol == GRPC else "otlp_http")
    assert outcome_of(f"http://{address}", protocol, environ=None, signals="logs,traces") == Outcome(1, 0, 0)
    assert os.environ[f"OTEL_EXPORTER_OTLP_{signal}_TIMEOUT"] == "soon"


@protocols
def test_certificates_of_the_environment_do_not_count_where_arguments_lead(
    tls_collector: Collector, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    endpoint = f"https://{tls_collector.address('otlp_grpc' if protocol == GRPC else 'otlp_http')}"
    authority, other = certificates.certificate("authority"), certificates.certificate("other")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", authority)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", __file__)
    assert outcome_of(endpoint, protocol, timeout_seconds=1.5) == Outcome(0, 0, 1)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", other)
    assert outcome_of(endpoint, protocol, certificate=authority) == Outcome(1, 0, 0)


def test_foreign_headers_are_those_that_are_not_set() -> None:
    otlp = resolve({"headers": {"X-Ours": "1"}}, {}).logs
    assert foreign_headers("logs", otlp) == frozenset()


def test_foreign_headers_of_a_signal_come_before_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-all=1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-logs=1,X-OURS=2")
    otlp = resolve({"headers": {"x-ours": "1"}}, {}).logs
    assert foreign_headers("logs", otlp) == {"x-logs"}
    assert foreign_headers("traces", otlp) == {"x-all"}


def test_other_threads_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("opentelemetry.util.re")
    with on_their_own("logs"):
        logger.warning("ours")
        thread = threading.Thread(target=logger.warning, args=("theirs",))
        thread.start()
        thread.join()
    logger.warning("afterwards")
    assert [record.getMessage() for record in caplog.records] == ["theirs", "afterwards"]
