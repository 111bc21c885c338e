"""Scopes and attributes are found in OTLP JSON, and what has another form raises what is said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_events.verification.otlp_json import attributes, scopes, text_of
from tests.verification.support import attribute, event, line


def test_scopes_come_with_their_resource() -> None:
    [(resource, scope)] = scopes(json.loads(line(event(0), service="shop", scope="x")), "resourceLogs", "scopeLogs")
    assert attributes(resource) == {"service.name": "shop", "service.instance.id": "i1"}
    assert scope["scope"] == {"name": "x"}
    assert [record["eventName"] for record in scope["logRecords"]] == ["ping"]


def test_a_line_of_another_signal_has_none() -> None:
    assert list(scopes({"resourceSpans": [{"scopeSpans": [{}]}]}, "resourceLogs", "scopeLogs")) == []
    assert len(list(scopes({"resourceSpans": [{"scopeSpans": [{}]}]}, "resourceSpans", "scopeSpans"))) == 1


@pytest.mark.parametrize(("value", "text"), [("x", "x"), (7, "7"), (True, "true"), (False, "false")])
def test_values_are_texts(value: Any, text: str) -> None:
    assert attributes({"attributes": [attribute("key", value)]}) == {"key": text}


def test_what_there_is_not() -> None:
    assert attributes({}) == {}
    assert attributes({"attributes": [{"key": "empty"}]}) == {"empty": ""}
    assert text_of({}) == ""


@pytest.mark.parametrize(
    "content", [{"resourceLogs": 7}, {"resourceLogs": ["x"]}, {"resourceLogs": [{"scopeLogs": 7}]}, []]
)
def test_another_form_of_scopes_raises(content: Any) -> None:
    with pytest.raises((AttributeError, TypeError)):
        list(scopes(content, "resourceLogs", "scopeLogs"))


@pytest.mark.parametrize("pairs", [7, ["x"], [{}], [{"key": "k", "value": 7}]])
def test_another_form_of_attributes_raises(pairs: Any) -> None:
    with pytest.raises((AttributeError, KeyError, TypeError)):
        attributes({"attributes": pairs})
