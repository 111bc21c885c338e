"""Fixtures of the direct pipeline's tests, beside those in tests/sdk/fixtures.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.servers import COLLECTOR_YAML, Collector


@pytest.fixture(autouse=True)
def _no_proxies_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables that name proxies: a test sets those that it means."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def small_collector(collector_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Run a Collector without TLS that takes small requests only, one for all tests: use a service name of your own."""
    small = {"grpc": {"max_recv_msg_size_mib": 1}, "http": {"max_request_body_size": 1024 * 1024}}
    config = {"receivers": {"otlp": {"protocols": small}}}
    with Collector(collector_binary, tmp_path_factory.mktemp("small"), [COLLECTOR_YAML, config]) as server:
        yield server
