"""The WSGI example, served and called over HTTP: the event of its streamed body arrives with the actor and the request."""

from __future__ import annotations

import urllib.request

from otel_events.receiver import Receiver
from tests.examples.running import arrived, serve_example


def test_its_event_arrives_with_the_actor_and_the_request(receiver: Receiver, environ: dict[str, str]) -> None:
    with serve_example("wsgi_app.py", environ) as port:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/export", headers={"X-User": "alice"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.read() == b"order,total\no-1,9.99\n"
        [event] = arrived(receiver, 1)
    assert event.name == "export-finished"
    assert event.actor == "alice"
    assert event.attributes["shop.lines"] == 2
    assert event.attributes["client.address"] == "127.0.0.1"
    assert event.attributes["url.path"] == "/export"
