"""An event has the actor and the time that it is given, or those of where and when it is made."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events import Event, actor
from otel_events.event import BASE_FIELDS, OPTIONS, in_utc, utc_now

UTC = timezone.utc


@dataclass
class Placed(Event):
    name = "placed"
    order_id: str = ""


class NoOffset(tzinfo):
    """A zone that has no offset, which makes a moment a naive one."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return None

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        return None


def test_actor_and_created_are_keyword_only_so_that_fields_come_first() -> None:
    assert Placed("o-1").order_id == "o-1"
    assert {field.name for field in dataclasses.fields(Placed) if field.kw_only} == {"actor", "created"}
    with pytest.raises(TypeError):
        Placed("o-1", "alice")  # type: ignore[call-arg]


def test_the_actor_is_nobody_or_that_of_the_context_or_the_one_given() -> None:
    assert Placed().actor is None
    with actor({"id": "alice"}):
        assert Placed().actor == {"id": "alice"}
        assert Placed(actor="bob").actor == {"id": "bob"}
        assert Placed(actor=None).actor is None
    with actor("carol"):
        assert Placed().actor == {"id": "carol"}
    given_actor = {"id": 7, "more": []}
    assert Placed(actor=given_actor).actor is given_actor


def test_the_time_is_now_in_utc() -> None:
    before = utc_now()
    created = Placed().created
    assert before <= created <= utc_now()
    assert created.tzinfo is UTC


@given(
    st.datetimes(
        timezones=st.sampled_from(
            [None, UTC, timezone(timedelta(hours=-23)), timezone(timedelta(hours=23)), NoOffset()]
        )
    )
)
def test_a_time_that_is_given_is_brought_to_utc(moment: datetime) -> None:
    created = Placed(created=moment).created
    assert created == (moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment)
    at_the_edge = moment.year in (1, 9999)  # where a moment may have no time in UTC
    assert created.tzinfo is UTC or at_the_edge
    assert in_utc(created) == created


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the system's zone cannot be set here")
def test_a_time_without_offset_is_never_in_the_zone_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    try:
        for zone in (None, NoOffset()):
            created = Placed(created=datetime(2024, 1, 1, 12, tzinfo=zone)).created
            assert created == datetime(2024, 1, 1, 12, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("created", ["yesterday", 7, None])
def test_a_time_that_is_none_is_left_to_the_conversion(created: Any) -> None:
    assert Placed(created=created).created == created


def test_the_options_and_base_fields_are_these() -> None:
    assert set(OPTIONS) == {"namespace", "severity", "message", "version", "delivery", "on_failure", "alerts"}
    assert set(BASE_FIELDS) == {"name", "actor", "created"}
    assert {field.name for field in dataclasses.fields(Event)} == {"actor", "created"}


def test_a_subclass_may_have_slots_and_its_own_post_init() -> None:
    @dataclass(slots=True)
    class Slots(Event):
        name = "slots"
        order_id: str = ""

        def __post_init__(self) -> None:
            Event.__post_init__(self)
            self.order_id = self.order_id.upper()

    event = Slots("o-1", actor="alice")
    assert (event.order_id, event.actor) == ("O-1", {"id": "alice"})
