"""The database of the embedded receiver is read while it is written to; another database is told as that."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.direct.checkpoint import encode_checkpoint
from otel_events.direct.envelope import Envelope
from otel_events.exceptions import VerificationError
from otel_events.receiver import Receiver
from otel_events.verification.database import Database
from otel_events.verification.record import Record, checkpoint_of, place_of
from tests.backends.wait import wait_until
from tests.receiver.support import keyed, log_record, logs_request, post, span, span_event, traces_request
from tests.verification.support import FINE, track, uid_of


def read(path: Path) -> list[Record]:
    return list(Database(path).records())


def test_what_a_receiver_writes(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with Receiver(path, http_port=0, grpc_port=0) as receiver:
        track(1000, "shop", endpoint=f"http://127.0.0.1:{receiver.http_port}")
        wait_until(lambda: receiver.store.count() >= 1000)
        while_open = read(path)
    assert read(path) == while_open
    assert {record.service for record in while_open} == {"shop"}
    places = [place_of(record.uid) for record in while_open if record.uid]
    assert sorted(place[1] for place in places if place) == list(range(1000))


def test_checkpoints_and_other_records(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with Receiver(path, http_port=0, grpc_port=0) as receiver:
        requests = [
            Envelope({"service.name": "shop"}).wrap([encode_checkpoint(FINE, 1)]),
            logs_request(
                log_record(uid_of(0)),
                log_record(uid_of(1), event_name="otel_events.checkpoint"),
                log_record(),
                resource=[keyed("service.instance.id", "i" * 1000)],
            ).SerializeToString(),
        ]
        other = logs_request(log_record(uid_of(2)))
        other.resource_logs[0].scope_logs[0].scope.name = "other"
        for request in (*requests, other.SerializeToString()):
            assert post(receiver.http_port, "/v1/logs", request).status == 200
        spans = traces_request(span(span_event(uid_of(3))))
        assert post(receiver.http_port, "/v1/traces", spans.SerializeToString()).status == 200
    checkpoint, *events = read(path)
    assert checkpoint.checkpoint is not None
    assert checkpoint_of(checkpoint.checkpoint) == FINE
    assert (checkpoint.service, checkpoint.instance) == ("shop", "")
    assert events == [Record("", "i" * 256, uid) for uid in (uid_of(0), uid_of(1), "")]


@pytest.mark.parametrize("pragma", ["application_id = 7", "user_version = 7"])
def test_another_database_is_told_as_that(tmp_path: Path, pragma: str) -> None:
    path = tmp_path / "events.db"
    with Receiver(path, http_port=0, grpc_port=0):
        pass
    assert read(path) == []
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA {pragma}")
    with pytest.raises(VerificationError, match="not of otel-events view, or of another version"):
        read(path)


def test_a_damaged_database_is_told_as_that(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(VerificationError, match=r"events\.db' cannot be read: file is not a database"):
        read(path)


def test_one_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="unable to open"):
        read(tmp_path / "nowhere.db")
    assert not (tmp_path / "nowhere.db").exists()


def test_attributes_of_another_form_are_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with Receiver(path, http_port=0, grpc_port=0) as receiver:
        post(receiver.http_port, "/v1/logs", Envelope({}).wrap([encode_checkpoint(FINE, 1)] * 3))
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, text in enumerate(["{", "7", "[" * 100_000], 1):
            connection.execute("UPDATE events SET attributes = ? WHERE id = ?", (text, number))
    assert read(path) == [Record("", "", "", {})] * 3
