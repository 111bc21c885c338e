"""Only who has the token may send, and only under names that are surely this machine's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.receiver.access import Access, is_loopback


@pytest.mark.parametrize("authorization", ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret "])
def test_the_token_opens(authorization: str) -> None:
    assert Access(token="s3cret").has_token(authorization)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "s3cret",
        "Basic s3cret",
        "Bearer",
        "Bearer ",
        "Bearer s3cre",
        "Bearer s3cret2",
        "Bearer S3CRET",
        "\udcff",
    ],
)
def test_anything_else_does_not(authorization: str | None) -> None:
    assert not Access(token="s3cret").has_token(authorization)


@given(st.none() | st.text())
def test_without_a_token_anything_goes(authorization: str | None) -> None:
    assert Access().has_token(authorization)


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    access = Access(token="s3cret", hosts=["events.example"])
    assert access.has_token(header) in (True, False)
    assert access.is_our_host(header, "10.0.0.1") in (True, False)


@pytest.mark.parametrize(
    "header",
    [
        "localhost", "LOCALHOST:4318", "localhost.", "demo.localhost:1", "127.0.0.1:4318", "127.8.9.1", "[::1]:4318", "[::1]",
        "events.example:4318", "Events.Example.", "10.0.0.1:4318",
    ],
)  # fmt: skip
def test_our_own_names_and_addresses_are_served(header: str) -> None:
    assert Access(hosts=["events.example"]).is_our_host(header, "10.0.0.1")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "10.0.0.2",
        "[fe80::1]",
        "::1x",
        "[",
        "]",
    ],
)
def test_other_names_and_addresses_are_not(header: str) -> None:
    assert not Access(hosts=["events.example"]).is_our_host(header, "10.0.0.1")


def test_an_address_of_version_6_is_known_with_and_without_brackets() -> None:
    assert Access(hosts=["2001:db8::1"]).is_our_host("[2001:db8::1]:4318")
    assert Access(hosts=["[2001:db8::1]"]).is_our_host("[2001:db8::1]")


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("localhost", False)]
)
def test_which_addresses_are_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
