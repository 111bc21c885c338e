"""Fixtures that several packages of tests share, as a pytest plugin: certificates, and Collectors with TLS or a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.servers import COLLECTOR_YAML, Collector
from tests.sdk.support import Certificates, with_tls, with_token


@pytest.fixture
def nobody_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables by which HTTP clients and gRPC are told whom to trust: a test sets those that it means."""
    for name in (
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Give certificates of all kinds."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def plain_collector(collector_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Run a Collector without TLS that writes to its files, one for all tests: use a service name of your own."""
    with Collector(collector_binary, tmp_path_factory.mktemp("plain")) as server:
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
