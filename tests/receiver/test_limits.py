"""Who may send, and how much at once: the same over HTTP and gRPC, told in words, and no request is lost by it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.code_pb2 import RESOURCE_EXHAUSTED, UNAUTHENTICATED
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from otel_events.receiver import Receiver
from otel_events.receiver import grpc as grpc_module
from tests.backends.wait import wait_until
from tests.receiver.support import JSON, PROTOBUF, log_record, logs_request, post, send

LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
BODY = logs_request(log_record("u1")).SerializeToString()
MAX_REQUESTS = 64
MAX_BODY = 100_000


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0, max_body_bytes=MAX_BODY) as running:
        yield running


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(
        tmp_path / "events.db",
        host="0.0.0.0",
        http_port=0,
        grpc_port=0,
        token="s3cret",
        allowed_hosts=["events.example"],
    ) as running:
        yield running


def export(receiver: Receiver, body: bytes, *metadata: tuple[str, str]) -> Any:
    """Send a request over gRPC and give the error, which is the call as well, or None."""
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as channel:
        method = channel.unary_unary(LOGS, request_serializer=bytes, response_deserializer=bytes)
        return method.future(body, timeout=30, metadata=metadata).exception()


def begin(receiver: Receiver, sent: int, announced: int) -> socket.socket:
    """Begin to send a body."""
    connection = socket.create_connection(("127.0.0.1", receiver.http_port), timeout=30)
    head = (
        f"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\nContent-Length: {announced}\r\n\r\n"
    )
    connection.sendall(head.encode() + bytes(sent))
    return connection


def when_turned_away(receiver: Receiver) -> tuple[int, str | None]:
    """Send requests until one is turned away; those before it are taken."""
    for _ in range(200):
        answer = post(receiver.http_port, "/v1/logs", BODY)
        if answer.status != 200:
            assert Status.FromString(answer.body).code == RESOURCE_EXHAUSTED
            return answer.status, answer.headers.get("retry-after")
    return 200, None


def test_more_requests_than_may_be_under_way_are_told_to_come_again_over_both_ports(limited: Receiver) -> None:
    with ExitStack() as stack:
        for _ in range(MAX_REQUESTS):
            stack.enter_context(closing(begin(limited, 1, 2)))
        assert when_turned_away(limited) == (429, "1")
        error = export(limited, BODY)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status = Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
        retry = RetryInfo()
        assert status.details[0].Unpack(retry)
        assert (status.code, retry.retry_delay.seconds) == (RESOURCE_EXHAUSTED, 1)
    assert limited.stats().turned_away >= 2
    wait_until_taken(limited)


def test_more_bytes_than_may_be_under_way_are_told_to_come_again(limited: Receiver) -> None:
    large = logs_request(log_record(body={"string_value": "x" * 50_000})).SerializeToString()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(closing(begin(limited, 60_000, MAX_BODY)))
        statuses = {post(limited.http_port, "/v1/logs", large).status for _ in range(20)}
        assert 429 in statuses
        assert export(limited, large) is not None
    wait_until_taken(limited)


def wait_until_taken(receiver: Receiver) -> None:
    wait_until(lambda: post(receiver.http_port, "/v1/logs", BODY).status == 200)
    assert export(receiver, BODY) is None


def test_without_the_token_nothing_is_taken(guarded: Receiver) -> None:
    for authorization in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
        answer = post(guarded.http_port, "/v1/logs", BODY, **authorization)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert Status.FromString(answer.body).code == UNAUTHENTICATED
    for metadata in ((), (("authorization", "Bearer wrong"),)):
        error = export(guarded, BODY, *metadata)
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "s3cret" not in str(error.details())
    assert guarded.store.count() == 0


def test_with_the_token_both_ports_take_events(guarded: Receiver) -> None:
    assert post(guarded.http_port, "/v1/logs", BODY, Authorization="Bearer s3cret").status == 200
    assert (
        export(guarded, logs_request(log_record("u2")).SerializeToString(), ("authorization", "Bearer s3cret")) is None
    )
    assert guarded.store.count() == 2


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("127.0.0.1:4318", 200), ("[::1]:4318", 200), ("events.example:4318", 200),
        ("evil.example", 403), ("evil.example:4318", 403), ("10.1.2.3", 403), ("", 403),
    ],
)  # fmt: skip
def test_only_known_names_are_served(guarded: Receiver, host: str, status: int) -> None:
    answer = post(
        guarded.http_port,
        "/v1/logs",
        BODY,
        JSON if status == 403 else PROTOBUF,
        Host=host,
        Authorization="Bearer s3cret",
    )
    assert answer.status == status
    if status == 403:
        assert "allow the name with --allow-host" in answer.json()["message"]


def test_a_name_of_the_machine_is_no_reason_to_read_a_body_from_a_page(guarded: Receiver) -> None:
    headers = {"Origin": "http://localhost:4318", "Authorization": "Bearer s3cret", "Content-Type": "text/plain"}
    assert send(guarded.http_port, "POST", "/v1/logs", BODY, headers).status == 403


def test_a_slow_sender_of_a_grpc_message_holds_up_nobody_for_good(limited: Receiver) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{limited.grpc_port}") as channel:
        stream = channel.stream_unary(LOGS, request_serializer=bytes, response_deserializer=bytes)

        released = threading.Event()

        def one() -> Iterator[bytes]:
            released.wait(30.0)
            yield BODY

        slow = stream.future(one(), timeout=60)
        assert export(limited, logs_request(log_record("u2")).SerializeToString()) is None
        assert not slow.done()
        released.set()
        assert slow.exception() is None
    assert limited.store.count() == 2


def test_who_is_too_slow_with_a_grpc_message_is_cut_off_when_others_wait(
    limited: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grpc_module, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(grpc_module, "_MESSAGE_SECONDS", 0.0)
    released = threading.Event()

    def never() -> Iterator[bytes]:
        released.wait(60.0)
        yield from ()

    with grpc.insecure_channel(f"127.0.0.1:{limited.grpc_port}") as channel:
        stream = channel.stream_unary(LOGS, request_serializer=bytes, response_deserializer=bytes)
        slow = [stream.future(never(), timeout=60) for _ in range(2)]
        error = wait_until(lambda: export(limited, BODY))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "grpc-status-details-bin" in dict(error.trailing_metadata())
        wait_until(lambda: all(call.done() for call in slow))
        assert {call.code() for call in slow} == {grpc.StatusCode.CANCELLED}
        wait_until_taken(limited)
        released.set()
