"""What the tests of the SDK package share: an event, certificates, servers that misbehave, configurations of Collectors."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from otel_events import Event

ROOT = Path(__file__).parents[2]
TOKEN = "planted-token-4711"
HTTP = "http/protobuf"
GRPC = "grpc"

protocols = pytest.mark.parametrize("protocol", [HTTP, GRPC])


@dataclass
class Ping(Event):
    """An event for the tests."""

    name = "ping"
    namespace = "test"
    number: int = 0


class Certificates:
    """Certificates in a folder: of an authority, of servers and of clients that it vouches for, and of another one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        authority, other = trustme.CA(), trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "authority.crt"))
        other.cert_pem.write_to_path(str(folder / "other.crt"))
        then = [dt.datetime(year, 1, 1, tzinfo=dt.timezone.utc) for year in (2020, 2021)]
        self._write("server", authority.issue_cert("localhost", "127.0.0.1"))
        self._write("elsewhere", authority.issue_cert("elsewhere.example"))
        self._write("expired", authority.issue_cert("127.0.0.1", not_before=then[0], not_after=then[1]))
        soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=10)
        self._write("soon", authority.issue_cert("127.0.0.1", not_after=soon))
        self._write("client", authority.issue_cert("client.example"))
        self._write("stranger", other.issue_cert("client.example"))

    def certificate(self, name: str) -> str:
        """Return the path of a certificate."""
        return str(self.folder / f"{name}.crt")

    def key(self, name: str) -> str:
        """Return the path of a certificate's key."""
        return str(self.folder / f"{name}.key")

    def encrypted_key(self, name: str, password: str) -> bytes:
        """Return a certificate's key, encrypted, as PEM."""
        key = serialization.load_pem_private_key(Path(self.key(name)).read_bytes(), None)
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password.encode()),
        )

    def _write(self, name: str, leaf: trustme.LeafCert) -> None:
        Path(self.certificate(name)).write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(self.key(name))


def with_tls(certificates: Certificates, name: str, *, wants_client: bool = False) -> Mapping[str, Any]:
    """Return the configuration of a Collector that speaks TLS with one of the certificates."""
    tls = {"cert_file": certificates.certificate(name), "key_file": certificates.key(name)}
    if wants_client:
        tls["client_ca_file"] = certificates.certificate("authority")
    return {"receivers": {"otlp": {"protocols": {"grpc": {"tls": tls}, "http": {"tls": tls}}}}}


def with_token() -> Mapping[str, Any]:
    """Return the configuration of a Collector that wants a bearer token."""
    auth = {"auth": {"authenticator": "bearertokenauth"}}
    return {
        "extensions": {"bearertokenauth": {"token": TOKEN}},
        "receivers": {"otlp": {"protocols": {"grpc": auth, "http": auth}}},
        "service": {"extensions": ["health_check", "bearertokenauth"]},
    }


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Give the port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


@contextlib.contextmanager
def closing_server() -> Iterator[int]:
    """Give the port of a server that closes each connection at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def close_all() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=close_all)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


class WebServer(http.server.ThreadingHTTPServer):
    """A web server that gives every request the same answer.

    Args:
        status: Of the answer.
        headers: Likewise.
        body: Likewise.

    Attributes:
        first: Statuses of the first answers, before that one.
        requests: Path and headers of each request.
        connections: How many were made.
    """

    daemon_threads = True

    def __init__(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = (status, dict(headers or {}), body)
        self.first: list[int] = []
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.connections = 0

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection."""
        self.connections += 1
        super().process_request(request, client_address)

    def __enter__(self) -> WebServer:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebServer
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.requests.append((self.path, dict(self.headers.items())))
        status, headers, body = self.server.answer
        if self.server.first:
            status = self.server.first.pop(0)
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # The client may have read enough.
            self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        pass


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged, by whomever, at WARNING or above."""
    return [record.getMessage() for record in caplog.records if record.levelno >= 30]


def run_script(script: str, *arguments: object, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a Python script in a process of its own, until its end."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _HEAD + textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        check=False,
    )


_HEAD = textwrap.dedent(
    """
    import os, sys, time
    import otel_events
    from tests.sdk.support import Ping
    """
)
