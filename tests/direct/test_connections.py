"""Plain connections block in few system calls, and keep their time all the same."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from otel_events.direct.connections import use_own_connections
from tests.direct.faulty import HANG_UP, HttpReply, HttpServer
from tests.direct.tracing import require_strace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's timeouts are used on Linux")

LARGE = bytes(range(256)) * 32_768
"""8 MiB: more than the buffers of two sockets hold."""


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


@pytest.fixture
def pool(server: HttpServer) -> Iterator[urllib3.HTTPConnectionPool]:
    port = int(server.endpoint.rpartition(":")[2])
    with urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=1) as pool:
        use_own_connections(pool)
        yield pool


def post(pool: urllib3.HTTPConnectionPool, body: bytes, seconds: float = 5.0) -> int:
    return pool.request("POST", "/", body=body, timeout=urllib3.Timeout(total=seconds), retries=False).status


@pytest.mark.parametrize("body", [b"", b"x", LARGE], ids=["none", "one byte", "8 MiB"])
def test_every_body_arrives_whole(server: HttpServer, pool: urllib3.HTTPConnectionPool, body: bytes) -> None:
    assert [post(pool, body), post(pool, body)] == [200, 200]
    assert [request.body for request in server.requests] == [body, body]
    assert server.connections == 1


def test_a_body_in_pieces_arrives_whole(server: HttpServer, pool: urllib3.HTTPConnectionPool) -> None:
    head = {"content-length": "10"}
    pieces = (piece for piece in (b"one", b"two", b"four"))
    assert pool.request("POST", "/", body=pieces, headers=head, retries=False).status == 200
    assert [request.body for request in server.requests] == [b"onetwofour"]


def too_slow(listening: socket.socket) -> None:
    """Post more than a server reads in half a second, and see it given up then."""
    with urllib3.HTTPConnectionPool("127.0.0.1", listening.getsockname()[1]) as pool:
        use_own_connections(pool)
        began = time.monotonic()
        with pytest.raises(HTTPError, match="timed out"):
            post(pool, LARGE * 4, seconds=0.5)
        assert 0.4 < time.monotonic() - began < 3


def test_a_server_that_reads_nothing_costs_no_more_than_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        too_slow(listening)


def test_a_server_that_reads_slowly_costs_no_more_than_the_timeout() -> None:
    ended = threading.Event()

    def read_slowly(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            while not ended.wait(0.05) and connection.recv(50_000):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listening:
        reader = threading.Thread(target=read_slowly, args=(listening,))
        reader.start()
        try:
            too_slow(listening)
        finally:
            ended.set()
            reader.join()


def test_a_connection_that_was_closed_a_while_ago_is_not_used(
    server: HttpServer, pool: urllib3.HTTPConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otel_events.direct.connections._FRESH_SECONDS", 0.0)
    server.script(HttpReply(close=True), HttpReply())
    assert post(pool, b"1") == 200
    connection = pool.pool.queue[-1]  # type: ignore[union-attr]
    assert connection.sock.recv(1, socket.MSG_PEEK) == b""  # now the end has come
    assert post(pool, b"2") == 200
    assert server.connections == 2


def test_one_that_was_just_used_is_not_asked(server: HttpServer, pool: urllib3.HTTPConnectionPool) -> None:
    server.script(HttpReply(), HANG_UP)
    assert post(pool, b"1") == 200
    with pytest.raises(ProtocolError):  # and the transport sends it again
        post(pool, b"2")


SENDING = """
import sys, urllib3
from otel_events.direct.connections import use_own_connections

pool = urllib3.HTTPConnectionPool("127.0.0.1", int(sys.argv[1]))
use_own_connections(pool)
for _ in range(20):
    pool.request("POST", "/", body=b"x" * 100_000, timeout=5.0, retries=False)
"""


def test_a_request_is_one_write_and_one_read(server: HttpServer, tmp_path: Path) -> None:
    trace, port = tmp_path / "trace", server.endpoint.rpartition(":")[2]
    calls = "trace=sendto,sendmsg,recvfrom,recvmsg,poll,ppoll,select,pselect6,epoll_wait,ioctl"
    command = [require_strace(), "-e", calls, "-o", str(trace), sys.executable, "-c", SENDING, port]
    subprocess.run(command, check=True, timeout=60)
    lines = trace.read_text().splitlines()
    first = next(index for index, line in enumerate(lines) if "POST / HTTP/1.1" in line)
    made = [line.partition("(")[0] for line in lines[first:] if not line.startswith("+++")]
    assert made == ["sendmsg", "recvfrom"] * 20
