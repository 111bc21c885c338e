"""The plainest replies are read as http.client reads them, and nothing else is taken for one."""

from __future__ import annotations

import http.client
import io

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError

from otel_events.direct.answers import MAX_ANSWER_BYTES
from otel_events.direct.replies import Reply, plain_reply, reply_of

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type:  text/plain\r\nX-Empty:\r\nContent-Length: 2\r\n\r\nok"


class Received:
    """What http.client wants of a socket."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self.data)


def by_http_client(data: bytes) -> tuple[Reply, http.client.HTTPResponse]:
    response = http.client.HTTPResponse(Received(data), method="POST")  # type: ignore[arg-type]
    response.begin()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status, response.reason, headers, response.read(), whole=True), response


def test_a_plain_reply_is_read() -> None:
    headers = {"content-type": "text/plain", "x-empty": "", "content-length": "2"}
    assert plain_reply(PLAIN) == Reply(200, "OK", headers, b"ok", whole=True)


@pytest.mark.parametrize("end", range(len(PLAIN)))
def test_a_part_of_one_is_none(end: int) -> None:
    assert plain_reply(PLAIN[:end]) is None


@pytest.mark.parametrize(
    "data",
    [
        PLAIN + b"H",
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/2"),
        PLAIN.replace(b"200", b"2000"),
        PLAIN.replace(b"200", b"100"),
        PLAIN.replace(b"200", b"204"),
        PLAIN.replace(b"200", b"304"),
        PLAIN.replace(b"200 OK", b"200OK"),
        PLAIN.replace(b"200 OK", "200 Schön".encode()),
        PLAIN.replace(b": 2", b": 1"),
        PLAIN.replace(b": 2", b": 3"),
        PLAIN.replace(b": 2", b": -2"),
        PLAIN.replace(b": 2", b": +2"),
        PLAIN.replace(b": 2", b": 2 "),
        PLAIN.replace(b": 2", b": 2, 2"),
        PLAIN.replace(b": 2", b": " + b"0" * 5000 + b"2"),
        PLAIN.replace(b": 2", b": 2\r\ncontent-length: 2"),
        PLAIN.replace(b": 2", b": 2\r\nTransfer-Encoding: chunked"),
        PLAIN.replace(b": 2", b": 2\r\nConnection: x, Close"),
        PLAIN.replace(b": 2", b": 2\r\n folded"),
        PLAIN.replace(b": 2", b": 2\r\nno colon"),
        PLAIN.replace(b": 2", b": 2\r\nspace : x"),
        PLAIN.replace(b": 2", b": 2\r\n: x"),
        PLAIN.replace(b": 2", b": 2\nx: y"),
        PLAIN.replace(b": 2", b": 2\rx: y"),
        PLAIN.replace(b": 2", b": 2\r\nx: \x00"),
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN.replace(b"Content-Length: 2\r\n", b""),
        b"\x00\x00\x12\x04" + bytes(30) + b"\r\n\r\n",
    ],
)
def test_what_is_less_plain_is_none(data: bytes) -> None:
    assert data != PLAIN
    assert plain_reply(data) is None


names = st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", fullmatch=True)
values = st.from_regex(r"[\t -~]{0,30}", fullmatch=True)
reasons = st.from_regex(r"[ -~]{0,20}", fullmatch=True)
plain_fields = st.dictionaries(
    names.map(str.lower).filter(lambda name: name not in {"content-length", "transfer-encoding", "connection"}), values
)
odd_lines = st.sampled_from(
    ["Transfer-Encoding: chunked", "Connection: close", "Content-Length: 1", " folded", "x", ": x", "Keep-Alive: 5", ""]
)


@given(st.integers(200, 599).filter(lambda status: status not in {204, 304}), reasons, plain_fields, st.binary())
def test_every_plain_reply_is_read_as_http_client_does(
    status: int, reason: str, fields: dict[str, str], body: bytes
) -> None:
    lines = [f"{name}:{value}" for name, value in {**fields, "Content-Length": str(len(body))}.items()]
    data = "\r\n".join([f"HTTP/1.1 {status} {reason}", *lines, "", ""]).encode() + body
    reply, response = by_http_client(data)
    assert not response.will_close
    assert plain_reply(data) == reply


@given(
    st.one_of(st.integers(100, 999), st.sampled_from([200, 204, 304, 400, 503])),
    reasons,
    st.lists(st.one_of(st.builds("{}:{}".format, names, values), odd_lines), max_size=6),
    st.sampled_from(["\r\n", "\r\n", "\r\n", "\n"]),
    st.binary(max_size=50),
    st.binary(min_size=1, max_size=50),
)
def test_any_reply_is_read_as_http_client_does_or_not_at_all(
    status: int, reason: str, lines: list[str], end: str, body: bytes, surplus: bytes
) -> None:
    head = end.join([f"HTTP/1.1 {status} {reason}", *lines, f"Content-Length: {len(body)}", "", ""])
    data = head.encode() + body
    reply = plain_reply(data)
    if reply is not None:
        expected, response = by_http_client(data)
        assert (reply, response.will_close) == (expected, False)
    assert plain_reply(data + surplus) is None


@given(st.binary(max_size=200), st.integers(0, len(PLAIN)))
def test_whatever_comes_is_read_as_http_client_does_or_not_at_all(data: bytes, kept: int) -> None:
    reply = plain_reply(PLAIN[:kept] + data)
    if reply is not None:
        assert reply == by_http_client(PLAIN[:kept] + data)[0]


# -- by urllib3 --------------------------------------------------------------------------------------------------------------


def response_of(body: bytes, status: int, length: int | None = None) -> urllib3.HTTPResponse:
    headers = [("X-Many", "one"), ("X-Many", "two"), ("Content-Length", str(len(body) if length is None else length))]
    return urllib3.HTTPResponse(
        io.BytesIO(body), urllib3.HTTPHeaderDict(headers), status, reason="Words", preload_content=False
    )


@pytest.mark.parametrize("size", [0, 10, MAX_ANSWER_BYTES])
def test_a_response_is_read_to_its_end(size: int) -> None:
    headers = {"x-many": "one, two", "content-length": str(size)}
    assert reply_of(response_of(bytes(size), 200)) == Reply(200, "Words", headers, bytes(size), whole=True)


def test_a_long_one_is_not() -> None:
    response = response_of(bytes(MAX_ANSWER_BYTES + 10), 200)
    reply = reply_of(response)
    assert (len(reply.body), reply.whole, response.closed) == (MAX_ANSWER_BYTES + 1, False, True)


@pytest.mark.parametrize("status", [200, 400])
def test_one_that_breaks_off_is_none_where_that_matters(status: int) -> None:
    with pytest.raises(ProtocolError, match="IncompleteRead"):
        reply_of(response_of(b"on", status, 4))


@pytest.mark.parametrize("status", [302, 413, 503])
def test_elsewhere_its_beginning_is(status: int) -> None:
    reply = reply_of(response_of(b"on", status, 4))
    assert (reply.status, reply.body, reply.whole) == (status, b"on", False)
