"""Bodies that are made to take all memory do not: a receiver's process stays below 300 MiB, answers, and goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from tests.backends.wait import wait_until
from tests.receiver import bombs
from tests.receiver.process import ReceiverProcess
from tests.receiver.support import JSON, PROTOBUF, log_record, logs_request, post, query

MAX_MIB = 300
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
REFUSED = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ReceiverProcess]:
    with ReceiverProcess(tmp_path / "events.db") as running:
        yield running
        assert running.is_alive
        # Those that were told to come again are gone; whatever was, the next good request is stored.
        good = logs_request(log_record("good")).SerializeToString()
        wait_until(lambda: post(running.http_port, "/v1/logs", good).status == 200)
        assert query(tmp_path / "events.db", "SELECT count(*) FROM events WHERE uid = 'good'") == [(1,)]
        assert running.memory_mib() < MAX_MIB


def answer(
    process: ReceiverProcess, path: str, body: bytes, content_type: str = PROTOBUF, encoding: str = "identity"
) -> int:
    """Send a body and give the status; 0 where the receiver hung up before all of it was sent."""
    try:
        return post(process.http_port, path, body, content_type, Content_Encoding=encoding).status
    except (ConnectionResetError, BrokenPipeError):
        return 0


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces"])
def test_protobuf_over_http(process: ReceiverProcess, path: str) -> None:
    for name, body in bombs.protobuf():
        assert answer(process, path, body) in (200, 400), name
        assert process.memory_mib() < MAX_MIB, name


def test_protobuf_over_grpc(process: ReceiverProcess) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{process.grpc_port}") as channel:
        for method in (LOGS, TRACES):
            export = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
            for name, body in bombs.protobuf():
                code = export.future(body, timeout=60).code()
                assert code in (grpc.StatusCode.OK, *REFUSED), name
            for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
                code = export.future(bytes(64 * 1024 * 1024), timeout=60, compression=compression).code()
                assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_json(process: ReceiverProcess) -> None:
    for name, body in bombs.json_bodies():
        assert answer(process, "/v1/logs", body, JSON) in (200, 400, 413), name
        assert process.memory_mib() < MAX_MIB, name


def test_packed_bodies(process: ReceiverProcess) -> None:
    for name, body in bombs.packed():
        for content_type in (PROTOBUF, JSON):
            assert answer(process, "/v1/logs", body, content_type, "gzip") in (200, 400, 413), name


def test_large_bodies_that_are_honest_are_stored(process: ReceiverProcess, tmp_path: Path) -> None:
    assert answer(process, "/v1/logs", bombs.large_and_honest()) == 200
    assert answer(process, "/v1/traces", bombs.large_spans()) == 200
    counts = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM spans)"
    assert query(tmp_path / "events.db", counts) == [(23_000, 29_999)]


def test_large_bodies_that_are_refused_one_after_the_other_do_not_stay(process: ReceiverProcess) -> None:
    broken = bytes(bombs.MAX_BODY - 1)
    assert [answer(process, "/v1/logs", broken) for _ in range(20)] == [400] * 20
    assert process.memory_mib() < 200


def test_many_at_once_over_both_ports(process: ReceiverProcess) -> None:
    bodies = [body for _, body in bombs.protobuf()]
    honest = bombs.large_and_honest()
    with grpc.insecure_channel(f"127.0.0.1:{process.grpc_port}") as channel, ThreadPoolExecutor(12) as senders:
        export = channel.unary_unary(LOGS, request_serializer=bytes, response_deserializer=bytes)
        calls = [export.future(body, timeout=120) for body in [honest, *bodies[:8], honest]]
        statuses = list(senders.map(lambda body: answer(process, "/v1/logs", body), [honest, *bodies, *[honest] * 4]))
        assert {call.code() for call in calls} <= {grpc.StatusCode.OK, *REFUSED}
    assert set(statuses) <= {0, 200, 400, 429}
