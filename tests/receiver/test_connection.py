"""Who connects and sends no whole request is cut off, and keeps nobody else from being answered."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from otel_events.receiver import connection
from otel_events.receiver.serving import MAX_CONNECTIONS, HttpServer, listen
from tests.backends.wait import wait_until
from tests.receiver.support import send

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
SOON = 0.3


begun: list[Request] = []


async def echo(request: Request) -> PlainTextResponse:
    begun.append(request)
    return PlainTextResponse(await request.body())


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """Serve, and give the port."""
    with contextlib.closing(listen("127.0.0.1", 0, "--port")) as listener:
        server = HttpServer(Starlette(routes=[Route("/", echo, methods=["POST"])]), listener, name="test-server")
        server.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.stop()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def is_closed(client: socket.socket) -> bool:
    """Say whether the other side closed a connection over which nothing comes."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def answered(client: socket.socket) -> bytes:
    """Read up to the end of a body that is sent back."""
    answer = b""
    while not answer.endswith(b"hi"):
        more = client.recv(1_000)
        assert more, answer
        answer += more
    return answer


@pytest.mark.parametrize("sent", [b"", b"P", HEAD], ids=["nothing", "a byte", "half a head"])
def test_a_connection_without_a_request_ends(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SOON)
    with serving() as port, connected(port) as client:
        client.sendall(sent)
        wait_until(lambda: is_closed(client))


def test_bytes_now_and_then_keep_it_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SOON)

    def still_there() -> bool:
        with contextlib.suppress(ConnectionError):
            client.send(b"x")
        return not is_closed(client)

    with serving() as port, connected(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nX: ")
        wait_until(lambda: not still_there())


def test_a_connection_that_begins_another_request_and_stops_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SOON)
    with serving() as port, connected(port) as client:
        client.sendall(HEAD + b"\r\nhi")
        assert answered(client).startswith(b"HTTP/1.1 200")
        client.sendall(b"P")
        wait_until(lambda: is_closed(client))


def test_a_request_under_way_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SOON)
    with serving() as port, connected(port) as slow, connected(port) as silent:
        slow.sendall(HEAD + b"\r\nh")
        wait_until(lambda: is_closed(silent))
        slow.sendall(b"i")
        assert answered(slow).startswith(b"HTTP/1.1 200")


def test_more_silent_connections_than_there_may_be_keep_nobody_out() -> None:
    with serving() as port, contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(port)) for _ in range(MAX_CONNECTIONS)]
        assert [send(port, "POST", "/", b"hi").status for _ in range(3)] == [200] * 3
        wait_until(lambda: is_closed(silent[0]))
        assert not is_closed(silent[-1])


def test_connections_with_a_request_under_way_do_not_make_room() -> None:
    with serving() as port, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(port)) for _ in range(MAX_CONNECTIONS - 1)]
        begun.clear()
        for client in slow:
            client.sendall(HEAD + b"\r\nh")
        wait_until(lambda: len(begun) == len(slow))
        assert send(port, "POST", "/", b"hi").status == 503
        for client in slow:
            client.sendall(b"i")
        assert all(answered(client).startswith(b"HTTP/1.1 200") for client in slow)
