"""OTLP over HTTP as the specification has it, and nothing that a client sends brings a 500."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_events.receiver import Receiver, Store
from otel_events.receiver.access import Access
from otel_events.receiver.gate import Gate
from otel_events.receiver.http import create_app
from otel_events.receiver.intake import Intake
from tests.receiver.support import (
    JSON,
    PROTOBUF,
    SPAN_ID,
    TRACE_ID,
    Answer,
    log_record,
    logs_request,
    post,
    send,
    span,
    span_event,
    traces_request,
)

BODY = logs_request(log_record("u1")).SerializeToString()

# As in the examples of the opentelemetry-proto repository, with hex ids and integers both as text and as numbers.
JSON_LOGS: dict[str, Any] = {
    "resourceLogs": [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
            "scopeLogs": [
                {
                    "scope": {"name": "otel_events", "version": "1.0"},
                    "logRecords": [
                        {
                            "timeUnixNano": "1544712660300000000",
                            "observedTimeUnixNano": 1544712660300000001,
                            "severityNumber": 10,
                            "severityText": "Information",
                            "eventName": "order-placed",
                            "traceId": TRACE_ID.upper(),
                            "spanId": SPAN_ID,
                            "body": {"stringValue": "Order placed"},
                            "addedLater": {"x": 1},
                            "attributes": [
                                {"key": "log.record.uid", "value": {"stringValue": "u1"}},
                                {"key": "user.id", "value": {"stringValue": "alice"}},
                                {"key": "shop.items", "value": {"intValue": "9007199254740993"}},
                                {"key": "shop.count", "value": {"intValue": 3}},
                                {"key": "shop.raw", "value": {"bytesValue": "AP/+"}},
                            ],
                        }
                    ],
                }
            ],
        }
    ]
}


def status_of(answer: Answer) -> Status:
    assert answer.headers["content-type"] == PROTOBUF
    return Status.FromString(answer.body)


def test_logs_in_protobuf_are_stored_and_answered_in_protobuf(receiver: Receiver) -> None:
    answer = post(receiver.http_port, "/v1/logs", BODY)
    assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF)
    assert not ExportLogsServiceResponse.FromString(answer.body).HasField("partial_success")
    assert [event.uid for event in receiver.store.events()] == ["u1"]


def test_traces_in_protobuf_are_stored_and_answered_in_protobuf(receiver: Receiver) -> None:
    answer = post(receiver.http_port, "/v1/traces", traces_request(span(span_event("u1"))).SerializeToString())
    assert (answer.status, answer.headers["content-type"]) == (200, PROTOBUF)
    assert not ExportTraceServiceResponse.FromString(answer.body).HasField("partial_success")
    [event] = receiver.store.events()
    assert (event.signal, event.trace_id, event.span_id) == ("span_event", TRACE_ID, SPAN_ID)


@pytest.mark.parametrize("content_type", [JSON, "Application/JSON; charset=utf-8"])
def test_logs_in_json_are_stored_and_answered_in_json(receiver: Receiver, content_type: str) -> None:
    answer = post(receiver.http_port, "/v1/logs", json.dumps(JSON_LOGS).encode(), content_type)
    assert (answer.status, answer.headers["content-type"], answer.json()) == (200, JSON, {})
    [event] = receiver.store.events()
    assert (event.uid, event.name, event.actor, event.service) == ("u1", "order-placed", "alice", "shop")
    assert (event.time_ns, event.observed_ns) == (1544712660300000000, 1544712660300000001)
    assert (event.severity_number, event.severity_text, event.body) == (10, "Information", "Order placed")
    assert (event.trace_id, event.span_id) == (TRACE_ID, SPAN_ID)
    assert event.attributes == {
        "log.record.uid": "u1",
        "user.id": "alice",
        "shop.items": 9007199254740993,
        "shop.count": 3,
        "shop.raw": "base64:AP/+",
    }


def test_traces_in_json_are_stored(receiver: Receiver) -> None:
    event = {"name": "order-placed", "timeUnixNano": "1544712660300000000"}
    one = {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "s", "kind": 2, "status": {"code": 1}, "events": [event]}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [{**one, "parentSpanId": ""}]}]}]}
    assert post(receiver.http_port, "/v1/traces", json.dumps(body).encode(), JSON).json() == {}
    [stored] = receiver.store.events()
    assert (stored.name, stored.trace_id, stored.span_id) == ("order-placed", TRACE_ID, SPAN_ID)
    assert receiver.stats().spans == 1


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_packed_bodies_are_taken(small_receiver: Receiver, encoding: str, pack: Any) -> None:
    assert post(small_receiver.http_port, "/v1/logs", pack(BODY), Content_Encoding=encoding).status == 200


def test_an_empty_request_is_fine(small_receiver: Receiver) -> None:
    assert post(small_receiver.http_port, "/v1/logs", b"") == (
        200,
        post(small_receiver.http_port, "/v1/logs", b"").headers,
        b"",
    )
    assert post(small_receiver.http_port, "/v1/traces", b"{}", JSON).json() == {}


def test_what_is_beyond_the_bound_of_records_is_answered_with_partial_success(small_receiver: Receiver) -> None:
    logs = logs_request(*(log_record() for _ in range(5)))
    answer = ExportLogsServiceResponse.FromString(
        post(small_receiver.http_port, "/v1/logs", logs.SerializeToString()).body
    )
    assert answer.partial_success.rejected_log_records == 2
    assert "one request may hold 3 records" in answer.partial_success.error_message
    spans = traces_request(span(), span(span_event(), span_event(), span_event(), span_id=b"\x02" * 8))
    traces = ExportTraceServiceResponse.FromString(
        post(small_receiver.http_port, "/v1/traces", spans.SerializeToString()).body
    )
    assert traces.partial_success.rejected_spans == 1


def test_partial_success_in_json_has_the_count_as_text(small_receiver: Receiver) -> None:
    body: dict[str, Any] = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{}] * 4}]}]}
    answer = post(small_receiver.http_port, "/v1/logs", json.dumps(body).encode(), JSON).json()
    assert answer["partialSuccess"]["rejectedLogRecords"] == "1"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/grpc", ""])
def test_other_content_types_are_415(small_receiver: Receiver, content_type: str) -> None:
    answer = post(small_receiver.http_port, "/v1/logs", BODY, content_type)
    assert answer.status == 415
    assert answer.headers["content-type"] == JSON
    assert "send application/x-protobuf or application/json" in answer.json()["message"]


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_other_content_encodings_are_415(small_receiver: Receiver, encoding: str) -> None:
    answer = post(small_receiver.http_port, "/v1/logs", BODY, Content_Encoding=encoding)
    assert answer.status == 415
    assert "send gzip, deflate or none" in status_of(answer).message


@pytest.mark.parametrize(
    ("body", "content_type", "encoding"),
    [
        (BODY[:-1], PROTOBUF, "identity"),
        (b"{}", PROTOBUF, "identity"),
        (BODY.replace(b"order-placed", b"order\xff\xfelaced"), PROTOBUF, "identity"),
        (BODY, JSON, "identity"),
        (rb'{"resourceLogs": [{"schemaUrl": ["\ud800"]}]}', JSON, "identity"),
        (rb'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "\ud800"}]}]}]}', JSON, "identity"),
        (b"[" * 10_000, JSON, "identity"),
        (BODY, PROTOBUF, "gzip"),
        (gzip.compress(BODY)[:-4], PROTOBUF, "gzip"),
    ],
)
def test_what_cannot_be_decoded_is_400_with_a_status_in_the_same_encoding(
    small_receiver: Receiver, body: bytes, content_type: str, encoding: str
) -> None:
    answer = post(small_receiver.http_port, "/v1/logs", body, content_type, Content_Encoding=encoding)
    assert (answer.status, answer.headers["content-type"]) == (400, content_type)
    message = answer.json()["message"] if content_type == JSON else status_of(answer).message
    assert message.startswith("the body ")


def test_a_body_beyond_the_bound_is_413(small_receiver: Receiver) -> None:
    port = small_receiver.http_port
    assert post(port, "/v1/logs", bytes(20_000)).status == 400
    too_large = post(port, "/v1/logs", bytes(20_001))
    assert too_large.status == 413
    assert "larger than 20000 bytes" in status_of(too_large).message


def test_a_chunked_body_beyond_the_bound_is_413(small_receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", small_receiver.http_port), timeout=30) as connection:
        head = f"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + b"5000\r\n" + bytes(0x5000) + b"\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_gzip_bomb_is_413(small_receiver: Receiver) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    assert len(bomb) < 20_000
    assert post(small_receiver.http_port, "/v1/logs", bomb, Content_Encoding="gzip").status == 413


@pytest.mark.parametrize("path", ["/", "/v1/metrics", "/v1/logs/", "/v1/%ff%00"])
def test_other_paths_are_404(small_receiver: Receiver, path: str) -> None:
    answer = post(small_receiver.http_port, path, BODY)
    assert answer.status == 404
    assert "OTLP goes to /v1/logs and /v1/traces" in status_of(answer).message


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_405(small_receiver: Receiver, method: str) -> None:
    answer = send(small_receiver.http_port, method, "/v1/logs")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["message"] == f"{method} is not served here; use POST."


@pytest.mark.parametrize("path", ["/v1/logs", "/v1/traces", "/anything"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_requests_from_web_pages_are_403(small_receiver: Receiver, path: str, method: str) -> None:
    before = small_receiver.store.count()
    headers = {"Origin": "http://127.0.0.1:4318", "Content-Type": PROTOBUF}
    answer = send(small_receiver.http_port, method, path, BODY, headers)
    assert answer.status == 403
    assert "Origin" in status_of(answer).message
    assert "access-control-allow-origin" not in answer.headers
    assert small_receiver.store.count() == before


def test_a_database_that_cannot_take_it_is_503_with_retry_after(receiver: Receiver) -> None:
    receiver.store.close()
    answer = post(receiver.http_port, "/v1/logs", BODY)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert status_of(answer).message.startswith("The database cannot take it now:")


def begin_a_body(connection: socket.socket) -> None:
    head = f"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\nContent-Length: 100\r\n\r\n"
    connection.sendall(head.encode() + b"half")


def test_a_client_that_goes_away_in_the_middle_harms_nobody(receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.http_port), timeout=30) as connection:
        begin_a_body(connection)
    assert post(receiver.http_port, "/v1/logs", BODY).status == 200


def test_a_client_that_is_not_done_when_the_receiver_stops_is_told_to_come_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver:
        connection = socket.create_connection(("127.0.0.1", receiver.http_port), timeout=30)
        begin_a_body(connection)
        # An answer on a later connection shows that the server has seen the first one.
        assert post(receiver.http_port, "/v1/logs", BODY).status == 200
    with connection:
        answer = connection.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 5" in answer
    assert not [record for record in caplog.records if record.exc_info]


def test_a_body_that_does_not_come_in_time_is_408(tmp_path: Path) -> None:
    store = Store(tmp_path / "events.db")
    with closing(store), ThreadPoolExecutor(1) as executor:
        intake = Intake(store, Gate(max_requests=1, max_bytes=1_000), max_records=1)
        app = create_app(intake, Access(), executor, max_body_bytes=1_000, read_timeout_seconds=0.05)
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/logs",
            "headers": [(b"content-type", PROTOBUF.encode()), (b"host", b"localhost")],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.Event().wait()

        async def keep(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(scope, receive, keep))
    assert sent[0]["status"] == 408


def test_clients_at_once_are_all_answered(receiver: Receiver) -> None:
    def export(number: int) -> int:
        return post(receiver.http_port, "/v1/logs", logs_request(log_record(f"u{number}")).SerializeToString()).status

    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(export, range(40))) == {200}
    assert receiver.store.count() == 40


SEED = logs_request(log_record("u1", trace_id=bytes.fromhex(TRACE_ID), body={"string_value": "x"})).SerializeToString()
HARSH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HARSH
@given(st.data())
def test_broken_protobuf_is_taken_or_400(small_receiver: Receiver, data: st.DataObject) -> None:
    body = bytearray(SEED[: data.draw(st.integers(0, len(SEED)))])
    for _ in range(data.draw(st.integers(0, 3)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path = data.draw(st.sampled_from(["/v1/logs", "/v1/traces"]))
    assert post(small_receiver.http_port, path, bytes(body)).status in (200, 400)


@HARSH
@given(st.data())
def test_broken_json_is_taken_or_400(small_receiver: Receiver, data: st.DataObject) -> None:
    text = json.dumps(JSON_LOGS)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    inserted = data.draw(st.sampled_from(["", "null", "[]", "{}", '"', "1e999", "-1", r'"\ud800"', "\x00"]))
    body = text[:start] + inserted + text[end:]
    assert post(small_receiver.http_port, "/v1/logs", body.encode(), JSON).status in (200, 400)


@HARSH
@given(st.binary(max_size=200), st.sampled_from([PROTOBUF, JSON]), st.sampled_from(["gzip", "deflate", "identity"]))
def test_any_bytes_are_taken_or_400(small_receiver: Receiver, body: bytes, content_type: str, encoding: str) -> None:
    assert post(small_receiver.http_port, "/v1/logs", body, content_type, Content_Encoding=encoding).status in (
        200,
        400,
    )


def test_hard_values_come_through(tmp_path: Path) -> None:
    record = log_record("u\x00", event_name="nul\x00", time_unix_nano=2**64 - 1, observed_time_unix_nano=2**64 - 1)
    for number in range(500):
        record.attributes.add(key=f"key{number}").value.int_value = -(2**63)
    record.attributes.add(key="large").value.string_value = "\x00" * 1_048_576
    record.attributes.add(key="key0").value.string_value = "again"
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver:
        assert post(receiver.http_port, "/v1/logs", logs_request(record).SerializeToString()).status == 200
        [event] = receiver.store.events()
    assert (event.uid, event.name, event.time_ns) == ("u\ufffd", "nul\ufffd", 2**63 - 1)
    assert event.attributes["large"] == "\x00" * 1_048_576
    assert (event.attributes["key0"], event.attributes["key1"]) == ("again", -(2**63))
