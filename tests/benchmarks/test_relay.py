"""The relay passes on what comes, in both directions, and counts what the client sends."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

from benchmarks.relay import Relay


def test_it_counts_one_direction_and_passes_on_both() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                while data := connection.recv(1024):
                    connection.sendall(data * 2)

        answering = threading.Thread(target=answer)
        answering.start()
        with Relay(server.getsockname()[1]) as relay:
            with socket.create_connection(("127.0.0.1", urlsplit(relay.endpoint).port or 0), timeout=10) as client:
                client.sendall(b"hello")
                client.shutdown(socket.SHUT_WR)
                received = b"".join(iter(lambda: client.recv(1024), b""))
            answering.join(10)
            assert received == b"hellohello"
            assert relay.sent_bytes == 5
