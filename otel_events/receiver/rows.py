"""The rows of the database as Python values: what is written, and what a reader gets back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

SignalName = Literal["log", "span_event"]


class EventRow(NamedTuple):
    """One event to be stored: columns of the table ``events``, which ``schema.py`` documents."""

    uid: str | None
    signal: SignalName
    time_ns: int
    observed_ns: int | None
    received_ns: int
    name: str | None
    severity_number: int | None
    severity_text: str | None
    body: str | None
    actor: str | None
    service: str | None
    service_instance: str | None
    trace_id: str | None
    span_id: str | None
    scope: str | None
    scope_version: str | None
    attributes: str
    dropped_attributes: int
    resource: str


Entry = tuple[int, str | None, str | None, str | None, str | None, str]
"""What the search index takes of an event: its id, name, actor, service and body, and the words of its attributes."""


class SpanRow(NamedTuple):
    """One span to be stored: columns of the table ``spans``, which ``schema.py`` documents."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str | None
    service: str | None
    service_instance: str | None
    start_ns: int
    end_ns: int
    status: str
    status_message: str | None
    scope: str | None
    scope_version: str | None
    attributes: str
    resource: str
    received_ns: int


class Rows(NamedTuple):
    """Rows to be stored together."""

    events: list[EventRow]
    spans: list[SpanRow]


@dataclass(frozen=True)
class StoredEvent:
    """One event as it is in the database: the columns of ``events``, with ``attributes`` and ``resource`` decoded."""

    id: int
    uid: str | None
    signal: SignalName
    time_ns: int
    time: str
    observed_ns: int | None
    received_ns: int
    name: str | None
    severity_number: int | None
    severity_text: str | None
    body: str | None
    actor: str | None
    service: str | None
    service_instance: str | None
    trace_id: str | None
    span_id: str | None
    scope: str | None
    scope_version: str | None
    attributes: Mapping[str, Any]
    dropped_attributes: int
    resource: Mapping[str, Any]

    @classmethod
    def from_columns(cls, columns: Mapping[str, Any]) -> StoredEvent:
        """Make one from a row of ``SELECT * FROM events``, given as a mapping from column names to values."""
        decoded = {key: json.loads(columns[key]) for key in ("attributes", "resource")}
        return cls(**{**columns, **decoded})
