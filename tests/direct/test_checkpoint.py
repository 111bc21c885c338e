"""Checkpoints are valid records without a uid, come when they are due and something changed, end a stream, and raise nothing."""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otel_events
from otel_events import LogRecord, Outcome, semconv
from otel_events.direct.checkpoint import Checkpoint, Checkpoints, encode_checkpoint
from otel_events.direct.envelope import Envelope
from otel_events.verification.sources import verify
from tests.backends.servers import Collector
from tests.backends.wait import wait_until
from tests.conversion.official import Official, attributes, decoded_log
from tests.direct.sending import transport
from tests.sdk.support import Ping
from tests.verification.support import only

STREAM = "ABCDEFGH"
CHECKPOINT = Checkpoint(STREAM, 10, 5, 1, {"queue_full": 2, "refused": 1}, 1, final=False)
NOW = 1_700_000_000_123_456_789

counts = st.integers(0, 2**40)
reasons = st.dictionaries(st.from_regex("[a-z_]{1,20}", fullmatch=True), counts, max_size=4)


def test_what_a_checkpoint_says() -> None:
    record = decoded_log(Envelope({}).wrap([encode_checkpoint(CHECKPOINT, NOW)]))
    assert attributes(record.attributes) == {
        "otel_events.stream": STREAM,
        "otel_events.emitted": 10,
        "otel_events.delivered": 5,
        "otel_events.pending": 1,
        "otel_events.dead_letters": 1,
        "otel_events.dropped.total": 3,
        "otel_events.dropped.queue_full": 2,
        "otel_events.dropped.refused": 1,
        "otel_events.final": False,
    }
    assert record.event_name == "otel_events.checkpoint"
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (NOW, NOW)
    assert (record.severity_number, record.severity_text) == (13, "WARN")
    assert record.body.string_value == (
        "checkpoint of stream ABCDEFGH: 10 emitted, 5 delivered, 1 pending, 3 dropped (queue_full 2, refused 1), 1 dead letters"
    )


def test_one_without_losses_is_no_warning() -> None:
    fine = Checkpoint(STREAM, 7, 7, 0, {"queue_full": 0}, 0, final=True)
    record = decoded_log(Envelope({}).wrap([encode_checkpoint(fine, NOW)]))
    assert (record.severity_number, record.severity_text) == (9, "INFO")
    assert record.body.string_value == (
        "last checkpoint of stream ABCDEFGH: 7 emitted, 7 delivered, 0 pending, 0 dropped, 0 dead letters"
    )


@given(st.builds(Checkpoint, st.just(STREAM), counts, counts, counts, reasons, counts, st.booleans()))
def test_it_is_encoded_as_the_official_encoder_does(checkpoint: Checkpoint) -> None:
    ours = decoded_log(Envelope({}).wrap([encode_checkpoint(checkpoint, NOW)]))
    record = LogRecord(
        event_name=semconv.CHECKPOINT,
        time_ns=NOW,
        observed_ns=NOW,
        severity_number=ours.severity_number,
        severity_text=ours.severity_text,
        body=ours.body.string_value,
        attributes=attributes(ours.attributes),
    )
    theirs = decoded_log(Official().log(record))
    assert ours.SerializeToString(deterministic=True) == theirs.SerializeToString(deterministic=True)


def test_it_has_no_uid_and_arrives(own_collector: Collector) -> None:
    with transport(own_collector.http_endpoint) as sender:
        sender.send(Envelope({"service.name": "checkpoints"}).wrap([encode_checkpoint(CHECKPOINT, NOW)]))
    [record] = wait_until(lambda: own_collector.log_records("checkpoints"))
    assert record.event_name == semconv.CHECKPOINT
    assert record.attributes[semconv.DROPPED] == 3
    assert semconv.LOG_RECORD_UID not in record.attributes


@pytest.mark.parametrize("delivery", ["memory", "journal"])
def test_a_stream_ends_with_one_that_verification_reads_back(
    plain_collector: Collector, tmp_path: Path, delivery: str
) -> None:
    service = f"last checkpoint, {delivery}"
    tracker = otel_events.configure(
        event_types=[Ping],
        delivery=delivery,
        journal=tmp_path / "journal",
        endpoint=plain_collector.http_endpoint,
        service_name=service,
        environ={},
    )
    for number in range(25):
        tracker.track(Ping(number=number))
    assert tracker.flush(10.0) == Outcome(25, 0, 0)
    for number in range(25, 30):
        tracker.track(Ping(number=number))
    assert tracker.shutdown(10.0) == Outcome(30, 0, 0)

    *events, last = plain_collector.log_records(service)
    assert len(events) == 30
    [stream] = {str(event.attributes[semconv.LOG_RECORD_UID])[10:18] for event in events}
    assert last.event_name == semconv.CHECKPOINT
    assert last.attributes[semconv.FINAL] is True
    report = only(verify([str(plain_collector.logs_file)], service))
    assert (report.stream, report.records, report.events) == (stream, 30, 30)
    assert report.checkpoint == Checkpoint(stream, 30, 30, 0, {}, 0, final=True)


class Desk:
    """Checkpoints with a clock that the test turns, and what was put."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.current: Checkpoint | None = CHECKPOINT
        self.put: list[bytes] = []
        self.is_acknowledged = True
        self.checkpoints = Checkpoints(lambda: self.current, self._put, clock=lambda: self.now)

    def after(self, seconds: float) -> int:
        """Tick after so many seconds, and return how many there are now."""
        self.now += seconds
        self.checkpoints.tick()
        return len(self.put)

    def _put(self, record: bytes) -> bool:
        self.put.append(record)
        return self.is_acknowledged

    def said(self, key: str) -> list[object]:
        return [attributes(decoded_log(Envelope({}).wrap([one])).attributes)[key] for one in self.put]


def test_one_comes_every_minute_in_which_something_changed() -> None:
    desk = Desk()
    assert desk.after(0) == desk.after(59.9) == 0
    assert desk.after(0.1) == desk.after(0) == 1
    desk.current = CHECKPOINT._replace(emitted=11)
    assert desk.after(59.9) == 1
    assert desk.after(0.1) == 2
    assert desk.after(60) == desk.after(60) == 2
    desk.current = CHECKPOINT._replace(emitted=11, delivered=6)
    assert desk.after(60) == 3
    assert desk.said(semconv.EMITTED) == [10, 11, 11]
    assert desk.said(semconv.FINAL) == [False, False, False]


def test_one_that_does_not_arrive_is_put_again() -> None:
    desk = Desk()
    desk.is_acknowledged = False
    assert desk.after(60) == 1
    assert desk.after(60) == 2
    desk.is_acknowledged = True
    assert desk.after(60) == desk.after(60) == 3


def test_counts_that_go_on_counting_are_a_change() -> None:
    desk = Desk()
    dropped = Counter(refused=1)
    desk.current = CHECKPOINT._replace(dropped=dropped)
    assert desk.after(60) == desk.after(60) == 1
    dropped["refused"] += 1
    assert desk.after(60) == 2


def test_there_is_nothing_to_say_before_the_first_event() -> None:
    desk = Desk()
    desk.current = None
    assert desk.after(60) == 0
    desk.checkpoints.final()
    assert desk.put == []


def test_the_last_one_comes_at_once_and_no_other_after_it() -> None:
    desk = Desk()
    assert desk.after(60) == 1
    desk.checkpoints.final()
    assert desk.said(semconv.FINAL) == [False, True]
    desk.current = CHECKPOINT._replace(delivered=9)
    desk.checkpoints.final()
    assert desk.after(600) == 2


def test_it_says_when_it_was_made() -> None:
    desk = Desk()
    before = time.time_ns()
    desk.checkpoints.final()
    assert before <= decoded_log(Envelope({}).wrap(desk.put)).time_unix_nano <= time.time_ns()


@pytest.mark.parametrize("where", ["read", "put"])
def test_what_raises_is_logged_once_and_tried_again(where: str, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    broken = {where}

    def read() -> Checkpoint:
        if "read" in broken:
            raise ValueError("broken")
        return CHECKPOINT

    def put(record: bytes) -> bool:
        if "put" in broken:
            raise ValueError("broken")
        desk.put.append(record)
        return True

    checkpoints = Checkpoints(read, put, clock=lambda: desk.now)
    with caplog.at_level(logging.DEBUG, logger="otel_events"):
        for _ in range(3):
            desk.now += 60
            checkpoints.tick()
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert desk.put == []
        broken.clear()
        desk.now += 60
        checkpoints.tick()
        broken.add(where)
        checkpoints.final()
    assert len(desk.put) == 1
    assert len(caplog.records) == 1
