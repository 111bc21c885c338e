"""Sockets whose timeouts the kernel keeps send and receive all, and keep their time."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from otel_events.direct.sockets import KernelTimedSocket, kernel_timed
from tests.direct.ends import soon, two_ends

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's timeouts are used on Linux")

LARGE = bytes(range(256)) * 32_768
"""8 MiB: more than the buffers of two sockets hold."""


@pytest.fixture
def ends() -> Iterator[tuple[KernelTimedSocket, socket.socket]]:
    with two_ends() as (client, server), KernelTimedSocket.of(client) as timed:
        yield timed, server


def read(sock: socket.socket, size: int) -> bytes:
    with sock.makefile("rb") as file:
        return file.read(size)


@pytest.mark.parametrize(
    "pieces",
    [[b""], [b"one", b""], [b"", b"two"], [b"one", LARGE], [LARGE, LARGE]],
    ids=lambda pieces: f"{len(pieces)}",
)
def test_all_pieces_arrive_whole(ends: tuple[KernelTimedSocket, socket.socket], pieces: list[bytes]) -> None:
    client, server = ends
    sender = threading.Thread(target=client.send_pieces, args=(pieces, soon()))
    sender.start()
    whole = b"".join(pieces)
    assert read(server, len(whole)) == whole
    sender.join()


def test_it_has_the_timeout_of_the_socket_that_it_was(ends: tuple[KernelTimedSocket, socket.socket]) -> None:
    client, _ = ends
    assert (client.gettimeout(), client.getblocking()) == (5.0, True)


def test_what_arrives_is_received(ends: tuple[KernelTimedSocket, socket.socket]) -> None:
    client, server = ends
    server.sendall(b"onetwo")
    buffer = bytearray(3)
    assert (client.recv(3), client.recv_into(buffer), bytes(buffer)) == (b"one", 3, b"two")


def gives_up_in_half_a_second(call: Callable[[], object]) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="timed out"):
        call()
    assert 0.4 < time.monotonic() - began < 3


def test_where_nothing_arrives_it_gives_up(ends: tuple[KernelTimedSocket, socket.socket]) -> None:
    client, _ = ends
    client.settimeout(0.5)
    gives_up_in_half_a_second(lambda: client.recv(1))
    gives_up_in_half_a_second(lambda: client.recv_into(bytearray(1)))


def test_where_nothing_is_read_it_gives_up(ends: tuple[KernelTimedSocket, socket.socket]) -> None:
    client, _ = ends
    client.settimeout(0.5)
    gives_up_in_half_a_second(lambda: client.send_pieces([LARGE] * 4, soon(0.5)))


def test_where_little_is_read_it_gives_up(ends: tuple[KernelTimedSocket, socket.socket]) -> None:
    client, server = ends
    client.settimeout(0.5)
    ended = threading.Event()

    def read_slowly() -> None:
        while not ended.wait(0.05) and server.recv(50_000):
            pass

    reader = threading.Thread(target=read_slowly)
    reader.start()
    try:
        gives_up_in_half_a_second(lambda: client.send_pieces([LARGE] * 4, soon(0.5)))
    finally:
        ended.set()
        reader.join()


def test_only_sockets_of_python_itself_are_made_such() -> None:
    class Other(socket.socket):
        pass

    with two_ends() as (client, server), Other(fileno=server.detach()) as other:
        assert kernel_timed(other) is other
        with kernel_timed(client) as timed:
            assert isinstance(timed, KernelTimedSocket)
            other.sendall(b"x")
            assert timed.recv(1) == b"x"
