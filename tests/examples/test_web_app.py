"""The FastAPI example, served and called over HTTP: its events arrive with the actor and the request."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from otel_events.receiver import Receiver
from tests.examples.running import arrived, serve_example


def _post(url: str, headers: dict[str, str]) -> str:
    request = urllib.request.Request(url, method="POST", headers={"User-Agent": "test/1", **headers})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read().decode())


def test_its_events_arrive_with_the_actor_and_the_request(receiver: Receiver, environ: dict[str, str]) -> None:
    with serve_example("web_app.py", environ) as port:
        url = f"http://127.0.0.1:{port}/orders"
        assert _post(f"{url}/o-1?coupon=s3cret", {"X-Api-Key": "key-of-alice"}) == '{"order_id":"o-1"}'
        with pytest.raises(urllib.error.HTTPError, match="401"):
            _post(f"{url}/o-2", {})
    placed, denied = arrived(receiver, 2)
    assert placed.name == "order-placed"
    assert placed.service == "shop"
    assert dict(placed.attributes) == {
        "log.record.uid": placed.uid,
        "user.id": "alice",
        "user.name": "Alice",
        "shop.order_id": "o-1",
        "client.address": "127.0.0.1",
        "user_agent.original": "test/1",
        "http.request.method": "POST",
        "url.path": "/orders/o-1",
    }
    assert denied.name == "permission-denied"
    assert denied.body == "anonymous was refused place-order on o-2: no key"
    assert denied.actor is None
    assert denied.attributes["url.path"] == "/orders/o-2"
