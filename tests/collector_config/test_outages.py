"""Whatever goes down, the Collector, VictoriaLogs or Prometheus, no event that an application keeps in its journal is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from otel_events.verification.report import Report
from otel_events.verification.sources import verify
from tests.backends.binaries import VICTORIALOGS
from tests.backends.fixtures import require_binary
from tests.backends.prometheus import Prometheus
from tests.backends.servers import Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.node import Application, OneNode, stored
from tests.collector_config.otlp import logs, post, record
from tests.sdk.support import WebServer

RECOVERY_SECONDS = 60.0


@pytest.fixture
def own_victorialogs(tmp_path: Path) -> Iterator[VictoriaLogs]:
    """Run a VictoriaLogs of the test's own, that it may stop."""
    with VictoriaLogs(require_binary(VICTORIALOGS), tmp_path / "victorialogs") as server:
        yield server


@pytest.fixture
def backends(own_victorialogs: VictoriaLogs, jaeger: Jaeger) -> Mapping[str, str]:
    """Put the test's own VictoriaLogs in the place of the one for all tests."""
    return {"VICTORIALOGS_ENDPOINT": own_victorialogs.logs_endpoint, "JAEGER_ENDPOINT": jaeger.address("otlp_grpc")}


def journalling(node: OneNode, service: str, tmp_path: Path, delivery: str = "journal") -> dict[str, Any]:
    """Return the arguments of an application that loses nothing."""
    journal = str(tmp_path / "journal")
    return {"endpoint": node.http_endpoint, "service_name": service, "delivery": delivery, "journal": journal}


def at_least(victorialogs: VictoriaLogs, service: str, count: int) -> bool:
    """Return whether so many different events of a service are in VictoriaLogs."""
    return stored(victorialogs, service)[1] >= count


def all_arrived(victorialogs: VictoriaLogs, service: str, tracked: int) -> int:
    """Wait until each event of a service is in VictoriaLogs; return how many are there twice."""
    wait_until(partial(at_least, victorialogs, service, tracked), RECOVERY_SECONDS)
    events, uids = stored(victorialogs, service)
    assert uids == tracked
    return events - uids


def complete(report: Report) -> Report | None:
    """Return a report once each of its streams has its last checkpoint."""
    last = [stream.checkpoint is not None and stream.checkpoint.final for stream in report.streams]
    return report if all(last) else None


@pytest.mark.parametrize("delivery", ["journal", "confirmed"])
def test_the_collector_killed_under_load(
    delivery: str, node: OneNode, own_victorialogs: VictoriaLogs, service: str, tmp_path: Path
) -> None:
    configure = journalling(node, service, tmp_path, delivery)
    with Application(configure, threads=8) as one, Application(configure, threads=8) as other:
        for _ in range(3):
            more = stored(own_victorialogs, service)[1] + 500
            wait_until(partial(at_least, own_victorialogs, service, more), RECOVERY_SECONDS)
            node.stop(kill=True)
            node.start()
        outcomes = [one.finish(), other.finish()]
    assert all(outcome["pending"] == outcome["lost"] == outcome["dead_letters"] == 0 for outcome in outcomes)
    twice = all_arrived(own_victorialogs, service, sum(outcome["tracked"] for outcome in outcomes))
    # What was under way at a kill may come twice. `otel-events verify` tells it from what is missing.
    report = wait_until(lambda: complete(verify([own_victorialogs.url], service)), RECOVERY_SECONDS)
    assert report is not None
    assert (report.totals["missing"], report.totals["duplicates"]) == (0, twice)


def test_victorialogs_down_and_the_collector_killed_meanwhile(
    node: OneNode, own_victorialogs: VictoriaLogs, service: str, tmp_path: Path
) -> None:
    own_victorialogs.stop()
    with Application(journalling(node, service, tmp_path), 4_000, threads=8) as application:
        # It has handed over everything and is gone: what there is of these events is in the Collector's queue.
        assert application.finish()["sent"] == 4_000
    wait_until(lambda: node.total("otel_events_total") == 4_000)
    node.stop(kill=True)
    node.start()
    assert node.telemetry("otelcol_exporter_queue_size", exporter="otlp_http/victorialogs") > 4_000 * 100
    own_victorialogs.start()
    assert all_arrived(own_victorialogs, service, 4_000) == 0
    wait_until(lambda: node.telemetry("otelcol_exporter_queue_size", exporter="otlp_http/victorialogs") == 0)


def test_while_victorialogs_is_down_retries_are_not_counted(
    node: OneNode, own_victorialogs: VictoriaLogs, service: str
) -> None:
    own_victorialogs.stop()
    assert post(node, logs(service, record("a"), record("a"))) == 200
    wait_until(lambda: node.log().count("Will retry the request") >= 3, RECOVERY_SECONDS)
    own_victorialogs.start()
    wait_until(lambda: stored(own_victorialogs, service)[0] == 2, RECOVERY_SECONDS)
    assert node.total("otel_events_total") == 2


def test_a_full_queue_refuses_and_the_application_keeps_its_events(
    collector_binary: Path,
    tmp_path: Path,
    backends: Mapping[str, str],
    own_victorialogs: VictoriaLogs,
    service: str,
) -> None:
    # A request has to fit the queue.
    environment = {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "200"}
    with OneNode(collector_binary, tmp_path / "node", {**backends, "QUEUE_BYTES": "300000"}) as node:
        own_victorialogs.stop()
        configure = journalling(node, service, tmp_path)
        with Application(configure, threads=8, environment=environment) as application:
            wait_until(lambda: node.telemetry("otelcol_receiver_refused_log_records") > 0, RECOVERY_SECONDS)
            own_victorialogs.start()
            outcome = application.finish()
        assert (outcome["pending"], outcome["lost"], outcome["dead_letters"]) == (0, 0, 0)
        all_arrived(own_victorialogs, service, outcome["tracked"])
        # Counting stands beside the queue: what that refused was counted each time.
        wait_until(lambda: node.total("otel_events_total") > outcome["tracked"])


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_what_a_backend_refuses_for_good_is_said_and_counted(
    status: int, collector_binary: Path, tmp_path: Path, service: str
) -> None:
    with WebServer(status) as backend:
        environment = {"VICTORIALOGS_ENDPOINT": backend.endpoint}
        with OneNode(collector_binary, tmp_path / "node", environment) as node:
            assert post(node, logs(service, record("a"), record("a"))) == 200
            wait_until(lambda: node.telemetry("otelcol_exporter_send_failed_log_records") == 2)
            assert "Exporting failed. Dropping data." in node.log()


def test_prometheus_down_for_a_while(node: OneNode, prometheus: Prometheus, service: str, tmp_path: Path) -> None:
    total = f'sum(otel_events_total{{service_name="{service}"}})'
    with Application(journalling(node, service, tmp_path), threads=4) as application:
        [before] = wait_until(lambda: prometheus.query(total))
        prometheus.stop()
        wait_until(lambda: node.total("otel_events_total") > before.value + 1_000, RECOVERY_SECONDS)
        prometheus.start()
        tracked = application.finish()["tracked"]
    wait_until(lambda: prometheus.query(f"{total} == {tracked}"), RECOVERY_SECONDS)
    assert node.total("otel_events_total") == tracked
