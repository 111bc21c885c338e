"""What the tests of the page share: rows, a running page, and plain HTTP requests to it."""

from __future__ import annotations

import http.client
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from otel_events.page import Access, Page
from otel_events.receiver import Receiver
from otel_events.receiver.rows import EventRow, SpanRow
from otel_events.receiver.search import index_more
from otel_events.receiver.tables import CREATE
from otel_events.receiver.values import json_text
from tests.backends.wait import wait_until
from tests.receiver.support import Answer

TIME_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z"""

SECOND = 1_000_000_000
TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"

_GIVEN: dict[str, Any] = {
    "uid": None,
    "signal": "log",
    "time_ns": TIME_NS,
    "observed_ns": None,
    "received_ns": TIME_NS + SECOND,
    "name": "order-placed",
    "severity_number": 9,
    "severity_text": "INFO",
    "body": "an order was placed",
    "actor": "alice",
    "service": "shop",
    "service_instance": None,
    "trace_id": None,
    "span_id": None,
    "scope": "otel_events",
    "scope_version": "1.0",
    "dropped_attributes": 0,
    "resource": '{"service.name":"shop"}',
}


def event_row(attributes: Mapping[str, Any] | None = None, **columns: Any) -> EventRow:
    """Make a row: an event named ``order-placed``, changed by the columns given."""
    return EventRow(**{**_GIVEN, "attributes": json_text(dict(attributes or {})), **columns})


def span_row(**columns: Any) -> SpanRow:
    """Make a span's row, changed by the columns given."""
    given: dict[str, Any] = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "parent_span_id": None,
        "name": "POST /orders",
        "kind": "server",
        "service": "shop",
        "service_instance": None,
        "start_ns": TIME_NS,
        "end_ns": TIME_NS + SECOND,
        "status": "unset",
        "status_message": None,
        "scope": None,
        "scope_version": None,
        "attributes": "{}",
        "resource": "{}",
        "received_ns": TIME_NS,
    }
    return SpanRow(**{**given, **columns})


@dataclass(frozen=True)
class Running:
    """A receiver and its page."""

    receiver: Receiver
    page: Page

    def add(self, *rows: EventRow) -> None:
        """Store events and wait until the search index has them."""
        self.receiver.store.add(rows)
        wait_until(lambda: self.receiver.store.indexed_id >= self.receiver.store.newest_id)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", /, **parameters: Any
    ) -> Answer:
        """Ask for a path; ``from_`` stands for the parameter ``from``."""
        named = {name.rstrip("_"): value for name, value in parameters.items()}
        with closing(http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=30)) as connection:
            connection.request(method, f"{quote(path)}?{urlencode(named, doseq=True)}", headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def json(self, path: str, **parameters: Any) -> Any:
        """Ask for a path that answers well, and decode the answer."""
        answer = self.get(path, **parameters)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@contextmanager
def database(events: Sequence[EventRow], *, indexed: int | None = None) -> Iterator[sqlite3.Connection]:
    """Give a database in memory with these events, whose ids count from 1; the search index knows the first ``indexed``."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        for statement in CREATE:
            connection.execute(statement)
        columns, marks = ", ".join(EventRow._fields), ", ".join("?" * len(EventRow._fields))
        connection.executemany(f"INSERT INTO events ({columns}) VALUES ({marks})", events)
        index_more(connection, len(events) if indexed is None else indexed)
        yield connection


@contextmanager
def running(folder: Path, access: Access | None = None) -> Iterator[Running]:
    """Run a receiver and its page on free ports."""
    with (
        Receiver(folder / "events.db", http_port=0, grpc_port=0) as receiver,
        Page(receiver, port=0, access=access) as page,
    ):
        yield Running(receiver, page)
