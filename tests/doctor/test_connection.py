"""The connection is looked at step by step, and the first step that fails says what to change."""

from __future__ import annotations

import time

from otel_events.doctor.check import TO_COLLECTOR, Check, Mark
from otel_events.doctor.connection import check_connection
from otel_events.doctor.proxy import Proxy
from otel_events.doctor.target import Target, target_of
from otel_events.settings import resolve
from tests.doctor.support import PLANTED
from tests.sdk.support import free_port, silent_server


def checks_of(endpoint: str, proxy: Proxy | None = None, timeout: float = 5.0) -> list[Check]:
    settings = resolve({"endpoint": endpoint}, {})
    target = target_of(settings.logs)
    return list(check_connection(settings, ("logs",), Target(target.host, target.port, proxy), timeout))


def test_what_listens_is_connected_to() -> None:
    with silent_server() as port:
        [check] = checks_of(f"http://127.0.0.1:{port}")
        assert check.mark is Mark.OK
        assert check.seen.startswith(f"127.0.0.1:{port} accepts connections (")
        name, connection = checks_of(f"http://localhost:{port}")
    assert (name.mark, name.what) == (Mark.OK, "name")
    assert name.seen.startswith("localhost is ")
    assert "127.0.0.1" in name.seen
    assert (connection.mark, connection.what) == (Mark.OK, "connection")


def test_nothing_listens() -> None:
    port = free_port()
    [check] = checks_of(f"http://127.0.0.1:{port}")
    assert (check.mark, check.what, check.hop) == (Mark.FAIL, "connection", TO_COLLECTOR)
    assert check.seen == f"127.0.0.1:{port}: nothing listens there"
    assert check.change == "Start a collector, or set OTEL_EXPORTER_OTLP_ENDPOINT to where one is."


def test_a_name_without_an_address() -> None:
    [check] = checks_of("http://nowhere.invalid:4318")
    assert (check.mark, check.what) == (Mark.FAIL, "name")
    assert check.seen == "nowhere.invalid: the host name cannot be resolved"


def test_a_name_that_is_none() -> None:
    [check] = checks_of(f"http://{'x' * 70}.example:4318")
    assert (check.mark, check.what) == (Mark.FAIL, "name")


def test_a_name_server_that_does_not_answer_in_time() -> None:
    began = time.monotonic()
    [check] = checks_of("http://nowhere.invalid:4318", timeout=0.0)
    assert time.monotonic() - began < 2.0
    assert (check.mark, check.what) == (Mark.FAIL, "name")


def test_a_proxy_is_named_and_connected_to_instead() -> None:
    with silent_server() as port:
        proxy = Proxy(f"http://joe:{PLANTED}@127.0.0.1:{port}")
        note, connection = checks_of("http://nowhere.invalid:4318", proxy)
    assert (note.mark, note.seen) == (
        Mark.NOTE,
        f"the exporter goes through http://127.0.0.1:{port} (from the environment)",
    )
    assert connection.seen.startswith(f"127.0.0.1:{port} accepts connections")
