"""Each reader takes what its setting may be, brings it into one form, and refuses everything else with a ValueError."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.settings import readers

GOOD: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (readers.words, "a, b ,,c", ("a", "b", "c")),
    (readers.words, ["a", " b "], ("a", "b")),
    (readers.words, "", ()),
    (readers.some_words, {"a"}, ("a",)),
    (readers.some_of("logs", "traces"), "traces, LOGS,logs", ("logs", "traces")),
    (readers.some_of("logs", "traces"), ("traces",), ("traces",)),
    (readers.one_of("none", "gzip"), "GZIP", "gzip"),
    (readers.namespace, "shop.orders", "shop.orders"),
    (readers.key_of_at_least(4), "ключ", "ключ".encode()),
    (readers.key_of_at_least(4), b"\0\1\2\3", b"\0\1\2\3"),
    (readers.boolean, True, True),
    (readers.boolean, "TRUE", True),
    (readers.boolean, "false", False),
    (readers.seconds, 3, 3.0),
    (readers.seconds, 0.001, 0.001),
    (readers.milliseconds, "10000", 10.0),
    (readers.milliseconds, "1", 0.001),
    (readers.url, "https://collector.example:4318/base?key=1", "https://collector.example:4318/base?key=1"),
    (readers.url, "http://[::1]:4318", "http://[::1]:4318"),
    (readers.grpc_endpoint, "collector:4317", "collector:4317"),
    (readers.grpc_endpoint, "https://collector:4317", "https://collector:4317"),
    (readers.pairs, "a=1, b = two%2C%20words,,c=x=y,d=", {"a": "1", "b": "two, words", "c": "x=y", "d": ""}),
    (readers.headers, "authorization=Bearer%20abc", {"authorization": "Bearer abc"}),
    (readers.headers, {"X-Tenant": "shop"}, {"X-Tenant": "shop"}),
    (readers.attributes, "deployment.environment.name=test", {"deployment.environment.name": "test"}),
    (readers.attributes, {"a": "é", "b": 1, "c": 0.5, "d": True}, {"a": "é", "b": 1, "c": 0.5, "d": True}),
    (readers.text, " shop ", "shop"),
    (readers.file, Path(__file__), __file__),
]

BAD: list[tuple[Callable[[Any], Any], list[Any]]] = [
    (readers.words, [5, [1], [None], b"ab"]),
    (readers.some_words, ["", " , ", [], [""]]),
    (readers.some_of("logs", "traces"), ["", "log", "logs;traces", [], 5]),
    (readers.one_of("none", "gzip"), ["", "zip", 5, None, ["gzip"]]),
    (readers.namespace, ["", ".", "a.", ".a", " a", "a\n", 5]),
    (readers.key_of_at_least(4), ["abc", b"", 16, [1, 2, 3, 4], "\ud800abc"]),
    (readers.boolean, ["1", "yes", "", 1, None]),
    (readers.seconds, [0, -1, 86_400, float("nan"), float("inf"), True, "5", None]),
    (readers.milliseconds, ["0", "-5", "ten", "", "nan", "inf", "86400000", "10s"]),
    (
        readers.url,
        [
            "",
            "collector:4318",
            "ftp://collector",
            "http://",
            "http://:4318",
            "http://collector:port",
            "http://collector:99999",
            "http://collector:0",
            "http://two words",
            "http://collector\n",
            "http://[::1",
            b"http://collector",
            5,
        ],
    ),
    (readers.grpc_endpoint, ["", ":4317", "ftp://collector:4317", "collector:port", 5]),
    (readers.pairs, ["a", "=b", "a=1,b", "%0A=1", " = "]),
    (
        readers.headers,
        ["a", {"a": 1}, {1: "a"}, {"": "a"}, {"a b": "c"}, {"a": "b\r\nc: d"}, {"a": "é"}, "a%0A=b", "a=b%0A", 5],
    ),
    (readers.attributes, ["a", {"": "a"}, {" ": "a"}, {1: "a"}, {"a": None}, {"a": object()}, 5]),
    (readers.text, ["", " ", 5]),
    (readers.file, ["", "/no/such/file", Path(__file__).parent, 5, "a\0b"]),
]


@pytest.mark.parametrize(("read", "value", "expected"), GOOD)
def test_good_values_are_brought_into_one_form(read: Callable[[Any], Any], value: Any, expected: Any) -> None:
    result = read(value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("read", "value"), [(read, value) for read, values in BAD for value in values])
def test_bad_values_are_refused(read: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        read(value)


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.text(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.one_of(st.text(max_size=5), st.integers()), max_size=3),
)  # fmt: skip


@pytest.mark.parametrize("read", [read for read, _ in BAD if read is not readers.pairs])
@given(value=ANYTHING)
def test_nothing_raises_otherwise(read: Callable[[Any], Any], value: Any) -> None:
    with contextlib.suppress(ValueError, TypeError):
        read(value)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(st.characters(min_codepoint=32, max_codepoint=126))
    )
)
def test_headers_survive_percent_encoding(headers: dict[str, str]) -> None:
    text = ",".join(f"{name}={quote(content, safe='')}" for name, content in headers.items())
    assert readers.headers(text) == headers
