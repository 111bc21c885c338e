"""A WSGI application: the middleware puts the actor and the request on every event, also on those of a streamed body.

Run it beside a collector (`otel-events view` is one), then fetch something from it::

    PORT=8000 python examples/wsgi_app.py
    curl -H "X-User: alice" http://127.0.0.1:8000/export

It prints the address it listens on. The answer is two lines of CSV; when they are sent, the collector gets an
export-finished by alice, with client.address and url.path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from wsgiref.simple_server import make_server

import otel_events
from otel_events import Event
from otel_events.integrations.wsgi import Environ, EventContextMiddleware, StartResponse


@dataclass
class ExportFinished(Event):
    """An export was sent to its end."""

    name = "export-finished"
    namespace = "shop"
    lines: int


tracker = otel_events.configure(event_types=[ExportFinished], service_name="shop")


def lines() -> Iterator[bytes]:
    yield b"order,total\n"
    yield b"o-1,9.99\n"
    tracker.track(ExportFinished(lines=2))


def application(_: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/csv")])
    return lines()


def user_of(environ: Environ) -> str | None:
    """Tell who sent a request; a real application looks at its session, not at what anybody can send."""
    return environ.get("HTTP_X_USER")


if __name__ == "__main__":
    app = EventContextMiddleware(application, actor=user_of)
    with make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), app) as server:
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    tracker.shutdown(timeout=5.0)
