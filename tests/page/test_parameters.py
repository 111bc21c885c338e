"""Parameters of a request are read, bounded, and refused with what was expected."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from otel_events.page.parameters import MAX_KEYS, Asked, ParameterError, integer, keys, number
from otel_events.page.search import parse
from otel_events.page.sql import Scope


def test_what_is_asked_for() -> None:
    assert Asked.of(QueryParams("")) == Asked((), Scope())
    assert Asked.of(QueryParams("q=name:a&from=-3&to=7")) == Asked(parse("name:a"), Scope(0, 7))


@pytest.mark.parametrize("text", ["x", "1.5", "1e3", "99999999999999999999", "\u0661", " 1"])
def test_other_text_is_no_integer(text: str) -> None:
    with pytest.raises(ParameterError, match="is no integer"):
        integer(QueryParams({"n": text}), "n", None)


def test_numbers_are_bounded() -> None:
    assert [number(QueryParams({"n": text}), "n", 7, most=10) for text in ("", "0", "3", "11", "-5")] == [
        7,
        1,
        3,
        10,
        1,
    ]
    assert integer(QueryParams(""), "n", None) is None
    assert integer(QueryParams("n=9223372036854775808"), "n", None) == 2**63 - 1


def test_keys_are_counted_and_bounded() -> None:
    assert keys(QueryParams("key=a&key=&key=b"), "key", least=1) == ["a", "b"]
    with pytest.raises(ParameterError, match="give it 1 to 20 times"):
        keys(QueryParams(""), "key", least=1)
    with pytest.raises(ParameterError, match="21 times key= is given"):
        keys(QueryParams([("key", "a")] * (MAX_KEYS + 1)), "key", least=1)
    with pytest.raises(ParameterError, match="more than 256 characters"):
        keys(QueryParams({"key": "a" * 257}), "key", least=1)
