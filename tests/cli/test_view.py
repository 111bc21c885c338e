"""``otel-events view`` as a process: it says where to look and where to send, shows what comes, and ends when told to."""

from __future__ import annotations

import json
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

from otel_events.receiver import Store
from tests.receiver.support import keyed, log_record, logs_request, post

COMMAND = [sys.executable, "-W", "error", "-m", "otel_events.cli.main", "view"]
DEADLINE_SECONDS = 60.0
PORTS = ["--port", "0", "--otlp-http-port", "0", "--otlp-grpc-port", "0"]


class View:
    """A running ``view`` on free ports."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stderr is not None
        self._streams = {"stdout": self._follow(process.stdout), "stderr": self._follow(process.stderr)}

    def line(self, stream: str = "stdout") -> str:
        """Wait for the next line."""
        line = self._streams[stream].get(timeout=DEADLINE_SECONDS)
        assert line is not None, f"{stream} ended"
        return line

    def lines(self, number: int, stream: str = "stdout") -> str:
        """Wait for several lines."""
        return "".join(self.line(stream) for _ in range(number))

    def rest(self, stream: str) -> str:
        """Give what comes until the stream ends."""
        return "".join(iter(lambda: self._streams[stream].get(timeout=DEADLINE_SECONDS) or "", ""))

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    @staticmethod
    def _follow(stream: IO[str]) -> queue.Queue[str | None]:
        lines: queue.Queue[str | None] = queue.Queue()

        def follow() -> None:
            with stream:
                for line in stream:
                    lines.put(line)
            lines.put(None)

        threading.Thread(target=follow, daemon=True).start()
        return lines


@contextmanager
def viewing(database: Path, *options: str, on: str = "--terminal") -> Iterator[View]:
    process = subprocess.Popen(
        [*COMMAND, on, "--database", str(database), *PORTS, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        yield View(process)
    finally:
        process.kill()
        process.wait(DEADLINE_SECONDS)


def ports_of(greeting: str) -> list[int]:
    return [int(port) for port in re.findall(r"OTEL_EXPORTER_OTLP_ENDPOINT=http://127\.0\.0\.1:(\d+)", greeting)]


def order(uid: str) -> bytes:
    attributes = [keyed("user.id", "alice"), keyed("shop.order_id", "[red]o-1\x1b[31m")]
    record = log_record(uid, severity_number=9, attributes=attributes)
    record.body.string_value = "Order placed"
    return logs_request(record, resource=[keyed("service.name", "shop")]).SerializeToString()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_events_are_shown_as_they_come_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    with viewing(tmp_path / "events.db") as view:
        greeting = view.lines(5)
        assert "Waiting for events." in greeting
        assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in greeting
        assert f"kept in {tmp_path / 'events.db'}; from before it holds 0. Ctrl-C ends." in greeting
        http_port, _ = ports_of(greeting)
        post(http_port, "/v1/logs", order("u1"))
        first = view.line()
        assert re.fullmatch(r"2018-12-1\d \d\d:\d1:00\.300 INFO  order-placed alice @shop  Order placed\n", first)
        assert view.line() == "    shop.order_id=[red]o-1\\x1b[31m\n"
        post(http_port, "/v1/logs", order("u1"))
        post(http_port, "/v1/logs", order("u2"))
        assert "order-placed" in view.lines(2)
        assert view.end(number) == 0
        assert view.rest("stdout") == (
            "Ended. Events: 2 new, 0 merged with their other signal's copy, 1 sent again, 0 records rejected; spans: 0; "
            f"requests: 3; kept in {tmp_path / 'events.db'}.\n"
        )
        assert view.rest("stderr") == ""


def test_the_official_exporter_arrives_over_grpc(tmp_path: Path) -> None:
    with viewing(tmp_path / "events.db") as view:
        _, grpc_port = ports_of(view.lines(5))
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"http://127.0.0.1:{grpc_port}")))
        provider.get_logger("shop").emit(LogRecord(event_name="order-shipped", body="Order shipped"))
        provider.shutdown()
        assert "order-shipped @unknown_service" in view.line()
        assert view.end(signal.SIGTERM) == 0


def test_json_lines_are_all_there_is_on_stdout(tmp_path: Path) -> None:
    with viewing(tmp_path / "events.db", "--json") as view:
        http_port, _ = ports_of(view.lines(5, "stderr"))
        post(http_port, "/v1/logs", order("u1"))
        event: dict[str, Any] = json.loads(view.line())
        assert (event["uid"], event["name"], event["attributes"]["shop.order_id"]) == (
            "u1",
            "order-placed",
            "[red]o-1\x1b[31m",
        )
        assert view.end(signal.SIGTERM) == 0
        assert view.rest("stdout") == ""
        assert view.rest("stderr").startswith("Ended. Events: 1 new")


def test_what_was_in_the_database_is_counted_and_not_shown_again(tmp_path: Path) -> None:
    with viewing(tmp_path / "events.db") as view:
        post(ports_of(view.lines(5))[0], "/v1/logs", order("u1"))
        view.lines(2)
        assert view.end(signal.SIGTERM) == 0
    with viewing(tmp_path / "events.db") as view:
        assert "from before it holds 1." in view.lines(5)
        assert view.end(signal.SIGTERM) == 0
        assert view.rest("stdout").startswith("Ended. Events: 0 new")
    with closing(Store(tmp_path / "events.db")) as store:
        assert [event.uid for event in store.events()] == ["u1"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_page_is_served_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    with viewing(tmp_path / "events.db", on="--no-open") as view:
        found = re.fullmatch(r"The page is at (http://127\.0\.0\.1:\d+/)\n", view.line())
        assert found is not None
        http_port, _ = ports_of(view.lines(5))
        post(http_port, "/v1/logs", order("u1"))
        with urllib.request.urlopen(f"{found[1]}api/events") as answer:
            assert [event["uid"] for event in json.load(answer)["events"]] == ["u1"]
        assert view.end(number) == 0
        assert view.rest("stdout").startswith("Ended. Events: 1 new")
        assert view.rest("stderr") == ""


def test_a_token_is_made_and_asked_of_those_who_look_and_those_who_send(tmp_path: Path) -> None:
    with viewing(tmp_path / "events.db", "--token", on="--no-open") as view:
        found = re.fullmatch(r"The page is at (http://127\.0\.0\.1:\d+/)\?token=(\S{32})\n", view.line())
        assert found is not None
        greeting = view.lines(5)
        assert f"OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20{found[2]}\n" in greeting
        http_port, _ = ports_of(greeting)
        assert post(http_port, "/v1/logs", order("u1")).status == 401
        assert post(http_port, "/v1/logs", order("u1"), Authorization=f"Bearer {found[2]}").status == 200
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{found[1]}api/events")
        with refused.value:
            assert refused.value.code == 401
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(f"{found[1]}?token={found[2]}") as answer:
            assert answer.url == found[1]
        assert view.end(signal.SIGTERM) == 0


def test_other_machines_are_let_in_only_where_that_is_asked_for(tmp_path: Path) -> None:
    result = run("--database", str(tmp_path / "events.db"), *PORTS, "--host", "0.0.0.0")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("otel-events view: 0.0.0.0 may be reached from other machines")
    assert "--token" in result.stderr
    assert "--no-auth" in result.stderr


def test_json_is_for_the_terminal() -> None:
    result = run("--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "otel-events view: --json writes the events to stdout, so it needs --terminal.\n"


def test_a_taken_port_of_the_page_is_said(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("--database", str(tmp_path / "events.db"), *PORTS, "--port", str(port))
    assert (result.returncode, result.stdout) == (2, "")
    assert f"cannot listen on port {port} of 127.0.0.1:" in result.stderr
    assert "--port" in result.stderr


def test_a_taken_port_is_said_with_the_option_that_changes_it(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("--terminal", "--database", str(tmp_path / "events.db"), "--otlp-http-port", str(port))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(f"otel-events view: cannot listen on port {port} of 127.0.0.1:")
    assert "--otlp-http-port" in result.stderr


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader, " * 100)
    result = run("--terminal", "--database", str(letter), "--otlp-http-port", "0", "--otlp-grpc-port", "0")
    assert (result.returncode, result.stdout) == (2, "")
    assert "file is not a database" in result.stderr


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_bad_port_is_wrong_usage(port: str) -> None:
    result = run("--terminal", "--otlp-grpc-port", port)
    assert result.returncode == 2
    assert "give a number from 0 to 65535" in result.stderr
