"""The events of a workload as objects of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from typing import Any, Final

from benchmarks.workload import Workload, field_values
from otel_events import Event

ACTOR: Final = {"id": "alice"}


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    namespace = "shop"
    order_id: str
    customer: str
    country: str
    total: float
    items: int
    express: bool
    voucher: str | None = None


def events_of(workload: Workload) -> tuple[type[Event], Callable[[int], Event]]:
    """Return the class of a workload's events, and what makes the event of a number."""
    if workload.fields is None:
        return OrderPlaced, _order
    count, characters = workload.fields
    options = {"name": workload.name, "namespace": "shop", "__module__": __name__}
    names = [(f"field_{index}", str) for index in range(count)]
    made: Any = make_dataclass("Fields", names, bases=(Event,), namespace=options)

    def event(number: int) -> Event:
        event: Event = made(*field_values(number, count, characters), actor=ACTOR)
        return event

    return made, event


def _order(number: int) -> OrderPlaced:
    return OrderPlaced(f"o-{number}", "c-17", "NL", 9.99, number % 7, True, actor=ACTOR)
