"""Fixtures that start the backends, as a pytest plugin: `pytest_plugins = ["tests.backends.fixtures"]`.

A test that uses one of them carries the marker `backends`. Without the binaries it is skipped, or fails where
REQUIRE_BACKENDS=1 is set.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.backends.binaries import ALERTMANAGER, COLLECTOR, JAEGER, KAFKA, PROMETHEUS, VICTORIALOGS, VMALERT
from tests.backends.kinds import Backend
from tests.backends.servers import COLLECTOR_YAML, TO_BACKENDS_YAML, Collector, Jaeger, VictoriaLogs

# pytest lists a test's fixtures with all that they use themselves.
FIXTURES = frozenset(
    {
        "collector_binary",
        "jaeger",
        "victorialogs",
        "prometheus_binary",
        "promtool_binary",
        "alertmanager_binary",
        "amtool_binary",
        "vmalert_binary",
        "kafka_home",
    }
)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by marker
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("backends")


def require_binary(backend: Backend) -> Path:
    """Return the path of a backend's binary; skip or fail the test when it is not built.

    Args:
        backend: the backend that the test needs.
    """
    if backend.path.exists():
        return backend.path
    tools = ", ".join(backend.tools.values())
    reason = f"{backend.name} {backend.version} is not built ({backend.path}): {tools}; then run `make backends`"
    if os.environ.get("REQUIRE_BACKENDS") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def collector_binary() -> Path:
    """Give the Collector's program, for a test that starts it with a configuration of its own."""
    return require_binary(COLLECTOR)


@pytest.fixture(scope="session")
def prometheus_binary() -> Path:
    """Give Prometheus' program."""
    return require_binary(PROMETHEUS)


@pytest.fixture(scope="session")
def promtool_binary() -> Path:
    """Give promtool, which checks and tests rules."""
    return require_binary(PROMETHEUS).with_name("promtool")


@pytest.fixture(scope="session")
def alertmanager_binary() -> Path:
    """Give Alertmanager's program."""
    return require_binary(ALERTMANAGER)


@pytest.fixture(scope="session")
def amtool_binary() -> Path:
    """Give amtool, which checks Alertmanager's configuration and shows the routes of an alert."""
    return require_binary(ALERTMANAGER).with_name("amtool")


@pytest.fixture(scope="session")
def vmalert_binary() -> Path:
    """Give vmalert's program."""
    return require_binary(VMALERT)


@pytest.fixture(scope="session")
def kafka_home() -> Path:
    """Give the folder of Kafka, for `tests.backends.kafka.Kafka`."""
    require_binary(KAFKA)
    return KAFKA.folder


@pytest.fixture(scope="session")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    """Run Jaeger, one for all tests: use a `service.name` of your own."""
    with Jaeger(require_binary(JAEGER), tmp_path_factory.mktemp("jaeger")) as server:
        yield server


@pytest.fixture(scope="session")
def victorialogs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaLogs]:
    """Run VictoriaLogs, one for all tests: use a `service.name` of your own."""
    with VictoriaLogs(require_binary(VICTORIALOGS), tmp_path_factory.mktemp("victorialogs")) as server:
        yield server


@pytest.fixture(scope="session")
def collector(
    collector_binary: Path, tmp_path_factory: pytest.TempPathFactory, jaeger: Jaeger, victorialogs: VictoriaLogs
) -> Iterator[Collector]:
    """Run a Collector that writes to its files and sends on to `jaeger` and `victorialogs`, one for all tests."""
    environment = {"JAEGER_ENDPOINT": jaeger.address("otlp_grpc"), "VICTORIALOGS_ENDPOINT": victorialogs.logs_endpoint}
    folder = tmp_path_factory.mktemp("collector")
    with Collector(collector_binary, folder, [COLLECTOR_YAML, TO_BACKENDS_YAML], environment) as server:
        yield server


@pytest.fixture
def own_collector(collector_binary: Path, tmp_path: Path) -> Iterator[Collector]:
    """Run a Collector of the test's own, that it may stop, kill and start again; it writes to its files only."""
    with Collector(collector_binary, tmp_path / "collector") as server:
        yield server
