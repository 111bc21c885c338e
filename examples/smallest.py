"""The smallest application: one typed event, tracked from async and from sync code, exported over OTLP.

Run it beside a collector, or beside the one that comes along (`otel-events view`)::

    python examples/smallest.py

It prints::

    Outcome(sent=2, pending=0, lost=0)
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal

import otel_events
from otel_events import Event


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    order_id: str
    total: Decimal


async def main() -> None:
    tracker = otel_events.configure(event_types=[OrderPlaced])
    await tracker.track_event(OrderPlaced(actor={"id": "alice"}, order_id="o-1", total=Decimal("9.99")))
    tracker.track(OrderPlaced(order_id="o-2", total=Decimal(1)))
    print(tracker.shutdown(timeout=5.0))


if __name__ == "__main__":
    asyncio.run(main())
