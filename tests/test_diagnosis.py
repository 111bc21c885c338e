"""What real servers do to a wrong setting is told in one line, with what to change, and the application goes on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import otel_events
from otel_events import Outcome
from otel_events.diagnosis import KNOWN, Known, Seen, diagnose
from otel_events.settings import resolve
from tests.backends.servers import COLLECTOR_YAML, Collector, Jaeger
from tests.backends.wait import wait_until
from tests.sdk.support import (
    GRPC,
    HTTP,
    ROOT,
    TOKEN,
    Certificates,
    Ping,
    closing_server,
    free_port,
    protocols,
    silent_server,
    warnings_in,
    with_tls,
)

pytestmark = pytest.mark.usefixtures("nobody_trusted")

OTHER = {HTTP: GRPC, GRPC: HTTP}
PORTS = {HTTP: "otlp_http", GRPC: "otlp_grpc"}


def address(server: Collector | Jaeger, protocol: str) -> str:
    return server.address(PORTS[protocol])


def told(
    caplog: pytest.LogCaptureFixture,
    endpoint: str,
    protocol: str,
    signal: str = "logs",
    words_differ: bool = False,
    **arguments: Any,
) -> tuple[str, str]:
    """Track events with these settings, and return cause and cure in the only line that comes of it.

    On the direct pipeline it is the same, unless it depends on which of both sides is quicker, or on words from below.
    """
    arguments = {"timeout_seconds": 2.0, **arguments}
    arguments = {"event_types": [Ping], "signals": signal, "endpoint": endpoint, "protocol": protocol, **arguments}
    tracker = otel_events.configure(pipeline="sdk", environ={}, **arguments)
    for number in range(3):
        tracker.track(Ping(number=number))
    assert tracker.flush(15.0) == Outcome(sent=0, pending=0, lost=3)
    trouble = tracker.stats()["otel"][f"{signal}.trouble"]
    tracker.shutdown(2.0)
    [line] = warnings_in(caplog)
    what = "log records" if signal == "logs" else "spans"
    path = f"/v1/{signal}" if protocol == HTTP else ""
    beginning = f"{what} do not arrive at {endpoint}{path} ({protocol}): "
    assert line == f"{trouble} Said once; tracker.stats() counts what is lost."
    assert trouble.startswith(beginning)
    if signal == "logs":
        direct = direct_trouble(**arguments)
        assert direct.startswith(beginning) if words_differ else direct == trouble
    cause, _, cure = trouble.removeprefix(beginning).partition(". ")
    return cause, cure


def direct_trouble(**arguments: Any) -> str:
    """Return what the direct pipeline says, which goes on trying."""
    tracker = otel_events.configure(pipeline="direct", environ={}, **arguments)
    tracker.track(Ping())
    trouble = wait_until(lambda: tracker.stats()["otel"]["logs.trouble"])
    tracker.shutdown(0.1)
    return str(trouble)


@protocols
@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_nothing_listens(caplog: pytest.LogCaptureFixture, protocol: str, signal: str) -> None:
    cause, cure = told(caplog, f"http://127.0.0.1:{free_port()}", protocol, signal)
    assert cause == "nothing listens there"
    assert cure == "Start a collector, or set OTEL_EXPORTER_OTLP_ENDPOINT to where one is."


@protocols
def test_a_host_without_an_address(caplog: pytest.LogCaptureFixture, protocol: str) -> None:
    cause, cure = told(caplog, "http://nowhere.invalid:4318", protocol)
    assert cause == "the host name cannot be resolved"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in cure


@protocols
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_answers(caplog: pytest.LogCaptureFixture, protocol: str, scheme: str) -> None:
    with silent_server() as port:
        cause, cure = told(caplog, f"{scheme}://127.0.0.1:{port}", protocol, timeout_seconds=1.0)
    assert cause == "no answer within 1 s"
    assert "OTEL_EXPORTER_OTLP_TIMEOUT" in cure


@protocols
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_closes_at_once(caplog: pytest.LogCaptureFixture, protocol: str, scheme: str) -> None:
    with closing_server() as port:
        cause, cure = told(caplog, f"{scheme}://127.0.0.1:{port}", protocol)
    assert cause.endswith(f"does not answer in {protocol}")
    assert f"OTEL_EXPORTER_OTLP_PROTOCOL={OTHER[protocol]}" in cure


@protocols
def test_the_port_of_the_other_protocol(
    caplog: pytest.LogCaptureFixture, plain_collector: Collector, protocol: str
) -> None:
    cause, cure = told(caplog, f"http://{address(plain_collector, OTHER[protocol])}", protocol)
    assert cause == f"the port does not answer in {protocol}"
    usual = {HTTP: 4317, GRPC: 4318}[protocol]
    assert cure.startswith(f"If it is one for {OTHER[protocol]} (usually {usual}), set OTEL_EXPORTER_OTLP_PROTOCOL=")


@protocols
def test_the_port_of_the_other_protocol_with_tls(
    caplog: pytest.LogCaptureFixture, tls_collector: Collector, certificates: Certificates, protocol: str
) -> None:
    authority = certificates.certificate("authority")
    endpoint = f"https://{address(tls_collector, OTHER[protocol])}"
    cause, cure = told(caplog, endpoint, protocol, certificate=authority)
    assert cause == f"the port ends the TLS connection or does not answer in {protocol}"
    assert f"OTEL_EXPORTER_OTLP_PROTOCOL={OTHER[protocol]}" in cure


@protocols
def test_https_to_a_plain_port(caplog: pytest.LogCaptureFixture, plain_collector: Collector, protocol: str) -> None:
    cause, cure = told(caplog, f"https://{address(plain_collector, protocol)}", protocol)
    assert cause == "the port speaks no TLS"
    assert "http://" in cure


@protocols
def test_http_to_a_port_with_tls(caplog: pytest.LogCaptureFixture, tls_collector: Collector, protocol: str) -> None:
    cause, cure = told(caplog, f"http://{address(tls_collector, protocol)}", protocol, words_differ=True)
    # Over HTTP the server says so, but may reset the connection before its words are read.
    assert cause in ("the port speaks TLS only", f"the port does not answer in {protocol}")
    assert "write https:// in the endpoint" in cure.lower()


@protocols
@pytest.mark.parametrize("trusted", [None, "other"])
def test_an_authority_that_is_not_trusted(
    caplog: pytest.LogCaptureFixture,
    tls_collector: Collector,
    certificates: Certificates,
    protocol: str,
    trusted: str | None,
) -> None:
    certificate = trusted and certificates.certificate(trusted)
    cause, cure = told(caplog, f"https://{address(tls_collector, protocol)}", protocol, certificate=certificate)
    assert cause == "the server's certificate is not trusted"
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in cure


@protocols
@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        ("elsewhere", "the server's certificate is for another host name"),
        ("expired", "the server's certificate is not valid at this time"),
    ],
)
def test_a_certificate_that_does_not_fit(
    caplog: pytest.LogCaptureFixture,
    collector_binary: Path,
    tmp_path: Path,
    certificates: Certificates,
    protocol: str,
    certificate: str,
    expected: str,
) -> None:
    authority = certificates.certificate("authority")
    with Collector(collector_binary, tmp_path, [COLLECTOR_YAML, with_tls(certificates, certificate)]) as collector:
        cause, _ = told(caplog, f"https://{address(collector, protocol)}", protocol, certificate=authority)
    assert cause == expected


@protocols
@pytest.mark.parametrize("client", [None, "stranger"])
def test_a_client_certificate_that_the_server_does_not_trust(
    caplog: pytest.LogCaptureFixture,
    mutual_collector: Collector,
    certificates: Certificates,
    protocol: str,
    client: str | None,
) -> None:
    files: dict[str, Any] = {"certificate": certificates.certificate("authority")}
    if client:
        files |= {"client_certificate": certificates.certificate(client), "client_key": certificates.key(client)}
    _, cure = told(caplog, f"https://{address(mutual_collector, protocol)}", protocol, words_differ=True, **files)
    assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY" in cure


@protocols
@pytest.mark.parametrize("wrong", ["authority", "key of another", "no key"])
def test_files_that_cannot_be_used(
    caplog: pytest.LogCaptureFixture,
    tls_collector: Collector,
    certificates: Certificates,
    protocol: str,
    wrong: str,
) -> None:
    files: dict[str, Any] = {"certificate": certificates.certificate("authority")}
    if wrong == "authority":
        files["certificate"] = __file__
    else:
        files["client_certificate"] = certificates.certificate("client")
    if wrong == "key of another":
        files["client_key"] = certificates.key("stranger")
    cause, cure = told(caplog, f"https://{address(tls_collector, protocol)}", protocol, **files)
    assert cause == "a file with a certificate or a key cannot be used"
    assert "PEM" in cure


@pytest.mark.parametrize(("protocol", "code"), [(HTTP, "404"), (GRPC, "UNIMPLEMENTED")])
def test_a_jaeger_that_takes_no_logs(
    caplog: pytest.LogCaptureFixture, jaeger: Jaeger, protocol: str, code: str
) -> None:
    cause, cure = told(caplog, f"http://{address(jaeger, protocol)}", protocol)
    assert cause == f"the server takes no logs there ({code})"
    assert cure.startswith("Jaeger, for one, takes traces only")
    assert "OTEL_EVENTS_SIGNALS=traces" in cure


@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_a_web_page_is_not_taken_for_an_acknowledgement(
    caplog: pytest.LogCaptureFixture, jaeger: Jaeger, signal: str
) -> None:
    cause, _ = told(caplog, jaeger.url, HTTP, signal)
    assert cause == "the server answers with a web page, so it is no collector"


def test_a_jaeger_port_without_otlp(caplog: pytest.LogCaptureFixture, jaeger: Jaeger) -> None:
    cause, _ = told(caplog, f"http://{jaeger.address('query_grpc')}", GRPC, "traces")
    assert cause == "the server takes no traces there (UNIMPLEMENTED)"


@pytest.mark.parametrize(("protocol", "code"), [(HTTP, "401"), (GRPC, "UNAUTHENTICATED")])
@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_a_collector_that_wants_a_token(
    caplog: pytest.LogCaptureFixture, token_collector: Collector, protocol: str, code: str, signal: str
) -> None:
    cause, cure = told(caplog, f"http://{address(token_collector, protocol)}", protocol, signal)
    assert cause == f"the server wants credentials ({code}), and no header is set"
    assert cure == "Set OTEL_EXPORTER_OTLP_HEADERS, such as authorization=Bearer%20…"


@pytest.mark.parametrize(("protocol", "code"), [(HTTP, "401"), (GRPC, "UNAUTHENTICATED")])
def test_a_wrong_token_is_refused_and_not_told(
    caplog: pytest.LogCaptureFixture, token_collector: Collector, protocol: str, code: str
) -> None:
    headers = {"authorization": f"Bearer wrong-{TOKEN}"}
    cause, cure = told(caplog, f"http://{address(token_collector, protocol)}", protocol, headers=headers)
    assert cause == f"the server refuses the credentials ({code})"
    assert "OTEL_EXPORTER_OTLP_HEADERS" in cure
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(("protocol", "code"), [(HTTP, "503"), (GRPC, "UNAVAILABLE")])
def test_a_collector_whose_backend_is_down(
    caplog: pytest.LogCaptureFixture, collector_binary: Path, tmp_path: Path, protocol: str, code: str
) -> None:
    exporter = {
        "endpoint": f"http://127.0.0.1:{free_port()}",
        "sending_queue": {"enabled": False},
        "retry_on_failure": {"enabled": False},
    }
    onward = {"exporters": {"otlp_http": exporter}, "service": {"pipelines": {"logs": {"exporters": ["otlp_http"]}}}}
    with Collector(collector_binary, tmp_path, [COLLECTOR_YAML, onward]) as collector:
        cause, cure = told(caplog, f"http://{address(collector, protocol)}", protocol)
    assert cause.startswith(f"the server is overloaded, or what is behind it is down ({code} ")
    assert cure == "Look at the server; sending is tried again."


@protocols
def test_a_proxy_that_is_not_there(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://joe:{TOKEN}@127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    told(caplog, "https://collector.invalid:4318", protocol, words_differ=True)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "seen",
    [
        Seen(None, "InvalidHeader: Invalid leading whitespace in header value: ' Bearer planted'"),
        Seen(None, "ValueError: metadata was invalid: [('authorization', 'Bearer planted')]"),
    ],
)
def test_a_header_that_cannot_be_sent(seen: Seen) -> None:
    otlp = resolve({"headers": {"authorization": "Bearer planted"}}, {}).logs
    cause, cure, _ = diagnose("logs", otlp, seen)
    assert cause == "a header cannot be sent as it is written"
    assert "OTEL_EXPORTER_OTLP_HEADERS" in cure


def test_what_is_not_known_is_told_in_the_words_of_the_exporter_without_secrets() -> None:
    otlp = resolve(
        {"headers": {"authorization": "Bearer planted\\token"}, "endpoint": "http://joe:pass4711@host/?key=abc123"}, {}
    ).logs
    words = "odd: Bearer planted\\token,\n planted\\\\token, joe:pass4711, abc123; " + "x" * 5_000
    cause, cure, _ = diagnose("logs", otlp, Seen("UNKNOWN", words))
    assert cause.startswith("UNKNOWN: odd: [redacted], [redacted], [redacted], [redacted]; xxx")
    assert len(cause) < 300
    assert "otel-events doctor" in cure


def test_the_same_failure_in_other_words_is_of_the_same_kind() -> None:
    otlp = resolve({}, {}).logs
    one, other = (diagnose("logs", otlp, Seen(500, words)) for words in ("request 1 failed", "request 2 failed"))
    assert one.cause != other.cause
    assert one.rank == other.rank


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.cause)
def test_every_sentence_is_in_the_docs(known: Known) -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    cause, cure = (re.sub(r"\{\w+\}", "…", text) for text in (known.cause, known.cure))
    assert re.search(rf"^\| {re.escape(cause)} \| .+ \| {re.escape(cure)} \|$", page, re.MULTILINE)
