"""The pipeline brings events to a collector on the signals asked for, counts them, keeps its time, and outlives forks."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import otel_events
from otel_events import EventTracker, Outcome
from otel_events.receiver import Receiver
from otel_events.receiver.rows import StoredEvent
from otel_events.sdk.pipeline import SdkPipeline
from otel_events.settings import resolve
from otel_events.stamp import Stamper
from tests.sdk.support import HTTP, ROOT, Ping, protocols, run_script, silent_server

SLACK_SECONDS = 2.0
"""What a call may take beyond its timeout on a busy machine."""


def endpoint_of(receiver: Receiver, protocol: str) -> str:
    return f"http://127.0.0.1:{receiver.http_port if protocol == HTTP else receiver.grpc_port}"


def tracker_to(endpoint: str, protocol: str = HTTP, **arguments: Any) -> EventTracker:
    return otel_events.configure(
        pipeline="sdk",
        event_types=[Ping],
        endpoint=endpoint,
        protocol=protocol,
        environ={},
        service_name="tests",
        **arguments,
    )


def numbers(events: list[StoredEvent], actor: str | None = None) -> list[int]:
    return sorted(int(event.attributes["test.number"]) for event in events if event.actor == actor)


# -- signals ---------------------------------------------------------------------------------------------------------------


@protocols
@pytest.mark.parametrize("signals", ["logs", "traces", "logs,traces"])
def test_events_arrive_on_the_signals_asked_for(receiver: Receiver, protocol: str, signals: str) -> None:
    tracker = tracker_to(endpoint_of(receiver, protocol), protocol, signals=signals)
    for number in range(5):
        tracker.track(Ping(number=number))
    assert tracker.flush(10.0) == Outcome(5, 0, 0)
    assert tracker.shutdown(10.0) == Outcome(5, 0, 0)
    events = receiver.store.events()
    assert numbers(events) == [0, 1, 2, 3, 4]
    assert {event.signal for event in events} == {"span_event" if signals == "traces" else "log"}
    assert receiver.stats().merged == (5 if signals == "logs,traces" else 0)
    assert {event.service for event in events} == {"tests"}
    assert len({event.uid for event in events}) == 5


def test_a_log_record_and_its_span_event_are_the_same_event_in_the_same_span(receiver: Receiver) -> None:
    spans = InMemorySpanExporter()
    application = TracerProvider(shutdown_on_exit=False)
    application.add_span_processor(SimpleSpanProcessor(spans))
    tracker = tracker_to(endpoint_of(receiver, HTTP), signals="logs,traces", tracer_provider=application)
    with application.get_tracer("application").start_as_current_span("request") as span:
        tracker.track(Ping(number=7))
    tracker.shutdown(10.0)
    [event] = receiver.store.events()
    [finished] = spans.get_finished_spans()
    [span_event] = finished.events
    assert (span_event.name, span_event.timestamp) == ("ping", event.time_ns)
    assert dict(span_event.attributes or {}) == event.attributes
    assert event.trace_id == f"{span.get_span_context().trace_id:032x}"
    assert event.span_id == f"{span.get_span_context().span_id:016x}"


def test_without_a_span_one_of_no_length_is_named_after_the_event() -> None:
    spans = InMemorySpanExporter()
    application = TracerProvider(shutdown_on_exit=False)
    application.add_span_processor(SimpleSpanProcessor(spans))
    tracker = otel_events.configure(
        pipeline="sdk", event_types=[Ping], signals="traces", tracer_provider=application, environ={}
    )
    tracker.track(Ping())
    [span] = spans.get_finished_spans()
    assert span.name == "ping"
    assert span.start_time == span.end_time == span.events[0].timestamp
    assert tracker.stats()["otel"]["own_spans"] == 1


def test_what_is_not_sampled_is_counted_and_still_a_log_record(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    tracker = tracker_to(endpoint_of(receiver, HTTP), signals="logs,traces")
    tracker.track(Ping())
    assert tracker.shutdown(10.0) == Outcome(1, 0, 0)
    stats = tracker.stats()["otel"]
    assert stats["not_bridged.not_sampled"] == 1
    assert "span_events" not in stats
    assert [event.signal for event in receiver.store.events()] == ["log"]


def test_what_was_cut_is_counted_once_for_both_signals(receiver: Receiver) -> None:
    tracker = tracker_to(endpoint_of(receiver, HTTP), signals="logs,traces")
    tracker.track(Ping(actor={"id": "alice", "note": "x" * 10_000}))
    tracker.shutdown(10.0)
    assert tracker.stats()["otel"]["conversion.cut"] == 1


def test_it_is_well_until_something_does_not_arrive_or_it_is_closed(receiver: Receiver) -> None:
    well = tracker_to(endpoint_of(receiver, HTTP), signals="logs,traces")
    assert well.healthy()
    well.track(Ping())
    well.flush(10.0)
    assert well.healthy()
    listening = endpoint_of(receiver, HTTP)
    receiver.stop()
    ill = tracker_to(listening, signals="logs", timeout_seconds=0.5)
    ill.track(Ping())
    ill.flush(10.0)
    assert not ill.healthy()
    for tracker in (well, ill):
        tracker.shutdown(2.0)


def test_a_pipeline_that_is_closed_is_not_well() -> None:
    pipeline = SdkPipeline(resolve({}, {}))
    assert pipeline.healthy()
    pipeline.shutdown(1.0)
    assert not pipeline.healthy()


# -- providers of the application --------------------------------------------------------------------------------------------


def test_given_providers_are_used_flushed_and_left_open() -> None:
    logs, spans = InMemoryLogRecordExporter(), InMemorySpanExporter()  # type: ignore[no-untyped-call]
    logger_provider, tracer_provider = LoggerProvider(shutdown_on_exit=False), TracerProvider(shutdown_on_exit=False)
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
    tracer_provider.add_span_processor(SimpleSpanProcessor(spans))
    tracker = otel_events.configure(
        pipeline="sdk",
        event_types=[Ping],
        signals="logs,traces",
        logger_provider=logger_provider,
        tracer_provider=tracer_provider,
        environ={},
    )
    tracker.track(Ping())
    assert tracker.flush(5.0) == tracker.shutdown(5.0) == Outcome(None, None, None)
    assert len(logs.get_finished_logs()) == len(spans.get_finished_spans()) == 1
    logger_provider.get_logger("application").emit(body="still open")
    assert len(logs.get_finished_logs()) == 2


def test_global_providers_are_used_and_the_resource_of_one_serves_for_the_other(receiver: Receiver) -> None:
    done = run_script(
        """
        from opentelemetry import _logs
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
        from opentelemetry.sdk.resources import Resource
        logs = InMemoryLogRecordExporter()
        tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], signals="logs,traces", endpoint=sys.argv[1])
        # Set after configure(), as applications do; what counts is the first event.
        provider = LoggerProvider(Resource({"service.name": "application"}))
        provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
        _logs.set_logger_provider(provider)
        tracker.track(Ping())
        print(tracker.shutdown(10.0), [log.log_record.event_name for log in logs.get_finished_logs()])
        """,
        endpoint_of(receiver, HTTP),
    )
    assert done.stdout == "Outcome(sent=None, pending=None, lost=None) ['ping']\n", done.stderr
    [event] = receiver.store.events()
    assert (event.signal, event.service) == ("span_event", "application")


def test_nothing_global_is_set(receiver: Receiver) -> None:
    done = run_script(
        """
        from opentelemetry import _logs, trace
        from otel_events import application
        tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], signals="logs,traces", endpoint=sys.argv[1])
        tracker.track(Ping())
        print(tracker.flush(10.0), application.logger_provider(), application.tracer_provider())
        print(tracker.shutdown(10.0), trace.get_current_span().get_span_context().is_valid)
        """,
        endpoint_of(receiver, HTTP),
    )
    assert done.stdout == "Outcome(sent=1, pending=0, lost=0) None None\nOutcome(sent=1, pending=0, lost=0) False\n"
    assert receiver.store.count() == 1


def test_two_trackers_are_two_streams_with_resources_of_their_own(receiver: Receiver) -> None:
    trackers = [
        otel_events.configure(
            pipeline="sdk", event_types=[Ping], endpoint=endpoint_of(receiver, HTTP), service_name=name, environ={}
        )
        for name in ("one", "two")
    ]
    for number, tracker in enumerate(trackers):
        tracker.track(Ping(number=number))
        tracker.shutdown(10.0)
    events = receiver.store.events()
    assert [event.service for event in events] == ["one", "two"]
    assert len({(event.uid or "")[10:18] for event in events}) == 2


# -- timeouts and counts -----------------------------------------------------------------------------------------------------


@protocols
@pytest.mark.parametrize("signals", ["logs", "traces", "logs,traces"])
def test_flush_and_shutdown_keep_their_time_before_a_server_that_never_answers(protocol: str, signals: str) -> None:
    with silent_server() as port:
        tracker = tracker_to(f"http://127.0.0.1:{port}", protocol, signals=signals, timeout_seconds=4.0)
        for number in range(3):
            tracker.track(Ping(number=number))
        for call, timeout, expected in (
            (tracker.flush, 0.0, Outcome(0, 3, 0)),
            (tracker.flush, 0.5, Outcome(0, 3, 0)),
            (tracker.shutdown, 1.0, Outcome(0, 0, 3)),
        ):
            began = time.monotonic()
            assert call(timeout) == expected
            assert time.monotonic() - began < timeout + SLACK_SECONDS
        began = time.monotonic()
        assert tracker.shutdown(60.0) == Outcome(0, 0, 3)
        assert time.monotonic() - began < SLACK_SECONDS


def test_an_event_after_the_shutdown_goes_nowhere_and_is_counted(receiver: Receiver) -> None:
    pipeline = SdkPipeline(resolve({"endpoint": endpoint_of(receiver, HTTP)}, {}))
    stamper = Stamper()
    pipeline.accept(Ping(number=1), stamper.stamp())
    assert pipeline.shutdown(10.0) == Outcome(1, 0, 0)
    pipeline.accept(Ping(number=2), stamper.stamp())
    assert pipeline.stats()["after_shutdown"] == 1
    assert numbers(receiver.store.events()) == [1]


@pytest.mark.parametrize(("signals", "prefix"), [("logs", "OTEL_BLRP"), ("traces", "OTEL_BSP")])
def test_what_a_full_queue_pushes_out_is_lost(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, signals: str, prefix: str
) -> None:
    monkeypatch.setenv(f"{prefix}_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv(f"{prefix}_MAX_EXPORT_BATCH_SIZE", "10")
    tracker = tracker_to(endpoint_of(receiver, HTTP), signals=signals)
    for number in range(2_000):
        tracker.track(Ping(number=number))
    outcome = tracker.flush(20.0)
    assert outcome.sent == receiver.store.count()
    assert outcome.pending == 0
    assert outcome.lost == tracker.stats()["otel"][f"{signals}.queue_full"] == 2_000 - receiver.store.count()
    assert outcome.lost > 0
    assert tracker.shutdown(5.0) == outcome


def test_many_threads_lose_nothing(receiver: Receiver) -> None:
    done = run_script(
        """
        import threading
        tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], signals="logs,traces", endpoint=sys.argv[1])
        def work(first):
            for number in range(first, first + 100):
                tracker.track(Ping(number=number))
        threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(8)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        print(tracker.shutdown(20.0))
        """,
        endpoint_of(receiver, HTTP),
    )
    assert done.stdout == "Outcome(sent=800, pending=0, lost=0)\n", done.stderr
    assert numbers(receiver.store.events()) == list(range(800))


# -- the end of a process ------------------------------------------------------------------------------------------------------


@protocols
def test_a_process_that_just_ends_loses_nothing(receiver: Receiver, protocol: str) -> None:
    done = run_script(
        """
        tracker = otel_events.configure(
            pipeline="sdk", event_types=[Ping], signals="logs,traces", protocol=sys.argv[1], endpoint=sys.argv[2]
        )
        tracker.track(Ping(number=1))
        """,
        protocol,
        endpoint_of(receiver, protocol),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert numbers(receiver.store.events()) == [1]


@protocols
@pytest.mark.parametrize("signals", ["logs", "traces", "logs,traces"])
def test_a_process_ends_soon_also_where_the_server_never_answers_and_says_what_is_lost(
    protocol: str, signals: str
) -> None:
    with silent_server() as port:
        began = time.monotonic()
        done = run_script(
            """
            tracker = otel_events.configure(
                pipeline="sdk",
                event_types=[Ping], signals=sys.argv[1], protocol=sys.argv[2], endpoint=sys.argv[3], timeout_seconds=60.0
            )
            tracker.track(Ping())
            """,
            signals,
            protocol,
            f"http://127.0.0.1:{port}",
        )
        assert 4.0 < time.monotonic() - began < 5.0 + 3 * SLACK_SECONDS
    assert done.returncode == 0
    what = "spans" if signals == "traces" else "log records"
    assert done.stderr == (
        f"1 of the {what} had not arrived when the process ended. tracker.shutdown(timeout=…) gives them longer.\n"
    )


def test_after_a_shutdown_the_end_of_the_process_takes_no_time() -> None:
    with silent_server() as port:
        done = run_script(
            """
            tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], endpoint=sys.argv[1])
            tracker.track(Ping())
            print(tracker.shutdown(0.1).lost, time.monotonic(), flush=True)
            import atexit
            atexit.register(lambda: print(time.monotonic()))
            """,
            f"http://127.0.0.1:{port}",
        )
    lost, shut_down, ended = done.stdout.split()
    assert lost == "1"
    assert float(ended) - float(shut_down) < SLACK_SECONDS
    assert done.stderr == ""


# -- forks -----------------------------------------------------------------------------------------------------------------


@protocols
@pytest.mark.parametrize("how", ["os.fork", "fork", "spawn", "forkserver"])
@pytest.mark.parametrize("afterwards", ["flush", "shutdown", "exit"])
def test_events_of_a_child_arrive_and_those_of_its_parent_once(
    receiver: Receiver, protocol: str, how: str, afterwards: str
) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.sdk.forks",
            how,
            afterwards,
            protocol,
            endpoint_of(receiver, protocol),
        ],
        capture_output=True,
        text=True,
        timeout=60.0,
        cwd=ROOT,
        check=False,
    )
    child = [] if afterwards == "exit" else ["child Outcome(sent=1, pending=0, lost=0)"]
    assert done.stdout.splitlines() == [
        "parent Outcome(sent=1, pending=0, lost=0)",
        *child,
        "exit 0",
        "parent Outcome(sent=3, pending=0, lost=0)",
    ], done.stderr
    events = receiver.store.events()
    assert numbers(events, "child") == [1]
    assert numbers(events, "parent") == [1, 2, 3]
    streams = {
        actor: {(event.uid or "")[10:18] for event in events if event.actor == actor} for actor in ("child", "parent")
    }
    assert len(streams["child"]) == len(streams["parent"]) == 1
    assert streams["child"] != streams["parent"]
    assert receiver.stats().repeated == 0


@protocols
def test_a_pool_that_is_closed_and_joined_loses_nothing(receiver: Receiver, protocol: str) -> None:
    done = run_script(
        """
        import multiprocessing
        from tests.sdk import forks
        tracker = forks.make_tracker(*sys.argv[1:])
        def track(number):
            tracker.track(Ping(actor="child", number=number))
        tracker.track(Ping(actor="parent", number=1))
        tracker.flush(10.0)
        pool = multiprocessing.get_context("fork").Pool(2)
        pool.map(track, range(20))
        pool.close()
        pool.join()
        """,
        protocol,
        endpoint_of(receiver, protocol),
    )
    assert done.returncode == 0, done.stderr
    assert numbers(receiver.store.events(), "child") == list(range(20))


@protocols
def test_a_fork_during_an_export_that_hangs_harms_neither(receiver: Receiver, protocol: str) -> None:
    with silent_server() as port:
        done = run_script(
            """
            from tests.sdk import forks
            hanging, arriving = (forks.make_tracker(sys.argv[1], endpoint) for endpoint in sys.argv[2:])
            for tracker in (hanging, arriving):
                tracker.track(Ping(actor="parent", number=1))
            hanging.flush(0.3)
            pid = os.fork()
            if pid == 0:
                arriving.track(Ping(actor="child", number=1))
                arriving.shutdown(10.0)
                hanging.shutdown(0.1)
                sys.exit()
            os.waitpid(pid, 0)
            arriving.shutdown(10.0)
            hanging.shutdown(0.1)
            """,
            protocol,
            f"http://127.0.0.1:{port}",
            endpoint_of(receiver, protocol),
            timeout=40.0,
        )
    assert done.returncode == 0, done.stderr
    events = receiver.store.events()
    assert (numbers(events, "parent"), numbers(events, "child")) == ([1], [1])


def test_a_child_of_a_child_is_another_stream(receiver: Receiver) -> None:
    done = run_script(
        """
        tracker = otel_events.configure(pipeline="sdk", event_types=[Ping], endpoint=sys.argv[1])
        for number in range(4):
            tracker.track(Ping(number=number))
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
                break
        """,
        endpoint_of(receiver, HTTP),
    )
    assert done.returncode == 0, done.stderr
    events = receiver.store.events()
    assert numbers(events) == [0, 1, 2, 3]
    assert len({(event.uid or "")[10:18] for event in events}) == 4
