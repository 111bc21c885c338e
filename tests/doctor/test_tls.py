"""A handshake is made as the exporter makes it; what the certificate says is shown, what is wrong with it is said in words."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from otel_events.doctor.check import TO_COLLECTOR, Check, Mark
from otel_events.doctor.proxy import Proxy
from otel_events.doctor.target import Target, target_of
from otel_events.doctor.tls import check_tls
from otel_events.settings import resolve
from tests.backends.servers import COLLECTOR_YAML, Collector
from tests.doctor.support import PLANTED
from tests.sdk.support import GRPC, HTTP, Certificates, protocols, silent_server, with_tls

PORTS = {HTTP: "otlp_http", GRPC: "otlp_grpc"}


def check_of(
    address: str,
    protocol: str,
    files: Mapping[str, str] | None = None,
    proxy: Proxy | None = None,
    timeout: float = 5.0,
) -> Check:
    settings = resolve({"endpoint": f"https://{address}", "protocol": protocol, **(files or {})}, {})
    target = target_of(settings.logs)
    return check_tls(settings, ("logs",), Target(target.host, target.port, proxy), timeout)


@protocols
def test_a_good_certificate_is_shown(tls_collector: Collector, certificates: Certificates, protocol: str) -> None:
    authority = certificates.certificate("authority")
    check = check_of(tls_collector.address(PORTS[protocol]), protocol, {"certificate": authority})
    assert check.mark is Mark.OK
    assert check.seen.startswith("TLSv1.3, certificate of localhost, 127.0.0.1 by trustme")
    assert "valid until 3000-01-01 (" in check.seen


@protocols
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"])
def test_whom_the_environment_trusts_counts_as_it_does_for_the_exporter(
    tls_collector: Collector,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
    protocol: str,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, certificates.certificate("authority"))
    check = check_of(tls_collector.address(PORTS[protocol]), protocol)
    trusted = (variable == "REQUESTS_CA_BUNDLE") == (protocol == HTTP)
    assert check.mark is (Mark.OK if trusted else Mark.FAIL)


@protocols
@pytest.mark.parametrize("authority", [None, "other"])
def test_an_authority_that_is_not_trusted(
    tls_collector: Collector, certificates: Certificates, protocol: str, authority: str | None
) -> None:
    files = {"certificate": certificates.certificate(authority)} if authority else {}
    check = check_of(tls_collector.address(PORTS[protocol]), protocol, files)
    assert (check.mark, check.hop) == (Mark.FAIL, TO_COLLECTOR)
    assert check.seen == "the server's certificate is not trusted (unable to get local issuer certificate)"
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in check.change


@protocols
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("expired", "not valid at this time (certificate has expired)"),
        ("elsewhere", "for another host name (IP address mismatch, certificate is not valid for '127.0.0.1')"),
    ],
)
def test_a_certificate_that_does_not_fit(
    collector_binary: Path,
    tmp_path: Path,
    certificates: Certificates,
    protocol: str,
    certificate: str,
    words: str,
) -> None:
    authority = certificates.certificate("authority")
    with Collector(collector_binary, tmp_path, [COLLECTOR_YAML, with_tls(certificates, certificate)]) as collector:
        check = check_of(collector.address(PORTS[protocol]), protocol, {"certificate": authority})
    assert check.mark is Mark.FAIL
    assert check.seen == f"the server's certificate is {words}"


@protocols
def test_a_certificate_that_ends_soon_is_a_note(
    collector_binary: Path, tmp_path: Path, certificates: Certificates, protocol: str
) -> None:
    authority = certificates.certificate("authority")
    with Collector(collector_binary, tmp_path, [COLLECTOR_YAML, with_tls(certificates, "soon")]) as collector:
        check = check_of(collector.address(PORTS[protocol]), protocol, {"certificate": authority})
    assert check.mark is Mark.NOTE
    assert "(9 days)" in check.seen
    assert check.change == "Renew the server's certificate."


@protocols
def test_a_port_without_tls(plain_collector: Collector, protocol: str) -> None:
    check = check_of(plain_collector.address(PORTS[protocol]), protocol)
    assert (check.mark, check.seen) == (Mark.FAIL, "the port speaks no TLS")


@protocols
def test_a_client_certificate_is_shown_where_one_is_wanted(
    mutual_collector: Collector, certificates: Certificates, protocol: str
) -> None:
    address = mutual_collector.address(PORTS[protocol])
    authority = certificates.certificate("authority")
    good = {"client_certificate": certificates.certificate("client"), "client_key": certificates.key("client")}
    assert check_of(address, protocol, {"certificate": authority, **good}).mark is Mark.OK
    for files in (
        {},
        {"client_certificate": certificates.certificate("stranger"), "client_key": certificates.key("stranger")},
    ):
        check = check_of(address, protocol, {"certificate": authority, **files})
        assert check.mark is Mark.FAIL
        assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY" in check.change


@protocols
def test_files_that_cannot_be_used(
    tls_collector: Collector, certificates: Certificates, tmp_path: Path, protocol: str
) -> None:
    address = tls_collector.address(PORTS[protocol])
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_bytes(certificates.encrypted_key("client", PLANTED))
    client = certificates.certificate("client")
    for files in (
        {"certificate": __file__},
        {"client_certificate": client},
        {"client_certificate": client, "client_key": certificates.key("stranger")},
        {"client_certificate": client, "client_key": str(encrypted)},
    ):
        check = check_of(address, protocol, files)
        assert (check.mark, check.seen) == (Mark.FAIL, "a file with a certificate or a key cannot be used"), files


def test_grpc_wants_http2(certificates: Certificates, tls_collector: Collector) -> None:
    """A port that speaks TLS but offers no HTTP/2 is of no use to gRPC; the Collector's for HTTP offers it."""
    authority = certificates.certificate("authority")
    with tls_server(certificates) as port:
        check = check_of(f"127.0.0.1:{port}", GRPC, {"certificate": authority})
        assert (check.mark, check.seen) == (Mark.FAIL, "TLSv1.3, but the server offers no HTTP/2, which gRPC needs")
        assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in check.change
        assert check_of(f"127.0.0.1:{port}", HTTP, {"certificate": authority}).mark is Mark.OK


def test_http_to_a_port_of_grpc(certificates: Certificates, tls_collector: Collector) -> None:
    authority = certificates.certificate("authority")
    check = check_of(tls_collector.address("otlp_grpc"), HTTP, {"certificate": authority})
    assert check.mark is Mark.FAIL
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in check.change


def test_a_server_that_never_answers() -> None:
    with silent_server() as port:
        check = check_of(f"127.0.0.1:{port}", HTTP, timeout=0.3)
    assert check.mark is Mark.FAIL
    assert check.seen.startswith("no answer within")


@pytest.mark.parametrize("status", [b"200 OK", b"403 Forbidden"])
def test_the_handshake_goes_through_the_proxy(
    certificates: Certificates, tls_collector: Collector, status: bytes
) -> None:
    authority = certificates.certificate("authority")
    with tunnel(status) as (port, asked):
        proxy = Proxy(f"http://joe:{PLANTED}@127.0.0.1:{port}")
        address = tls_collector.address("otlp_http")
        check = check_of(address, HTTP, {"certificate": authority}, proxy)
    assert asked[0].startswith(f"CONNECT {address} ".encode())
    assert b"Proxy-Authorization: Basic " in asked[0]
    if status.startswith(b"200"):
        assert check.mark is Mark.OK
    else:
        assert check.mark is Mark.FAIL
        assert check.seen.startswith("the proxy does not let it through (OSError: Tunnel connection failed: 403")


@contextlib.contextmanager
def tls_server(certificates: Certificates) -> Iterator[int]:
    """Give the port of a server that makes TLS handshakes without a word on protocols, and then waits."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate("server"), certificates.key("server"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
                        tls.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def tunnel(status: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Give the port of a proxy for one CONNECT, and what it is asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)

        def serve() -> None:
            with listener.accept()[0] as client:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += client.recv(65536)
                asked.append(request)
                client.sendall(b"HTTP/1.1 " + status + b"\r\n\r\n")
                if not status.startswith(b"200"):
                    return
                host, port = request.split()[1].decode().split(":")
                with socket.create_connection((host, int(port))) as server:
                    other = threading.Thread(target=pump, args=(server, client))
                    other.start()
                    pump(client, server)
                    other.join()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join(10.0)
