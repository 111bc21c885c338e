"""Attribute keys, in one place.

Names that OpenTelemetry's semantic conventions have (version 1.43.0, see ``SCHEMA_URL``) are used as they stand there:
``log.*``, ``user.*``, ``client.*``, ``user_agent.*``, ``http.*``, ``url.*``. The outcome and the reason of an action
are ``event.outcome`` and ``event.reason``, the names that the Elastic Common Schema gives them.
"""

from __future__ import annotations

from typing import Any, Final, TypeGuard

SCOPE_NAME: Final = "otel_events"
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.43.0"

LOG_RECORD_UID: Final = "log.record.uid"
EVENT_VERSION: Final = "otel_events.event.version"

USER_ID: Final = "user.id"
USER_HASH: Final = "user.hash"

ACTOR_KEYS: Final = {
    "id": USER_ID,
    "name": "user.name",
    "username": "user.name",
    "email": "user.email",
    "full_name": "user.full_name",
    "roles": "user.roles",
}
"""Keys of an actor that have a name in the semantic conventions; any other key becomes ``actor.<key>``."""

ACTOR_PREFIX: Final = "actor"

CLIENT_ADDRESS: Final = "client.address"
USER_AGENT: Final = "user_agent.original"
HTTP_METHOD: Final = "http.request.method"
HTTP_REQUEST_ID: Final = "http.request.header.x-request-id"
URL_PATH: Final = "url.path"

EVENT_OUTCOME: Final = "event.outcome"
EVENT_REASON: Final = "event.reason"

CHECKPOINT: Final = "otel_events.checkpoint"
"""The name of the record that says what became of a stream. The keys below are of its attributes."""

STREAM: Final = "otel_events.stream"
EMITTED: Final = "otel_events.emitted"
DELIVERED: Final = "otel_events.delivered"
PENDING: Final = "otel_events.pending"
DEAD_LETTERS: Final = "otel_events.dead_letters"
DROPPED: Final = "otel_events.dropped.total"
DROPPED_FOR: Final = "otel_events.dropped."
"""Before the reason, of those that were dropped for one."""
FINAL: Final = "otel_events.final"

RESERVED_KEYS: Final = frozenset({LOG_RECORD_UID, EVENT_VERSION, USER_ID, USER_HASH})
"""Keys that a field may not claim with an ``Attribute`` marker: the identity of the record and of its actor."""

MAX_KEY_LENGTH: Final = 256
"""Characters of a namespace, of a key given by a marker, and of each name between the dots of a longer key."""


def is_namespace(value: Any) -> TypeGuard[str]:
    """Tell whether a value may stand before the dot of attribute keys."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_KEY_LENGTH
        and value == value.strip(". ")
        and value.isprintable()
    )
