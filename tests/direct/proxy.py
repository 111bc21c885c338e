"""A forward proxy over real sockets, with CONNECT and for plain requests, that may also stop passing anything on."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import socket
import threading
from typing import ClassVar
from urllib.parse import urlsplit

from tests.direct.faulty import SocketServer


class ForwardProxy:
    """A forward proxy on 127.0.0.1.

    Args:
        credentials: ``user:password`` that it wants; None where it wants none.

    Attributes:
        requests: The request line of each request so far, without the version.
    """

    def __init__(self, credentials: str | None = None) -> None:
        self.requests: list[str] = []
        self.era = 0
        self.wanted = credentials and f"Basic {base64.b64encode(credentials.encode()).decode()}"
        self._server = SocketServer(_Handler, self)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def freeze(self) -> None:
        """Swallow from now on what comes through the tunnels that there are, as a network does that lost its way."""
        self.era += 1

    def __enter__(self) -> ForwardProxy:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm: ClassVar[bool] = True

    def setup(self) -> None:
        super().setup()
        self.owner: ForwardProxy = self.server.owner  # type: ignore[attr-defined] # it is a SocketServer

    def do_CONNECT(self) -> None:
        if not self._allowed():
            return
        host, _, port = self.path.rpartition(":")
        try:
            upstream = socket.create_connection((host.strip("[]"), int(port)), 10.0)
        except OSError:
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        era = self.owner.era
        with upstream:
            upstream.settimeout(None)
            back = threading.Thread(target=self._pass_on, args=(upstream, self.connection, era))
            back.start()
            self._pass_on(self.connection, upstream, era)
            back.join()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._allowed():
            return
        parts = urlsplit(self.path)
        with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=10.0)) as upstream:
            headers = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
            upstream.request("POST", parts.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _allowed(self) -> bool:
        self.owner.requests.append(f"{self.command} {self.path}")
        if self.owner.wanted in (None, self.headers["proxy-authorization"]):
            return True
        self.send_response(407)
        self.send_header("content-length", "0")
        self.end_headers()
        return False

    def _pass_on(self, source: socket.socket, target: socket.socket, era: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if era == self.owner.era:
                    target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def log_message(self, *_: object) -> None:
        pass
