"""What is tracked: the same event for every way, as the parts that libraries take. ``events.py`` makes objects of ours of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

MOST_BODY: Final = 4_096
"""Characters that are kept of a value."""


@dataclass(frozen=True)
class Workload:
    """Events by their number.

    Args:
        name: The events' name.
        attributes: Makes the attributes of a record, of its number and its uid.
        body: Makes the body of a record.
        fields: Number and length of the fields, where all are alike; None for orders.
    """

    name: str
    attributes: Callable[[int, str], dict[str, Any]]
    body: Callable[[int], str]
    fields: tuple[int, int] | None = None


def workload_of(fields: tuple[int, int] | None) -> Workload:
    """Return a workload.

    Args:
        fields: How many text fields the events have, and how long each value is; None for the usual ones, orders.
    """
    if fields is None:
        return Workload("order-placed", _order_attributes, _order_body)
    return _of_fields(*fields)


def field_values(number: int, count: int, characters: int) -> list[str]:
    """Return the values of the fields of an event."""
    return [f"{number:08d}".ljust(characters, "x")[:characters]] * count


def _of_fields(count: int, characters: int) -> Workload:
    names = [f"field_{index}" for index in range(count)]
    keys = [f"shop.{name}" for name in names]

    def attributes(number: int, uid: str) -> dict[str, Any]:
        values = field_values(number, count, characters)
        return {"log.record.uid": uid, "user.id": "alice", **dict(zip(keys, values, strict=True))}

    def body(number: int) -> str:
        values = field_values(number, count, characters)
        line = "".join([f" {name}={value}" for name, value in zip(names, values, strict=True)])
        return f"fields by alice:{line}"[:MOST_BODY]

    return Workload("fields", attributes, body, (count, characters))


def _order_attributes(number: int, uid: str) -> dict[str, Any]:
    return {
        "log.record.uid": uid,
        "user.id": "alice",
        "shop.order_id": f"o-{number}",
        "shop.customer": "c-17",
        "shop.country": "NL",
        "shop.total": 9.99,
        "shop.items": number % 7,
        "shop.express": True,
    }


def _order_body(number: int) -> str:
    return f"order-placed by alice: order_id=o-{number} customer=c-17 country=NL total=9.99 items={number % 7} express=true"
