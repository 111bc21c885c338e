"""N events in are exactly N in VictoriaLogs, in Prometheus and in Jaeger, and no flood of actors or of senders spoils that."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tests.backends.prometheus import Prometheus
from tests.backends.servers import Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.node import Application, OneNode, send, spans_of, stored
from tests.collector_config.otlp import logs, post, record

ARRIVAL_SECONDS = 60.0


@pytest.mark.parametrize(("events", "processes"), [(1, 1), (10_000, 2), (200_000, 4)])
def test_every_event_is_stored_once_and_counted_once(
    events: int, processes: int, node: OneNode, prometheus: Prometheus, victorialogs: VictoriaLogs, service: str
) -> None:
    configure = {"endpoint": node.http_endpoint, "service_name": service, "when_full": "block"}
    before_restart = events // 2
    for share in filter(None, (before_restart, events - before_restart)):
        send(configure, share, processes=min(processes, share))

    wait_until(lambda: stored(victorialogs, service)[0] >= events, ARRIVAL_SECONDS)
    wait_until(lambda: node.total("otel_events_total") >= events, ARRIVAL_SECONDS)
    assert stored(victorialogs, service) == (events, events)
    assert node.total("otel_events_total", service_name=service) == events
    [row] = victorialogs.query(
        f'{{service.name="{service}",event_name="insert-rows"}} | stats count() as events, sum(app.num_rows) as rows'
    )
    for metric, expected in (
        ("otel_events_total", events),
        ("otel_events_by_actor_total", int(row["events"])),
        ("otel_events_rows_total", int(row["rows"])),
    ):
        query = f'sum({metric}{{service_name="{service}"}}) == {expected}'
        assert wait_until(partial(prometheus.query, query)), query


def test_ten_thousand_events_as_spans_are_in_jaeger(node: OneNode, jaeger: Jaeger, service: str) -> None:
    configure = {"endpoint": node.http_endpoint, "service_name": service, "signals": "traces", "pipeline": "auto"}
    # The SDK drops spans for which its queue has no room.
    environment = {"OTEL_BSP_MAX_QUEUE_SIZE": "10000"}
    applications = [Application(configure, 5_000, environment=environment) for _ in range(2)]
    for application in applications:
        with application:
            assert application.finish()["tracked"] == 5_000
    spans = wait_until(lambda: spans_of(jaeger, service, 10_000), ARRIVAL_SECONDS)
    assert len({span["spanID"] for span in spans}) == len(spans) == 10_000
    assert sum(span["operationName"] == "insert-rows" for span in spans) == 7_500


def test_many_senders_at_once_are_counted_exactly(node: OneNode, service: str) -> None:
    request = logs(service, *[record("insert-rows", {"user.id": "u", "app.num_rows": 3})] * 100)
    with ThreadPoolExecutor(8) as senders:
        assert set(senders.map(lambda _: post(node, request), range(800))) == {200}
    # The sums come last.
    wait_until(lambda: node.total("otel_events_rows_total") >= 240_000)
    assert node.total("otel_events_total") == 80_000
    assert node.total("otel_events_by_actor_total") == 80_000
    assert node.total("otel_events_rows_total") == 240_000
    assert node.telemetry("otelcol_deltatocumulative_datapoints", error="delta.ErrOutOfOrder") == 0


def test_a_flood_of_actors_spoils_neither_totals_nor_sums_nor_known_actors(
    collector_binary: Path, tmp_path: Path, backends: Mapping[str, str], service: str
) -> None:
    environment = {**backends, "MAX_SERIES": "500"}
    known = logs(service, record("insert-rows", {"user.id": "known", "app.num_rows": 3}))
    with OneNode(collector_binary, tmp_path / "node", environment) as node:
        post(node, known)
        wait_until(lambda: node.total("otel_events_by_actor_total", user_id="known") == 1)
        for thousand in range(20):
            flood = [record("login", {"user.id": f"flood-{thousand}-{number}"}) for number in range(1_000)]
            assert post(node, logs(service, *flood)) == 200
        post(node, known)
        wait_until(lambda: node.total("otel_events_total", event_name="insert-rows") == 2)

        assert node.total("otel_events_total", event_name="login") == 20_000
        wait_until(lambda: node.total("otel_events_by_actor_total", user_id="known") == 2)
        wait_until(lambda: node.total("otel_events_rows_total") == 6)
        assert len(node.counts("otel_events_by_actor_total")) == 500
        assert node.telemetry("otelcol_deltatocumulative_datapoints", error="limit") == 20_000 - 499


def test_what_the_memory_limiter_refuses_is_neither_stored_nor_counted(
    collector_binary: Path, tmp_path: Path, backends: Mapping[str, str], victorialogs: VictoriaLogs, service: str
) -> None:
    environment = {**backends, "MEMORY_LIMIT_MIB": "1", "MEMORY_SPIKE_MIB": "0"}
    with OneNode(collector_binary, tmp_path / "node", environment) as node:
        request = logs(service, record("insert-rows"))
        wait_until(lambda: post(node, request) == 503)

        def counted() -> float:
            return node.telemetry("otelcol_processor_incoming_items", processor="filter/events")

        accepted = counted()
        assert [post(node, request) for _ in range(20)] == [503] * 20
        assert counted() == accepted
        wait_until(lambda: stored(victorialogs, service) == (accepted, 0))
