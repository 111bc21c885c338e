"""``otel-events journal replay`` sends what was left behind, and says what it passes over, what remains, and why."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from otel_events.cli.main import main
from otel_events.direct import exporter as exporters
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import JournalFile
from otel_events.direct.journal.overview import overview
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.direct.faulty import SILENT, HttpReply, HttpServer
from tests.direct.journal.support import event, leave
from tests.direct.sending import PORTS, protocols
from tests.sdk.support import free_port


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    return directory


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    monkeypatch.setattr(exporters, "FIRST_BACKOFF_SECONDS", 0.05)
    with HttpServer() as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # The command sets it for its process, which here is that of the tests.
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")


def replay(directory: JournalDirectory, *arguments: str) -> int:
    return main(["journal", "replay", "--journal", str(directory.path), *arguments])


@protocols
def test_it_takes_the_endpoint_and_protocol_of_the_application(
    directory: JournalDirectory,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    protocol: str,
) -> None:
    service = f"replay-command-{protocol[:4]}"
    leave(directory, service, "a", "b")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.ports[PORTS[protocol]]}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    assert replay(directory) == 0
    assert capsys.readouterr().out == "sent: 2, refused: 0, remaining: 0\n"
    assert [record.event_name for record in collector.log_records(service)] == ["a", "b"]


def test_files_of_live_processes_are_passed_over_and_said(
    directory: JournalDirectory, server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(directory, "shop", "a")
    mine = directory.create(b"request")
    mine.append([(event("b"), 1)])
    assert replay(directory) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"passed over: {mine.path.name}: its process is alive and sends its 1 record",
        "sent: 1, refused: 0, remaining: 0",
    ]
    assert len(server.requests) == 1
    directory.release(mine)


def test_what_remains_is_a_finding_with_its_reason(
    directory: JournalDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(directory, "shop", "a", "b")
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    assert replay(directory, "--wait", "0.2") == 1
    summary, reason = capsys.readouterr().out.splitlines()
    assert summary == "sent: 0, refused: 0, remaining: 2"
    assert reason.startswith(f"log records do not arrive at http://127.0.0.1:{port}/v1/logs (http/protobuf): ")


def test_that_sending_goes_on_is_not_said_of_a_replay_that_has_ended(
    directory: JournalDirectory, server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(directory, "shop", "a")
    server.default = HttpReply(503)
    assert replay(directory, "--wait", "0.2") == 1
    _, reason = capsys.readouterr().out.splitlines()
    assert "the server is overloaded, or what is behind it is down (503" in reason
    assert reason.endswith("). Look at the server.")


def test_what_is_refused_is_a_finding(
    directory: JournalDirectory, server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(directory, "shop", "a")
    server.default = HttpReply(400)
    assert replay(directory) == 1
    summary, hint = capsys.readouterr().out.splitlines()
    assert summary == "sent: 0, refused: 1, remaining: 0"
    assert "`otel-events journal dead-letters`" in hint


def test_a_file_that_cannot_be_opened_is_a_finding(
    directory: JournalDirectory, server: HttpServer, capsys: pytest.CaptureFixture[str]
) -> None:
    path = leave(directory, "shop", "a")
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA user_version = 9')",
            path,
        ],
        check=True,
    )
    assert replay(directory, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    [problem] = document.pop("problems")
    assert "is of version 9" in problem
    assert document == {
        "directory": str(directory.path),
        "sent": 0,
        "refused": 0,
        "remaining": 0,
        "passed_over": [],
        "trouble": None,
    }
    assert server.requests == []


def garbage(directory: JournalDirectory) -> Path:
    path = directory.path / "bad.journal"
    path.write_bytes(b"garbage " * 1000)
    return path


def in_a_strange_envelope(directory: JournalDirectory) -> Path:
    """Leave a file that opens well, and shows when it is sent what is wrong with it."""
    file = directory.create(b"request")
    file.append([(event("b"), 1)])
    directory.release(file)
    return file.path


@pytest.mark.parametrize("damaged", [garbage, in_a_strange_envelope])
def test_a_file_that_is_set_aside_meanwhile_is_a_finding(
    directory: JournalDirectory,
    server: HttpServer,
    capsys: pytest.CaptureFixture[str],
    damaged: Callable[[JournalDirectory], Path],
) -> None:
    leave(directory, "shop", "a")
    path = damaged(directory)
    assert replay(directory) == 1
    summary, problem = capsys.readouterr().out.splitlines()
    assert summary == "sent: 1, refused: 0, remaining: 0"
    assert problem.startswith(f"set aside, damaged: '{path}.damaged-")
    # It is said of once here; `status` tells of it until it is deleted.
    assert replay(directory) == 0

    leave(directory, "shop", "a")
    damaged(directory)
    capsys.readouterr()
    assert replay(directory, "--json") == 1
    [problem] = json.loads(capsys.readouterr().out)["problems"]
    assert problem.startswith("set aside, damaged: ")


def test_a_damaged_file_that_cannot_be_set_aside_is_a_finding(
    directory: JournalDirectory,
    server: HttpServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    leave(directory, "shop", "a")
    path = in_a_strange_envelope(directory)
    set_aside = JournalDirectory.set_aside

    def gone(directory: JournalDirectory, file: JournalFile, why: Exception) -> None:
        path.unlink()
        set_aside(directory, file, why)

    monkeypatch.setattr(JournalDirectory, "set_aside", gone)
    assert replay(directory) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "damaged, and could not be set aside: 1"


def test_nothing_to_send(directory: JournalDirectory, server: HttpServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay(directory) == 0
    assert capsys.readouterr().out == "sent: 0, refused: 0, remaining: 0\n"


def test_a_signal_ends_it_in_good_order(directory: JournalDirectory, server: HttpServer) -> None:
    leave(directory, "shop", "a", "b")
    server.default = SILENT
    command = [sys.executable, "-m", "otel_events", "journal", "replay", "--journal", str(directory.path), "--json"]
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_TIMEOUT": "1000"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until(lambda: server.requests)
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, b"")
    assert json.loads(out)["remaining"] == 2
    assert [(file.records, file.owned) for file in overview(directory)] == [(2, False)]


def test_a_terminal_shows_a_bar(directory: JournalDirectory, server: HttpServer) -> None:
    leave(directory, "shop", *"abc")
    command = [sys.executable, "-m", "otel_events", "journal", "replay", "--journal", str(directory.path)]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env={**os.environ, "TERM": "xterm"}, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # on Linux, the end of a terminal
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        assert process.wait(30) == 0
    assert b"3/3" in shown
    assert b"sent: 3, refused: 0, remaining: 0" in shown
