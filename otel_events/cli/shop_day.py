"""A day in a shop, several people and a script at work, replayed within a minute: events for somebody who looks on.

They are sent by this package itself, over OTLP, with times that spread over the 24 hours before now.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Final

import otel_events
from otel_events.builtin import (
    BUILTIN_EVENTS,
    CreateTable,
    CreateToken,
    DeleteRow,
    DropTable,
    InsertRows,
    Login,
    LoginFailed,
    Logout,
    PermissionDenied,
    UpdateRow,
    UpsertRows,
)
from otel_events.event import Event

SERVICE: Final = "shop"

_PEOPLE: Final = (
    {"id": "alice", "name": "Alice Moreau", "roles": ["admin"]},
    {"id": "bob", "name": "Bob Tanaka", "roles": ["sales"]},
    {"id": "carol", "name": "Carol Okafor", "roles": ["sales"]},
    {"id": "dave", "name": "Dave Lindqvist", "roles": ["warehouse"]},
)
_SCRIPT: Final = {"id": "nightly-import", "roles": ["robot"]}
_TABLES: Final = ("orders", "customers", "stock")
_DATABASE: Final = "shop"
_DAY: Final = timedelta(days=1)


def shop_day(end: datetime) -> list[Event]:
    """Give the events of the 24 hours before a moment, in their order; the same ones, but for their times, at every call.

    Args:
        end: When the day ends.
    """
    chance = random.Random(1)  # noqa: S311 # nobody has to be kept from guessing it
    start = end - _DAY
    events = [*_night(start), *(event for person in _PEOPLE for event in _working_day(person, start, chance))]
    return sorted(events, key=lambda event: event.created)


def replay(endpoint: str, *, seconds: float, stop: threading.Event) -> None:
    """Send the events of a day, spread over some seconds in the order and the rhythm of the day.

    Args:
        endpoint: Where they go, over OTLP/HTTP.
        seconds: How long it takes.
        stop: Ends it earlier.
    """
    end = datetime.now(timezone.utc)
    tracker = otel_events.configure(
        event_types=BUILTIN_EVENTS, endpoint=endpoint, service_name=SERVICE, pipeline="direct", environ={}
    )
    try:
        begun = time.monotonic()
        for event in shop_day(end):
            due = begun + seconds * (1 - (end - event.created) / _DAY)
            if stop.wait(max(0.0, due - time.monotonic())):
                break
            tracker.track(event)
    finally:
        tracker.shutdown(timeout=5.0)


def _night(start: datetime) -> Iterator[Event]:
    """Give what the script does: an import an hour, and one night table that it makes and drops."""
    for hour in range(24):
        at = start + timedelta(hours=hour, minutes=5)
        yield UpsertRows(actor=_SCRIPT, created=at, database=_DATABASE, table="stock", num_rows=200 + 37 * (hour % 5))
    table = "stock_tonight"
    yield CreateTable(actor=_SCRIPT, created=start + timedelta(hours=2), database=_DATABASE, table=table)
    yield DropTable(actor=_SCRIPT, created=start + timedelta(hours=2, minutes=40), database=_DATABASE, table=table)


def _working_day(person: Mapping[str, object], start: datetime, chance: random.Random) -> Iterator[Event]:
    at = start + timedelta(hours=8, minutes=chance.randrange(90))
    home = at + timedelta(hours=8, minutes=chance.randrange(60))
    if chance.random() < 0.5:
        yield LoginFailed(actor=None, created=at - timedelta(seconds=20), reason="wrong password")
    yield Login(actor=person, created=at)
    while (at := at + timedelta(minutes=chance.expovariate(1 / 5))) < home:
        yield _deed(person, at, chance)
    yield Logout(actor=person, created=home)


def _deed(person: Mapping[str, object], at: datetime, chance: random.Random) -> Event:
    table, key, kind = chance.choice(_TABLES), chance.randrange(1, 5_000), chance.random()
    if kind < 0.45:
        return UpdateRow(actor=person, created=at, database=_DATABASE, table=table, pks=[key])
    if kind < 0.85:
        return InsertRows(actor=person, created=at, database=_DATABASE, table=table, num_rows=chance.randrange(1, 12))
    if kind < 0.93:
        return DeleteRow(actor=person, created=at, database=_DATABASE, table=table, pks=[key])
    if kind < 0.97:
        return PermissionDenied(
            actor=person, created=at, action="drop-table", resource=f"{_DATABASE}/{table}", reason="not an admin"
        )
    return CreateToken(actor=person, created=at, expires_after=3_600)
