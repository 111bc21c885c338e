"""The two ends of a TCP connection, for tests of what is between a socket and a request."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

from urllib3.util import wait_for_read


@contextlib.contextmanager
def two_ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give the end of a client, which waits for 5 seconds at most, and the end of a server; close both."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname(), 5.0)
        server, _ = listening.accept()
    with server:
        try:
            yield client, server
        finally:
            if client.fileno() >= 0:
                client.close()


@contextlib.contextmanager
def dripping(client: socket.socket, server: socket.socket, data: bytes) -> Iterator[None]:
    """Have the server send this byte by byte: each once the client has read the one before."""
    watched = client.dup()

    def drip() -> None:
        for index in range(len(data)):
            server.sendall(data[index : index + 1])
            deadline = soon()
            while wait_for_read(watched, timeout=0.0) and time.monotonic() < deadline:
                time.sleep(0.0005)  # `wait_until` would look too seldom: this is waited for some hundred times.

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        watched.close()


def soon(seconds: float = 5.0) -> float:
    """Return a deadline."""
    return time.monotonic() + seconds
