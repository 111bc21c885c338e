"""An audit trail: nothing is granted unless its trace is on disk.

Events of the class that asks for it go through a journal: when ``track`` returns they are synced, and survive ``kill -9``. Where
that cannot be, it raises, and nothing is granted. All other events wait in memory as usual.
Run it beside a collector (`otel-events view` is one), or without one: the journal keeps what it has for the next run::

    python examples/audit_trail.py

It prints::

    bob may edit
    Outcome(sent=2, pending=0, lost=0)
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass

import otel_events
from otel_events import DeliveryError, Event


@dataclass
class PermissionGranted(Event):
    """Somebody may do something from now on."""

    name = "permission-granted"
    namespace = "shop"
    delivery = "journal"
    on_failure = "closed"
    to: str
    permission: str


@dataclass
class PermissionsShown(Event):
    """Somebody looked at the permissions."""

    name = "permissions-shown"
    namespace = "shop"


# An application needs a directory that outlives it; by default it has one in the user's home.
journal = os.environ.get("OTEL_EVENTS_JOURNAL") or tempfile.mkdtemp()
tracker = otel_events.configure(event_types=[PermissionGranted, PermissionsShown], service_name="shop", journal=journal)


def grant(to: str, permission: str) -> None:
    try:
        tracker.track(PermissionGranted(to, permission, actor="alice"))
    except DeliveryError as error:
        print(f"{to} may not: {error}")
    else:
        print(f"{to} may {permission}")


if __name__ == "__main__":
    tracker.track(PermissionsShown(actor="alice"))
    grant("bob", "edit")
    print(tracker.shutdown(timeout=10.0))
