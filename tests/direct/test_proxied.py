"""Through a proxy, requests arrive as without one, and take no longer than they may."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Iterator

import pytest
from urllib3.exceptions import ProtocolError, ProxyError, ReadTimeoutError

from otel_events.direct.proxied import Proxied
from tests.backends.servers import Collector
from tests.direct.faulty import HANG_UP, SILENT, HttpReply, HttpServer
from tests.direct.proxy import ForwardProxy
from tests.sdk.support import Certificates, free_port

URL = "http://collector.invalid/v1/logs"


@contextlib.contextmanager
def through(proxy: str, url: str = URL, context: ssl.SSLContext | None = None) -> Iterator[Proxied]:
    proxied = Proxied(proxy, url, {"x-key": "value"}, context)
    try:
        yield proxied
    finally:
        proxied.close()


@pytest.fixture
def server() -> Iterator[HttpServer]:
    """Give a server that answers itself what it should pass on."""
    with HttpServer() as server:
        yield server


def test_a_plain_request_is_for_the_proxy_to_pass_on(server: HttpServer) -> None:
    with through(server.endpoint) as proxied:
        for body in (b"", b"body"):
            server.script(HttpReply(503, {"Retry-After": "3"}, b"later"))
            reply = proxied.post(body, 5.0)
            assert (reply.status, reply.reason, reply.body) == (503, "Service Unavailable", b"later")
            assert (reply.headers["retry-after"], reply.whole) == ("3", True)
    assert [(request.path, request.body) for request in server.requests] == [(URL, b""), (URL, b"body")]
    assert server.requests[0].headers["host"] == "collector.invalid"
    assert server.requests[0].headers["x-key"] == "value"
    assert server.connections == 1


def test_the_proxy_gets_its_credentials(server: HttpServer) -> None:
    with through(server.endpoint.replace("http://", "http://joe:se%40cret@")) as proxied:
        proxied.post(b"", 5.0)
    assert server.requests[0].headers["proxy-authorization"] == "Basic am9lOnNlQGNyZXQ="


def test_with_tls_it_passes_on_what_it_cannot_read(tls_collector: Collector, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.certificate("authority"))
    url = f"https://{tls_collector.address('otlp_http')}/v1/logs"
    with ForwardProxy() as proxy, through(f"http://127.0.0.1:{proxy.port}", url, context) as proxied:
        assert [proxied.post(b"x", 5.0).status for _ in range(2)] == [415, 415]
        assert proxy.requests == [f"CONNECT {tls_collector.address('otlp_http')}"]


def test_a_request_on_a_kept_connection_that_ends_goes_out_once_more(server: HttpServer) -> None:
    with through(server.endpoint) as proxied:
        server.script(HttpReply(), HANG_UP, HttpReply(), HANG_UP, HANG_UP, HANG_UP)
        assert [proxied.post(b"", 5.0).status for _ in range(2)] == [200, 200]
        for _ in range(2):
            with pytest.raises(ProxyError, match="Remote end closed connection"):
                proxied.post(b"", 5.0)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "reply",
    [SILENT, HttpReply(body=bytes(2), stall_after=1), HttpReply(body=bytes(100), seconds_per_byte=0.1)],
    ids=["no answer", "an answer that stops", "an answer that never ends"],
)
def test_the_time_is_for_all_of_it(server: HttpServer, reply: HttpReply) -> None:
    server.script(reply)
    began = time.monotonic()
    with through(server.endpoint) as proxied, pytest.raises(ReadTimeoutError, match="timed out"):
        proxied.post(b"", 0.5)
    assert 0.4 < time.monotonic() - began < 1.5


def test_a_head_that_breaks_off_is_no_reply(server: HttpServer) -> None:
    server.script(HttpReply(raw=b"HTTP/1.1 200 OK\r\n"))
    with through(server.endpoint) as proxied, pytest.raises(ProtocolError, match="IncompleteRead"):
        proxied.post(b"", 5.0)


def test_a_proxy_that_is_not_there_is_named() -> None:
    with through(f"http://127.0.0.1:{free_port()}") as proxied, pytest.raises(ProxyError, match="refused"):
        proxied.post(b"", 5.0)
