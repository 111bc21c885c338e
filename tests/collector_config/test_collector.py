"""collector.yaml: a log record is stored and counted, a span is stored, a metric is passed on, and a checkpoint is no event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.backends.process import fetch
from tests.backends.servers import Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.node import Application, OneNode, send, spans_of, stored
from tests.collector_config.otlp import logs, metric, post, record


def test_an_event_is_stored_and_counted_by_name_service_and_actor(
    node: OneNode, victorialogs: VictoriaLogs, service: str
) -> None:
    send({"endpoint": node.http_endpoint, "service_name": service}, 8)
    assert wait_until(lambda: stored(victorialogs, service)[0] == 8)
    [row] = victorialogs.query(f'{{service.name="{service}",event_name="insert-rows"}} app.num_rows:=2 | limit 1')
    assert row["_stream"] == f'{{event_name="insert-rows",service.name="{service}"}}'
    assert wait_until(lambda: node.total("otel_events_total", service_name=service) == 8)

    by_name = {sample.labels["event_name"]: sample.value for sample in node.counts("otel_events_total")}
    assert by_name == {"insert-rows": 6, "login-failed": 2}
    # Numbers 0 to 7 without every fourth; an event without an actor is in no count by actor.
    by_actor = {sample.labels["user_id"]: sample.value for sample in node.counts("otel_events_by_actor_total")}
    assert by_actor == {f"user-{number}": 1 for number in (0, 1, 2, 4, 5, 6)}
    rows = {sample.labels["user_id"]: sample.value for sample in node.counts("otel_events_rows_total")}
    assert rows == {"user-0": 0, "user-1": 1, "user-2": 2, "user-4": 0, "user-5": 1, "user-6": 2}
    for metric_name in ("otel_events_total", "otel_events_by_actor_total", "otel_events_rows_total"):
        assert {sample.labels["service_name"] for sample in node.counts(metric_name)} == {service}
        assert all("instance" not in sample.labels for sample in node.counts(metric_name))


def test_a_restart_of_the_application_goes_on_with_the_same_series(node: OneNode, service: str) -> None:
    for _ in range(2):
        send({"endpoint": node.http_endpoint, "service_name": service}, 4)
    wait_until(lambda: node.total("otel_events_total", event_name="insert-rows") == 6)
    assert len(node.counts("otel_events_total", event_name="insert-rows")) == 1


def test_checkpoints_and_plain_log_records_are_stored_and_not_counted(
    node: OneNode, victorialogs: VictoriaLogs, service: str
) -> None:
    # The application sends a checkpoint at its end.
    send({"endpoint": node.http_endpoint, "service_name": service}, 4)
    post(node, logs(service, record("")))
    post(node, logs(service, record("last")))
    wait_until(lambda: node.total("otel_events_total", event_name="last") == 1)
    [checkpoints] = wait_until(
        lambda: victorialogs.query(f'{{service.name="{service}",event_name="otel_events.checkpoint"}}')
    )
    assert checkpoints["otel_events.emitted"] == "4"
    wait_until(lambda: stored(victorialogs, service)[0] == 6)
    names = {sample.labels["event_name"]: sample.value for sample in node.counts("otel_events_total")}
    assert names == {"insert-rows": 3, "login-failed": 1, "last": 1}


def test_an_actor_is_its_id_or_else_its_pseudonym_and_5_is_the_same_as_text_5(node: OneNode, service: str) -> None:
    records = [
        record("a", {"user.id": 5}),
        record("a", {"user.id": "5"}),
        record("a", {"user.hash": "abc"}),
        record("a", {"user.id": "x" * 5_000}),
        record("last", {}),
    ]
    post(node, logs(service, *records))
    wait_until(lambda: node.total("otel_events_total", event_name="last") == 1)
    by_actor = {sample.labels["user_id"]: sample.value for sample in node.counts("otel_events_by_actor_total")}
    assert by_actor == {"5": 2, "abc": 1, "x" * 256: 1}


HOSTILE: tuple[Any, ...] = ("7", "x", 1.5, -3, True, [1], {"a": 1}, b"7", float("nan"))


def test_values_that_are_no_counts_are_left_out_and_stop_nothing(
    node: OneNode, victorialogs: VictoriaLogs, service: str
) -> None:
    records = [record("insert-rows", {"app.num_rows": value, "user.id": "u"}) for value in HOSTILE]
    good = record("insert-rows", {"app.num_rows": 2, "user.id": "u"})
    datasette = record("insert-rows", {"datasette.num_rows": 40, "user.id": "u"})
    post(node, logs(service, *records, good, datasette))
    wait_until(lambda: node.total("otel_events_total") == len(HOSTILE) + 2)
    wait_until(lambda: node.total("otel_events_rows_total") == 42)
    wait_until(lambda: stored(victorialogs, service)[0] == len(HOSTILE) + 2)
    assert node.running


def test_a_service_without_a_name_is_counted(node: OneNode) -> None:
    post(node, logs(None, record("a")))
    [sample] = wait_until(lambda: node.counts("otel_events_total"))
    assert (sample.labels.get("service_name", ""), sample.value) == ("", 1)


@pytest.mark.parametrize("temporality", [1, 2], ids=["delta", "cumulative"])
def test_the_applications_own_metrics_are_served(temporality: int, node: OneNode, service: str) -> None:
    for start in (1, 2):
        value = 3 if temporality == 1 else 3 * start
        post(node, metric(service, "otel.sdk.exporter.log.exported", value, start * 10**9, temporality), "metrics")
    [sample] = wait_until(
        lambda: [s for s in node.counts("otel_sdk_exporter_log_exported_total", service_name=service) if s.value == 6]
    )
    assert (sample.labels["job"], sample.labels["instance"]) == (service, "one")


def test_an_event_as_a_span_is_stored_in_jaeger(node: OneNode, jaeger: Jaeger, service: str) -> None:
    configure = {"endpoint": node.http_endpoint, "service_name": service, "signals": "traces", "pipeline": "auto"}
    with Application(configure, 4) as application:
        assert application.finish()["tracked"] == 4
    spans = wait_until(lambda: spans_of(jaeger, service, 4))
    assert sorted(span["operationName"] for span in spans) == ["insert-rows"] * 3 + ["login-failed"]
    assert node.counts("otel_events_total") == []


def test_it_tells_of_its_health_and_of_itself(node: OneNode) -> None:
    assert json.loads(fetch(node.health_url()))["status"] == "Server available"
    assert node.telemetry("otelcol_exporter_queue_capacity", exporter="otlp_http/victorialogs") == 2 * 1024**3
    assert node.telemetry("otelcol_exporter_queue_capacity", exporter="otlp_grpc/jaeger") == 2 * 1024**3
