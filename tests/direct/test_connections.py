"""Requests to a URL share few connections, each of them one write and one read; what goes wrong is said in urllib3's words."""

from __future__ import annotations

import contextlib
import gc
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from otel_events.direct.connections import Connections
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.direct.faulty import CUT_REQUEST, HANG_UP, NOT_HTTP, SILENT, HttpReply, HttpServer
from tests.direct.tracing import require_strace
from tests.sdk.support import Certificates, free_port

LARGE = bytes(range(256)) * 32_768
"""8 MiB: more than the buffers of two sockets hold."""


@contextlib.contextmanager
def connections_to(url: str, context: ssl.SSLContext | None = None) -> Iterator[Connections]:
    connections = Connections(url, {"x-key": "value"}, context)
    try:
        yield connections
    finally:
        connections.close()


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


@pytest.fixture
def connections(server: HttpServer) -> Iterator[Connections]:
    with connections_to(f"{server.endpoint}/path?query") as connections:
        yield connections


@pytest.mark.parametrize("body", [b"", b"x", LARGE], ids=["none", "one byte", "8 MiB"])
def test_every_body_arrives_whole(server: HttpServer, connections: Connections, body: bytes) -> None:
    assert [connections.post(body, 5.0).status for _ in range(2)] == [200, 200]
    assert [(request.path, request.body) for request in server.requests] == [("/path?query", body)] * 2
    assert server.requests[0].headers["x-key"] == "value"
    assert server.connections == 1


def test_a_reply_is_all_that_the_server_said(server: HttpServer, connections: Connections) -> None:
    for extra in ({}, {"Via": "1", "via": "2"}):
        server.script(HttpReply(429, {"Retry-After": "3", **extra}, b"later"))
        reply = connections.post(b"", 5.0)
        assert (reply.status, reply.reason, reply.body, reply.whole) == (429, "Too Many Requests", b"later", True)
        assert (reply.headers["retry-after"], reply.headers["content-length"]) == ("3", "5")
    assert reply.headers["via"] == "1, 2"


# -- which connections are used ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"x", LARGE], ids=["one byte", "8 MiB"])
@pytest.mark.parametrize("reply", [HANG_UP, CUT_REQUEST], ids=["read", "not read"])
def test_a_request_on_a_kept_connection_that_ends_goes_out_once_more(
    server: HttpServer, connections: Connections, reply: HttpReply, body: bytes
) -> None:
    server.script(HttpReply(), reply, HttpReply(), reply, reply)
    assert [connections.post(body, 5.0).status for _ in range(2)] == [200, 200]
    with pytest.raises(ProtocolError):
        connections.post(body, 5.0)
    server.script(reply)
    with pytest.raises(ProtocolError):  # now there is none that was kept
        connections.post(body, 5.0)
    assert len(server.requests) == 6


def test_one_whose_answer_has_begun_does_not(server: HttpServer, connections: Connections) -> None:
    for reply in (HttpReply(body=b"x" * 10, cut_after=5), HttpReply(raw=b"HTTP/1.1 200"), NOT_HTTP):
        server.script(HttpReply(), reply)
        connections.post(b"", 5.0)
        with pytest.raises(ProtocolError):
            connections.post(b"", 5.0)
    assert len(server.requests) == 6


def test_nor_one_that_takes_too_long(server: HttpServer, connections: Connections) -> None:
    server.script(HttpReply(), SILENT)
    connections.post(b"", 5.0)
    with pytest.raises(ReadTimeoutError):
        connections.post(b"", 0.2)
    connections.post(b"", 5.0)
    assert (len(server.requests), server.connections) == (3, 2)


def test_a_408_is_about_a_connection_that_was_kept_and_else_about_the_request(
    server: HttpServer, connections: Connections
) -> None:
    server.script(HttpReply(408))
    assert connections.post(b"1", 5.0).status == 408
    assert (len(server.requests), server.connections) == (1, 1)
    server.script(HttpReply(408), HttpReply(), HttpReply(408), HttpReply(408))
    assert [connections.post(body, 5.0).status for body in (b"2", b"3")] == [200, 408]
    assert [request.body for request in server.requests] == [b"1", b"2", b"2", b"3", b"3"]
    assert server.connections == 3


@pytest.mark.parametrize("reply", [HttpReply(close=True), HttpReply(headers={"connection": "close"})])
def test_a_connection_that_was_closed_a_while_ago_is_not_used(
    server: HttpServer, connections: Connections, monkeypatch: pytest.MonkeyPatch, reply: HttpReply
) -> None:
    monkeypatch.setattr("otel_events.direct.connection._FRESH_SECONDS", 0.0)
    server.script(reply)
    connections.post(b"1", 5.0)
    connections.post(b"2", 5.0)
    assert ([request.body for request in server.requests], server.connections) == ([b"1", b"2"], 2)


def test_an_answer_is_that_of_its_request_also_where_a_server_answers_twice(
    server: HttpServer, connections: Connections
) -> None:
    twice = b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1" * 2
    server.script(HttpReply(raw=twice), HttpReply(body=b"2"))
    assert [connections.post(b"", 5.0).body for _ in range(2)] == [b"1", b"2"]


def test_threads_at_once_have_a_connection_each_and_few_are_kept(server: HttpServer, connections: Connections) -> None:
    server.default = HttpReply(body=b"....", seconds_per_byte=0.02)
    bodies = [str(number).encode() for number in range(40)]
    with ThreadPoolExecutor(8) as executor:
        replies = list(executor.map(lambda body: connections.post(body, 5.0), bodies))
    assert [reply.body for reply in replies] == [b"...."] * 40
    assert sorted(request.body for request in server.requests) == sorted(bodies)
    made = server.connections
    with ThreadPoolExecutor(2) as executor:
        list(executor.map(lambda body: connections.post(body, 5.0), bodies[:4]))
    assert server.connections == made
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda body: connections.post(body, 5.0), bodies[:16]))
    assert server.connections > made > 2


def test_one_in_use_is_closed_after_its_reply(server: HttpServer, connections: Connections) -> None:
    server.script(HttpReply(body=b"....", seconds_per_byte=0.1))
    with ThreadPoolExecutor(1) as executor:
        reply = executor.submit(connections.post, b"", 5.0)
        wait_until(lambda: server.requests)
        connections.close()
        assert reply.result().body == b"...."
    gc.collect()  # complains of sockets that nobody has closed
    connections.post(b"", 5.0)
    assert server.connections == 2


def test_where_nobody_closes_them_they_are_closed_all_the_same(server: HttpServer) -> None:
    connections = Connections(server.endpoint, {}, None)
    connections.post(b"", 5.0)
    del connections
    gc.collect()


# -- what goes wrong -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (HANG_UP, ProtocolError, r"^\('Connection aborted.', RemoteDisconnected\('Remote end closed connection"),
        (NOT_HTTP, ProtocolError, r"^\('Connection aborted.', BadStatusLine\("),
        (HttpReply(raw=b"HTTP/1.1 200 OK\r\nX: "), ProtocolError, r"^\('Connection aborted.', IncompleteRead\("),
        (
            HttpReply(body=b"ok", cut_after=1),
            ProtocolError,
            r"^\('Connection broken: IncompleteRead\(1 bytes read, 1 mo",
        ),
        (
            SILENT,
            ReadTimeoutError,
            r"^HTTPConnectionPool\(host='127.0.0.1', port=\d+\): Read timed out. \(read timeout=0.5\)",
        ),
        (HttpReply(body=b"ok", stall_after=1), ReadTimeoutError, r"^HTTPConnectionPool\(.+\): Read timed out.$"),
    ],
)
def test_it_is_said_as_urllib3_says_it(
    server: HttpServer, connections: Connections, reply: HttpReply, kind: type[HTTPError], words: str
) -> None:
    server.script(reply)
    with pytest.raises(kind, match=words):
        connections.post(b"", 0.5)


def test_where_nobody_reads_it_is_the_time_that_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with connections_to(url) as connections, pytest.raises(ReadTimeoutError, match="timed out"):
            connections.post(LARGE * 4, 0.5)


@pytest.mark.parametrize(
    ("host", "kind", "words"),
    [
        ("127.0.0.1", NewConnectionError, r"HTTPConnection.+: Failed to establish a new connection: .+refused"),
        ("nowhere.invalid", NameResolutionError, r"Failed to resolve 'nowhere\.invalid'"),
    ],
)
def test_so_is_why_there_is_no_connection(host: str, kind: type[HTTPError], words: str) -> None:
    with connections_to(f"http://{host}:{free_port()}") as connections, pytest.raises(kind, match=words):
        connections.post(b"", 5.0)


def test_a_server_that_does_not_accept_costs_no_more_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, contextlib.ExitStack() as stack:
        address = listening.getsockname()
        for _ in range(4):  # until the queue of connections is full
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        connections = stack.enter_context(connections_to(f"http://127.0.0.1:{address[1]}"))
        with pytest.raises(HTTPError, match="timed out"):
            connections.post(b"", 0.3)


def test_with_tls_it_is_said_whom_it_does_not_trust(tls_collector: Collector, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.certificate("other"))
    url = f"https://{tls_collector.address('otlp_http')}"
    with connections_to(url, context) as connections, pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        connections.post(b"", 5.0)


def test_and_who_speaks_none(small_collector: Collector) -> None:
    url = f"https://{small_collector.address('otlp_http')}"
    words = r"(?i)wrong.version.number|record.layer.failure"
    with connections_to(url, ssl.create_default_context()) as connections, pytest.raises(SSLError, match=words):
        connections.post(b"", 5.0)


def test_a_handshake_costs_no_more_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url, context = f"https://127.0.0.1:{listening.getsockname()[1]}", ssl.create_default_context()
        with connections_to(url, context) as connections, pytest.raises(ReadTimeoutError, match="timed out"):
            connections.post(b"", 0.3)


# -- how -------------------------------------------------------------------------------------------------------------------------


def test_with_tls_a_connection_is_kept_too(tls_collector: Collector, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.certificate("authority"))
    with connections_to(f"https://{tls_collector.address('otlp_http')}/v1/logs", context) as connections:
        # The Collector says that this is no request of OTLP's.
        assert [connections.post(LARGE[:size], 5.0).status for size in (10, 100_000, 10)] == [415] * 3
        assert context.session_stats()["connect"] == 1


def test_a_server_may_have_an_address_of_ipv6() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    hosts: list[bytes] = []

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as file:
            hosts.extend(line for line in iter(file.readline, b"\r\n") if line.startswith(b"Host: "))
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        with connections_to(f"http://[::1]:{port}") as connections:
            assert connections.post(b"", 5.0).status == 200
        thread.join()
    assert hosts == [b"Host: [::1]:%d\r\n" % port]


SENDING = """
import sys
from otel_events.direct.connections import Connections

connections = Connections(sys.argv[1], {}, None)
for _ in range(20):
    connections.post(b"x" * 100_000, 5.0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's timeouts are used on Linux")
def test_a_request_is_one_write_and_one_read(server: HttpServer, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    calls = "trace=sendto,sendmsg,recvfrom,recvmsg,poll,ppoll,select,pselect6,epoll_wait,ioctl,setsockopt"
    command = [require_strace(), "-e", calls, "-o", str(trace), sys.executable, "-c", SENDING, server.endpoint]
    subprocess.run(command, check=True, timeout=60)
    lines = trace.read_text().splitlines()
    first = next(index for index, line in enumerate(lines) if "POST / HTTP/1.1" in line)
    made = [line.partition("(")[0] for line in lines[first:] if not line.startswith("+++")]
    assert made == ["sendmsg", "recvfrom"] * 20
    # Head and body are not put together first.
    assert all("msg_iovlen=2" in line for line in lines[first:] if line.startswith("sendmsg"))
