"""Events that every application has. Names and fields are those of Datasette, so that one alert rule serves both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from otel_events import semconv
from otel_events.event import Event
from otel_events.privacy import Attribute


@dataclass
class _AppEvent(Event):
    """What the classes below share: they are the application's events, so their fields stand under ``app.``."""

    namespace = "app"


@dataclass
class Login(_AppEvent):
    """A user, who is the actor, signed in."""

    name = "login"
    message = "{actor} signed in"


@dataclass
class Logout(_AppEvent):
    """A user, who is the actor, signed out."""

    name = "logout"
    message = "{actor} signed out"


@dataclass
class LoginFailed(_AppEvent):
    """A sign-in was refused.

    Args:
        reason: Why, in a few words: ``wrong password``. Never the password.
        outcome: ``failure``.
    """

    name = "login-failed"
    severity = "WARN"
    message = "sign-in refused: {reason}"
    reason: Annotated[str | None, Attribute(semconv.EVENT_REASON)] = None
    outcome: Annotated[str, Attribute(semconv.EVENT_OUTCOME)] = "failure"


@dataclass
class PermissionDenied(_AppEvent):
    """The actor was refused an action.

    Args:
        action: What was tried, as the application calls it: ``drop-table``.
        resource: On what: a path, a table.
        reason: Why it was refused.
        outcome: ``failure``.
    """

    name = "permission-denied"
    severity = "WARN"
    message = "{actor} was refused {action} on {resource}: {reason}"
    action: str | None = None
    resource: str | None = None
    reason: Annotated[str | None, Attribute(semconv.EVENT_REASON)] = None
    outcome: Annotated[str, Attribute(semconv.EVENT_OUTCOME)] = "failure"


@dataclass
class CreateToken(_AppEvent):
    """An API token was made.

    Args:
        expires_after: Seconds until it expires; None for never.
        restrict_all: Actions it is restricted to, everywhere.
        restrict_database: The same, by database.
        restrict_resource: The same, by database and resource.
    """

    name = "create-token"
    severity = "WARN"
    expires_after: int | None = None
    restrict_all: Sequence[str] = ()
    restrict_database: Mapping[str, Sequence[str]] = field(default_factory=dict)
    restrict_resource: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


@dataclass
class CreateTable(_AppEvent):
    """A table was created; ``schema`` is its SQL."""

    name = "create-table"
    message = "{actor} created table {database}/{table}"
    database: str
    table: str
    schema: str | None = None


@dataclass
class DropTable(_AppEvent):
    """A table was dropped."""

    name = "drop-table"
    severity = "WARN"
    message = "{actor} dropped table {database}/{table}"
    database: str
    table: str


@dataclass
class AlterTable(_AppEvent):
    """A table's schema was changed; both schemas are SQL."""

    name = "alter-table"
    message = "{actor} altered table {database}/{table}"
    database: str
    table: str
    before_schema: str | None = None
    after_schema: str | None = None


@dataclass
class RenameTable(_AppEvent):
    """A table was renamed."""

    name = "rename-table"
    message = "{actor} renamed table {database}/{old_table} to {new_table}"
    database: str
    old_table: str
    new_table: str


@dataclass
class InsertRows(_AppEvent):
    """Rows were inserted: ``num_rows`` is how many were asked for, ``ignore`` and ``replace`` say what was done on conflict."""

    name = "insert-rows"
    message = "{actor} inserted {num_rows} rows into {database}/{table}"
    database: str
    table: str
    num_rows: int
    ignore: bool = False
    replace: bool = False


@dataclass
class UpsertRows(_AppEvent):
    """Rows were inserted or updated: ``num_rows`` is how many were asked for."""

    name = "upsert-rows"
    message = "{actor} upserted {num_rows} rows into {database}/{table}"
    database: str
    table: str
    num_rows: int


@dataclass
class UpdateRow(_AppEvent):
    """One row was updated; ``pks`` are the values of its primary key."""

    name = "update-row"
    message = "{actor} updated a row of {database}/{table}"
    database: str
    table: str
    pks: Sequence[Any]


@dataclass
class DeleteRow(_AppEvent):
    """One row was deleted; ``pks`` are the values of its primary key."""

    name = "delete-row"
    message = "{actor} deleted a row of {database}/{table}"
    database: str
    table: str
    pks: Sequence[Any]


BUILTIN_EVENTS: tuple[type[Event], ...] = (
    Login,
    Logout,
    LoginFailed,
    PermissionDenied,
    CreateToken,
    CreateTable,
    DropTable,
    AlterTable,
    RenameTable,
    InsertRows,
    UpsertRows,
    UpdateRow,
    DeleteRow,
)
"""All of the above, in the order in which they stand."""
