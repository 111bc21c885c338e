"""gevent: where threads are greenlets, events arrive once, from every process, and hold up no greenlet; or it is refused."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.backends.records import LogRecord
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.direct.faulty import SILENT, HttpServer
from tests.direct.sending import PORTS, protocols
from tests.sdk.support import GRPC, HTTP

PATCHED = """
from gevent import monkey
monkey.patch_all()
"""

PATCHED_WITH_GRPC = """
from gevent import monkey
monkey.patch_all()
import grpc.experimental.gevent
grpc.experimental.gevent.init_gevent()
"""

PROGRAM = """
import os, sys, time
from dataclasses import dataclass
import gevent
import otel_events
from otel_events import Event

@dataclass
class Counted(Event):
    name = "counted"
    namespace = "app"
    who: str
    number: int = 0

tracker = otel_events.configure(event_types=[Counted], pipeline=os.environ.get("PIPELINE", "direct"))
"""

MANY = """
def work(greenlet):
    for number in range(50):
        tracker.track(Counted(f"greenlet {greenlet}", number))
        if number % 10 == 0:
            gevent.sleep(0)

gevent.joinall([gevent.spawn(work, greenlet) for greenlet in range(10)], raise_error=True)
"""


def run(program: str, environ: Mapping[str, str]) -> str:
    """Run a program, which must have nothing to complain about, and return what it printed."""
    # Python 3.12 and later warn of forks in processes with threads, and gevent's hub has some.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        env={"PYTHONPATH": ":".join(sys.path), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def sending_to(collector: Collector, service: str, protocol: str = HTTP, **more: str) -> dict[str, str]:
    """Return the environment of a program that sends to a Collector."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.address(PORTS[protocol])}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_SERVICE_NAME": service,
        **more,
    }


def events_of(collector: Collector, service: str, count: int) -> list[LogRecord]:
    """Return a service's events, once so many are there; there must be no more, and none twice."""

    def arrived() -> list[LogRecord]:
        return [record for record in collector.log_records(service) if record.event_name == "counted"]

    wait_until(lambda: len(arrived()) >= count)
    uids = [record.attributes["log.record.uid"] for record in arrived()]
    assert len(uids) == len(set(uids)) == count
    return arrived()


@protocols
@pytest.mark.parametrize("delivery", ["memory", "journal", "confirmed"])
def test_events_of_many_greenlets_arrive_once(
    small_collector: Collector, protocol: str, delivery: str, tmp_path: Path
) -> None:
    service = f"gevent-{protocol}-{delivery}"
    environ = sending_to(small_collector, service, protocol, OTEL_EVENTS_DELIVERY=delivery)
    if delivery != "memory":
        environ["OTEL_EVENTS_JOURNAL"] = str(tmp_path / "journal")
    at_the_end = """
print(tracker.flush(20.0))
tracker.track(Counted("at exit"))
"""
    printed = run(PATCHED_WITH_GRPC + PROGRAM + MANY + at_the_end, environ)
    assert "sent=500, pending=0, lost=0" in printed
    assert "at exit" in {record.attributes["app.who"] for record in events_of(small_collector, service, 501)}


def test_a_program_with_gevent_that_is_not_patched_works(small_collector: Collector) -> None:
    run("import gevent" + PROGRAM + MANY, sending_to(small_collector, "gevent-unpatched"))
    events_of(small_collector, "gevent-unpatched", 500)


def test_the_sdk_pipeline_works_too(small_collector: Collector) -> None:
    run(PATCHED + PROGRAM + MANY, sending_to(small_collector, "gevent-sdk", PIPELINE="sdk"))
    events_of(small_collector, "gevent-sdk", 500)


def test_a_server_that_does_not_answer_holds_up_no_greenlet() -> None:
    turning = """
turns = 0

def turn():
    global turns
    while True:
        gevent.sleep(0.01)
        turns += 1

gevent.spawn(turn)
tracker.track(Counted("waits"))
print(tracker.flush(1.0).pending, turns > 10)
tracker.shutdown(0.1)
"""
    with HttpServer() as server:
        server.default = SILENT
        printed = run(PATCHED + PROGRAM + turning, {"OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint})
        assert printed == "1 True\n"
        assert len(server.requests) == 1


FORK = """
tracker.track(Counted("parent"))
child = os.fork()
if child == 0:
    # Longer than a record waits: the parent's exporter is here too, with what the parent has to send.
    time.sleep(1.5)
    tracker.track(Counted("child"))
    assert tracker.flush(10.0).pending == 0
    tracker.track(Counted("child, at exit"))
    sys.exit()
assert os.waitpid(child, 0)[1] == 0
tracker.track(Counted("parent, at exit"))
"""


@protocols
@pytest.mark.parametrize("delivery", ["memory", "journal"])
def test_a_fork_takes_the_greenlets_along_and_each_process_sends_only_its_own(
    small_collector: Collector, protocol: str, delivery: str, tmp_path: Path
) -> None:
    service = f"gevent-fork-{protocol}-{delivery}"
    environ = sending_to(small_collector, service, protocol, OTEL_EVENTS_DELIVERY=delivery)
    if delivery == "journal":
        environ["OTEL_EVENTS_JOURNAL"] = str(tmp_path / "journal")
    run(PATCHED_WITH_GRPC + PROGRAM + FORK, environ)
    events = events_of(small_collector, service, 4)
    streams = {record.attributes["app.who"]: record.attributes["log.record.uid"][10:18] for record in events}
    assert streams["parent"] == streams["parent, at exit"] != streams["child"] == streams["child, at exit"]


def test_a_program_that_is_patched_only_in_its_workers_works(small_collector: Collector) -> None:
    """As with ``gunicorn -k gevent --preload``."""
    preloaded = """
tracker.track(Counted("master"))
worker = os.fork()
if worker == 0:
    from gevent import monkey
    monkey.patch_all()
    gevent.joinall([gevent.spawn(tracker.track, Counted("worker", number)) for number in range(10)], raise_error=True)
    assert tracker.flush(10.0).pending == 0
    sys.exit()
assert os.waitpid(worker, 0)[1] == 0
"""
    run(PROGRAM + preloaded, sending_to(small_collector, "gevent-preloaded"))
    events_of(small_collector, "gevent-preloaded", 11)


def test_requests_to_a_server_of_gevent_have_each_their_actor(small_collector: Collector) -> None:
    serving = """
import urllib.request
from gevent.pywsgi import WSGIServer
from otel_events.integrations.wsgi import EventContextMiddleware

def app(environ, start_response):
    gevent.sleep(0.001)
    tracker.track(Counted(environ["PATH_INFO"]))
    start_response("200 OK", [])
    return [b"ok"]

def visit(who):
    for number in range(5):
        assert urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{who}-{number}").read() == b"ok"

app = EventContextMiddleware(app, actor=lambda environ: environ["PATH_INFO"], flush=tracker)
with WSGIServer(("127.0.0.1", 0), app, log=None) as server:
    server.start()
    gevent.joinall([gevent.spawn(visit, who) for who in range(10)], raise_error=True)
    # A client has its answer before the flush is done.
    with gevent.Timeout(20.0):
        while tracker.stats()["otel"]["logs.sent"] < 50:
            gevent.sleep(0.01)
"""
    environ = sending_to(small_collector, "gevent-wsgi", OTEL_BLRP_SCHEDULE_DELAY="600000")
    run(PATCHED + PROGRAM + serving, environ)
    for record in events_of(small_collector, "gevent-wsgi", 50):
        assert record.attributes["user.id"] == record.attributes["app.who"] == record.attributes["url.path"]


def test_async_hook_implementations_are_awaited(small_collector: Collector) -> None:
    hooks = """
import asyncio

class Plugin:
    seen = 0

    @otel_events.hookimpl
    async def track_event(self, event):
        await asyncio.sleep(0.001)
        self.seen += 1

tracker.register(plugin := Plugin())
gevent.joinall([gevent.spawn(tracker.track, Counted("hook", number)) for number in range(20)], raise_error=True)
print(plugin.seen, tracker.stats()["hook_failures"])
"""
    printed = run(PATCHED + PROGRAM + hooks, sending_to(small_collector, "gevent-hooks"))
    assert printed == "20 {}\n"


# -- what is refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pipeline", ["direct", "sdk", "auto"])
def test_grpc_that_does_not_know_of_gevent_is_refused(pipeline: str) -> None:
    refused = """
import otel_events
try:
    otel_events.configure(protocol="grpc", pipeline=PIPELINE)
except otel_events.SettingsError as error:
    print(error)
"""
    printed = run(PATCHED + refused.replace("PIPELINE", repr(pipeline)), {})
    assert "each export would hold up every greenlet. Call grpc.experimental.gevent.init_gevent()" in printed


@pytest.mark.parametrize("pipeline", ["direct", "sdk"])
def test_where_that_shows_later_it_is_said_at_the_first_event(pipeline: str) -> None:
    late = """
import logging, sys
import otel_events
logging.basicConfig(stream=sys.stdout, format="%(exc_info)s")
tracker = otel_events.configure(event_types=[otel_events.Login], protocol="grpc", pipeline=PIPELINE)
from gevent import monkey
monkey.patch_all()
tracker.track(otel_events.Login())
print(tracker.stats()["otel"]["failed.SettingsError"])
"""
    printed = run(late.replace("PIPELINE", repr(pipeline)), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert "Call grpc.experimental.gevent.init_gevent()" in printed
    assert printed.endswith("\n1\n")


def test_grpc_is_not_refused_where_it_is_no_trouble() -> None:
    fine = """
import otel_events
otel_events.configure(protocol=PROTOCOL)
"""
    for program, protocol in ((PATCHED, HTTP), (PATCHED_WITH_GRPC, GRPC), ("import gevent.monkey\n", GRPC)):
        run(program + fine.replace("PROTOCOL", repr(protocol)), {})


def test_an_application_with_a_provider_of_its_own_is_not_refused() -> None:
    own = """
import otel_events
from opentelemetry.sdk._logs import LoggerProvider
otel_events.configure(protocol="grpc", logger_provider=LoggerProvider()).shutdown()
"""
    run(PATCHED + own, {})
