"""On one connection, each request gets its own answer, whatever that looks like; after anything odd the connection is closed."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from otel_events.direct.answers import MAX_ANSWER_BYTES
from otel_events.direct.connection import Connection
from otel_events.direct.heads import Head
from otel_events.direct.sockets import kernel_timed
from tests.direct.ends import dripping, soon, two_ends

HEAD = Head(b"POST / HTTP/1.1\r\nContent-Length: ", b"\r\nx: y\r\n\r\n")

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"


@contextlib.contextmanager
def connected(timed_by_kernel: bool = True) -> Iterator[tuple[Connection, socket.socket, socket.socket]]:
    """Give a connection, the socket that it consists of, and the server's end."""
    with two_ends() as (client, server):
        sock = kernel_timed(client) if timed_by_kernel else client
        connection = Connection(sock, HEAD, urllib3.HTTPConnectionPool("example.com"))
        try:
            yield connection, sock, server
        finally:
            connection.close()


@pytest.mark.parametrize("timed_by_kernel", [True, False])
@pytest.mark.parametrize("body", [b"", b"x" * 10_000], ids=len)
def test_a_request_arrives_and_its_answer_too(timed_by_kernel: bool, body: bytes) -> None:
    with connected(timed_by_kernel) as (connection, _, server):
        for _ in range(3):
            server.sendall(ANSWER)
            assert connection.reply(connection.ask(body, soon()), soon())[:2] == (200, "OK")
            with server.makefile("rb") as file:
                expected = HEAD.of(body) + body
                assert file.read(len(expected)) == expected
        assert not connection.closed


@pytest.mark.parametrize(
    ("answer", "body", "closed"),
    [
        (ANSWER, b"body", False),
        (CHUNKED, b"body", False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER, b"body", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", b"", False),
        (ANSWER.replace(b"OK", b"OK\r\nX: a\r\n b"), b"body", False),
        (ANSWER.replace(b"OK", b"OK\r\nX: a\r\nX: b"), b"body", False),
        (ANSWER.replace(b"HTTP/1.1 200 OK", b"HTTP/1.0 200 OK\r\nConnection: keep-alive"), b"body", False),
        (ANSWER.replace(b"HTTP/1.1", b"HTTP/1.0"), b"body", True),
        (ANSWER.replace(b"OK", b"OK\r\nConnection: close"), b"body", True),
        (b"HTTP/1.1 200 OK\r\n\r\nbody", b"body", True),
        (ANSWER + ANSWER, b"body", True),
        (CHUNKED + ANSWER, b"body", True),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + ANSWER, b"body", False),
        (b"HTTP/1.1 413 No\r\nContent-Length: 4\r\n\r\nno", b"no", True),
        (b"HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", b"", True),
    ],
)
def test_answers_of_every_kind_are_read(answer: bytes, body: bytes, closed: bool) -> None:
    # Wherever the first piece ends, and with all of it in that.
    for end in range(1, len(answer) + 1):
        with connected() as (connection, _, server):
            server.sendall(answer[end:])
            if closed:
                server.shutdown(socket.SHUT_WR)
            reply = connection.reply(answer[:end], soon())
            assert reply.body == body
            # What has not come yet is no surplus that can be seen.
            if end == len(answer) or not closed:
                assert connection.closed == closed


def test_an_answer_that_comes_byte_by_byte_is_read() -> None:
    with connected() as (connection, sock, server):
        for answer in (ANSWER, CHUNKED, ANSWER):
            with dripping(sock, server, answer):
                assert connection.reply(connection.ask(b"x", soon()), soon()).body == b"body"
        assert not connection.closed


@pytest.mark.parametrize("body", [b"", b"body", bytes(100_000), bytes(MAX_ANSWER_BYTES)], ids=len)
def test_a_body_of_any_length_is_read(body: bytes) -> None:
    with connected() as (connection, _, server):
        with sending(server, b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)):
            assert connection.reply(connection.ask(b"", soon()), soon()).body == body
        assert not connection.closed


def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    with connected() as (connection, _, server):
        server.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 9999999999\r\n\r\n")
        first = connection.ask(b"", soon())
        with sending(server, bytes(MAX_ANSWER_BYTES + 1)):
            reply = connection.reply(first, soon())
        assert (len(reply.body), reply.whole, connection.closed) == (MAX_ANSWER_BYTES + 1, False, True)


@contextlib.contextmanager
def sending(server: socket.socket, data: bytes) -> Iterator[None]:
    """Have the server send more than fits into the buffers of two sockets."""
    thread = threading.Thread(target=server.sendall, args=(data,))
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.mark.parametrize("answer", [ANSWER, CHUNKED])
def test_an_answer_that_breaks_off_is_none(answer: bytes) -> None:
    for end in range(1, len(answer)):
        with connected() as (connection, _, server):
            server.sendall(answer[:end])
            server.shutdown(socket.SHUT_WR)
            first = connection.ask(b"", soon())
            if b"body\r\n0" in answer[:end]:
                # http.client does not mind that the last line breaks are missing.
                assert (connection.reply(first, soon()).body, connection.closed) == (b"body", True)
                continue
            with pytest.raises((http.client.HTTPException, ProtocolError)):
                connection.reply(first, soon())
            assert connection.closed


@pytest.mark.parametrize(
    "garbage", [b"\x00\x00\x12\x04" + bytes(30), b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/3 200 OK\r\n\r\n", b"\n"]
)
def test_garbage_is_no_answer(garbage: bytes) -> None:
    with connected() as (connection, _, server):
        server.sendall(garbage)
        server.shutdown(socket.SHUT_WR)
        with pytest.raises(http.client.HTTPException):
            connection.reply(connection.ask(b"", soon()), soon())
        assert connection.closed


def test_lengths_that_contradict_each_other_are_no_answer() -> None:
    with connected() as (connection, _, server):
        server.sendall(ANSWER.replace(b": 4", b": 4\r\nContent-Length: 5"))
        with pytest.raises(HTTPError, match="multiple"):
            connection.reply(connection.ask(b"", soon()), soon())
        assert connection.closed


def test_where_the_server_has_ended_it_nothing_is_answered() -> None:
    with connected() as (connection, _, server):
        server.close()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            connection.ask(b"x", soon())
        assert connection.closed


def test_where_the_server_resets_it_nothing_is_answered() -> None:
    with connected() as (connection, _, server):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.close()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            connection.ask(b"x", soon())
        assert connection.closed


@pytest.mark.parametrize("timed_by_kernel", [True, False])
@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200", ANSWER[:-1], CHUNKED[:-1]])
def test_a_silent_server_costs_no_more_than_the_time_that_there_is(timed_by_kernel: bool, beginning: bytes) -> None:
    with connected(timed_by_kernel) as (connection, _, server):
        server.sendall(beginning)
        began = time.monotonic()
        deadline = soon(0.5)
        with pytest.raises((TimeoutError, HTTPError), match="timed out"):
            connection.reply(connection.ask(b"", deadline), deadline)
        assert 0.4 < time.monotonic() - began < 3
        assert connection.closed


def test_a_shorter_time_does_not_stay() -> None:
    with connected() as (connection, sock, server):
        for seconds in (0.2, 30.0, 0.2, 5.0):
            server.sendall(ANSWER)
            connection.reply(connection.ask(b"", soon(seconds)), soon())
            assert sock.gettimeout() == pytest.approx(seconds, rel=0.02)


def test_without_time_nothing_is_sent() -> None:
    with connected() as (connection, _, server):
        with pytest.raises(TimeoutError):
            connection.ask(b"x", soon(-1.0))
        assert server.recv(1) == b""


def test_one_that_was_just_used_is_not_asked_whether_it_has_ended() -> None:
    with connected() as (connection, _, server):
        server.sendall(ANSWER)
        connection.reply(connection.ask(b"", soon()), soon())
        server.shutdown(socket.SHUT_WR)
        assert connection.is_usable()


@pytest.mark.parametrize("surplus", [b"", ANSWER])
def test_one_that_was_used_a_while_ago_is(monkeypatch: pytest.MonkeyPatch, surplus: bytes) -> None:
    monkeypatch.setattr("otel_events.direct.connection._FRESH_SECONDS", 0.0)
    with connected() as (connection, sock, server):
        server.sendall(ANSWER)
        connection.reply(connection.ask(b"", soon()), soon())
        assert connection.is_usable()
        server.sendall(surplus)
        server.shutdown(socket.SHUT_WR)
        sock.recv(1, socket.MSG_PEEK)  # now it has come
        assert not connection.is_usable()
