"""No secret of the settings stays in a text, however it is written there."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.scrub import scrub, secrets_in_url, secrets_of, shown_url
from otel_events.settings import resolve
from otel_events.settings.otlp import OtlpSettings

BASIC = base64.b64encode(b"joe:s3cret").decode()


def otlp(**arguments: Any) -> OtlpSettings:
    return resolve(arguments, {}).logs


@pytest.mark.parametrize(
    ("headers", "text", "scrubbed"),
    [
        ({"authorization": "Bearer abcdef"}, "got Bearer abcdef", "got [redacted]"),
        ({"authorization": "Bearer abcdef"}, "token abcdef is bad", "token [redacted] is bad"),
        ({"authorization": f"Basic {BASIC}"}, f"{BASIC} is joe:s3cret, s3cret", "[redacted] is [redacted], [redacted]"),
        ({"x-key": "a\\b'c"}, repr({"x-key": "a\\b'c"}), "{'x-key': \"[redacted]\"}"),
        ({"x-key": " abcdef "}, "abcdef", "[redacted]"),
        ({"x-tenant": "1"}, "127.0.0.1", "127.0.0.1"),
        ({}, "nothing to hide", "nothing to hide"),
    ],
)
def test_values_of_headers(headers: dict[str, str], text: str, scrubbed: str) -> None:
    assert scrub(text, secrets_of(otlp(headers=headers))) == scrubbed


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_credentials_in_the_endpoint(protocol: str) -> None:
    secrets = secrets_of(otlp(endpoint="http://joe:p%40ssword@host:4318/x?key=abcdef&n=12", protocol=protocol))
    text = "joe:p%40ssword@host p@ssword p%40ssword abcdef key=abcdef&n=12"
    assert scrub(text, secrets) == "[redacted]@host [redacted] [redacted] [redacted] [redacted]"


def test_an_endpoint_without_a_scheme() -> None:
    secrets = secrets_of(otlp(endpoint="joe:password@host:4317", protocol="grpc"))
    assert scrub("errors resolving joe:password@host:4317", secrets) == "errors resolving [redacted]@host:4317"


def test_a_token_in_the_place_of_a_user_name() -> None:
    assert "abcdef" in secrets_in_url("https://abcdef@host/")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:1/path", "http://host:1/path"),
        ("http://joe:pw@host:1/path?key=x#y", "http://host:1/path"),
        ("http://joe:p@ss@host/a@b", "http://host/a@b"),
        ("https://[::1]:1/", "https://[::1]:1/"),
        ("nonsense", "nonsense"),
    ],
)
def test_urls_are_shown_without(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4), st.text(), st.text())
def test_no_value_stays_in_any_text(value: str, before: str, after: str) -> None:
    secrets = secrets_of(otlp(headers={"x-key": value}))
    for text in (before + value + after, f"{before}{value!r}{after}"):
        scrubbed = scrub(text, secrets)
        assert value not in scrubbed.replace("[redacted]", "")
