"""Plain data becomes attributes: flattened to a depth of four, arrays where all items are of one type, JSON text elsewhere."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from otel_events.conversion.attributes import as_json, as_text, attributes_of
from otel_events.conversion.room import Losses


@pytest.mark.parametrize(
    ("plain", "expected"),
    [
        ("text", {"k": "text"}),
        (b"\xff", {"k": b"\xff"}),
        (None, {}),
        ([1, 2], {"k": [1, 2]}),
        ([1.0, 2.0], {"k": [1.0, 2.0]}),
        ([True, False], {"k": [True, False]}),
        (["a", "b"], {"k": ["a", "b"]}),
        ([], {"k": []}),
        ([1, True], {"k": "[1,true]"}),
        ([1, 2.0], {"k": "[1,2.0]"}),
        ([1, None], {"k": "[1,null]"}),
        ([b"a", b"b"], {"k": '["YQ==","Yg=="]'}),
        ([[1], [2]], {"k": "[[1],[2]]"}),
        ([{"a": 1}], {"k": '[{"a":1}]'}),
        ({}, {"k": "{}"}),
        ({"a": {}}, {"k.a": "{}"}),
        ({"a": 1, "b": None, "c": [1]}, {"k.a": 1, "k.c": [1]}),
        ({"a": {"b": {"c": {"d": 1}}}}, {"k.a.b.c.d": 1}),
        ({"a": {"b": {"c": {"d": {"e": 1}}}}}, {"k.a.b.c.d": '{"e":1}'}),
        ([math.nan, 1], {"k": '["nan",1]'}),
        (["ü", 1], {"k": '["ü",1]'}),
    ],
)
def test_how_plain_data_becomes_attributes(plain: Any, expected: dict[str, Any]) -> None:
    losses = Losses()
    assert dict(attributes_of("k", plain, losses)) == expected
    assert losses.cut == 0


def test_json_text_is_cut_to_the_limit() -> None:
    losses = Losses()
    [(_, text)] = attributes_of("k", ["x" * 3000, 1, "x" * 3000], losses)
    assert isinstance(text, str)
    assert len(text) == 4096
    assert losses.cut == 1


def test_as_json_is_json() -> None:
    plain = {"a": [1, 2.5, None, True, "x\n\x00"], "b": {"nan": math.nan, "inf": -math.inf, "bytes": b"\x00"}}
    assert json.loads(as_json(plain)) == {
        "a": [1, 2.5, None, True, "x\n\x00"],
        "b": {"nan": "nan", "inf": "-inf", "bytes": "AA=="},
    }


@pytest.mark.parametrize(
    ("plain", "text"),
    [
        ("text", "text"),
        (1, "1"),
        (1.5, "1.5"),
        (1e300, "1e+300"),
        (math.nan, "nan"),
        (True, "true"),
        ([1, "a"], '[1,"a"]'),
        (b"a", '"YQ=="'),
    ],
)
def test_as_text(plain: Any, text: str) -> None:
    assert as_text(plain) == text
