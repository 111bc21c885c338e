"""Whatever bytes come over a connection, the receiver answers with no 5xx, keeps running, and does not grow."""

from __future__ import annotations

import errno
import gzip
import json
import socket
import sys
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.receiver import hostile
from tests.receiver.process import ReceiverProcess
from tests.receiver.support import JSON, PROTOBUF, SPAN_ID, TRACE_ID, log_record, logs_request, post

HARSH = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEEDS = [
    *[body for body in hostile.requests() if len(body) < 5_000],
    *[request.SerializeToString() for request in hostile.trace_requests()],
]
GOOD = logs_request(
    log_record("good", trace_id=bytes.fromhex(TRACE_ID), span_id=bytes.fromhex(SPAN_ID))
).SerializeToString()
TAKEN_OR_REFUSED = (200, 400, 413, 415)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    with ReceiverProcess(tmp_path_factory.mktemp("fuzz") / "events.db") as running:
        yield running
        assert running.is_alive
        assert post(running.http_port, "/v1/logs", GOOD).status == 200
        if sys.platform == "linux":
            assert running.memory_mib() < 150


def damaged(data: st.DataObject, body: bytes) -> bytes:
    """Cut a body off, turn bits of it, or put something into it."""
    changed = bytearray(body[: data.draw(st.integers(0, len(body)))] if data.draw(st.booleans()) else body)
    for _ in range(data.draw(st.integers(0, 4)) if changed else 0):
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    place = data.draw(st.integers(0, len(changed)))
    changed[place:place] = data.draw(st.binary(max_size=10))
    return bytes(changed)


@HARSH
@given(st.data(), st.sampled_from(SEEDS), st.sampled_from(["/v1/logs", "/v1/traces"]))
def test_damaged_protobuf(process: ReceiverProcess, data: st.DataObject, seed: bytes, path: str) -> None:
    assert post(process.http_port, path, damaged(data, seed)).status in TAKEN_OR_REFUSED


@HARSH
@given(
    st.data(), st.sampled_from([*hostile.JSON_REQUESTS, *(body for body in hostile.JSON_REFUSED if len(body) < 1_000)])
)
def test_damaged_json(process: ReceiverProcess, data: st.DataObject, seed: bytes) -> None:
    assert post(process.http_port, "/v1/logs", damaged(data, seed), JSON).status in TAKEN_OR_REFUSED


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "attributes",
    "value",
    "body",
    "arrayValue",
    "timeUnixNano",
    "traceId",
    "flags",
)


@HARSH
@given(JSON_VALUES, st.lists(st.sampled_from(FIELDS), max_size=5), st.booleans())
def test_json_of_any_shape(process: ReceiverProcess, value: Any, fields: list[str], in_lists: bool) -> None:
    for field in reversed(fields):
        value = {field: [value] if in_lists else value}
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert post(process.http_port, "/v1/logs", body, JSON).status in TAKEN_OR_REFUSED


@HARSH
@given(st.data(), st.sampled_from(["gzip", "deflate"]))
def test_damaged_packing(process: ReceiverProcess, data: st.DataObject, encoding: str) -> None:
    packed = gzip.compress(GOOD) if encoding == "gzip" else zlib.compress(GOOD)
    answer = post(process.http_port, "/v1/logs", damaged(data, packed), Content_Encoding=encoding)
    assert answer.status in TAKEN_OR_REFUSED


def exchange(port: int, request: bytes) -> bytes:
    """Send bytes, say that no more come, and give what is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        except OSError as error:  # Whoever hung up already cannot be told that no more comes.
            if not isinstance(error, ConnectionError) and error.errno != errno.ENOTCONN:
                raise
            return b""
    return answer


HEAD = b"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + PROTOBUF.encode() + b"\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"Content-Length: %d\r\n\r\n" % (len(GOOD) + 1) + GOOD,
        HEAD + b"Content-Length: %d\r\n\r\n" % (len(GOOD) - 1) + GOOD,
        HEAD + b"Content-Length: -1\r\n\r\n" + GOOD,
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\n" + GOOD,
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + GOOD,
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + GOOD,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n" + GOOD,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD,
        HEAD + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n",
        HEAD + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        HEAD[:-10],
        b"\x00" * 1_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_wrong_lengths_and_other_protocols(process: ReceiverProcess, request_bytes: bytes) -> None:
    answer = exchange(process.http_port, request_bytes)
    assert not answer.startswith(b"HTTP/1.1 5")
    assert post(process.http_port, "/v1/logs", GOOD).status == 200


@HARSH
@given(st.data())
def test_damaged_requests(process: ReceiverProcess, data: st.DataObject) -> None:
    request = damaged(data, HEAD + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD)
    assert not exchange(process.http_port, request).startswith(b"HTTP/1.1 5")


@HARSH
@given(st.data())
def test_bytes_to_the_grpc_port(process: ReceiverProcess, data: st.DataObject) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    exchange(process.grpc_port, damaged(data, preface))
    assert process.is_alive
