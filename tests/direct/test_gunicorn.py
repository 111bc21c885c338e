"""gunicorn, with the application loaded before its workers are forked off: every event of each process arrives once."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

from otel_events.verification.sources import verify
from tests.backends.servers import Collector

SECONDS = 30.0
REQUESTS = 10

APPLICATION = """
import os, sys
from dataclasses import dataclass
import otel_events
from otel_events import Event

@dataclass
class Viewed(Event):
    name = "viewed"
    namespace = "app"
    pid: int
    number: int = 0

@dataclass
class Ordered(Viewed):
    name = "ordered"
    delivery = "journal"

tracker = otel_events.configure(event_types=[Viewed, Ordered], pipeline="direct")

def track(number):
    tracker.track(Viewed(os.getpid(), number))
    tracker.track(Ordered(os.getpid(), number))

track(-1)

def app(environ, start_response):
    environ["wsgi.input"].read()
    track(int(environ["PATH_INFO"].strip("/")))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""


@contextlib.contextmanager
def gunicorn(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run it for the block with two workers; give it and its port, where requests wait until it is there to take them."""
    (folder / "application.py").write_text(textwrap.dedent(APPLICATION), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listening, (folder / "log").open("wb") as log:
        port = int(listening.getsockname()[1])
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--preload",
            "--workers",
            "2",
            "--bind",
            f"fd://{listening.fileno()}",
        ]
        # There it looks for its application, and makes a socket on which it is told what to do.
        own = {"PYTHONPATH": ":".join([str(folder), *sys.path]), "XDG_RUNTIME_DIR": str(folder)}
        process = subprocess.Popen(
            [*command, "application:app"],
            cwd=folder,
            env={**os.environ, **own, **environ},
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
    try:
        yield process, port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS)


def answer(connection: http.client.HTTPConnection) -> int:
    """Return which process answers a request."""
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body
    return int(body)


def test_every_event_of_the_master_and_of_its_workers_arrives_once(own_collector: Collector, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": own_collector.http_endpoint,
        "OTEL_SERVICE_NAME": "gunicorn",
        "OTEL_EVENTS_JOURNAL": str(journal),
        # Nothing is sent before the end, so that at the fork there is something of the master's that workers must not send.
        "OTEL_BLRP_SCHEDULE_DELAY": "600000",
    }
    with gunicorn(tmp_path, environ) as (process, port):
        answered = {-1: process.pid}
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as first:
            # Until the body comes, one worker has to wait for it, so that the other takes the next request.
            first.putrequest("POST", "/0")
            first.putheader("Content-Length", "4")
            first.putheader("Expect", "100-continue")
            first.endheaders()
            assert b" 100 " in first.sock.recv(100)
            for number in range(1, REQUESTS):
                with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as other:
                    other.request("GET", f"/{number}")
                    answered[number] = answer(other)
            first.send(b"body")
            answered[0] = answer(first)
        process.terminate()
        assert process.wait(SECONDS) == 0
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log, log

    expected = Counter((name, pid, number) for number, pid in answered.items() for name in ("viewed", "ordered"))
    records = [one for one in own_collector.log_records("gunicorn") if one.event_name in ("viewed", "ordered")]
    arrived = Counter((one.event_name, one.attributes["app.pid"], one.attributes["app.number"]) for one in records)
    assert arrived == expected
    streams = {(one.attributes["app.pid"], one.attributes["log.record.uid"][10:18]) for one in records}
    assert len(streams) == len({pid for pid, _ in streams}) == len({stream for _, stream in streams}) == 3
    # Each process ended in order, and said what became of its events.
    of_streams = verify([str(own_collector.logs_file)], "gunicorn").streams
    assert {one.stream for one in of_streams} == {stream for _, stream in streams}
    for one in of_streams:
        assert (one.duplicates, one.missing.numbers, one.unknown.numbers) == (0, 0, 0)
        assert one.checkpoint == (one.stream, one.events, one.events, 0, {}, 0, True)
    assert list(journal.iterdir()) == []
