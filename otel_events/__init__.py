"""Typed Python events in, OpenTelemetry out: log records and span events that any OTLP collector receives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_events.configure import configure, make_listener
from otel_events.context import actor, current_actor, current_request, request, set_actor
from otel_events.event import Event
from otel_events.exceptions import (
    DeliveryError,
    EventDefinitionError,
    JournalError,
    OTelEventsError,
    PluginError,
    ReceiverError,
    SettingsError,
    UnregisteredEventError,
)
from otel_events.flushing import flush_on_return
from otel_events.hookspecs import hookimpl
from otel_events.outcome import Outcome, Receipt
from otel_events.privacy import Attribute, Personal, Policy, Secret, Unit
from otel_events.stamp import Stamp
from otel_events.tracking.tracker import EventTracker
from otel_events.version import VERSION

if TYPE_CHECKING:
    from otel_events.builtin import (
        BUILTIN_EVENTS,
        AlterTable,
        CreateTable,
        CreateToken,
        DeleteRow,
        DropTable,
        InsertRows,
        Login,
        LoginFailed,
        Logout,
        PermissionDenied,
        RenameTable,
        UpdateRow,
        UpsertRows,
    )
    from otel_events.conversion.record import LogRecord, SpanEvent, to_log_record, to_span_event
    from otel_events.listener import OTelListener
    from otel_events.settings import Settings
else:
    from otel_events.later import load as __getattr__  # noqa: F401 # Python itself calls it (PEP 562)
    from otel_events.later import names as __dir__  # noqa: F401 # likewise

__version__ = VERSION

__all__ = [
    "BUILTIN_EVENTS",
    "AlterTable",
    "Attribute",
    "CreateTable",
    "CreateToken",
    "DeleteRow",
    "DeliveryError",
    "DropTable",
    "Event",
    "EventDefinitionError",
    "EventTracker",
    "InsertRows",
    "JournalError",
    "LogRecord",
    "Login",
    "LoginFailed",
    "Logout",
    "OTelEventsError",
    "OTelListener",
    "Outcome",
    "PermissionDenied",
    "Personal",
    "PluginError",
    "Policy",
    "Receipt",
    "ReceiverError",
    "RenameTable",
    "Secret",
    "Settings",
    "SettingsError",
    "SpanEvent",
    "Stamp",
    "Unit",
    "UnregisteredEventError",
    "UpdateRow",
    "UpsertRows",
    "__version__",
    "actor",
    "configure",
    "current_actor",
    "current_request",
    "flush_on_return",
    "hookimpl",
    "make_listener",
    "request",
    "set_actor",
    "to_log_record",
    "to_span_event",
]
