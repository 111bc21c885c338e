"""Fixtures of the direct pipeline's tests: certificates, and Collectors without TLS, with it, and with a token."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.servers import COLLECTOR_YAML, Collector
from tests.sdk.support import Certificates, with_tls, with_token


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables that name proxies: a test sets those that it means."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give certificates of all kinds."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def plain_collector(collector_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Run a Collector without TLS that takes small requests only, one for all tests: use a service name of your own."""
    small = {"grpc": {"max_recv_msg_size_mib": 1}, "http": {"max_request_body_size": 1024 * 1024}}
    config = {"receivers": {"otlp": {"protocols": small}}}
    with Collector(collector_binary, tmp_path_factory.mktemp("plain"), [COLLECTOR_YAML, config]) as server:
        yield server


@pytest.fixture(scope="session")
def tls_collector(
    collector_binary: Path, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Collector]:
    """Run a Collector with TLS, likewise."""
    folder = tmp_path_factory.mktemp("tls")
    with Collector(collector_binary, folder, [COLLECTOR_YAML, with_tls(certificates, "server")]) as server:
        yield server


@pytest.fixture(scope="session")
def mutual_collector(
    collector_binary: Path, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Collector]:
    """Run a Collector that wants client certificates, likewise."""
    folder, config = tmp_path_factory.mktemp("mutual"), with_tls(certificates, "server", wants_client=True)
    with Collector(collector_binary, folder, [COLLECTOR_YAML, config]) as server:
        yield server


@pytest.fixture(scope="session")
def token_collector(collector_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Run a Collector that wants the bearer token ``TOKEN``, likewise."""
    with Collector(collector_binary, tmp_path_factory.mktemp("token"), [COLLECTOR_YAML, with_token()]) as server:
        yield server
