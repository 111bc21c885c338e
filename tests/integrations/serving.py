"""What the tests of middlewares share: applications behind real servers on free ports, and events tracked in them."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import uvicorn

import otel_events
from otel_events import EventTracker
from tests.direct.faulty import HttpServer

WAIT_SECONDS = 10.0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition, no longer than ``WAIT_SECONDS``."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_SECONDS:g} s: {what}"
        time.sleep(0.01)


@contextmanager
def patient_tracker(server: HttpServer, *event_types: type) -> Iterator[EventTracker]:
    """Give a tracker that sends to a server, and does so only when it is told to."""
    environ = {"OTEL_BLRP_SCHEDULE_DELAY": "600000"}
    tracker = otel_events.configure(
        event_types=event_types, pipeline="direct", endpoint=server.endpoint, environ=environ
    )
    try:
        yield tracker
    finally:
        tracker.shutdown(1.0)


@contextmanager
def serve_asgi(app: Any) -> Iterator[int]:
    """Serve an ASGI application with uvicorn; give its port."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", ws="none"))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            wait_until(lambda: server.started, "uvicorn has started")
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(WAIT_SECONDS)
            assert not thread.is_alive()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def serve_wsgi(app: Any) -> Iterator[int]:
    """Serve a WSGI application with the server of the standard library; give its port."""
    with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(WAIT_SECONDS)
            assert not thread.is_alive()


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Send one GET request; give the status and the body."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)) as connection:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode()
