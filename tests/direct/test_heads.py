"""Requests begin as those of urllib3 do, byte for byte."""

from __future__ import annotations

import socket
import threading

import pytest
import urllib3
from urllib3.util import parse_url

from otel_events.direct.heads import head_of_posts

HEADERS = {
    "user-agent": "test/1",
    "authorization": "Bearer token",
    "x-odd": "Content-Length: 0",
    "content-type": "application/x-protobuf",
}


def sent_by_urllib3(host: str, url: str, headers: dict[str, str], body: bytes) -> bytes:
    """Return what urllib3 sends, up to the body; a port in ``url`` stands as ``PORT``."""
    received: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as file:
            received.extend(iter(file.readline, b"\r\n"))
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            file.read(len(body))

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening, urllib3.PoolManager() as manager:
        server = threading.Thread(target=serve)
        server.start()
        port = str(listening.getsockname()[1])
        manager.urlopen("POST", url.replace("PORT", port), body=body, headers=headers, retries=False)
        server.join()
    return b"".join(received).replace(port.encode(), b"PORT") + b"\r\n"


def composed(url: str, headers: dict[str, str], body: bytes) -> bytes:
    return head_of_posts(urllib3.connection_from_url(url), parse_url(url).request_uri, headers).of(body)


@pytest.mark.parametrize("body", [b"", b"x", bytes(450_000)], ids=["none", "one byte", "450 kB"])
@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:PORT/v1/logs"),
        ("127.0.0.1", "http://127.0.0.1:PORT"),
        ("127.0.0.1", "http://LOCALHOST:PORT/a/../b%2fc/ü?key=a b&other=%41"),
        ("::1", "http://[::1]:PORT/v1/logs"),
    ],
)
def test_they_are_the_bytes_of_urllib3(host: str, url: str, body: bytes) -> None:
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    for headers in ({}, HEADERS, {"host": "elsewhere", "accept-encoding": "gzip", **HEADERS}):
        # A port of five digits, as the system gives them.
        head = composed(url.replace("PORT", "54321"), headers, body)
        assert head.replace(b"54321", b"PORT") == sent_by_urllib3(host, url, headers, body)


def test_the_usual_port_is_not_named() -> None:
    for url in ("http://example.com/v1/logs", "https://example.com:443/v1/logs"):
        assert b"\r\nHost: example.com\r\n" in composed(url, {}, b"")
    for url in ("http://example.com:443/v1/logs", "https://example.com:443/v1/logs"):
        assert (b":443\r\n" in composed(url, {}, b"")) == url.startswith("http://")


@pytest.mark.parametrize(
    "headers", [{"x": "a\r\nb: c"}, {"x\r\ny": "z"}, {"x": "€"}], ids=["value", "name", "character"]
)
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"header|latin-1"):
        composed("http://example.com", headers, b"")
