"""What processes left behind is sent to the end, as what it was told; what cannot be sent stays, and the reason is known."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events.direct import exporter as exporters
from otel_events.direct.answers import Kind
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import JournalFile
from otel_events.direct.journal.overview import overview
from otel_events.direct.journal.replay import Replay
from otel_events.exceptions import JournalError
from otel_events.settings import resolve
from tests.backends.servers import Collector
from tests.direct.faulty import SILENT, HttpReply, HttpServer
from tests.direct.journal.support import event, leave
from tests.direct.sending import PORTS, protocols
from tests.sdk.support import HTTP, free_port


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    return directory


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    monkeypatch.setattr(exporters, "FIRST_BACKOFF_SECONDS", 0.05)
    with HttpServer() as server:
        yield server


def replay(
    directory: JournalDirectory, endpoint: str, protocol: str = HTTP, patience_seconds: float = 20.0, **arguments: Any
) -> Replay:
    """Send what is there, and return how it went."""
    given = {"endpoint": endpoint, "protocol": protocol, "timeout_seconds": 2.0, **arguments}
    sending = Replay(directory, resolve(given, {}))
    sending.run(patience_seconds, threading.Event(), lambda: None)
    return sending


def waiting(directory: JournalDirectory) -> list[tuple[int, int]]:
    """Return the numbers of records and of dead letters of each file."""
    return [(file.records, file.dead_letters) for file in overview(directory)]


def arrived(server: HttpServer) -> list[tuple[str, list[str]]]:
    """Return the service and the names of events in each request that came."""
    requests = [ExportLogsServiceRequest.FromString(request.body).resource_logs[0] for request in server.requests]
    return [
        (
            logs.resource.attributes[0].value.string_value,
            [record.event_name for record in logs.scope_logs[0].log_records],
        )
        for logs in requests
    ]


@protocols
def test_all_of_it_arrives_at_a_collector(directory: JournalDirectory, collector: Collector, protocol: str) -> None:
    services = [f"replayed-{protocol[:4]}-{number}" for number in range(2)]
    for service in services:
        leave(directory, service, *(f"event-{number}" for number in range(30)))
    endpoint = f"http://127.0.0.1:{collector.ports[PORTS[protocol]]}"
    sending = replay(directory, endpoint, protocol)

    assert (sending.sent, sending.dead, sending.problem, sending.trouble) == (60, 0, None, None)
    assert list(directory.path.iterdir()) == []
    for service in services:
        names = [record.event_name for record in collector.log_records(service)]
        assert names == [f"event-{number}" for number in range(30)]


def test_each_file_goes_out_under_its_own_resource(directory: JournalDirectory, server: HttpServer) -> None:
    leave(directory, "shop", "a", "b")
    leave(directory, "bank", "c", dead=["d"])
    owned = directory.create(b"request")
    owned.append([(event("e"), 1)])
    assert replay(directory, server.endpoint).sent == 3
    assert arrived(server) == [("shop", ["a", "b"]), ("bank", ["c"])]
    assert waiting(directory) == [(0, 1), (1, 0)]
    directory.release(owned)


def test_what_is_refused_stays_as_dead_letters(directory: JournalDirectory, server: HttpServer) -> None:
    leave(directory, "shop", "a", "b", "c")
    server.script(HttpReply(400), HttpReply(400), HttpReply(200), HttpReply(200))
    sending = replay(directory, server.endpoint)
    assert (sending.sent, sending.dead) == (2, 1)
    assert arrived(server)[1:] == [("shop", ["a"]), ("shop", ["b", "c"])]
    assert waiting(directory) == [(0, 1)]


def test_an_outage_is_waited_out(directory: JournalDirectory, server: HttpServer) -> None:
    leave(directory, "shop", "a")
    server.script(HttpReply(503), HttpReply(503))
    sending = replay(directory, server.endpoint)
    assert (sending.sent, sending.trouble) == (1, None)
    assert len(server.requests) == 3


def test_when_nothing_is_taken_for_too_long_it_ends_and_all_of_it_stays(directory: JournalDirectory) -> None:
    leave(directory, "shop", "a", "b")
    sending = replay(directory, f"http://127.0.0.1:{free_port()}", patience_seconds=0.3)
    assert sending.sent == 0
    assert sending.trouble is not None
    assert (sending.trouble.kind, sending.trouble.code) == (Kind.RETRY, None)
    assert waiting(directory) == [(2, 0)]


def test_when_something_has_to_be_changed_first_it_ends_at_once(
    directory: JournalDirectory, server: HttpServer
) -> None:
    leave(directory, "shop", "a")
    server.default = HttpReply(401)
    started = time.monotonic()
    sending = replay(directory, server.endpoint, patience_seconds=600.0)
    assert time.monotonic() - started < 300.0
    assert sending.trouble is not None
    assert (sending.trouble.kind, sending.trouble.code) == (Kind.HOLD, 401)
    assert waiting(directory) == [(1, 0)]


def test_a_server_that_refuses_everything_is_taken_for_the_wrong_one(
    directory: JournalDirectory, server: HttpServer
) -> None:
    leave(directory, "shop", *map(str, range(20)))
    server.default = HttpReply(400)
    sending = replay(directory, server.endpoint, patience_seconds=1.0)
    assert sending.trouble is not None
    assert (sending.trouble.kind, sending.trouble.code, sending.sent, sending.dead) == (Kind.HOLD, 400, 0, 0)
    assert waiting(directory) == [(20, 0)]


def test_it_can_be_stopped(directory: JournalDirectory, server: HttpServer) -> None:
    leave(directory, "shop", "a", "b")
    server.default = SILENT
    stopped = threading.Event()
    sending = Replay(directory, resolve({"endpoint": server.endpoint, "timeout_seconds": 2.0}, {}))
    sending.run(600.0, stopped, lambda: stopped.set() if server.requests else None)
    assert sending.sent == 0
    assert waiting(directory) == [(2, 0)]


def test_a_file_that_shows_itself_damaged_is_set_aside_and_the_others_are_sent(
    directory: JournalDirectory, server: HttpServer
) -> None:
    file = directory.create(b"no request")
    file.append([(event("a"), 1)])
    directory.release(file)
    leave(directory, "shop", "b")
    assert replay(directory, server.endpoint).sent == 1
    assert arrived(server) == [("shop", ["b"])]
    assert len(directory.damaged_files()) == directory.damaged == 1


def test_a_journal_that_does_not_let_go_of_what_was_sent_ends_it(
    directory: JournalDirectory, server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise JournalError("the disk is full")

    leave(directory, "shop", "a", "b")
    monkeypatch.setattr(JournalFile, "settle", fail)
    sending = replay(directory, server.endpoint)
    assert (sending.problem, len(server.requests)) == ("the disk is full", 1)
    assert waiting(directory) == [(2, 0)]


def test_a_directory_that_cannot_be_read_ends_it(directory: JournalDirectory, server: HttpServer) -> None:
    sending = replay(JournalDirectory(directory.path / "nowhere", 0), server.endpoint)
    assert "cannot be read" in str(sending.problem)
