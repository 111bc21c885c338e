"""Actors, requests and times of ordinary kinds are written as conversion gives them; others are left to it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events.direct.circumstances import ActorWriter, RequestWriter, Seconds
from otel_events.direct.places import UnusualError
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


def test_an_actor_with_nothing_but_an_id_is_kept_ready() -> None:
    actors = ActorWriter(Policy())
    acting = actors.person("alice")
    assert acting == actors.somebody({"id": "alice"}) == actors.people["alice"]
    assert acting[1:] == ("alice", " by alice")
    assert pairs(acting[0]) == {"user.id": "alice"}
    assert actors.somebody(None) == (b"", None, "")


@pytest.mark.parametrize("identity", ["two\nlines", "\ud800", "x" * 1025])
def test_an_id_that_is_not_for_a_line_is_left_to_conversion(identity: str) -> None:
    actors = ActorWriter(Policy())
    with pytest.raises((UnusualError, UnicodeEncodeError)):
        actors.person(identity)
    assert actors.people == {}


def test_memory_for_people_and_names_is_bounded() -> None:
    actors, requests = ActorWriter(Policy()), RequestWriter(Policy())
    for number in range(3000):
        actors.person(f"user-{number}")
    assert "user-2999" in actors.people
    actors.person("x" * 1000)
    assert len(actors.people) <= 1024
    assert max(map(len, actors.people)) <= 128
    for number in range(1024):
        requests.write({f"key{number}": "x"}, frozenset())
    with pytest.raises(UnusualError):
        requests.write({"one more": "x"}, frozenset())


@given(
    st.lists(
        st.datetimes(datetime(1970, 1, 1), datetime(2262, 4, 11), timezones=st.just(timezone.utc)),
        min_size=1,
        max_size=5,
    )
)
def test_moments_are_reckoned_exactly_from_the_latest_second(moments: list[datetime]) -> None:
    seconds = Seconds()
    for moment in moments:
        ns = seconds.another(moment)
        assert ns == (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1) * 1000
        second, begin = seconds.latest[0]
        assert (ns - begin) // 1000 == (moment - second) // timedelta(microseconds=1) == moment.microsecond


@pytest.mark.parametrize("year", [1, 1969, 2263, 9999])
def test_a_moment_that_64_bits_do_not_hold_is_left_to_conversion(year: int) -> None:
    seconds = Seconds()
    with pytest.raises(UnusualError):
        seconds.another(datetime(year, 1, 1, tzinfo=timezone.utc))
