"""Kafka keeps what a Collector exported to it over a crash, and another Collector receives it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.backends.kafka import Kafka
from tests.backends.process import ServerError
from tests.backends.servers import COLLECTOR_YAML, Collector
from tests.backends.wait import wait_until


def config(side: str, settings: Mapping[str, object]) -> Mapping[str, object]:
    """Return a configuration to lay over the Collector's usual one: Kafka instead of its receivers or exporters."""
    return {side: {"kafka": settings}, "service": {"pipelines": {"logs": {side: ["kafka"]}}}}


def send(collector: Collector, service: str) -> None:
    record = {"eventName": "sent", "body": {"stringValue": "sent"}, "timeUnixNano": "1"}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    logs = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [record]}]}]}
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{collector.http_endpoint}/v1/logs", json.dumps(logs).encode(), headers)
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()


def test_records_come_through_kafka_that_was_killed(kafka_home: Path, collector_binary: Path, tmp_path: Path) -> None:
    with Kafka(kafka_home, tmp_path / "kafka") as kafka:
        exporter = config("exporters", {"brokers": [kafka.bootstrap], "logs": {"topic": "records"}})
        with Collector(collector_binary, tmp_path / "exporting", [COLLECTOR_YAML, exporter]) as collector:
            send(collector, "through-kafka")
            wait_until(lambda: "records" in kafka.topics("--list").split())
        kafka.stop(kill=True)
        kafka.start()
        source = {"brokers": [kafka.bootstrap], "logs": {"topics": ["records"]}, "initial_offset": "earliest"}
        receiver = config("receivers", source)
        with Collector(collector_binary, tmp_path / "receiving", [COLLECTOR_YAML, receiver]) as collector:
            [record] = wait_until(lambda: collector.log_records("through-kafka"))
            assert record.event_name == "sent"


def test_topics_and_groups_are_asked_with_kafkas_own_tools(kafka_home: Path, tmp_path: Path) -> None:
    with Kafka(kafka_home, tmp_path, {"num.partitions": 3}) as kafka:
        kafka.topics("--create", "--topic", "events")
        assert "PartitionCount: 3" in kafka.topics("--describe", "--topic", "events")
        with pytest.raises(ServerError, match="does not exist"):
            kafka.topics("--describe", "--topic", "nothing")
        assert kafka.groups("--list").strip() == ""
