"""Answers of every kind are read within a time as a whole, also where some of them has been read already."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from otel_events.direct.responses import Response
from tests.direct.ends import dripping, two_ends

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\nx: y\r\n\r\n"
HINTS = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n"
UNTIL_THE_END = b"HTTP/1.0 200 OK\r\n\r\nbody"

kinds = pytest.mark.parametrize(
    "data",
    [WITH_LENGTH, CHUNKED, UNTIL_THE_END, CONTINUE + CONTINUE + WITH_LENGTH, HINTS + CONTINUE + HINTS + CHUNKED],
    ids=["length", "chunked", "end", "continue", "hints"],
)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with two_ends() as ends:
        yield ends


def body_of(client: socket.socket, first: bytes = b"") -> bytes:
    response = Response(client, method="POST", first=first)
    try:
        response.begin()
        return response.read()
    finally:
        response.close()


@kinds
def test_it_is_read_in_one_piece(ends: tuple[socket.socket, socket.socket], data: bytes) -> None:
    client, server = ends
    server.sendall(data)
    server.shutdown(socket.SHUT_WR)
    assert body_of(client) == b"body"


@kinds
def test_it_is_read_byte_by_byte(ends: tuple[socket.socket, socket.socket], data: bytes) -> None:
    client, server = ends
    with dripping(client, server, data):
        response = Response(client, method="POST")
        response.begin()
        assert response.read(4) == b"body"
        if response.chunked:
            assert response.read() == b""
    response.close()


@kinds
def test_it_is_read_wherever_what_was_read_already_ends(data: bytes) -> None:
    for end in range(len(data) + 1):
        with two_ends() as (client, server):
            server.sendall(data[end:])
            server.shutdown(socket.SHUT_WR)
            assert body_of(client, data[:end]) == b"body"


def test_what_comes_before_the_answer_is_no_part_of_it(ends: tuple[socket.socket, socket.socket]) -> None:
    client, _ = ends
    response = Response(client, method="POST", first=HINTS + b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    response.begin()
    assert (response.status, response.reason, response.headers.items()) == (
        400,
        "Bad Request",
        [("Content-Length", "0")],
    )
    assert (response.read(), response.leaves_connection) == (b"", True)
    response.close()


@pytest.mark.parametrize("surplus", [b"", b"H", WITH_LENGTH, bytes(20_000)], ids=len)
def test_it_tells_what_came_after_it(ends: tuple[socket.socket, socket.socket], surplus: bytes) -> None:
    client, _ = ends
    response = Response(client, method="POST", first=WITH_LENGTH + surplus)
    response.begin()
    assert (response.read(), response.leaves_connection) == (b"body", not surplus)
    response.close()


def test_it_tells_whether_the_connection_ended_with_it(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    server.shutdown(socket.SHUT_WR)
    for data, leaves_connection in (
        (WITH_LENGTH, True),
        (UNTIL_THE_END, False),
        (CHUNKED, True),
        (CHUNKED[:-2], False),
    ):
        response = Response(client, method="POST", first=data)
        response.begin()
        assert (response.read(), response.leaves_connection) == (b"body", leaves_connection)


@pytest.mark.parametrize("end", range(1, WITH_LENGTH.index(b"body")))
def test_a_head_that_breaks_off_is_none(ends: tuple[socket.socket, socket.socket], end: int) -> None:
    client, server = ends
    server.sendall(WITH_LENGTH[:end])
    server.shutdown(socket.SHUT_WR)
    with pytest.raises((http.client.IncompleteRead, http.client.BadStatusLine)):
        body_of(client)


def test_a_connection_that_ends_is_no_answer(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(http.client.RemoteDisconnected):
        body_of(client)


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200, b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000]
)
def test_a_head_without_end_is_not_read_to_its_end(ends: tuple[socket.socket, socket.socket], data: bytes) -> None:
    client, server = ends
    server.sendall(data)
    with pytest.raises(http.client.HTTPException, match=r"more than 100 headers|header line"):
        body_of(client)


@pytest.mark.parametrize("beginning", [b"", WITH_LENGTH[:-4], CHUNKED[:-5]], ids=["head", "body", "trailer"])
def test_the_timeout_is_for_all_of_it(ends: tuple[socket.socket, socket.socket], beginning: bytes) -> None:
    client, server = ends
    client.settimeout(0.5)
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.1):
            server.sendall(b"x")

    server.sendall(beginning.replace(b": 4", b": 400"))
    dripper = threading.Thread(target=drip)
    dripper.start()
    began = time.monotonic()
    try:
        with pytest.raises(TimeoutError, match="timed out"):
            body_of(client)
    finally:
        ended.set()
        dripper.join()
    assert 0.4 < time.monotonic() - began < 3
    assert (client.gettimeout() or 0.5) < 0.3  # what there was left for the last piece


def test_a_piece_that_would_come_too_late_is_not_waited_for(ends: tuple[socket.socket, socket.socket]) -> None:
    client, _ = ends
    client.settimeout(1e-6)
    with pytest.raises(TimeoutError, match="timed out"):
        body_of(client)
