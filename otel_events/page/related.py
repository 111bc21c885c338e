"""What belongs to one event: itself in full, what its actor did around it, its trace; and one actor's activity."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timezone
from typing import Any, Final

from otel_events.page.attributes import Sql
from otel_events.page.otlp import request_of
from otel_events.page.shape import EVENT_COLUMNS, attributes_json, event_json, ns_or_none
from otel_events.page.sql import Scope, Where, joined, where
from otel_events.semconv import CHECKPOINT

MAX_SPANS: Final = 2_000
MAX_TRACE_EVENTS: Final = 2_000
MAX_DAYS: Final = 400
MAX_NAMES: Final = 200

_DAY_NS: Final = 86_400_000_000_000


def one(connection: sqlite3.Connection, event_id: int) -> dict[str, Any] | None:
    """Give one event with all that is stored of it; None where there is none with this id."""
    statement = f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ? AND name IS NOT ?"  # noqa: S608 # a constant
    row = connection.execute(statement, (event_id, CHECKPOINT)).fetchone()
    if row is None:
        return None
    whole = connection.execute("SELECT * FROM events WHERE id = ?", (event_id,)).fetchone()
    return {
        **event_json(row),
        "resource": attributes_json(whole["resource"]),
        "scope": whole["scope"],
        "scope_version": whole["scope_version"],
        "observed_ns": ns_or_none(whole["observed_ns"]),
        "received_ns": str(whole["received_ns"]),
        "dropped_attributes": whole["dropped_attributes"],
        "otlp": request_of([whole]),
        "sql": _sql_of_its_like(whole),
    }


def around(connection: sqlite3.Connection, event_id: int, limit: int) -> dict[str, list[dict[str, Any]]] | None:
    """Give what the same actor did before and after an event, each newest first, at most ``limit`` of them.

    Returns:
        None where there is no such event. An event without an actor has nothing around it.
    """
    row = connection.execute("SELECT time_ns, actor FROM events WHERE id = ?", (event_id,)).fetchone()
    if row is None:
        return None
    found: dict[str, list[dict[str, Any]]] = {}
    for side, beyond, order in (("before", "<", "DESC"), ("after", ">", "ASC")):
        # What is not the caller's number here stands in this loop.
        rows = connection.execute(
            f"SELECT {EVENT_COLUMNS} FROM events WHERE actor = ? AND name IS NOT ? AND time_ns {beyond}= ?"  # noqa: S608
            f" AND (time_ns {beyond} ? OR id {beyond} ?) ORDER BY time_ns {order}, id {order} LIMIT ?",
            (row["actor"], CHECKPOINT, row["time_ns"], row["time_ns"], event_id, limit),
        ).fetchall()
        found[side] = [event_json(other) for other in (rows if order == "DESC" else reversed(rows))]
    return found


def trace(connection: sqlite3.Connection, trace_id: str) -> dict[str, Any]:
    """Give the spans and the events of a trace in the order of time, at most :data:`MAX_SPANS` and as many events."""
    spans = connection.execute(
        "SELECT span_id, parent_span_id, name, service, start_ns, end_ns, status FROM spans WHERE trace_id = ?"
        " ORDER BY start_ns, span_id LIMIT ?",
        (trace_id, MAX_SPANS),
    )
    events = connection.execute(
        "SELECT id, span_id, name, time_ns, actor FROM events WHERE trace_id = ? AND name IS NOT ?"
        " ORDER BY time_ns, id LIMIT ?",
        (trace_id, CHECKPOINT, MAX_TRACE_EVENTS),
    )
    return {
        "spans": [{**dict(row), "start_ns": str(row["start_ns"]), "end_ns": str(row["end_ns"])} for row in spans],
        "events": [{**dict(row), "time_ns": str(row["time_ns"])} for row in events],
    }


def activity(connection: sqlite3.Connection, actor: str, scope: Scope) -> dict[str, Any]:
    """Give what an actor did, by day (UTC) and by name.

    Args:
        connection: A connection of the page's database.
        actor: The actor's id.
        scope: The time to look at.

    Returns:
        As the API has it: the :data:`MAX_DAYS` latest days with events, and the :data:`MAX_NAMES` most frequent names.
    """
    of_actor = _of_actor(actor, scope)
    source = f"FROM events INDEXED BY events_actor_time WHERE {of_actor.text}"  # bound, as in sql.py
    total, first, last = connection.execute(
        f"SELECT count(*), min(time_ns), max(time_ns) {source}",
        of_actor.parameters,
    ).fetchone()
    names = connection.execute(
        f"SELECT name, count(*) AS count, max(time_ns) AS last_ns {source} GROUP BY name ORDER BY count DESC, name LIMIT ?",
        (*of_actor.parameters, MAX_NAMES),
    ).fetchall()
    days: dict[int, dict[str, int]] = {}
    for day, name, number in connection.execute(
        f"SELECT time_ns / {_DAY_NS} AS day, name, count(*) {source} GROUP BY day, name ORDER BY day DESC, name",
        of_actor.parameters,
    ):
        if day not in days and len(days) == MAX_DAYS:
            break
        days.setdefault(day, {})["" if name is None else name] = number
    return {
        "actor": actor,
        "total": total,
        "first_ns": ns_or_none(first),
        "last_ns": ns_or_none(last),
        "days": [{"day": _date(day), "counts": counts} for day, counts in sorted(days.items())],
        "names": [{**dict(row), "last_ns": str(row["last_ns"])} for row in names],
    }


def _of_actor(actor: str, scope: Scope) -> Sql:
    found: Where = where((), scope)
    return joined((Sql("actor = ?", (actor,)), found.index))


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, timezone.utc).strftime("%Y-%m-%d")


def _sql_of_its_like(row: sqlite3.Row) -> str:
    """Write a statement for any SQLite shell that finds events of the same name, actor and service."""
    conditions = [
        f"{column} = {_quoted(row[column])}" for column in ("name", "actor", "service") if row[column] is not None
    ]
    return (
        "SELECT time, name, actor, service, body, attributes FROM events\n"  # noqa: S608 # is shown, not executed
        f"WHERE {' AND '.join(conditions or ['name IS NULL'])}\n"
        "ORDER BY time_ns DESC LIMIT 100;"
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
