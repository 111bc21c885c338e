"""What is around the panels: the page itself, links from one page to another and to traces, the panels' numbers."""

from __future__ import annotations

import itertools
import json
import urllib.parse
from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models
from queries import JAEGER

EVENTS_UID, AUDIT_UID, DELIVERY_UID = "otel-events", "otel-events-audit", "otel-events-delivery"


def page(
    uid: str, title: str, description: str, variables: Sequence[Builder[models.VariableModel]], *, hours: int = 6
) -> dashboard.Dashboard:
    """Begin a dashboard, with links to the others.

    Args:
        uid: Its address.
        title: What it is called.
        description: What it shows.
        variables: Its filters.
        hours: The time range that it opens with.
    """
    link = (
        dashboard.DashboardLink("otel-events")
        .type(models.DashboardLinkType.DASHBOARDS).tags(["otel-events"]).as_dropdown(False)
        .include_vars(True).keep_time(True)
    )  # fmt: skip
    return (
        dashboard.Dashboard(title)
        .uid(uid).description(description).tags(["otel-events"]).time(f"now-{hours}h", "now").refresh("1m")
        .timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR).link(link).variables(list(variables))
    )  # fmt: skip


def audit_of(actor: str) -> models.DashboardLink:
    """Return the link from an actor to the Audit dashboard.

    Args:
        actor: A variable of Grafana's data links that stands for the actor, percent-encoded.
    """
    url = f"/d/{AUDIT_UID}?var-actor={actor}&${{service:queryparam}}&${{__url_time_range}}"
    return models.DashboardLink(title="What else the actor did", url=url)


def trace_of(trace_id: str) -> models.DashboardLink:
    """Return the link to a trace, in Grafana's Explore.

    Args:
        trace_id: A variable of Grafana's data links that stands for the trace's id.
    """
    begin, end = "${__from}", "${__to}"
    query = {"refId": "A", "datasource": JAEGER.to_json(), "query": trace_id}
    pane = {"datasource": JAEGER.uid, "queries": [query], "range": {"from": begin, "to": end}}
    panes = urllib.parse.quote(json.dumps({"trace": pane}, separators=(",", ":")))
    # Grafana fills in variables in the address as it stands.
    for variable in (trace_id, begin, end):
        panes = panes.replace(urllib.parse.quote(variable), variable)
    return models.DashboardLink(title="The trace", url=f"/explore?schemaVersion=1&panes={panes}", target_blank=True)


def numbered(built: models.Dashboard) -> models.Dashboard:
    """Give the panels their numbers, so that links to one of them last."""
    numbers = itertools.count(1)
    for panel in built.panels or []:
        panel.id_val = next(numbers)
        for inner in getattr(panel, "panels", []):
            inner.id_val = next(numbers)
    return built
