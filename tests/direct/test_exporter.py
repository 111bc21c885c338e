"""The exporting thread does what each answer calls for, over real sockets: nothing is lost that a server would take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events.direct import exporter as exporters
from otel_events.direct.answers import Answer, Kind
from otel_events.direct.encoder import encode_record
from otel_events.direct.envelope import Envelope
from otel_events.direct.exporter import Exporter
from otel_events.direct.memory import MemoryQueue
from otel_events.direct.protobuf import field
from otel_events.privacy import DEFAULT_POLICY
from tests.backends.wait import wait_until
from tests.direct.faulty import CUT_REQUEST, HANG_UP, HttpReply, HttpServer, rejecting
from tests.direct.sending import make_transport


class Rig:
    """A queue with its exporter, before a server whose answers are scripted."""

    def __init__(self, server: HttpServer, batch_records: int = 4) -> None:
        self.server = server
        self.answers: list[Answer] = []
        self.queue = MemoryQueue(max_records=1000, max_bytes=10**6, batch_records=batch_records)
        self.exporter = Exporter(
            self.queue,
            Envelope({"service.name": "rig"}),
            make_transport(server.endpoint, timeout_seconds=1.0),
            batch_records=batch_records,
            batch_bytes=10**6,
            delay_seconds=0.02,
            on_answer=self.answers.append,
        )

    def put(self, *names: str) -> None:
        self.exporter.start()
        for name in names:
            assert self.queue.put(field(b"\x12", field(b"\x62", name.encode())))

    def arrived(self) -> list[list[str]]:
        """Return the names in each request that came."""
        whole = [
            request.body
            for request in self.server.requests
            if len(request.body) == int(request.headers["content-length"])
        ]
        requests = map(ExportLogsServiceRequest.FromString, whole)
        return [
            [record.event_name for record in request.resource_logs[0].scope_logs[0].log_records] for request in requests
        ]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr(exporters, "FIRST_BACKOFF_SECONDS", 0.05)
    monkeypatch.setattr(exporters, "MAX_BACKOFF_SECONDS", 0.1)
    monkeypatch.setattr(exporters, "HOLD_SECONDS", 0.1)
    with HttpServer() as server:
        rig = Rig(server)
        yield rig
        rig.exporter.shutdown(5.0)


def test_records_go_out_in_batches_in_their_order(rig: Rig) -> None:
    rig.put(*"abcdefghij")
    assert rig.exporter.flush(10.0)

    assert [name for batch in rig.arrived() for name in batch] == list("abcdefghij")
    assert max(map(len, rig.arrived())) <= 4
    assert (rig.exporter.sent, rig.exporter.pending, dict(rig.exporter.lost)) == (10, 0, {})


def test_a_record_that_is_alone_goes_out_after_the_delay(rig: Rig) -> None:
    rig.put("a")

    wait_until(rig.arrived)
    assert rig.arrived() == [["a"]]


@pytest.mark.parametrize("failure", [HttpReply(503), HttpReply(429, {"retry-after": "0"}), HANG_UP, CUT_REQUEST])
@pytest.mark.parametrize("held", [HttpReply(401), HttpReply(500), HttpReply(404)])
def test_outages_and_refusals_that_can_be_mended_are_waited_out(rig: Rig, failure: HttpReply, held: HttpReply) -> None:
    rig.server.script(failure, failure, held, failure)
    rig.put("a", "b")

    assert wait_until(lambda: rig.exporter.sent == 2)
    assert rig.arrived()[-1] == ["a", "b"]
    assert rig.exporter.lost == {}


def test_a_wait_that_the_server_asks_for_is_kept(rig: Rig) -> None:
    rig.server.script(HttpReply(503, {"retry-after": "1"}))
    rig.put("a")
    wait_until(lambda: rig.answers)
    began = time.monotonic()

    assert rig.exporter.flush(10.0)
    assert time.monotonic() - began > 0.8


def test_a_refused_batch_is_split_until_the_bad_record_is_found(rig: Rig) -> None:
    # abcd, ab, cd, c, d: c is the one that this server does not take.
    rig.server.script(HttpReply(400), HttpReply(), HttpReply(400), HttpReply(400), HttpReply())
    rig.put(*"abcd")
    assert rig.exporter.flush(10.0)

    assert rig.arrived() == [list("abcd"), ["a", "b"], ["c", "d"], ["c"], ["d"]]
    assert (rig.exporter.sent, dict(rig.exporter.lost)) == (3, {"refused": 1})


def test_what_a_server_rejects_of_a_batch_is_counted_and_not_sent_again(rig: Rig) -> None:
    rig.server.script(HttpReply(body=rejecting(3, "too old")))
    rig.put(*"abcd")
    assert rig.exporter.flush(10.0)

    assert len(rig.server.requests) == 1
    assert (rig.exporter.sent, dict(rig.exporter.lost)) == (1, {"rejected": 3})
    assert [(answer.kind, answer.detail) for answer in rig.answers] == [(Kind.PARTIAL, "too old")]


def test_flush_and_shutdown_keep_their_time_and_count_what_is_left(rig: Rig) -> None:
    rig.server.default = HttpReply(503)
    rig.put("a", "b", "c")

    began = time.monotonic()
    assert not rig.exporter.flush(0.2)
    assert rig.exporter.pending == 3
    rig.exporter.shutdown(0.5)
    assert time.monotonic() - began < 10.0
    assert dict(rig.exporter.lost) == {"shutdown": 3}
    assert not [thread for thread in threading.enumerate() if thread.name == "otel-events-exporter"]


def test_a_batch_that_was_taken_out_is_pending_until_it_is_settled(rig: Rig) -> None:
    rig.queue.put(b"record")
    rig.queue.take(1, 100)

    assert rig.exporter.pending == 1
    rig.queue.settle(1)
    assert rig.exporter.pending == 0


def test_what_raises_at_an_answer_does_not_end_the_sending(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    def raise_(answer: Answer) -> None:
        raise ValueError("no")

    rig.exporter._on_answer = raise_
    rig.put("a")

    assert rig.exporter.flush(10.0)
    assert rig.exporter.sent == 1
    assert "sending goes on" in caplog.text


def test_a_flush_does_not_wait_for_the_delay() -> None:
    with HttpServer() as server:
        rig = Rig(server, batch_records=100)
        rig.exporter._delay_seconds = 60.0
        rig.put("a")
        assert rig.exporter.flush(10.0)
        rig.exporter.shutdown(5.0)
        assert rig.arrived() == [["a"]]


def test_no_thread_runs_before_the_first_record() -> None:
    with HttpServer() as server:
        Rig(server)
        assert not [thread for thread in threading.enumerate() if thread.name == "otel-events-exporter"]


def test_the_bytes_of_a_request_are_bounded() -> None:
    with HttpServer() as server:
        rig = Rig(server, batch_records=100)
        rig.exporter._batch_bytes = 50
        rig.put(*("x" * 30 for _ in range(5)))
        assert rig.exporter.flush(10.0)
        rig.exporter.shutdown(5.0)
        assert len(rig.arrived()) >= 5


def test_what_it_sends_is_what_the_encoder_gives(rig: Rig) -> None:
    from otel_events import Login, to_log_record

    rig.exporter.start()
    rig.queue.put(encode_record(to_log_record(Login(actor="alice"), policy=DEFAULT_POLICY)))
    assert rig.exporter.flush(10.0)

    assert rig.arrived() == [["login"]]
