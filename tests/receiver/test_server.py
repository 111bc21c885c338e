"""The receiver starts on the ports it is told, says what is wrong where it cannot, and leaves nothing behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_events.exceptions import ReceiverError
from otel_events.receiver import IntakeStats, Receiver
from tests.receiver.support import log_record, logs_request, post, send

BODY = logs_request(log_record("u1")).SerializeToString()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_it_answers_once_it_is_started_and_not_after_it_is_stopped(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "events.db", http_port=0, grpc_port=0)
    receiver.start()
    port = receiver.http_port
    assert post(port, "/v1/logs", BODY).status == 200
    receiver.stop()
    receiver.stop()
    with pytest.raises(ConnectionRefusedError):
        send(port, "POST", "/v1/logs")


def test_it_leaves_no_threads_and_no_signal_handlers(tmp_path: Path) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    before = set(threading.enumerate())
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver:
        post(receiver.http_port, "/v1/logs", BODY)
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert set(threading.enumerate()) == before


def test_it_starts_again_with_what_it_had(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "events.db", http_port=0, grpc_port=0)
    for expected in (IntakeStats(requests=1, events=1), IntakeStats(requests=1, repeated=1)):
        with receiver:
            post(receiver.http_port, "/v1/logs", BODY)
            assert receiver.stats() == expected
    assert [event.uid for event in receiver.store.events()] == ["u1"]


def test_a_port_that_was_just_in_use_can_be_taken_at_once(tmp_path: Path) -> None:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as first:
        post(first.http_port, "/v1/logs", BODY)
    with Receiver(tmp_path / "events.db", http_port=first.http_port, grpc_port=first.grpc_port) as second:
        assert (second.http_port, second.grpc_port) == (first.http_port, first.grpc_port)
        assert post(second.http_port, "/v1/logs", BODY).status == 200


@pytest.mark.parametrize("argument", ["http_port", "grpc_port"])
def test_a_taken_port_is_named_with_the_option_that_changes_it(tmp_path: Path, taken_port: int, argument: str) -> None:
    ports: dict[str, Any] = {"http_port": 0, "grpc_port": 0, argument: taken_port}
    before = set(threading.enumerate())
    option = "--otlp-" + argument.replace("_", "-")
    with pytest.raises(ReceiverError, match=rf"port {taken_port} of 127\.0\.0\.1: Address already in use.*{option}"):
        Receiver(tmp_path / "events.db", **ports).start()
    assert set(threading.enumerate()) == before
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_database_frees_the_ports_again(tmp_path: Path, taken_port: int) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader, " * 100)
    receiver = Receiver(tmp_path / "letter.txt", http_port=0, grpc_port=0)
    with pytest.raises(ReceiverError, match=r"letter\.txt"):
        receiver.start()
    with pytest.raises(ReceiverError, match="call start"):
        _ = receiver.store
    receiver.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "localhost", "example.com", ""])
def test_others_are_listened_to_only_when_that_is_said(tmp_path: Path, host: str) -> None:
    with pytest.raises(ReceiverError, match=r"without a token anyone.*use 127\.0\.0\.1 or ::1, or give a token"):
        Receiver(tmp_path / "events.db", host=host)
    Receiver(tmp_path / "events.db", host=host, token="s3cret")
    Receiver(tmp_path / "events.db", host=host, allow_anyone=True)


def test_starting_twice_is_refused(receiver: Receiver) -> None:
    with pytest.raises(ReceiverError, match="running already"):
        receiver.start()


def test_before_the_start_nothing_came_in(tmp_path: Path) -> None:
    assert Receiver(tmp_path / "events.db").stats() == IntakeStats()
    assert list(tmp_path.iterdir()) == []


def test_two_receivers_may_share_a_database(tmp_path: Path) -> None:
    with (
        Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as first,
        Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as second,
    ):
        assert post(first.http_port, "/v1/logs", BODY).status == 200
        assert post(second.http_port, "/v1/logs", BODY).status == 200
        assert second.store.count() == 1


def test_it_does_not_load_the_sdk() -> None:
    code = "import otel_events.receiver, sys; print(*(m for m in sys.modules if m.startswith('opentelemetry.sdk')))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == ""
