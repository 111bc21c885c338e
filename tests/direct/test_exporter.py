"""The exporting thread does what each answer calls for, over real sockets: nothing is lost that a server would take."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events.direct import exporter as exporters
from otel_events.direct.answers import Answer, Kind
from otel_events.direct.encoder import encode_record
from otel_events.direct.envelope import Envelope
from otel_events.direct.exporter import Exporter
from otel_events.direct.memory import MemoryBatch, MemoryQueue, MemorySource
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
        self.queue = MemoryQueue(max_records=1000, max_bytes=10**6, waking_records=batch_records)
        self.exporter = Exporter(
            MemorySource(self.queue, Envelope({"service.name": "rig"})),
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


def test_what_comes_while_a_request_is_under_way_waits_for_others_unless_it_is_enough_or_in_a_hurry() -> None:
    with HttpServer() as server:
        rig = Rig(server)
        rig.exporter._delay_seconds = 600.0
        server.script(*(HttpReply(body=b"\n\0", seconds_per_byte=0.3) for _ in range(3)))
        rig.put(*"abcd")
        wait_until(lambda: len(server.requests) == 1)
        rig.put(*"efgh")
        wait_until(lambda: len(server.requests) == 2)
        rig.put("i")
        wait_until(lambda: rig.exporter.sent == 8)
        assert rig.exporter.pending == 1
        rig.put(*"jkl")
        wait_until(lambda: len(server.requests) == 3)
        rig.put("m")
        assert rig.exporter.flush(10.0)
        rig.exporter.shutdown(5.0)
        assert rig.arrived() == [list("abcd"), list("efgh"), list("ijkl"), ["m"]]


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


class Sender:
    """Answers as a function says, without a server."""

    def __init__(self, answer: Callable[[list[bytes]], Answer]) -> None:
        self._answer = answer
        self.sent: list[list[bytes]] = []

    def send(self, body: bytes) -> Answer:
        request = ExportLogsServiceRequest.FromString(body)
        records = request.resource_logs[0].scope_logs[0].log_records
        self.sent.append([record.event_name.encode() for record in records])
        return self._answer(self.sent[-1])

    def close(self) -> None:
        pass


def exporter_of(sender: Sender, *names: str) -> Exporter:
    """Return an exporter whose thread is not started, and that has records to send."""
    queue = MemoryQueue(max_records=1000, max_bytes=10**6, waking_records=1000)
    for name in names:
        assert queue.put(field(b"\x12", field(b"\x62", name.encode())))
    return Exporter(
        MemorySource(queue, Envelope({"service.name": "rig"})),
        sender,
        batch_records=1000,
        batch_bytes=10**6,
        delay_seconds=0.01,
        on_answer=lambda answer: None,
    )


def settle(exporter: Exporter) -> None:
    """Do what the thread does with all that waits, on this one."""
    batch = exporter._source.take(1000, 10**6)
    assert batch is not None
    exporter._settle(batch)


class Passing(threading.Event):
    """An event at which waiting takes no time: a clock is put forward instead."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            assert timeout is not None
            self._clock[0] += timeout
        return self.is_set()


class Pressing(Passing):
    """One that is set anew at once, as a flush that waits does it."""

    def clear(self) -> None:
        self.set()


@pytest.mark.parametrize("hurried", [False, True])
@pytest.mark.parametrize("kind", [Kind.RETRY, Kind.HOLD])
@pytest.mark.parametrize("wait_seconds", [None, 0.0, 0.01])
def test_who_asks_for_hardly_a_wait_is_not_asked_again_without_one(
    monkeypatch: pytest.MonkeyPatch, wait_seconds: float | None, kind: Kind, hurried: bool
) -> None:
    clock, asked_at = [0.0], []

    def answer(names: list[bytes]) -> Answer:
        asked_at.append(clock[0])
        return Answer(kind, 429, "", wait_seconds=wait_seconds) if len(asked_at) < 20 else Answer(Kind.ACCEPTED, 200)

    monkeypatch.setattr(exporters, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    exporter = exporter_of(Sender(answer), "a")
    exporter._ended = Passing(clock)
    exporter._hurry = Pressing(clock) if hurried else Passing(clock)
    exporter._hurry.clear()
    settle(exporter)
    assert exporter.sent == 1
    waits = [later - earlier for earlier, later in itertools.pairwise(asked_at)]
    assert min(waits) >= 0.8 * exporters.FIRST_BACKOFF_SECONDS


def test_what_is_accepted_after_the_shutdown_has_given_it_up_is_not_counted_as_sent_too() -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def answer(names: list[bytes]) -> Answer:
        at_work.set()
        go_on.wait(30.0)
        return Answer(Kind.ACCEPTED, 200)

    exporter = exporter_of(Sender(answer), *"abcde")
    exporter.start()
    exporter.hurry()
    assert at_work.wait(30.0)
    exporter.shutdown(0.05)
    assert (exporter.sent, dict(exporter.lost)) == (0, {"shutdown": 5})
    go_on.set()
    assert exporter._thread is not None
    exporter._thread.join(30.0)
    assert not exporter._thread.is_alive()
    assert (exporter.sent, dict(exporter.lost)) == (0, {"shutdown": 5})


# -- a server that is the wrong one ------------------------------------------------------------------------------------


def names_of(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


@pytest.mark.usefixtures("rig")  # for its short waits
def test_where_all_is_refused_and_nothing_was_ever_accepted_the_batch_is_held_three_times() -> None:
    count = exporters.STRANGE_REFUSALS
    with HttpServer() as server:
        server.default = HttpReply(400)
        rig = Rig(server, batch_records=count)
        rig.put(*names_of(count))
        assert rig.exporter.flush(20.0)
        whole = [len(names) for names in rig.arrived()].count(count)
        assert whole == 1 + exporters._STRANGE_ATTEMPTS
        assert dict(rig.exporter.lost) == {"refused": count}
        # What it does not want afterwards is not held again.
        rig.put(*names_of(count))
        assert rig.exporter.flush(20.0)
        assert [len(names) for names in rig.arrived()].count(count) == whole + 1
        rig.exporter.shutdown(5.0)


def test_what_such_a_server_has_taken_in_part_is_not_settled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporters, "FIRST_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(exporters, "HOLD_SECONDS", 0.0)

    def answer(names: list[bytes]) -> Answer:
        if names in ([b"p1"], [b"p2"]):
            return Answer(Kind.PARTIAL, 200, "no", 1)
        return Answer(Kind.BAD_DATA, 400)

    refused = names_of(2 * exporters.STRANGE_REFUSALS)
    exporter = exporter_of(sender := Sender(answer), "p1", "p2", *refused)
    settle(exporter)
    assert (exporter.pending, exporter.sent) == (0, 0)
    assert dict(exporter.lost) == {"rejected": 2, "refused": len(refused)}
    alone = Counter(names[0] for names in sender.sent if len(names) == 1)
    assert (alone[b"p1"], alone[b"p2"]) == (1, 1)


@pytest.mark.usefixtures("rig")
def test_a_batch_that_is_held_is_sent_when_the_server_is_the_right_one() -> None:
    count = exporters.STRANGE_REFUSALS
    with HttpServer() as server:
        server.default = HttpReply(400)
        rig = Rig(server, batch_records=count)
        rig.put(*names_of(count))
        wait_until(lambda: rig.exporter._strange_attempts)
        server.default = HttpReply()
        assert rig.exporter.flush(20.0)
        assert (rig.exporter.sent, dict(rig.exporter.lost)) == (count, {})
        rig.exporter.shutdown(5.0)


@pytest.mark.usefixtures("rig")
@pytest.mark.parametrize("accepted_before", [True, False])
def test_fewer_refusals_or_those_of_a_server_that_has_accepted_some_are_about_the_records(
    accepted_before: bool,
) -> None:
    count = exporters.STRANGE_REFUSALS if accepted_before else exporters.STRANGE_REFUSALS - 1
    with HttpServer() as server:
        rig = Rig(server, batch_records=count)
        if accepted_before:
            rig.put("fine")
            assert rig.exporter.flush(10.0)
        server.default = HttpReply(400)
        rig.put(*names_of(count))
        assert rig.exporter.flush(20.0)
        assert [len(names) for names in rig.arrived()].count(count) == 1
        assert dict(rig.exporter.lost) == {"refused": count}
        rig.exporter.shutdown(5.0)


# -- turns and the end -------------------------------------------------------------------------------------------------


def test_between_batches_and_while_there_are_none_it_takes_turns_on_its_thread(rig: Rig) -> None:
    turns: list[str] = []
    rig.exporter._on_turn = lambda: turns.append(threading.current_thread().name)
    rig.exporter.start()
    wait_until(lambda: len(turns) >= 2)
    rig.put(*"abcdefgh")
    assert rig.exporter.flush(10.0)
    assert set(turns) == {"otel-events-exporter"}


def test_at_the_end_it_says_so_once_on_its_thread_before_anything_is_given_up(rig: Rig) -> None:
    ends: list[tuple[str, int]] = []
    rig.server.default = HttpReply(503)
    rig.exporter._on_end = lambda: ends.append((threading.current_thread().name, rig.exporter.pending))
    rig.put("a")
    rig.exporter.shutdown(0.5)
    assert ends == [("otel-events-exporter", 1)]
    assert dict(rig.exporter.lost) == {"shutdown": 1}


def test_what_raises_between_batches_does_not_end_the_sending(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    def raise_() -> None:
        raise ValueError("no")

    rig.exporter._on_turn = rig.exporter._on_end = raise_
    rig.put(*"abcdefgh")
    assert rig.exporter.flush(10.0)
    rig.exporter.shutdown(5.0)
    assert rig.exporter.sent == 8
    assert "sending goes on" in caplog.text


def test_hurry_has_what_waits_sent_without_waiting_for_that() -> None:
    with HttpServer() as server:
        rig = Rig(server, batch_records=100)
        rig.exporter._delay_seconds = 60.0
        rig.put("a")
        rig.exporter.hurry()
        wait_until(lambda: rig.exporter.sent == 1)
        rig.exporter.shutdown(5.0)


# -- what keeps what is refused ----------------------------------------------------------------------------------------


class Keeping(MemorySource):
    """A source whose batches keep what is refused, and note what becomes of them."""

    def __init__(self, queue: MemoryQueue) -> None:
        super().__init__(queue, Envelope({}))
        self.kept: list[tuple[list[bytes], int, int | str | None]] = []
        self.ended = 0

    def take(self, max_records: int, max_bytes: int) -> MemoryBatch | None:
        batch = super().take(max_records, max_bytes)
        if batch is not None:
            batch.refused = self._keep  # type: ignore[method-assign]
            batch.end = self._end  # type: ignore[method-assign]
        return batch

    def _keep(self, bodies: Sequence[bytes], count: int, answer: Answer) -> bool:
        self.kept.append((list(bodies), count, answer.code))
        self._queue.settle(count)
        return True

    def _end(self) -> None:
        self.ended += 1


def test_what_is_kept_is_dead_and_not_lost(rig: Rig) -> None:
    source = rig.exporter._source = Keeping(rig.queue)
    rig.server.script(HttpReply(400), HttpReply(), HttpReply(400), HttpReply(body=rejecting(2, "too old")))
    rig.put(*"ab")
    assert rig.exporter.flush(10.0)
    rig.put(*"cd")
    assert rig.exporter.flush(10.0)

    (alone, both) = source.kept
    assert alone == ([field(b"\x12", field(b"\x62", b"b"))], 1, 400)
    assert (len(both[0]), *both[1:]) == (2, 2, 200)
    assert source.ended == 2
    assert (rig.exporter.sent, rig.exporter.dead, dict(rig.exporter.lost)) == (1, 3, {})


def test_a_batch_that_is_not_sent_to_its_end_is_not_ended(rig: Rig) -> None:
    source = rig.exporter._source = Keeping(rig.queue)
    rig.server.default = HttpReply(503)
    rig.put("a")
    rig.exporter.shutdown(0.3)
    assert (source.kept, source.ended) == ([], 0)
