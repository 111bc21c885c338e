"""The world that dashboards look at: the real servers, a day of an application, and all the trouble that they can show."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.backends.process import free_ports
from tests.backends.prometheus import Prometheus
from tests.backends.servers import Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config import dashboards
from tests.collector_config.dashboards import Chosen, Query
from tests.collector_config.node import ROOT, OneNode, scraping
from tests.collector_config.otlp import logs, post, record
from tests.direct.faulty import HttpReply, HttpServer

SERVICE = "shop"
# All that regular expressions, LogsQL and PromQL could take for their own.
ACTOR = "o.neil+root|x@example.org"
GAPPY = "GAPPY000"
RANGE_SECONDS = 900
ARRIVAL_SECONDS = 60.0


@dataclass(frozen=True)
class World:
    """Servers that have seen a day of an application, and the addresses to ask them at."""

    prometheus: str
    victorialogs: str
    jaeger: str
    trace_ids: list[str]
    sent: int
    ended: float

    def ask(self, query: Query, values: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """Put a query, with values for the variables of its dashboard."""
        known = {one["name"] for one in dashboards.load(query.dashboard)["templating"]["list"]}
        chosen = {name: value for name, value in values.items() if name in known}
        return dashboards.ask(query, Chosen(RANGE_SECONDS, self.ended, chosen), self.prometheus, self.victorialogs)


@contextlib.contextmanager
def made(
    folder: Path, jaeger: Jaeger, *, collector_binary: Path, prometheus_binary: Path, victorialogs_binary: Path
) -> Iterator[World]:
    """Start servers, let the day pass, and wait until all of it has arrived."""
    with ExitStack() as stack:
        victorialogs = stack.enter_context(VictoriaLogs(victorialogs_binary, folder / "victorialogs"))
        refusing = stack.enter_context(HttpServer())
        refusing.default = HttpReply(400)
        nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"

        backends = {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint, "JAEGER_ENDPOINT": jaeger.address("otlp_grpc")}
        # Beside the one that works: one whose backend is away, with hardly any room for what waits, which may count one
        # series; and one whose backend wants none of it.
        crowded = {**backends, "VICTORIALOGS_ENDPOINT": nowhere, "QUEUE_BYTES": "3000", "MAX_SERIES": "1"}
        unwanted = {**backends, "VICTORIALOGS_ENDPOINT": f"{refusing.endpoint}/v1/logs"}
        node, *troubled = (
            stack.enter_context(OneNode(collector_binary, folder / f"node-{number}", environment))
            for number, environment in enumerate((backends, crowded, unwanted))
        )
        config = scraping(node)
        for job in config["scrape_configs"]:
            if job["job_name"] == "collector":
                job["static_configs"][0]["targets"] += [one.address("telemetry") for one in troubled]
        prometheus = stack.enter_context(Prometheus(prometheus_binary, folder / "prometheus", config))

        options = {
            "collector": node.http_endpoint,
            "refusing": refusing.endpoint,
            "nowhere": nowhere,
            "service": SERVICE,
            "folder": str(folder / "journals"),
            "actor": ACTOR,
        }
        # A stream of which two events are missing.
        lost = [record("login", {"log.record.uid": f"01M86MQ4PM{GAPPY}{number:08}"}) for number in (0, 1, 4)]
        told = {"otel_events.stream": GAPPY, "otel_events.emitted": 5, "otel_events.delivered": 5}
        assert post(node, logs("gappy", *lost, record("otel_events.checkpoint", told))) == 200
        try:
            day = live_a_day(options, lambda: make_trouble(troubled) and not standing(prometheus))
        except TimeoutError:
            raise AssertionError(f"not seen to grow: {standing(prometheus)}") from None
        rounds = len(day["trace_ids"])
        inserted = (
            f'{{service.name="{SERVICE}",event_name="insert-rows"}} | stats count() as n | filter n:={2 * rounds}'
        )
        ended = '{event_name="otel_events.checkpoint"} otel_events.final:true'
        wait_until(lambda: victorialogs.query(inserted) and victorialogs.query(ended), ARRIVAL_SECONDS)
        counted = f'sum(otel_events_total{{service_name="{SERVICE}"}}) == {day["sent"]}'
        wait_until(lambda: prometheus.query(counted), ARRIVAL_SECONDS)
        yield World(prometheus.url, victorialogs.url, jaeger.url, day["trace_ids"], day["sent"], time.time() + 1)


GROWING = (
    "otel_events_rows_total",
    "otelcol_exporter_sent_log_records",
    'otel_sdk_exporter_log_exported_total{error_type=""}',
    'otel_sdk_exporter_log_exported_total{error_type!=""}',
    'otel_sdk_processor_log_processed_total{error_type!=""}',
    "otelcol_receiver_refused_log_records",
    "otelcol_exporter_send_failed_log_records",
    "otelcol_exporter_enqueue_failed_log_records",
    'otelcol_deltatocumulative_datapoints{error="limit"}',
)


def standing(prometheus: Prometheus) -> list[str]:
    """Return which of these were not seen to grow; once all were, the others are there too."""
    return [counter for counter in GROWING if not prometheus.query(f"sum(rate({counter}[1m])) > 0")]


def make_trouble(troubled: Sequence[OneNode]) -> bool:
    for one in troubled:
        post(one, logs(SERVICE, *(record(name, {"user.id": "alice"}) for name in ("login", "logout"))))
    return True


def live_a_day(options: Mapping[str, str], until: Callable[[], object]) -> dict[str, Any]:
    """Run the application until something is so, and return what it says at its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.collector_config.day"],
        cwd=ROOT,
        env=inherited,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(options) + "\n")
            process.stdin.flush()
            wait_until(lambda: process.poll() is not None or until(), ARRIVAL_SECONDS)
            output, _ = process.communicate(timeout=ARRIVAL_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0
    return dict(json.loads(output))
