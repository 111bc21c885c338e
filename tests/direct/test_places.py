"""Actors and requests of ordinary values are written as conversion gives them; others are left to it."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events.direct.places import ActorWriter, Place, RequestWriter, UnusualError, ordinary
from otel_events.privacy import Policy

KEY = b"0123456789abcdef"


def pairs(written: bytes) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in LogRecord.FromString(written).attributes}


@pytest.mark.parametrize(
    ("policy", "who", "attributes"),
    [
        (Policy(), "alice", {"user.id": "alice", "user.name": "Al", "actor.team": "a", "actor.token": "[redacted]"}),
        (Policy(actor="id"), "alice", {"user.id": "alice"}),
        (Policy(actor="none"), None, {}),
        (
            Policy(keep_keys=frozenset({"actor.token"})),
            "alice",
            {"user.id": "alice", "user.name": "Al", "actor.team": "a", "actor.token": "t"},
        ),
    ],
)
def test_actors(policy: Policy, who: str | None, attributes: dict[str, str]) -> None:
    named, written = ActorWriter(policy).write({"id": "alice", "name": "Al", "team": "a", "token": "t"})

    assert (named, pairs(written)) == (who, attributes)


def test_a_pseudonym_stands_for_the_whole_actor() -> None:
    policy = Policy(actor="pseudonym", pseudonym_key=KEY)

    who, written = ActorWriter(policy).write({"id": "alice", "name": "Al"})
    assert who == policy.pseudonym("alice")
    assert pairs(written) == {"user.hash": who}


@pytest.mark.parametrize("actor", ["alice", 5, {"id": ["a"]}, {"id": "a", "x": {}}, {"id": "a", 5: "b"}, {"id": True}])
def test_other_actors_are_left_to_conversion(actor: Any) -> None:
    with pytest.raises(UnusualError):
        ActorWriter(Policy()).write(actor)


def test_requests() -> None:
    written = RequestWriter(Policy()).write({"url.path": "/", "cookie": "c", "client.address": None}, frozenset())

    assert pairs(written) == {"url.path": "/", "cookie": "[redacted]"}


@pytest.mark.parametrize(
    "request_", [{"user.id": "x"}, {"taken": "x"}, {"a": [1]}, {1: "x"}, {"": "x"}, {"a" * 65: ""}]
)
def test_other_requests_are_left_to_conversion(request_: Any) -> None:
    with pytest.raises(UnusualError):
        RequestWriter(Policy()).write(request_, frozenset({"taken"}))


def test_a_number_beyond_64_bits_has_no_place() -> None:
    with pytest.raises(UnusualError):
        Place("key").number(2**63)
    with pytest.raises(UnusualError):
        ordinary(2**63)


def test_memory_for_numbers_and_names_is_bounded() -> None:
    place, requests = Place("key"), RequestWriter(Policy())
    for number in range(3000):
        place.write(number)
    assert len(place.numbers) <= 1024
    for number in range(1024):
        requests.write({f"key{number}": "x"}, frozenset())
    with pytest.raises(UnusualError):
        requests.write({"one more": "x"}, frozenset())
