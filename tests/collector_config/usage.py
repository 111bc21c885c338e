"""What the applications of the tests of alerts do: ordinary things, and what rules are about."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Annotated

from otel_events import (
    Attribute,
    CreateToken,
    DeleteRow,
    Event,
    EventTracker,
    InsertRows,
    Login,
    LoginFailed,
    Logout,
    PermissionDenied,
    UpdateRow,
    request,
)
from otel_events.builtin import BUILTIN_EVENTS


@dataclass
class StatementRun(Event):
    """Somebody ran a statement; an event such as an application of its own may have."""

    name = "statement-run"
    statement: Annotated[str, Attribute("db.query.text")]
    table: Annotated[str, Attribute("db.collection.name")]


@dataclass
class RowsDeleted(Event):
    """Rows were deleted at once."""

    name = "delete-rows"
    namespace = "app"
    database: str
    table: str
    num_rows: int


EVENTS = (*BUILTIN_EVENTS, StatementRun, RowsDeleted)


class Steady:
    """Tracks ordinary events, now and then, until it is stopped; how fast may be changed."""

    def __init__(self, tracker: EventTracker) -> None:
        self.per_second = 2.0
        self._tracker = tracker
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(1.0 / self.per_second):
            self._tracker.track(InsertRows(actor="robot", database="main", table="readings", num_rows=1))


def ordinary_use(tracker: EventTracker) -> None:
    """Use an application as people do: sometimes wrongly, always less than what a rule is about; log out at last."""
    tracker.track(Login(actor="alice"))
    for _ in range(4):
        tracker.track(LoginFailed(actor="alice", reason="wrong password"))
        tracker.track(LoginFailed(actor="bob", reason="wrong password"))
        tracker.track(LoginFailed(reason="nobody of that name"))
    for _ in range(9):
        tracker.track(PermissionDenied(actor="alice", action="view-table", resource="main/salaries"))
    for number in range(9):
        tracker.track(DeleteRow(actor="alice", database="main", table="orders", pks=[number]))
    tracker.track(RowsDeleted(actor="alice", database="main", table="orders", num_rows=90))
    tracker.track(RowsDeleted(actor="bob", database="main", table="orders", num_rows=90))
    tracker.track(StatementRun(actor="alice", statement="DELETE FROM orders WHERE id = 1", table="orders"))
    tracker.track(StatementRun(actor="alice", statement="SELECT * FROM orders", table="orders"))
    tracker.track(UpdateRow(actor="alice", database="main", table="orders", pks=[1]))
    tracker.track(Logout(actor="alice"))


def bursts(tracker: EventTracker) -> None:
    """Do what each rule on logs is about, except for the dropping of tables."""
    tracker.track(CreateToken(actor="mallory"))
    tracker.track(StatementRun(actor="mallory", statement="delete from customers;", table="customers"))
    for _ in range(5):
        tracker.track(LoginFailed(actor="eve", reason="wrong password"))
        with request({"client.address": "192.0.2.1"}):
            tracker.track(LoginFailed(reason="nobody of that name"))
    for number in range(10):
        tracker.track(PermissionDenied(actor="eve", action="drop-table", resource=f"main/table-{number % 2}"))
    tracker.track(RowsDeleted(actor="clumsy", database="main", table="orders", num_rows=99))
    tracker.track(DeleteRow(actor="clumsy", database="main", table="customers", pks=[1]))
    tracker.track(RowsDeleted(actor="mallory", database="main", table="orders", num_rows=1_000))
