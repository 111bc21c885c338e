"""The dashboard *Events*: how many of what, by whom, and the latest of them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from page import EVENTS_UID, audit_of, page
from panels import number, over_time, ranking, records, rows
from queries import ACTOR, CHECKPOINT, OF_ACTOR, SERVICE, LogsQuery, actors, metrics, services, variable

CHOSEN = f'{{{SERVICE},event_name=~`${{name:regex}}`,event_name!="{CHECKPOINT}"}} {OF_ACTOR}'
COUNTED = 'service_name=~"$service",event_name=~"$name"'


def make() -> dashboard.Dashboard:
    """Return the dashboard."""
    made = page(
        EVENTS_UID,
        "Events",
        "How many events, which, by whom, and the latest of them with links to their traces.",
        [
            services(),
            variable(
                "name", "Event", "Names of events",
                'label_values(otel_events_total{service_name=~"$service"}, event_name)', ".+",
            ),
            actors('service_name=~"$service",event_name=~"$name"'),
        ],
    )  # fmt: skip
    for panel in (
        number(
            "Events", "Events in the time range, counted in VictoriaLogs.",
            LogsQuery(f"{CHOSEN} | stats count() as events", "stats"),
        ),
        number(
            "Events a second", "Of the last minutes, counted by the Collector. The filter for actors does not apply.",
            metrics(f"sum(rate(otel_events_total{{{COUNTED}}}[5m]))", instant=True), unit="cps",
        ),
        number(
            "Kinds of events", "Different names of events in the time range.",
            LogsQuery(f"{CHOSEN} | stats count_uniq(event_name) as names", "stats"),
        ),
        number(
            "Actors", "Different actors in the time range.",
            LogsQuery(f"{CHOSEN} | {ACTOR} | filter actor:* | stats count_uniq(actor) as actors", "stats"),
        ),
        number(
            "Services", "Different applications in the time range.",
            LogsQuery(f"{CHOSEN} | stats count_uniq(service.name) as services", "stats"),
        ),
        number(
            "Warnings", "Events whose severity is WARN or more.",
            LogsQuery(f"{CHOSEN} severity_number:>=13 | stats count() as warnings", "stats"),
        ),
        over_time(
            "Events a second, by name",
            "Counted by the Collector, exactly. The filter for actors does not apply. A name that is seen for the first time"
            " begins to count with its second event: Events by name has the first one too.",
            metrics(f"sum by (event_name) (rate(otel_events_total{{{COUNTED}}}[$__rate_interval]))", "{{event_name}}"),
            unit="cps", stacked=True, width=16,
        ),
        ranking(
            "Events by name", "Events in the time range, counted in VictoriaLogs.",
            LogsQuery(
                f"{CHOSEN} | stats by (event_name) count() as events | sort by (events) desc | limit 12", "stats",
                legend="{{event_name}}",
            ),
        ),
        over_time(
            "Events a second, of the busiest actors",
            "Counted by the Collector, of the ten actors with the most. The number of actors that are counted is limited:"
            " Top actors counts all of them.",
            metrics(
                f'topk(10, sum by (user_id) (rate(otel_events_by_actor_total{{{COUNTED},user_id=~"$actor"}}[$__rate_interval])))',
                "{{user_id}}",
            ),
            unit="cps", width=8,
        ),
        over_time(
            "Rows written a second, by actor",
            "Rows of insert-rows, upsert-rows and other events that say how many, of the ten actors with the most.",
            metrics(
                f'topk(10, sum by (user_id) (rate(otel_events_rows_total{{{COUNTED},user_id=~"$actor"}}[$__rate_interval])))',
                "{{user_id}}",
            ),
            unit="rowsps", width=8, no_value="No rows were written in this time range",
        ),
        ranking(
            "Top actors", "Who is behind the most events in the time range. A click shows what else the actor did.",
            LogsQuery(
                f"{CHOSEN} | {ACTOR} | filter actor:* | stats by (actor) count() as events | sort by (events) desc | limit 10",
                "stats", legend="{{actor}}",
            ),
            link=audit_of("${__field.labels.actor:percentencode}"),
        ),
        rows(
            "Latest events",
            "The last 200 events. A click on an actor shows what else they did, one on a trace opens it in Jaeger.",
            f"{CHOSEN} | {ACTOR} | copy _msg as message"
            " | fields _time, event_name, actor, service.name, message, severity_text, trace_id",
            {
                "event_name": "Event", "actor": "Actor", "message": "What happened", "service.name": "Service",
                "severity_text": "Severity", "trace_id": "Trace",
            },
            timed=True, height=12,
        ),
    ):  # fmt: skip
        made.with_panel(panel)
    made.with_row(
        dashboard.Row("The latest events with everything they carry")
        .collapsed(True)
        .with_panel(records("Whole events", "The last 500 events; unfold one for all its fields.", CHOSEN))
    )
    return made
