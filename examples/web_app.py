"""A FastAPI application: the middleware puts the actor and the request on every event tracked in an endpoint.

Run it beside a collector (`otel-events view` is one), then place an order as alice and, without a key, as nobody::

    PORT=8000 python examples/web_app.py
    curl -X POST -H "X-Api-Key: key-of-alice" http://127.0.0.1:8000/orders/o-1
    curl -X POST http://127.0.0.1:8000/orders/o-2

It answers {"order_id":"o-1"} and {"detail":"who are you?"}, and the collector gets an order-placed by alice, then a
permission-denied by nobody, both with client.address, user_agent.original, http.request.method and url.path.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI, HTTPException

import otel_events
from otel_events import Event, PermissionDenied
from otel_events.integrations.asgi import EventContextMiddleware, Scope

USERS = {
    b"key-of-alice": {"id": "alice", "name": "Alice"}
}  # A real application looks into its sessions or its database.


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    namespace = "shop"
    order_id: str


tracker = otel_events.configure(event_types=[OrderPlaced, PermissionDenied], service_name="shop")


def user_of(scope: Scope) -> dict[str, str] | None:
    """Tell who sent a request."""
    return USERS.get(dict(scope["headers"]).get(b"x-api-key", b""))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Send what is waiting before the server ends."""
    yield
    tracker.shutdown(timeout=5.0)


app = FastAPI(lifespan=lifespan)
app.add_middleware(EventContextMiddleware, actor=user_of)


@app.post("/orders/{order_id}")
async def place(order_id: str) -> dict[str, str]:
    if otel_events.current_actor() is None:
        await tracker.track_event(PermissionDenied(action="place-order", resource=order_id, reason="no key"))
        raise HTTPException(401, "who are you?")
    await tracker.track_event(OrderPlaced(order_id))
    return {"order_id": order_id}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
