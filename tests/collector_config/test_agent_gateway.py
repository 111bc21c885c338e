"""agent.yaml and gateway.yaml, with Kafka between: every event arrives, in its stream's order, whatever is killed meanwhile."""

from __future__ import annotations

import base64
import random
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from otel_events.verification.sources import verify
from tests.backends.binaries import VICTORIALOGS
from tests.backends.fixtures import require_binary
from tests.backends.kafka import Kafka
from tests.backends.servers import Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.brokered import Agent, Gateway, Reader, Topics
from tests.collector_config.node import CONFIG, Application, send, spans_of, stored
from tests.collector_config.otlp import logs, metric, post, record

# Longer than the 10 s after which a gateway that is gone is missed.
TAKE_OVER_SECONDS = 40.0


@pytest.fixture(scope="module")
def kafka(kafka_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """Run Kafka, one for all tests of this module: each has topics of its own."""
    with Kafka(kafka_home, tmp_path_factory.mktemp("kafka")) as server:
        yield server


@pytest.fixture
def topics(kafka: Kafka) -> Topics:
    """Give a name for topics of the test's own, with the one of the logs made."""
    made = Topics(kafka, f"test-{uuid.uuid4()}")
    made.create()
    return made


@pytest.fixture
def agent(collector_binary: Path, tmp_path: Path, topics: Topics) -> Iterator[Agent]:
    """Run an agent."""
    with Agent(collector_binary, tmp_path / "agent", topics) as server:
        yield server


@pytest.fixture
def gateway(collector_binary: Path, tmp_path: Path, topics: Topics, backends: Mapping[str, str]) -> Iterator[Gateway]:
    """Run a gateway."""
    with Gateway(collector_binary, tmp_path / "gateway", topics, backends) as server:
        yield server


@pytest.mark.parametrize("delivery", ["memory", "journal"])
def test_events_of_two_processes_arrive_once_and_in_order(
    delivery: str,
    agent: Agent,
    gateway: Gateway,
    collector_binary: Path,
    topics: Topics,
    victorialogs: VictoriaLogs,
    service: str,
    tmp_path: Path,
) -> None:
    journal = {"journal": str(tmp_path / "journal")} if delivery == "journal" else {}
    configure = {"endpoint": agent.http_endpoint, "service_name": service, "delivery": delivery, **journal}
    # Over some seconds, so that there are many batches.
    with Application(configure) as one, Application(configure) as other:
        wait_until(lambda: stored(victorialogs, service)[1] >= 2_000, 60)
        tracked = sorted((one.finish()["tracked"], other.finish()["tracked"]))
    events = sum(tracked)
    wait_until(lambda: stored(victorialogs, service) == (events, events), 30)
    report = verify([victorialogs.url], service)
    assert (
        report.totals | {"streams": 2, "events": events, "duplicates": 0, "missing": 0, "unknown": 0} == report.totals
    )
    wait_until(lambda: gateway.total("otel_events_total", service_name=service) == events)

    with Reader(collector_binary, tmp_path / "reader", topics) as reader:
        wait_until(lambda: sum(map(len, reader.streams(service).values())) == events, 30)
        streams = reader.streams(service)
    assert sorted(map(len, streams.values())) == tracked
    for found in streams.values():
        assert [number for _, number in found] == list(range(len(found)))
        assert len({partition for partition, _ in found}) == 1


def test_an_agent_that_is_killed_while_kafka_is_away_loses_nothing(
    agent: Agent, gateway: Gateway, kafka: Kafka, victorialogs: VictoriaLogs, service: str
) -> None:
    kafka.stop(kill=True)
    try:
        # Acknowledged to the application: the agent has them on its disk.
        send({"endpoint": agent.http_endpoint, "service_name": service}, 500)
        agent.stop(kill=True)
        agent.start()
    finally:
        kafka.start()
    wait_until(lambda: stored(victorialogs, service)[1] == 500, 60)


def test_victorialogs_away_loses_nothing_and_counts_nothing_twice(
    agent: Agent, collector_binary: Path, topics: Topics, service: str, tmp_path: Path
) -> None:
    with VictoriaLogs(require_binary(VICTORIALOGS), tmp_path / "victorialogs") as victorialogs:
        backends = {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
        with Gateway(collector_binary, tmp_path / "gateway", topics, backends) as gateway:
            victorialogs.stop(kill=True)
            send({"endpoint": agent.http_endpoint, "service_name": service}, 500)
            wait_until(lambda: gateway.log().count("Exporting failed. Will retry") >= 3, 30)
            assert topics.lag() > 0
            victorialogs.start()
            wait_until(lambda: stored(victorialogs, service) == (500, 500), 30)
            wait_until(lambda: gateway.total("otel_events_total", service_name=service) == 500)
            wait_until(lambda: topics.lag() == 0, 30)


def test_a_refusal_stops_the_partition_until_it_is_mended(
    agent: Agent, collector_binary: Path, topics: Topics, victorialogs: VictoriaLogs, service: str, tmp_path: Path
) -> None:
    wrong = {"VICTORIALOGS_ENDPOINT": f"{victorialogs.url}/no/such/path"}
    with Gateway(collector_binary, tmp_path / "wrong", topics, wrong) as gateway:
        send({"endpoint": agent.http_endpoint, "service_name": service}, 500)
        wait_until(lambda: "pausing partition due to permanent processing error" in gateway.log(), 30)
        assert gateway.telemetry("otelcol_exporter_send_failed_log_records") > 0
    right = {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
    with Gateway(collector_binary, tmp_path / "right", topics, right):
        wait_until(lambda: stored(victorialogs, service) == (500, 500), 30)


def test_what_a_backend_lost_is_read_again(
    agent: Agent,
    collector_binary: Path,
    topics: Topics,
    backends: Mapping[str, str],
    victorialogs: VictoriaLogs,
    service: str,
    tmp_path: Path,
) -> None:
    send({"endpoint": agent.http_endpoint, "service_name": service}, 500)
    with Gateway(collector_binary, tmp_path / "gateway", topics, backends) as gateway:
        wait_until(lambda: stored(victorialogs, service) == (500, 500), 30)
        gateway.stop()
        again = ("--reset-offsets", "--by-duration", "PT10M", "--execute")
        topics.kafka.groups("--group", f"{topics.name}-logs", "--topic", f"{topics.name}-logs", *again)
        gateway.start()
        wait_until(lambda: stored(victorialogs, service) == (1_000, 500), 30)


def test_a_gateway_takes_over_from_one_that_is_killed(
    agent: Agent,
    gateway: Gateway,
    collector_binary: Path,
    topics: Topics,
    backends: Mapping[str, str],
    victorialogs: VictoriaLogs,
    service: str,
    tmp_path: Path,
) -> None:
    with Gateway(collector_binary, tmp_path / "other", topics, backends) as other:
        configure = {"endpoint": agent.http_endpoint, "service_name": service}
        wait_until(lambda: topics.readers() == 2, 60)
        # A process is a key: with so many of them both gateways get some.
        send(configure, 800, processes=16)
        wait_until(lambda: stored(victorialogs, service)[1] == 800, 30)
        assert gateway.total("otel_events_total") > 0
        assert other.total("otel_events_total") > 0
        other.stop(kill=True)
        send(configure, 800, processes=8)
        wait_until(lambda: stored(victorialogs, service)[1] == 1_600, TAKE_OVER_SECONDS)
        assert verify([victorialogs.url], service).totals["missing"] == 0


def test_spans_and_metrics_take_the_same_way(
    agent: Agent, gateway: Gateway, topics: Topics, jaeger: Jaeger, service: str
) -> None:
    topics.create(("traces", "metrics"))
    configure = {"endpoint": agent.http_endpoint, "service_name": service, "signals": "traces", "pipeline": "auto"}
    with Application(configure, 4) as application:
        assert application.finish()["tracked"] == 4
    assert post(agent, metric(service, "otel.sdk.exporter.log.exported", 3, 10**9, 2), "metrics") == 200
    wait_until(lambda: spans_of(jaeger, service, 4), 60)
    wait_until(lambda: gateway.total("otel_sdk_exporter_log_exported_total", service_name=service) == 3, 60)


def test_whatever_is_acknowledged_fits_a_message(agent: Agent, gateway: Gateway, topics: Topics, service: str) -> None:
    # What does not compress: random characters.
    text = base64.b64encode(random.Random(1).randbytes(3 * 1024 * 1024)).decode()
    assert post(agent, logs(service, record("too-large", {"text": text}))) == 400
    assert post(agent, logs(service, record("large", {"text": text[:-1_000]}))) == 200
    # As large as an event of ours can be: 128 attributes of 4,096 characters.
    ours = record("ours", {f"a{number:03}": "x" * 4_096 for number in range(128)})
    assert post(agent, logs(service, ours)) == 200
    wait_until(lambda: agent.telemetry("otelcol_exporter_sent_log_records") == 2, 30)
    wait_until(lambda: gateway.total("otel_events_total", service_name=service) == 2, 30)


def test_the_agent_takes_tls_and_a_token_from_the_same_file_as_one_node(collector_binary: Path) -> None:
    files = ["--config", str(CONFIG / "agent.yaml"), "--config", str(CONFIG / "collector-tls.yaml")]
    done = subprocess.run([collector_binary, "validate", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
