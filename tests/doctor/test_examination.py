"""The examination goes step by step, stops where there is no way on, and shows no secret in any case of failure."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from otel_events.doctor.check import Check, Mark
from otel_events.doctor.examination import examine
from otel_events.doctor.readback import ReadBack
from otel_events.receiver import Receiver
from otel_events.settings import resolve
from tests.backends.servers import Collector, Jaeger
from tests.doctor.support import PLANTED
from tests.sdk.support import Certificates, WebServer, closing_server, free_port, protocols, silent_server


def checks_of(environ: Mapping[str, str], *read_backs: str, wait: float = 0.5) -> list[Check]:
    return list(examine(resolve({}, environ), [ReadBack.parse(one) for one in read_backs], wait))


def summary(checks: list[Check]) -> list[tuple[str, tuple[str, ...], str]]:
    return [(check.mark.value, check.signals, check.what) for check in checks]


def test_all_is_fine(receiver: Receiver) -> None:
    environ = {
        "OTEL_EVENTS_SIGNALS": "logs,traces",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}",
    }
    assert summary(checks_of(environ)) == [
        ("ok", ("logs", "traces"), "connection"),
        ("ok", ("logs",), "canary"),
        ("ok", ("traces",), "canary"),
    ]
    assert receiver.store.count() == 1


def test_signals_that_go_elsewhere_are_looked_at_each(receiver: Receiver) -> None:
    environ = {
        "OTEL_EVENTS_SIGNALS": "logs,traces",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"http://127.0.0.1:{free_port()}",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{receiver.grpc_port}",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
    }
    assert summary(checks_of(environ)) == [
        ("FAIL", ("logs",), "connection"),
        ("note", ("logs",), "canary"),
        ("ok", ("traces",), "connection"),
        ("ok", ("traces",), "canary"),
    ]


@protocols
def test_tls_is_looked_at_and_the_canary_sent_all_the_same(
    tls_collector: Collector, certificates: Certificates, protocol: str
) -> None:
    port = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://{tls_collector.address(port)}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }
    good = {**environ, "OTEL_EXPORTER_OTLP_CERTIFICATE": certificates.certificate("authority")}
    assert [check.mark for check in checks_of(good)] == [Mark.OK, Mark.OK, Mark.OK]
    connection, tls, canary = checks_of(environ)
    assert [check.mark for check in (connection, tls, canary)] == [Mark.OK, Mark.FAIL, Mark.FAIL]
    assert canary.seen == "lost between the application and the collector: the server's certificate is not trusted"


def test_what_is_disabled_is_told_and_nothing_is_sent(receiver: Receiver) -> None:
    environ = {"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}"}
    [check] = checks_of(environ)
    assert (check.mark, check.what, check.change) == (Mark.FAIL, "settings", "Unset OTEL_SDK_DISABLED.")
    assert receiver.store.count() == 0


# -- secrets -----------------------------------------------------------------------------------------------------------------

BASIC = base64.b64encode(f"joe:{PLANTED}".encode()).decode()
HEADERS = f"authorization=Bearer%20{PLANTED},x-basic=Basic%20{BASIC},x-odd={PLANTED}%5C%27odd"


@pytest.fixture
def secrets() -> Mapping[str, str]:
    """Give an environment with a secret wherever one may stand."""
    return {
        "OTEL_EXPORTER_OTLP_HEADERS": HEADERS,
        "OTEL_EVENTS_PSEUDONYM_KEY": f"key-{PLANTED}",
        "OTEL_EVENTS_SIGNALS": "logs,traces",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
    }


def endpoints(port: int) -> Iterator[dict[str, str]]:
    """Yield the ways to a port, with a password in each."""
    for scheme in ("http", "https"):
        for protocol in ("http/protobuf", "grpc"):
            yield {
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"{scheme}://joe:{PLANTED}@127.0.0.1:{port}/?key={PLANTED}",
                "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
            }


def assert_nothing_shown(checks: list[Check], *, fails: bool = True) -> None:
    assert any(check.mark is Mark.FAIL for check in checks) == fails
    for check in checks:
        assert PLANTED not in repr(check)
        assert BASIC not in repr(check)


def test_secrets_where_nothing_listens(secrets: Mapping[str, str]) -> None:
    for way in endpoints(free_port()):
        assert_nothing_shown(checks_of({**secrets, **way}))


def test_secrets_where_the_name_has_no_address(secrets: Mapping[str, str]) -> None:
    for way in endpoints(4318):
        endpoint = way["OTEL_EXPORTER_OTLP_ENDPOINT"].replace("127.0.0.1", "nowhere.invalid")
        assert_nothing_shown(checks_of({**secrets, **way, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}))


def test_secrets_before_a_server_that_never_answers_or_closes_at_once(secrets: Mapping[str, str]) -> None:
    for server in (silent_server, closing_server):
        with server() as port:
            for way in endpoints(port):
                assert_nothing_shown(checks_of({**secrets, **way}))


@pytest.mark.parametrize("status", [301, 400, 401, 404, 500, 503])
def test_secrets_before_a_server_that_says_them_back(secrets: Mapping[str, str], status: int) -> None:
    header = {"location": f"http://joe:{PLANTED}@elsewhere/?key={PLANTED}", "content-type": "text/plain"}
    body = f"you said Bearer {PLANTED}, {BASIC}, {PLANTED}'\\odd".encode()
    with WebServer(status, header, body) as server:
        for way in endpoints(server.server_port):
            assert_nothing_shown(checks_of({**secrets, **way}))


def test_secrets_before_a_collector_that_wants_another_token(
    token_collector: Collector, secrets: Mapping[str, str]
) -> None:
    for protocol, port in (("http/protobuf", "otlp_http"), ("grpc", "otlp_grpc")):
        environ = {
            **secrets,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{token_collector.address(port)}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }
        assert_nothing_shown(checks_of(environ))


def test_secrets_before_the_wrong_port_and_bad_certificates(
    tls_collector: Collector, jaeger: Jaeger, secrets: Mapping[str, str]
) -> None:
    for server in (tls_collector, jaeger):
        for port in ("otlp_http", "otlp_grpc"):
            for way in endpoints(server.ports[port]):
                checks = checks_of({**secrets, **way})
                assert_nothing_shown(checks)


def test_secrets_of_a_proxy_that_is_not_there(secrets: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://joe:{PLANTED}@127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for way in endpoints(4318):
        endpoint = way["OTEL_EXPORTER_OTLP_ENDPOINT"].replace("127.0.0.1", "collector.example")
        checks = checks_of({**secrets, **way, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        assert checks[0].what == "proxy"
        assert_nothing_shown(checks)


def test_secrets_of_places_to_look(receiver: Receiver, secrets: Mapping[str, str], tmp_path: Path) -> None:
    environ = {**secrets, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}"}
    with WebServer(403, {}, f"no entry for joe with {PLANTED}".encode()) as server:
        place = f"{server.endpoint.replace('//', f'//joe:{PLANTED}@')}/?key={PLANTED}"
        checks = checks_of(environ, f"jaeger={place}", f"victorialogs={place}")
    assert_nothing_shown(checks)
    assert "it answers 403: no entry for joe with [redacted]" in checks[-1].seen


def test_secrets_where_all_is_fine(receiver: Receiver, secrets: Mapping[str, str]) -> None:
    environ = {**secrets, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://joe:{PLANTED}@127.0.0.1:{receiver.http_port}"}
    assert_nothing_shown(checks_of(environ), fails=False)
