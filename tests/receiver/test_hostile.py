"""Events that are meant to break things come through whole, over each transport, and can be read and searched afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import grpc
import pytest

from otel_events.receiver import Receiver
from tests.backends.wait import wait_until
from tests.receiver import hostile
from tests.receiver.support import JSON, log_record, logs_request, post

LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
UNIQUE = len(list(hostile.records())) - 1 + 1
"""One uid comes twice, and one record stands beside an empty resource."""


def test_over_http(receiver: Receiver) -> None:
    for body in hostile.requests():
        answer = post(receiver.http_port, "/v1/logs", body)
        assert (answer.status, answer.body) == (200, b"")
    stats = receiver.stats()
    assert (stats.events, stats.repeated, stats.rejected) == (UNIQUE, 1, 0)
    check(receiver)


def test_over_grpc(receiver: Receiver) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel:
        export = channel.unary_unary(LOGS, request_serializer=bytes, response_deserializer=bytes)
        assert {export(body, timeout=60) for body in hostile.requests()} == {b""}
    assert receiver.stats().events == UNIQUE
    check(receiver)


def test_spans(receiver: Receiver) -> None:
    for request in hostile.trace_requests():
        answer = post(receiver.http_port, "/v1/traces", request.SerializeToString())
        assert (answer.status, answer.body) == (200, b"")
    assert (receiver.stats().events, receiver.stats().spans) == (len(hostile.TEXTS), len(hostile.TEXTS) + 1)
    check(receiver)


def test_json(receiver: Receiver) -> None:
    for body in hostile.JSON_REQUESTS:
        answer = post(receiver.http_port, "/v1/logs", body, JSON)
        assert (answer.status, answer.body) == (200, b"{}"), body
    assert receiver.stats().events == len(hostile.JSON_REQUESTS)
    check(receiver)


@pytest.mark.parametrize("place", range(len(hostile.JSON_REFUSED)))
def test_json_that_is_refused(small_receiver: Receiver, place: int) -> None:
    body = hostile.JSON_REFUSED[place]
    assert post(small_receiver.http_port, "/v1/logs", body, JSON).status in (400, 413)
    good = logs_request(log_record()).SerializeToString()
    assert post(small_receiver.http_port, "/v1/logs", good).status == 200


def check(receiver: Receiver) -> None:
    """See that the database answers every question of its page about them."""
    wait_until(lambda: receiver.store.indexed_id == receiver.store.newest_id, 30.0)
    events = receiver.store.events()
    with closing(sqlite3.connect(receiver.store.path)) as database:
        for view in (
            "events_per_day",
            "active_actors_per_day",
            "active_actors_per_week",
            "first_and_last_seen",
            "actors",
        ):
            assert database.execute(f"SELECT * FROM {view}").fetchall() or "actor" in view
        invalid = (
            "SELECT count(*) FROM events WHERE NOT json_valid(attributes) OR NOT json_valid(resource) OR time IS NULL"
        )
        assert database.execute(invalid).fetchone() == (0,)
        database.execute("INSERT INTO search (search) VALUES ('integrity-check')")
    assert len(events) == receiver.stats().events
