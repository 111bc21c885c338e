"""The dashboard *Audit*: who did what, and what to look at first. All of it is read from the events themselves."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from page import AUDIT_UID, page
from panels import Panel, number, over_time, records, rows
from queries import ACTOR, IS_EVENT, OF_ACTOR, SERVICE, LogsQuery, actors, services

DESTRUCTIVE = "drop-table|alter-table|delete-row"
TABLE = "coalesce(app.database, datasette.database) as database | coalesce(app.table, datasette.table) as table"


def of(names: str) -> str:
    """Return the selection of some events, of the services and actors that are chosen.

    Args:
        names: Their names, as a regular expression.
    """
    return f"{{{SERVICE},event_name=~`{names}`}} {OF_ACTOR}"


ALL = f"{{{SERVICE},{IS_EVENT}}} {OF_ACTOR}"


def count(title: str, description: str, names: str, bad_from: float | None = None) -> Panel:
    """Return a panel with the number of events of some names.

    Args:
        title: What it is.
        description: What it means.
        names: Their names, as a regular expression.
        bad_from: From where on the number is red.
    """
    query = LogsQuery(f"{of(names)} | stats count() as events", "stats")
    return number(title, description, query, bad_from=bad_from)


def make() -> dashboard.Dashboard:
    """Return the dashboard."""
    made = page(
        AUDIT_UID,
        "Audit",
        "Who did what: destructive actions, tokens, refused sign-ins and refused actions, of everybody or of one actor.",
        [services(), actors('service_name=~"$service"')],
        hours=24,
    )  # fmt: skip
    for panel in (
        number("Events", "All events in the time range.", LogsQuery(f"{ALL} | stats count() as events", "stats")),
        number(
            "Actors", "Different actors in the time range.",
            LogsQuery(f"{ALL} | {ACTOR} | filter actor:* | stats count_uniq(actor) as actors", "stats"),
        ),
        count("Destructive actions", "Tables dropped or altered, and rows deleted.", DESTRUCTIVE, 1),
        count("Tokens created", "New API tokens.", "create-token"),
        count("Refused sign-ins", "Events named login-failed.", "login-failed"),
        count("Refused actions", "Events named permission-denied.", "permission-denied"),
        rows(
            "Who did what", "Each actor's events by name, of the time range. A click on an actor shows that one alone.",
            f"{ALL} | {ACTOR}"
            " | stats by (actor, event_name, service.name) count() as events, min(_time) as first, max(_time) as last"
            " | sort by (events desc) | limit 200",
            {
                "actor": "Actor", "event_name": "Event", "service.name": "Service", "events": "Events", "first": "First",
                "last": "Last",
            },
            numbers=["events"], times=["first", "last"], sort="events", width=12, height=10,
        ),
        rows(
            "Destructive actions", "Tables dropped or altered, and rows deleted, newest first.",
            f"{of(DESTRUCTIVE)} | {ACTOR} | {TABLE} | copy _msg as message"
            " | fields _time, actor, event_name, database, table, message, client.address, service.name, trace_id",
            {
                "actor": "Actor", "event_name": "Event", "database": "Database", "table": "Table", "message": "What happened",
                "client.address": "From", "service.name": "Service", "trace_id": "Trace",
            },
            timed=True, no_value="Nothing was destroyed in this time range", width=12, height=10,
        ),
        rows(
            "Tokens created", "New API tokens, newest first. One that has no time to expire never does.",
            f"{of('create-token')} | {ACTOR} | copy _msg as message"
            " | coalesce(app.expires_after, datasette.expires_after) as expires_after"
            " | fields _time, actor, expires_after, message, client.address, service.name, trace_id",
            {
                "actor": "Actor", "expires_after": "Expires after (s)", "message": "What happened", "client.address": "From",
                "service.name": "Service", "trace_id": "Trace",
            },
            timed=True, no_value="No tokens were created in this time range", width=12,
        ),
        over_time(
            "Refused sign-ins and actions", "Events named login-failed and permission-denied, counted in VictoriaLogs.",
            LogsQuery(
                f"{of('login-failed|permission-denied')} | stats by (event_name) count() as events", "statsRange",
                legend="{{event_name}}",
            ),
            stacked=True, bars=True, no_value="Nothing was refused in this time range", width=12, height=9,
        ),
        rows(
            "Refused sign-ins, by whom", "Whose sign-ins were refused, from where, and why; the most first.",
            f"{of('login-failed')} | {ACTOR}"
            " | stats by (actor, client.address, event.reason, service.name) count() as failures, max(_time) as last"
            " | sort by (failures desc) | limit 200",
            {
                "actor": "Actor", "client.address": "From", "event.reason": "Why", "failures": "Refused", "last": "Last",
                "service.name": "Service",
            },
            numbers=["failures"], times=["last"], sort="failures", no_value="No sign-in was refused in this time range", width=12,
        ),
        rows(
            "Refused actions, by whom", "Who was refused what, and why; the most first.",
            f"{of('permission-denied')} | {ACTOR}"
            " | coalesce(app.action, datasette.action) as action | coalesce(app.resource, datasette.resource) as resource"
            " | stats by (actor, action, resource, event.reason, service.name) count() as refused, max(_time) as last"
            " | sort by (refused desc) | limit 200",
            {
                "actor": "Actor", "action": "Action", "resource": "On", "event.reason": "Why", "refused": "Refused",
                "last": "Last", "service.name": "Service",
            },
            numbers=["refused"], times=["last"], sort="refused", no_value="No action was refused in this time range", width=12,
        ),
        records("Everything that was done", "The last 500 events; unfold one for all its fields.", ALL, height=14),
    ):  # fmt: skip
        made.with_panel(panel)
    return made
