"""An HTTP server runs in a thread of its own from start to stop; a port that is taken is told as that."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from otel_events.exceptions import ReceiverError
from otel_events.receiver.serving import HttpServer, listen
from tests.receiver.support import send


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse(threading.current_thread().name)


def test_it_serves_between_start_and_stop() -> None:
    with closing(listen("127.0.0.1", 0, "--port")) as listener:
        server = HttpServer(Starlette(routes=[Route("/", hello)]), listener, name="test-server")
        server.start()
        try:
            port = listener.getsockname()[1]
            assert send(port, "GET", "/").body == b"test-server"
        finally:
            server.stop()
    assert "test-server" not in [thread.name for thread in threading.enumerate()]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_port_that_is_taken_is_told_with_the_option_that_changes_it() -> None:
    with closing(listen("127.0.0.1", 0, "--port")) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            ReceiverError, match=f"cannot listen on port {port} of 127.0.0.1: .* with --port; 0 takes any"
        ):
            listen("127.0.0.1", port, "--port")
