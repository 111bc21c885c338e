"""Fixtures of the one-node configuration: the Collector, with the backends that it sends to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.backends.prometheus import Prometheus
from tests.backends.servers import Jaeger, VictoriaLogs
from tests.collector_config.node import OneNode, scraping


@pytest.fixture
def backends(victorialogs: VictoriaLogs, jaeger: Jaeger) -> Mapping[str, str]:
    """Give the variables that say where the backends are."""
    return {"VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint, "JAEGER_ENDPOINT": jaeger.address("otlp_grpc")}


@pytest.fixture
def node(collector_binary: Path, tmp_path: Path, backends: Mapping[str, str]) -> Iterator[OneNode]:
    """Run the Collector with collector.yaml, one of the test's own."""
    with OneNode(collector_binary, tmp_path / "node", backends) as server:
        yield server


@pytest.fixture
def prometheus(prometheus_binary: Path, tmp_path: Path, node: OneNode) -> Iterator[Prometheus]:
    """Run Prometheus with prometheus.yaml, scraping `node`; without rules."""
    with Prometheus(prometheus_binary, tmp_path / "prometheus", scraping(node)) as server:
        yield server


@pytest.fixture
def service() -> str:
    """Give a `service.name` that no other test has."""
    return f"shop-{uuid.uuid4()}"
