"""The events that every application has can be registered together, and have the names and fields of Datasette's."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import pytest

from otel_events import BUILTIN_EVENTS, Event, builtin, to_log_record
from otel_events.builtin import CreateTable, InsertRows, Login, LoginFailed, PermissionDenied, UpdateRow
from otel_events.registry import EventRegistry


def own_fields(cls: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(cls) if field.name not in ("name", "actor", "created")]


def test_all_are_listed_and_can_be_registered_together() -> None:
    defined = {
        cls
        for cls in vars(builtin).values()
        if inspect.isclass(cls) and issubclass(cls, Event) and not cls.__name__.startswith("_") and cls is not Event
    }
    assert set(BUILTIN_EVENTS) == defined
    registry = EventRegistry()
    for cls in BUILTIN_EVENTS:
        registry.register(cls)
    assert len(registry) == len(BUILTIN_EVENTS)


def test_names_and_fields_are_those_of_datasette() -> None:
    events: Any = pytest.importorskip("datasette.events")
    classes: list[Any] = list(vars(events).values())
    theirs = {cls.name: own_fields(cls) for cls in classes if events.Event in getattr(cls, "__mro__", ())[1:]}
    ours = {str(cls.name): own_fields(cls) for cls in BUILTIN_EVENTS}
    assert {name: ours.get(name) for name in theirs} == theirs
    assert set(ours) - set(theirs) == {"login-failed", "permission-denied"}


@pytest.mark.parametrize(
    ("event", "severity", "body", "attributes"),
    [
        (Login(actor="alice"), "INFO", "alice signed in", {"user.id": "alice"}),
        (Login(), "INFO", "anonymous signed in", {}),
        (
            LoginFailed(reason="wrong password", actor="alice"),
            "WARN",
            "sign-in refused: wrong password",
            {"user.id": "alice", "event.reason": "wrong password", "event.outcome": "failure"},
        ),
        (
            PermissionDenied("drop-table", "/db/dogs", actor="alice"),
            "WARN",
            "alice was refused drop-table on /db/dogs: -",
            {"user.id": "alice", "app.action": "drop-table", "app.resource": "/db/dogs", "event.outcome": "failure"},
        ),
        (
            InsertRows("db", "dogs", 3, ignore=True, actor="alice"),
            "INFO",
            "alice inserted 3 rows into db/dogs",
            {
                "user.id": "alice",
                "app.database": "db",
                "app.table": "dogs",
                "app.num_rows": 3,
                "app.ignore": True,
                "app.replace": False,
            },
        ),
        (
            UpdateRow("db", "dogs", [1, "a"]),
            "INFO",
            "anonymous updated a row of db/dogs",
            {"app.database": "db", "app.table": "dogs", "app.pks": '[1,"a"]'},
        ),
        (
            CreateTable("db", "dogs"),
            "INFO",
            "anonymous created table db/dogs",
            {"app.database": "db", "app.table": "dogs"},
        ),
    ],
)
def test_what_they_look_like(event: Event, severity: str, body: str, attributes: dict[str, Any]) -> None:
    record = to_log_record(event)
    assert (record.severity_text, record.body) == (severity, body)
    assert record.attributes == attributes


def test_each_says_what_it_is() -> None:
    for cls in BUILTIN_EVENTS:
        assert cls.__doc__
        assert not cls.__doc__.startswith(f"{cls.__name__}(")
