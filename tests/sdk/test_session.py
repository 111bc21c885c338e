"""The session sees what the HTTP exporters pass over: redirects, web pages, rejected records, and whom to trust."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import otel_events
from otel_events import Outcome
from otel_events.receiver import Receiver
from otel_events.sdk.session import WatchedSession
from otel_events.sdk.watch import Watch
from otel_events.settings import resolve
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.sdk.support import Certificates, Ping, WebServer, silent_server, warnings_in


def outcome_of(endpoint: str, *, events: int = 1, signals: str = "logs") -> Outcome:
    """Track events, and return what became of them."""
    tracker = otel_events.configure(
        pipeline="sdk", event_types=[Ping], signals=signals, endpoint=endpoint, timeout_seconds=2.0, environ={}
    )
    for number in range(events):
        tracker.track(Ping(number=number))
    return tracker.shutdown(15.0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_no_acknowledgement(caplog: pytest.LogCaptureFixture, status: int) -> None:
    headers = {"location": "https://joe:planted@elsewhere.example/v1/logs?key=planted"}
    with WebServer(status, headers) as server:
        assert outcome_of(server.endpoint) == Outcome(0, 0, 1)
        assert [path for path, _ in server.requests] == ["/v1/logs"]
    [line] = warnings_in(caplog)
    assert f"the server redirects elsewhere ({status} to https://elsewhere.example/v1/logs)" in line
    assert "planted" not in caplog.text


def test_a_web_page_is_no_acknowledgement(caplog: pytest.LogCaptureFixture) -> None:
    with WebServer(200, {"content-type": "text/html; charset=utf-8"}, b"<html>Welcome</html>") as server:
        assert outcome_of(server.endpoint) == Outcome(0, 0, 1)
    [line] = warnings_in(caplog)
    assert "a web page, so it is no collector" in line


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"content-type": "text/plain"}])
def test_other_answers_are_taken_as_they_are_meant(headers: Mapping[str, str]) -> None:
    with WebServer(200, headers, b"{}") as server:
        assert outcome_of(server.endpoint) == Outcome(1, 0, 0)


@pytest.mark.parametrize(("signals", "what", "taken"), [("logs", "log records", 3), ("traces", "spans", 1)])
def test_what_the_server_rejects_is_lost_and_told(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, signals: str, what: str, taken: int
) -> None:
    # A span and its event are two records to it.
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0, max_records=3) as receiver:
        endpoint = f"http://127.0.0.1:{receiver.http_port}"
        assert outcome_of(endpoint, events=5, signals=signals) == Outcome(taken, 0, 5 - taken)
        assert receiver.store.count() == taken
    [line] = warnings_in(caplog)
    assert line.startswith(
        f"{what} arrive at {endpoint}/v1/{signals}, but the server rejects some of what it is sent ("
    )
    assert line.endswith("Look at the log of the server. Said once; tracker.stats() counts what is lost.")


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_certificate_that_is_set_wins_over_that_of_the_environment(
    tls_collector: Collector, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, certificates.certificate("other"))
    tracker = otel_events.configure(
        pipeline="sdk",
        event_types=[Ping],
        endpoint=f"https://{tls_collector.address('otlp_http')}",
        certificate=certificates.certificate("authority"),
        service_name=variable,
        environ={},
    )
    tracker.track(Ping())
    assert tracker.shutdown(10.0) == Outcome(1, 0, 0)
    assert [record.event_name for record in wait_until(lambda: tls_collector.log_records(variable))] == ["ping"]


def test_without_a_certificate_that_of_the_environment_holds(
    tls_collector: Collector, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.certificate("authority"))
    assert outcome_of(f"https://{tls_collector.address('otlp_http')}") == Outcome(1, 0, 0)


def test_the_words_of_the_server_are_told_bounded(caplog: pytest.LogCaptureFixture) -> None:
    with WebServer(500, {"content-type": "text/plain"}, b"disk is full\n" + b"x" * 1_000_000) as server:
        assert outcome_of(server.endpoint) == Outcome(0, 0, 1)
    [line] = warnings_in(caplog)
    assert "the server failed (500 Internal Server Error disk is full" in line
    assert len(line) < 600


def test_a_long_answer_is_not_read_to_its_end() -> None:
    with WebServer(200, {"content-type": "text/plain"}, b"x" * 50_000_000) as server:
        otlp = resolve({}, {}).logs
        session = WatchedSession(Watch("logs", otlp), otlp)
        response = session.post(server.endpoint, b"", timeout=5.0)
        assert response.raw.tell() < 1_000_000
        session.close()


def test_the_connection_is_used_again() -> None:
    with WebServer(200) as server:
        tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], endpoint=server.endpoint, environ={})
        for number in range(4):
            tracker.track(Ping(number=number))
            assert tracker.flush(5.0) == Outcome(number + 1, 0, 0)
        tracker.shutdown(5.0)
        assert len(server.requests) == 4
        assert server.connections == 1


def test_a_key_in_the_url_is_not_in_what_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    with silent_server() as port:
        tracker = otel_events.configure(
            pipeline="sdk",
            event_types=[Ping],
            endpoint=f"http://joe:planted@127.0.0.1:{port}/?key=planted",
            timeout_seconds=0.5,
            environ={},
        )
        tracker.track(Ping())
        assert tracker.shutdown(5.0) == Outcome(0, 0, 1)
    [line] = warnings_in(caplog)
    assert "no answer within 0.5 s" in line
    assert "planted" not in caplog.text
    assert "planted" not in str(tracker.stats())
