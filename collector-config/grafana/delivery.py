"""The dashboard *Delivery health*: whether events arrive, where they wait, and what was lost on the way."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from page import DELIVERY_UID, page
from panels import Panel, number, over_time, rows
from queries import CHECKPOINT, SERVICE, metrics, variable

# The applications' own metrics have the service as `job`, behind its namespace if it has one.
APP = 'job=~"(.+/)?($service)"'
# An age that does not change is 0, or is that of a process that has ended: the Collector goes on to show what it said last.
AGE = f"otel_events_oldest_event_age_seconds{{{APP}}}"
AGEING = f"{AGE} and changes({AGE}[5m]) > 0"
ENDED = " A process that has ended counts with what it said last, for 27 hours."
LOST = f'otel_sdk_processor_log_processed_total{{{APP},error_type!=""}}'
REFUSED = f'otel_sdk_exporter_log_exported_total{{{APP},error_type!=""}}'
NO_METRICS = "No metrics: the application exports none, or none arrived"
NO_COLLECTOR = "No metrics of the Collector: see whether Prometheus reaches it"


def since_begin(counter: str) -> str:
    """Return by how much a counter grew in the time range, as an expression that also sees a series that is new.

    ``increase()`` alone begins with the second sample of a series, and the first loss makes the series.

    Args:
        counter: A selector.
    """
    before = f"{counter} offset $__range"
    return (
        f"(sum({counter} unless {before}) or vector(0))"
        f" + (sum(increase({counter}[$__range]) and {before}) or vector(0))"
    )


def application() -> list[Panel]:
    """Return the panels with what applications say of themselves."""
    return [
        number(
            "Exported a second", "Records that collectors took, of the last minutes.",
            metrics(f'sum(rate(otel_sdk_exporter_log_exported_total{{{APP},error_type=""}}[5m]))', instant=True), unit="cps",
            no_value=NO_METRICS,
        ),
        number(
            "Lost before export", "Records that never got to an exporter, in the time range: the queue was full, or it was after"
            " the end.",
            metrics(since_begin(LOST), instant=True), bad_from=1, no_value=NO_METRICS,
        ),
        number(
            "Refused by collectors", "Records that collectors refused, in the time range. Of those in the journal a copy is kept"
            " among the dead letters.",
            metrics(since_begin(REFUSED), instant=True), bad_from=1, no_value=NO_METRICS,
        ),
        number(
            "Oldest waiting event", "The age of the oldest event that waits anywhere. Minutes mean that nothing arrives.",
            metrics(f"max({AGEING}) or max({AGE}) * 0", instant=True), unit="s", bad_from=300,
            no_value=NO_METRICS,
        ),
        number(
            "Fullest queue", "How full the fullest queue in memory is." + ENDED,
            metrics(
                f"max(otel_sdk_processor_log_queue_size{{{APP}}} / otel_sdk_processor_log_queue_capacity{{{APP}}})",
                instant=True,
            ),
            unit="percentunit", bad_from=0.8, no_value=NO_METRICS,
        ),
        number(
            "Dead letters", "Records in journals that collectors refused: otel-events journal shows them." + ENDED,
            metrics(f"sum(otel_events_journal_dead_letters{{{APP}}})", instant=True), bad_from=1,
            no_value="No application has a journal",
        ),
        over_time(
            "Exported and lost, a second", "What became of records, by application and, where they were lost, by reason.",
            metrics(
                f'sum by (job) (rate(otel_sdk_exporter_log_exported_total{{{APP},error_type=""}}[$__rate_interval]))',
                "{{job}} exported",
            ),
            metrics(f"sum by (job, error_type) (rate({LOST}[$__rate_interval]))", "{{job}} lost: {{error_type}}", letter="B"),
            metrics(
                f"sum by (job, error_type) (rate({REFUSED}[$__rate_interval]))", "{{job}} refused: {{error_type}}", letter="C"
            ),
            unit="cps", no_value=NO_METRICS,
        ),
        over_time(
            "Waiting in memory", "Records in queues, and those under way, beside what the queues can hold." + ENDED,
            metrics(f"sum by (job) (otel_sdk_processor_log_queue_size{{{APP}}})", "{{job}} waiting"),
            metrics(f"sum by (job) (otel_sdk_exporter_log_inflight{{{APP}}})", "{{job}} under way", letter="B"),
            metrics(f"sum by (job) (otel_sdk_processor_log_queue_capacity{{{APP}}})", "{{job}} capacity", letter="C"),
            no_value=NO_METRICS,
        ),
        over_time(
            "Journals", "Bytes of records and dead letters on the applications' disks." + ENDED,
            metrics(f"sum by (job) (otel_events_journal_size_bytes{{{APP}}})", "{{job}}"),
            unit="bytes", no_value="No application has a journal", width=8,
        ),
        over_time(
            "Records in journals", "Records that wait in journals." + ENDED,
            metrics(f"sum by (job) (otel_events_journal_records{{{APP}}})", "{{job}}"),
            no_value="No application has a journal", width=8,
        ),
        over_time(
            "Oldest waiting event", "The age of the oldest event that waits, by application.",
            metrics(f"max by (job) ({AGEING}) or max by (job) ({AGE}) * 0", "{{job}}"),
            unit="s", no_value=NO_METRICS, width=8,
        ),
        rows(
            "What applications say of their streams",
            "The last checkpoint of each stream: a process sends one every minute in which something changed, and when it ends.",
            f'{{{SERVICE},event_name="{CHECKPOINT}"}}'
            " | stats by (service.name, otel_events.stream) max(otel_events.emitted) as emitted,"
            " max(otel_events.delivered) as delivered, max(otel_events.dropped.total) as dropped,"
            " max(otel_events.dead_letters) as dead_letters, max(otel_events.final) as ended, max(_time) as last"
            " | math emitted - delivered - dropped - dead_letters as waiting"
            " | sort by (dropped desc, waiting desc) | limit 200",
            {
                "service.name": "Service", "otel_events.stream": "Stream", "emitted": "Emitted", "delivered": "Delivered",
                "waiting": "Waiting", "dropped": "Dropped", "dead_letters": "Dead letters", "ended": "Ended", "last": "Last",
            },
            numbers=["emitted", "delivered", "waiting", "dropped", "dead_letters"], times=["last"],
            red=["dropped", "dead_letters"], sort="dropped", no_value="No checkpoints in this time range",
        ),
    ]  # fmt: skip


def gaps() -> Panel:
    """Return the panel that looks for what was delivered and is not stored."""
    return rows(
        "Delivered, and not stored",
        "Streams whose first event is in the time range: events that a collector acknowledged, beside those that VictoriaLogs"
        " has. What is missing stands first. otel-events verify says which numbers they are, and looks at all streams.",
        f"{{{SERVICE},event_name=~`.+`}}"
        ' | extract_regexp "^.{10}(?P<stream>.{8}).{8}$" from log.record.uid'
        " | coalesce(stream, otel_events.stream) as stream"
        " | stats by (service.name, stream) count_uniq(log.record.uid) as stored, max(otel_events.delivered) as delivered,"
        " count() if (log.record.uid:~`0{8}$`) as beginnings"
        " | filter beginnings:>0 delivered:* | math max(delivered - stored, 0) as missing"
        " | sort by (missing desc) | limit 200 | fields service.name, stream, delivered, stored, missing",
        {
            "service.name": "Service", "stream": "Stream", "delivered": "Delivered", "stored": "Stored", "missing": "Missing",
        },
        numbers=["delivered", "stored", "missing"], red=["missing"], sort="missing",
        no_value="No stream began and told of itself in this time range",
    )  # fmt: skip


def grown(counter: str) -> str:
    """Return by how much a counter of the Collector's exporters grew in five minutes, 0 where there is none of it.

    Like `since_begin` it also sees a series that is new; where the Collector began anew, it sees nothing for five minutes.

    Args:
        counter: Its name.
    """
    now, before = f"sum by (exporter) ({counter})", f"sum by (exporter) ({counter} offset 5m)"
    none = 'sum by (exporter) (otelcol_exporter_queue_size{data_type="logs"}) * 0'
    return f"clamp_min({now} - ({before} or {now} * 0), 0) or {none}"


def collector() -> list[Panel]:
    """Return the panels with what the Collector says of itself."""
    return [
        over_time(
            "Received, a second", "Log records that the Collector took, refused with the request to try again, or failed at.",
            metrics("sum(rate(otelcol_receiver_accepted_log_records[$__rate_interval]))", "accepted"),
            metrics("sum(rate(otelcol_receiver_refused_log_records[$__rate_interval]))", "refused", letter="B"),
            metrics("sum(rate(otelcol_receiver_failed_log_records[$__rate_interval]))", "failed", letter="C"),
            unit="cps", no_value=NO_COLLECTOR, width=8,
        ),
        over_time(
            "Sent, a second", "Log records that backends took. What fails is tried again until it arrives.",
            metrics("sum by (exporter) (rate(otelcol_exporter_sent_log_records[$__rate_interval]))", "{{exporter}}"),
            unit="cps", no_value=NO_COLLECTOR, width=8,
        ),
        over_time(
            "Failures, in 5 minutes",
            "Log records that were lost for good (send), or found the queue full and were refused (queue).",
            metrics(grown("otelcol_exporter_send_failed_log_records"), "{{exporter}} send"),
            metrics(grown("otelcol_exporter_enqueue_failed_log_records"), "{{exporter}} queue", letter="B"),
            no_value=NO_COLLECTOR, width=8,
        ),
        over_time(
            "Queues on disk, how full",
            "Of the capacity of each exporter's queue. A queue that is full makes the Collector refuse.",
            metrics("max by (exporter, data_type) (otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)",
                    "{{exporter}} {{data_type}}"),
            unit="percentunit", no_value=NO_COLLECTOR, width=8,
        ),
        over_time(
            "Counts left out, in 5 minutes",
            "Data points that were not counted: there were too many series, or they came out of order.",
            metrics('sum by (error) (increase(otelcol_deltatocumulative_datapoints{error!=""}[5m]))', "{{error}}"),
            no_value="None was left out", width=8,
        ),
        over_time(
            "Memory of the Collector", "Resident memory. Near its limit the Collector refuses.",
            metrics("max(otelcol_process_memory_rss)", "resident"), unit="bytes", no_value=NO_COLLECTOR, width=8,
        ),
    ]  # fmt: skip


def make() -> dashboard.Dashboard:
    """Return the dashboard."""
    made = page(
        DELIVERY_UID,
        "Delivery health",
        "Whether events arrive, where they wait, and what was lost: by the applications, the Collector, and the checkpoints.",
        [
            variable(
                "service", "Service", "Applications, by service.name",
                "label_values(otel_sdk_processor_log_queue_capacity, job)", ".*", "/([^/]+)$/",
            )
        ],
    )  # fmt: skip
    made.with_row(dashboard.Row("Applications"))
    for panel in application():
        made.with_panel(panel)
    made.with_row(dashboard.Row("Collector"))
    for panel in collector():
        made.with_panel(panel)
    made.with_row(dashboard.Row("Gaps: reads all events of the time range").collapsed(True).with_panel(gaps()))
    return made
