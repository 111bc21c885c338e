"""A Datasette plugin with an event of its own: it knows nothing of OpenTelemetry, and its events arrive there all the same.

Markers stand in the annotations as they do on an ``otel_events.Event``; they and the options ``namespace``, ``severity`` and
``message`` need not be there. There is no ``from __future__ import annotations`` here: Datasette runs files of ``--plugins-dir``
without making importable modules of them, so annotations that are kept as text could not be looked up.
"""

from dataclasses import dataclass
from typing import Annotated

from datasette import Event, Response, hookimpl

from otel_events import Personal, Unit


@dataclass
class ReportSent(Event):
    """A report was sent."""

    name = "report-sent"
    severity = "INFO2"
    message = "{actor} sent the report {report} ({num_rows} rows)"
    report: str
    num_rows: Annotated[int, Unit("{row}")]
    recipient: Annotated[str, Personal("drop")]


@hookimpl
def register_events():
    return [ReportSent]


@hookimpl
def register_routes():
    return [(r"^/-/send-report$", send_report)]


async def send_report(datasette, request):
    await datasette.ensure_permission(action="view-instance", actor=request.actor)
    rows = await datasette.get_database().execute("select * from customers")
    # Here the report would be sent.
    await datasette.track_event(
        ReportSent(
            actor=request.actor, report="customers", num_rows=len(rows), recipient=request.args.get("to") or "nobody"
        )
    )
    return Response.json({"sent": len(rows)})
