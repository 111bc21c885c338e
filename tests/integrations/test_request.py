"""Request attributes: what is read from ASGI scopes and WSGI environs, its bounds, and what is never read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.integrations.request import asgi_request_attributes, wsgi_request_attributes

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/orders/ä b",
    "raw_path": b"/orders/%C3%A4%20b",
    "query_string": b"token=s3cret",
    "client": ("192.0.2.1", 50_000),
    "headers": [
        (b"host", b"shop.example"),
        (b"user-agent", b"curl/8.5.0"),
        (b"x-request-id", b"req-1"),
        (b"cookie", b"session=s3cret"),
        (b"authorization", b"Bearer s3cret"),
    ],
}
ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "POST",
    "SCRIPT_NAME": "/orders",
    "PATH_INFO": "/Ã¤ b",  # the UTF-8 bytes of ä, read as Latin-1
    "QUERY_STRING": "token=s3cret",
    "REMOTE_ADDR": "192.0.2.1",
    "HTTP_USER_AGENT": "curl/8.5.0",
    "HTTP_X_REQUEST_ID": "req-1",
    "HTTP_COOKIE": "session=s3cret",
    "HTTP_AUTHORIZATION": "Bearer s3cret",
}
ATTRIBUTES = {
    "client.address": "192.0.2.1",
    "user_agent.original": "curl/8.5.0",
    "http.request.method": "POST",
    "url.path": "/orders/%C3%A4%20b",
    "http.request.header.x-request-id": "req-1",
}


def test_a_scope_and_the_same_environ_give_the_same() -> None:
    assert asgi_request_attributes(SCOPE) == ATTRIBUTES
    assert wsgi_request_attributes(ENVIRON) == ATTRIBUTES


def test_a_scope_without_a_raw_path_gives_its_path_encoded() -> None:
    scope = {name: value for name, value in SCOPE.items() if name != "raw_path"}
    assert asgi_request_attributes(scope) == ATTRIBUTES
    assert asgi_request_attributes({**scope, "path": "/50%?x"})["url.path"] == "/50%25%3Fx"
    assert wsgi_request_attributes({"PATH_INFO": "/50%?x"})["url.path"] == "/50%25%3Fx"


def test_what_is_not_there_is_left_out() -> None:
    assert asgi_request_attributes({"type": "websocket"}) == {}
    assert asgi_request_attributes({"type": "websocket", "client": None, "headers": [], "path": ""}) == {}
    assert wsgi_request_attributes({}) == {}


@pytest.mark.parametrize(
    ("raw_path", "path"),
    [
        (b"/a?token=s3cret", "/a"),
        (b"http://me:s3cret@shop.example/a/b?x=1", "/a/b"),
        (b"http://me:s3cret@shop.example", "/"),
        (b"//shop.example/a", "//shop.example/a"),
        (b"*", "*"),
        (b"/a\nb\xff", "/a%0Ab%FF"),
    ],
)
def test_of_the_request_target_only_the_path_is_read(raw_path: bytes, path: str) -> None:
    assert asgi_request_attributes({"raw_path": raw_path})["url.path"] == path


@pytest.mark.parametrize(("method", "shown"), [("QUERY", "QUERY"), ("get", "_OTHER"), ("STEAL" * 1000, "_OTHER")])
def test_methods_are_those_that_the_semantic_conventions_know(method: str, shown: str) -> None:
    assert asgi_request_attributes({"method": method}) == {"http.request.method": shown}
    assert wsgi_request_attributes({"REQUEST_METHOD": method}) == {"http.request.method": shown}


def test_header_names_have_no_case_and_the_first_value_counts() -> None:
    headers = [(b"User-Agent", b"first"), (b"user-agent", b"second")]
    assert asgi_request_attributes({"headers": headers}) == {"user_agent.original": "first"}
    assert asgi_request_attributes({"headers": iter(headers)}) == {"user_agent.original": "first"}


def test_values_are_bounded_and_one_line() -> None:
    scope = {
        "client": ("1" * 9999, 1),
        "raw_path": b"/" + b"\xff" * 9999,
        "headers": [(b"user-agent", b"ua " * 9999), (b"x-request-id", b"1\n2\t\xc3\xa9" * 9999)],
    }
    attributes = asgi_request_attributes(scope)
    assert {key: len(value) for key, value in attributes.items()} == {
        "client.address": 128,
        "user_agent.original": 512,
        "url.path": 1024,
        "http.request.header.x-request-id": 128,
    }
    assert all(value.endswith("…") for value in attributes.values())
    assert attributes["http.request.header.x-request-id"].startswith("1 2 é1 2 é")
    assert wsgi_request_attributes({"HTTP_X_REQUEST_ID": "a\r\nb"}) == {"http.request.header.x-request-id": "a  b"}


def test_a_header_that_is_not_utf_8_is_read_as_latin_1() -> None:
    assert asgi_request_attributes({"headers": [(b"user-agent", b"caf\xe9")]}) == {"user_agent.original": "café"}
    assert wsgi_request_attributes({"HTTP_USER_AGENT": "caf\xe9"}) == {"user_agent.original": "café"}


@given(st.binary(), st.binary(), st.text(), st.text(), st.text())
def test_whatever_a_client_sends_gives_short_printable_text(
    raw_path: bytes, header: bytes, path: str, method: str, native: str
) -> None:
    headers = [(b"user-agent", header), (b"x-request-id", header)]
    for attributes in (
        asgi_request_attributes({"method": method, "raw_path": raw_path, "path": path, "headers": headers}),
        wsgi_request_attributes({"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_USER_AGENT": native}),
    ):
        assert all(value.isprintable() and 0 < len(value) <= 1024 for value in attributes.values())
