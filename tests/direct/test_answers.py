"""Every answer that OTLP knows, and some that it does not, calls for the right thing."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.answers import MAX_ANSWER_BYTES, Answer, Kind, of_exception, of_grpc, of_http, of_success
from tests.direct.faulty import rejecting, status_body, status_with_retry_info

PROTOBUF = "application/x-protobuf"

RETRIED = {429, 502, 503, 504}
BAD_DATA = {400, 413}

RETRIED_CODES = {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
HELD_CODES = {
    "UNKNOWN", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION", "UNIMPLEMENTED", "INTERNAL",
}  # fmt: skip


def http(
    status: int, headers: Mapping[str, str] | None = None, body: bytes = b"", *, reason: str = "", signal: str = "logs"
) -> Answer:
    return of_http(status, reason, headers or {}, body, signal=signal, now=0.0)


# -- HTTP ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", range(400, 600))
def test_what_the_status_of_a_failure_calls_for(status: int) -> None:
    kind = Kind.RETRY if status in RETRIED else Kind.BAD_DATA if status in BAD_DATA else Kind.HOLD
    assert http(status) == Answer(kind, status)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", [b"", b"\n\x00"])
def test_a_success_is_one(status: int, body: bytes) -> None:
    assert http(status, {"content-type": PROTOBUF}, body) == Answer(Kind.ACCEPTED, status)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_held(status: int) -> None:
    headers = {"location": "https://joe:planted@elsewhere.example/v1/logs?key=planted"}
    assert http(status, headers) == Answer(Kind.HOLD, status, "to https://elsewhere.example/v1/logs")
    assert http(status).detail == "to nowhere"


@pytest.mark.parametrize("status", RETRIED)
def test_what_the_server_asks_to_wait_is_told(status: int) -> None:
    assert http(status, {"retry-after": "7"}).wait_seconds == 7.0
    assert http(status, {"retry-after": "Thu, 01 Jan 1970 00:00:09 GMT"}).wait_seconds == 9.0
    assert http(status, {"retry-after": "soon"}).wait_seconds is None


def test_a_web_page_is_no_acknowledgement() -> None:
    headers = {"content-type": "Text/HTML; charset=utf-8"}
    assert http(200, headers, b"<html>Welcome</html>") == Answer(Kind.HOLD, 200, "text/html")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"Client sent an HTTP request to an HTTPS server.\n"),
        ({"content-type": "text/plain"}, b"The plain HTTP request was sent to HTTPS port"),
        ({"content-type": "text/plain"}, b"No required SSL certificate was sent"),
        ({"content-type": "text/html"}, b"<html><h1>400 Bad Request</h1><hr>nginx</html>"),
    ],
)
def test_a_400_that_is_not_about_the_data_is_held(headers: Mapping[str, str], body: bytes) -> None:
    assert http(400, headers, body).kind is Kind.HOLD


def test_a_413_is_about_size_whoever_says_so() -> None:
    assert http(413, {"content-type": "text/html"}, b"<html><hr>nginx</html>").kind is Kind.BAD_DATA


def test_the_words_are_those_of_the_status_and_the_body() -> None:
    protobuf = {"content-type": PROTOBUF}
    assert http(400, protobuf, status_body("no such field"), reason="Bad Request").detail == "Bad Request no such field"
    assert http(400, protobuf, b"\xff\xff", reason="Bad Request").detail == "Bad Request"
    assert http(500, {}, "disk füll".encode(), reason="Oops").detail == "Oops disk füll"
    assert len(http(500, {}, b"x" * 100_000).detail) == 1000


# -- gRPC ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_what_the_code_of_a_failure_calls_for(code: str) -> None:
    kind = Kind.RETRY if code in RETRIED_CODES else Kind.HOLD if code in HELD_CODES else Kind.BAD_DATA
    assert of_grpc(code, "words", ()) == Answer(kind, code, "words")
    assert (kind is Kind.BAD_DATA) == (code == "INVALID_ARGUMENT")


@pytest.mark.parametrize("code", sorted(RETRIED_CODES | {"RESOURCE_EXHAUSTED"}))
def test_retry_info_asks_to_wait(code: str) -> None:
    assert of_grpc(code, "busy", status_with_retry_info(2.5)) == Answer(Kind.RETRY, code, "busy", wait_seconds=2.5)
    assert of_grpc(code, "busy", status_with_retry_info(0.0)) == Answer(Kind.RETRY, code, "busy", wait_seconds=0.0)


@pytest.mark.parametrize("code", sorted(HELD_CODES - {"RESOURCE_EXHAUSTED"}))
def test_retry_info_changes_nothing_where_a_retry_would_not_help(code: str) -> None:
    assert of_grpc(code, "no", status_with_retry_info(2.5)) == Answer(Kind.HOLD, code, "no")


@pytest.mark.parametrize(
    ("code", "details"),
    [
        ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (2000020 vs. 1048576)"),
        ("RESOURCE_EXHAUSTED", "grpc: received message after decompression larger than max 4194304"),
        ("RESOURCE_EXHAUSTED", "SERVER: Received message larger than max (2000 vs. 1000)"),
        ("RESOURCE_EXHAUSTED", "gRPC message exceeds maximum size 4194304: 5000000"),
        ("OUT_OF_RANGE", "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes"),
        ("UNKNOWN", "Received http2 header with status: 413"),
        ("INTERNAL", "grpc: error unmarshalling request: proto: illegal wireType 7"),
        ("INTERNAL", "Exception deserializing request!"),
    ],
)
def test_a_request_that_is_too_large_or_unreadable_is_bad_data_under_any_code(code: str, details: str) -> None:
    assert of_grpc(code, details, ()).kind is Kind.BAD_DATA


@pytest.mark.parametrize(
    ("code", "details"),
    [
        ("RESOURCE_EXHAUSTED", "quota exceeded: 1000 messages per day"),
        ("RESOURCE_EXHAUSTED", "error message: the rate exceeds the limit"),
        ("RESOURCE_EXHAUSTED", "Stream removed (CLIENT: Received message larger than max (2000000 vs. 1048576))"),
        ("INTERNAL", "json: cannot unmarshal string into Go value"),
        ("UNKNOWN", "Received http2 header with status: 500"),
    ],
)
def test_words_that_only_resemble_those_are_not(code: str, details: str) -> None:
    assert of_grpc(code, details, ()).kind is Kind.HOLD


@pytest.mark.parametrize(
    ("code", "details"),
    [
        (
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused",
        ),
        ("UNAVAILABLE", "errors resolving nowhere.invalid:80: [field:hostname lookup error: …]"),
        ("UNKNOWN", "Received http2 header with status: 500"),
    ],
)
def test_a_status_of_the_clients_own_is_no_answer_of_a_server(code: str, details: str) -> None:
    assert of_grpc(code, details, ()).code is None


# -- successes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", ["logs", "traces"])
def test_rejections_are_told(signal: str) -> None:
    body = rejecting(3, "too old", signal)
    assert of_success("OK", body, signal) == Answer(Kind.PARTIAL, "OK", "too old", 3)
    assert http(200, {"content-type": PROTOBUF}, body, signal=signal) == Answer(Kind.PARTIAL, 200, "too old", 3)


@pytest.mark.parametrize(("signal", "name"), [("logs", "rejectedLogRecords"), ("traces", "rejectedSpans")])
def test_rejections_are_told_in_json_too(signal: str, name: str) -> None:
    body = b'{"partialSuccess": {"%s": "3", "errorMessage": "too old"}, "more": 1}' % name.encode()
    headers = {"content-type": "application/json"}
    assert http(200, headers, body, signal=signal) == Answer(Kind.PARTIAL, 200, "too old", 3)
    assert http(200, headers, b"{}", signal=signal) == Answer(Kind.ACCEPTED, 200)


def test_without_rejections_the_message_is_a_warning() -> None:
    assert of_success("OK", rejecting(0, "old version"), "logs") == Answer(Kind.ACCEPTED, "OK", "old version")
    assert of_success("OK", rejecting(-1, ""), "logs") == Answer(Kind.ACCEPTED, "OK")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json", PROTOBUF])
def test_a_success_whose_body_says_nothing_known_is_one(content_type: str) -> None:
    for body in (b"OK", b"\xff\xff", b"{", b"[]"):
        assert http(200, {"content-type": content_type}, body) == Answer(Kind.ACCEPTED, 200)


def test_a_success_that_is_too_long_to_be_read_may_hold_rejections() -> None:
    answer = of_success("OK", b"x" * (MAX_ANSWER_BYTES + 1), "logs")
    assert answer == Answer(Kind.HOLD, "OK", "the answer is longer than 1048576 bytes")


# -- all -----------------------------------------------------------------------------------------------------------------------


def test_an_exception_is_an_answer_too() -> None:
    assert of_exception(Kind.RETRY, TimeoutError("timed out")) == Answer(Kind.RETRY, None, "TimeoutError: timed out")


@given(
    st.integers(100, 999),
    st.sampled_from(["", "text/plain", "text/html", "application/json", PROTOBUF]),
    st.text(max_size=40),
    st.binary(max_size=200) | st.integers(-(2**63), 2**63 - 1).map(lambda count: rejecting(count, "no")),
)
def test_no_http_answer_breaks_it(status: int, content_type: str, text: str, body: bytes) -> None:
    headers = {"content-type": content_type, "retry-after": text, "location": text}
    answer = http(status, headers, body, reason=text)
    assert answer.code == status
    assert (answer.kind is Kind.PARTIAL) == (answer.rejected > 0)


@given(
    st.sampled_from([code.name for code in grpc.StatusCode if code is not grpc.StatusCode.OK]),
    st.text(max_size=60),
    st.lists(st.tuples(st.sampled_from(["a", "grpc-status-details-bin"]), st.binary(max_size=40) | st.text())),
)
def test_no_grpc_answer_breaks_it(code: str, details: str, trailers: list[tuple[str, str | bytes]]) -> None:
    assert of_grpc(code, details, trailers).kind is not Kind.ACCEPTED
