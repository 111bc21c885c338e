"""The keys are those of the semantic conventions, where these have them, and of the schema that is stated."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import (
    client_attributes,
    log_attributes,
    url_attributes,
    user_agent_attributes,
    user_attributes,
)
from opentelemetry.semconv.attributes import http_attributes
from opentelemetry.semconv.schemas import Schemas

from otel_events import semconv


def test_keys_are_those_of_the_semantic_conventions() -> None:
    assert semconv.LOG_RECORD_UID == log_attributes.LOG_RECORD_UID
    assert semconv.USER_ID == user_attributes.USER_ID
    assert semconv.USER_HASH == user_attributes.USER_HASH
    assert semconv.CLIENT_ADDRESS == client_attributes.CLIENT_ADDRESS
    assert semconv.USER_AGENT == user_agent_attributes.USER_AGENT_ORIGINAL
    assert semconv.HTTP_METHOD == http_attributes.HTTP_REQUEST_METHOD
    template = http_attributes.HTTP_REQUEST_HEADER_TEMPLATE
    assert f"{template}.x-request-id" == semconv.HTTP_REQUEST_ID
    assert semconv.URL_PATH == url_attributes.URL_PATH
    theirs = {value for name, value in vars(user_attributes).items() if name.startswith("USER_")}
    assert set(semconv.ACTOR_KEYS.values()) <= theirs
    assert theirs <= {*semconv.ACTOR_KEYS.values(), semconv.USER_HASH}


def test_the_schema_is_one_of_those_that_there_are() -> None:
    assert semconv.SCHEMA_URL in {schema.value for schema in Schemas}


@pytest.mark.parametrize("value", ["shop", "shop.orders", "größe", "x" * 256, "a b"])
def test_what_may_stand_before_the_dot(value: str) -> None:
    assert semconv.is_namespace(value)


@pytest.mark.parametrize("value", ["", ".", "a.", ".a", " a", "a\n", "\ud800", "x" * 257, None, 7, b"a", ["a"]])
def test_what_may_not(value: Any) -> None:
    assert not semconv.is_namespace(value)
