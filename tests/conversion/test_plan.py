"""What a record holds: name, times, severity, identity, actor, request, fields and the readable line, each in its place."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, make_dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, ClassVar
from unittest.mock import MagicMock

import pytest

from otel_events import (
    Attribute,
    Event,
    LogRecord,
    Personal,
    Policy,
    Secret,
    Stamp,
    semconv,
    to_log_record,
    to_span_event,
)
from otel_events.conversion.record import Converter
from otel_events.privacy import REDACTED

UTC = timezone.utc
KEY = b"0123456789abcdef"
UID = "01ARYZ6S41TSV4RRFFQ69G5FAV"
STAMP = Stamp(UID, 1_700_000_000_000_000_001, 2**100, 2**50, 1)
CREATED = datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC)
CREATED_NS = 1_709_168_523_000_004_000


@dataclass
class OrderPlaced(Event):
    """An order was placed."""

    name = "order-placed"
    order_id: str = "o-1"
    total: Decimal = Decimal("9.99")


@dataclass
class Happened(Event):
    name = "happened"
    namespace = "app"
    value: Any = None


def converted(event: Any, policy: Policy | None = None, request: Mapping[str, Any] | None = None) -> LogRecord:
    return to_log_record(event, stamp=STAMP._replace(request=request or {}), policy=policy or Policy())


def losses_of(record: LogRecord) -> tuple[int, int, int]:
    return record.losses.cut, record.losses.dropped, record.losses.failed


# -- the whole -----------------------------------------------------------------------------------------------------------------


def test_a_log_record_has_all_its_parts() -> None:
    record = to_log_record(OrderPlaced(actor={"id": "alice"}, created=CREATED), stamp=STAMP)
    assert record == LogRecord(
        event_name="order-placed",
        time_ns=CREATED_NS,
        observed_ns=STAMP.observed_ns,
        severity_number=9,
        severity_text="INFO",
        body="order-placed by alice: order_id=o-1 total=9.99",
        attributes={"log.record.uid": UID, "user.id": "alice", "tests.order_id": "o-1", "tests.total": "9.99"},
        trace_id=2**100,
        span_id=2**50,
        trace_flags=1,
    )


def test_without_a_stamp_it_was_observed_when_it_happened() -> None:
    record = to_log_record(OrderPlaced(created=CREATED))
    assert record.observed_ns == record.time_ns == CREATED_NS
    assert (record.trace_id, record.span_id, record.trace_flags) == (0, 0, 0)
    assert "log.record.uid" not in record.attributes


def test_a_span_event_has_the_same_name_time_and_attributes() -> None:
    event = OrderPlaced(actor={"id": "alice"}, created=CREATED)
    record, span_event = to_log_record(event, stamp=STAMP), to_span_event(event, stamp=STAMP)
    assert (span_event.name, span_event.time_ns) == (record.event_name, record.time_ns)
    assert list(span_event.attributes.items()) == list(record.attributes.items())


def test_severity_version_namespace_and_message_are_the_class_s() -> None:
    @dataclass
    class Loud(Event):
        name = "loud"
        namespace = "shop.orders"
        severity = "ERROR2"
        version = 3
        message = "{actor} did {name} at {created}: {order_id} {missing}"
        order_id: str
        missing: str | None = None

    record = to_log_record(Loud("o-1", created=CREATED))
    assert (record.severity_number, record.severity_text) == (18, "ERROR2")
    assert record.attributes == {"otel_events.event.version": 3, "shop.orders.order_id": "o-1"}
    assert record.body == "anonymous did loud at 2024-02-29T01:02:03+00:00: o-1 -"


@pytest.mark.parametrize(
    ("cls_namespace", "policy_namespace", "prefix"),
    [(None, None, "tests"), ("mine", None, "mine"), (None, "theirs", "theirs"), ("mine", "theirs", "mine")],
)
def test_the_namespace_is_the_class_s_else_the_policy_s_else_the_package(
    cls_namespace: str | None, policy_namespace: str | None, prefix: str
) -> None:
    cls = make_dataclass("Made", [("a", int)], bases=(Event,), namespace={"name": "made", "namespace": cls_namespace})
    cls.__module__ = __name__
    assert converted(cls(1), Policy(namespace=policy_namespace)).attributes == {"log.record.uid": UID, f"{prefix}.a": 1}


def test_none_is_left_out_of_attributes_and_line() -> None:
    record = to_log_record(Happened(None))
    assert record.attributes == {}
    assert record.body == "happened"


# -- names ---------------------------------------------------------------------------------------------------------------------


@dataclass
class Foreign:
    name: Any
    created: Any = CREATED
    actor: Any = None


@pytest.mark.parametrize(
    ("name", "event_name"),
    [
        ("placed", "placed"),
        ("two\nlines", "two lines"),
        ("\ud800", "\ufffd"),
        ("x" * 300, "x" * 256),
        (7, "7"),
        (None, "Foreign"),
        ("", "Foreign"),
        (" \n", "Foreign"),
        ({"password": "hidden"}, '{"password":"[redacted]"}'),
    ],
)
def test_a_foreign_event_names_itself(name: Any, event_name: str) -> None:
    record = to_log_record(Foreign(name))
    assert record.event_name == event_name
    assert record.body == event_name


def test_an_event_whose_name_raises_is_named_after_its_class() -> None:
    @dataclass
    class Raising:
        created: datetime = CREATED

        @property
        def name(self) -> str:
            raise ValueError

    assert to_log_record(Raising()).event_name == "Raising"


@pytest.mark.parametrize("event", [object(), "text", 7, None, [1], OrderPlaced, MagicMock(), {"name": "x"}])
def test_what_is_no_event_at_all_makes_a_record_without_fields(event: Any) -> None:
    record = to_log_record(event)
    assert record.event_name
    assert record.time_ns == 0
    assert not [key for key in record.attributes if not key.startswith(("user.", "actor."))]


def test_the_events_of_datasette_are_converted_as_they_are() -> None:
    events = pytest.importorskip("datasette.events")
    event = events.InsertRowsEvent(
        actor={"id": "root"}, database="db", table="dogs", num_rows=3, ignore=True, replace=False
    )
    record = to_log_record(event)
    assert record.event_name == "insert-rows"
    assert abs(record.time_ns - event.created.timestamp() * 1e9) < 1000
    assert record.body == "insert-rows by root: database=db table=dogs num_rows=3 ignore=true replace=false"
    assert record.attributes == {
        "user.id": "root",
        "datasette.database": "db",
        "datasette.table": "dogs",
        "datasette.num_rows": 3,
        "datasette.ignore": True,
        "datasette.replace": False,
    }
    token = events.CreateTokenEvent(
        actor=None, expires_after=3600, restrict_all=["view"], restrict_database={"db": ["drop"]}, restrict_resource={}
    )
    assert to_log_record(token).attributes == {
        "datasette.expires_after": 3600,
        "datasette.restrict_all": ["view"],
        "datasette.restrict_database.db": ["drop"],
        "datasette.restrict_resource": "{}",
    }


# -- times ---------------------------------------------------------------------------------------------------------------------


class MyDatetime(datetime):
    """Overrides what the time could be computed with."""

    def __sub__(self, other: Any) -> Any:
        return MagicMock()

    def utcoffset(self) -> Any:
        return "a lie"

    replace = astimezone = timestamp = __sub__  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("created", "time_ns"),
    [
        (CREATED, CREATED_NS),
        (CREATED.replace(tzinfo=None), CREATED_NS),
        (CREATED.astimezone(timezone(timedelta(hours=5, minutes=30))), CREATED_NS),
        (datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 1000),
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (MyDatetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC), CREATED_NS),
    ],
)
def test_the_time_is_in_nanoseconds_since_1970(created: datetime, time_ns: int) -> None:
    record = to_log_record(Foreign("name", created))
    assert record.time_ns == time_ns
    assert losses_of(record) == (0, 0, 0)


@pytest.mark.parametrize(
    ("created", "time_ns"),
    [
        (datetime.min, 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), 0),
        (datetime.max, 2**63 - 1),
        (datetime(2262, 4, 12, tzinfo=UTC), 2**63 - 1),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-23))), 2**63 - 1),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), 0),
    ],
)
def test_a_time_that_otlp_cannot_hold_is_moved_to_the_bound_and_counted(created: datetime, time_ns: int) -> None:
    record = to_log_record(Foreign("name", created))
    assert record.time_ns == time_ns
    assert losses_of(record) == (1, 0, 0)
    assert to_log_record(OrderPlaced(created=created)).time_ns == time_ns


@pytest.mark.parametrize(
    "created", [None, "yesterday", 7, date(2024, 1, 1), MagicMock(), MagicMock(spec=datetime), OverflowError]
)
def test_without_a_usable_time_it_is_unknown_and_counted(created: Any) -> None:
    record = to_log_record(Foreign("name", created))
    assert record.time_ns == 0
    assert losses_of(record) == (0, 0, 1)


def test_an_event_without_a_time_is_converted_all_the_same() -> None:
    @dataclass
    class Timeless:
        message: ClassVar[str] = "{name} at {created}"
        name: str = "timeless"

    record = to_log_record(Timeless())
    assert (record.time_ns, record.body) == (0, "timeless at -")


# -- the actor -----------------------------------------------------------------------------------------------------------------

ALICE = {
    "id": "alice",
    "name": "Alice",
    "email": "alice@example.org",
    "roles": ["admin"],
    "full_name": "Alice A.",
    "token": "hidden",
    "team": {"id": 7},
}


@pytest.mark.parametrize(
    ("actor", "attributes", "who"),
    [
        (None, {}, None),
        ({}, {}, None),
        ("alice", {"user.id": "alice"}, "alice"),
        ({"id": 7}, {"user.id": "7"}, "7"),
        ({"id": None, "name": "Alice"}, {"user.name": "Alice"}, None),
        ({"id": ["a", 1]}, {"user.id": '["a",1]'}, '["a",1]'),
        ({"username": "alice"}, {"user.name": "alice"}, None),
        ({"username": "al", "name": "Alice"}, {"user.name": "al", "actor.name": "Alice"}, None),
        (
            ALICE,
            {
                "user.id": "alice",
                "user.name": "Alice",
                "user.email": "alice@example.org",
                "user.roles": ["admin"],
                "user.full_name": "Alice A.",
                "actor.token": REDACTED,
                "actor.team.id": 7,
            },
            "alice",
        ),
        (7, {"user.id": "7"}, "7"),
        (["a", "b"], {"user.id": '["a","b"]'}, '["a","b"]'),
        ({"id": {"password": "hidden"}}, {"user.id": '{"password":"[redacted]"}'}, '{"password":"[redacted]"}'),
        ({"id": "a\nb"}, {"user.id": "a\nb"}, "a b"),
        ({"hash": "h", "log.record.uid": "u"}, {"actor.hash": "h", "actor.log.record.uid": "u"}, None),
    ],
)
def test_the_actor_under_the_full_policy(actor: Any, attributes: Mapping[str, Any], who: str | None) -> None:
    record = to_log_record(Happened(actor=actor))
    assert record.attributes == attributes
    assert record.body == ("happened" if who is None else f"happened by {who}")


@pytest.mark.parametrize(
    ("policy", "attributes", "who"),
    [
        (Policy(actor="id"), {"user.id": "alice"}, "alice"),
        (Policy(actor="none"), {}, None),
        (
            Policy(actor="pseudonym", pseudonym_key=KEY),
            {"user.hash": Policy(pseudonym_key=KEY).pseudonym("alice")},
            Policy(pseudonym_key=KEY).pseudonym("alice"),
        ),
        (Policy(actor="pseudonym"), {"user.hash": REDACTED}, REDACTED),
    ],
)
def test_the_actor_under_the_other_policies(policy: Policy, attributes: Mapping[str, Any], who: str | None) -> None:
    record = to_log_record(Happened(actor=ALICE), policy=policy)
    assert record.attributes == attributes
    assert record.body == ("happened" if who is None else f"happened by {who}")


def test_an_actor_without_id_has_no_pseudonym() -> None:
    assert (
        to_log_record(Happened(actor={"name": "Alice"}), policy=Policy(actor="pseudonym", pseudonym_key=KEY)).attributes
        == {}
    )


def test_an_actor_s_id_is_within_the_limit() -> None:
    record = to_log_record(Happened(actor={"id": ["x" * 4000] * 5}))
    assert len(str(record.attributes["user.id"])) == 4096
    assert record.losses.cut


def test_an_actor_that_raises_is_nobody_and_counted() -> None:
    @dataclass
    class Raising:
        name: str = "raising"
        created: datetime = CREATED

        @property
        def actor(self) -> Any:
            raise OSError

    record = to_log_record(Raising())
    assert (record.attributes, record.body) == ({}, "raising")
    assert losses_of(record) == (0, 0, 1)


def test_markers_on_the_actor_of_a_foreign_event_are_honoured() -> None:
    def foreign(annotation: Any) -> LogRecord:
        cls = make_dataclass("Made", [("name", str), ("created", datetime), ("actor", annotation)])
        return to_log_record(cls("made", CREATED, ALICE), policy=Policy(pseudonym_key=KEY))

    assert foreign(Annotated[Any, Personal()]).attributes["user.id"] == "alice"
    assert foreign(Annotated[Any, Secret()]).attributes == {}
    assert foreign(Annotated[Any, Personal("drop")]).attributes == {}
    assert foreign(Annotated[Any, Personal("pseudonym")]).attributes == {
        "user.hash": Policy(pseudonym_key=KEY).pseudonym("alice")
    }


def test_markers_on_the_name_and_the_time_of_a_foreign_event_are_honoured() -> None:
    cls = make_dataclass(
        "Made", [("name", Annotated[str, Secret()]), ("created", Annotated[datetime, Personal("drop")])]
    )
    record = to_log_record(cls("hidden", CREATED))
    assert (record.event_name, record.time_ns, record.body) == ("Made", 0, "Made")


# -- the request ---------------------------------------------------------------------------------------------------------------


def test_the_request_s_attributes_have_their_keys_as_they_are() -> None:
    record = converted(
        Happened(1),
        request={
            "client.address": "192.0.2.1",
            "http.request.header.x-request-id": "r-1",
            "a": {"b": [1]},
            "none": None,
        },
    )
    assert record.attributes == {
        "log.record.uid": UID,
        "client.address": "192.0.2.1",
        "http.request.header.x-request-id": "r-1",
        "a.b": [1],
        "app.value": 1,
    }


def test_the_request_is_redacted_and_bounded_like_fields() -> None:
    header = "http.request.header.cookie"
    record = converted(Happened(), request={header: "hidden", "user_agent.original": "x" * 5000})
    assert record.attributes[header] == REDACTED
    assert len(str(record.attributes["user_agent.original"])) == 4096
    kept = converted(Happened(), Policy(keep_keys=frozenset({header})), request={header: "shown"})
    assert kept.attributes[header] == "shown"


@pytest.mark.parametrize("request_", [7, "text", [1], MagicMock()])
def test_a_request_that_is_no_mapping_is_left_out(request_: Any) -> None:
    record = to_log_record(Happened(1), stamp=STAMP._replace(request=request_))
    assert record.attributes == {"log.record.uid": UID, "app.value": 1}


def test_a_request_that_raises_costs_itself() -> None:
    class Mapped(Mapping[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise OSError

        def __iter__(self) -> Iterator[str]:
            return iter(["a", "b"])

        def __len__(self) -> int:
            return 2

    record = to_log_record(Happened(1), stamp=STAMP._replace(request=Mapped()))
    assert record.attributes == {"log.record.uid": UID, "a": "<unreadable>", "b": "<unreadable>", "app.value": 1}
    assert losses_of(record) == (0, 0, 2)


# -- keys ----------------------------------------------------------------------------------------------------------------------


def test_nothing_takes_the_keys_of_the_identity() -> None:
    cls = make_dataclass(
        "Made",
        [("record", Any), ("id", str), ("hash", str)],
        namespace={"name": "made", "created": CREATED, "actor": {"id": "alice"}, "namespace": "user"},
    )
    record = converted(
        cls({"uid": "forged"}, "forged", "forged"), request=dict.fromkeys(semconv.RESERVED_KEYS, "forged")
    )
    assert record.attributes == {"log.record.uid": UID, "user.id": "alice", "user.record.uid": "forged"}
    assert losses_of(record) == (0, 2 + len(semconv.RESERVED_KEYS), 0)

    forging = make_dataclass(
        "Made", [("record", Any)], namespace={"name": "made", "created": CREATED, "namespace": "log"}
    )
    assert converted(forging({"uid": "forged"})).attributes == {"log.record.uid": UID}


def test_a_key_that_comes_twice_is_counted_and_the_field_wins() -> None:
    @dataclass
    class Invited(Event):
        name = "invited"
        namespace = "app"
        email: Annotated[str, Attribute("user.email")]
        flat: Any
        address: Annotated[str, Attribute("client.address")] = "field"

    event = Invited("bob@example.org", {"a": {"b": 1}, "a.b": 2}, actor={"id": "alice", "email": "alice@example.org"})
    record = converted(event, request={"client.address": "request"})
    assert record.attributes == {
        "log.record.uid": UID,
        "user.id": "alice",
        "user.email": "bob@example.org",
        "client.address": "field",
        "app.flat.a.b": 2,
    }
    assert losses_of(record) == (0, 3, 0)


def test_there_are_at_most_128_attributes_and_the_identity_is_among_them() -> None:
    record = converted(Happened(dict.fromkeys(map(str, range(200)), 1), actor=ALICE), request={"client.address": "a"})
    assert len(record.attributes) == 128
    assert list(record.attributes)[:2] == ["log.record.uid", "user.id"]
    assert "client.address" in record.attributes
    assert record.losses.dropped == 200 - (128 - 9)


def test_a_field_s_name_of_any_length_makes_a_key_of_bounded_length() -> None:
    cls = make_dataclass("Made", [("x" * 5000, int)], bases=(Event,), namespace={"name": "made", "namespace": "app"})
    assert list(to_log_record(cls(1)).attributes) == ["app." + "x" * 256]


# -- reading -------------------------------------------------------------------------------------------------------------------


def test_a_field_that_is_not_set_or_raises_costs_itself() -> None:
    @dataclass
    class Half(Event):
        name = "half"
        namespace = "app"
        good: int = 1
        unset: int = field(init=False)

    record = to_log_record(Half())
    assert (record.attributes, record.body) == ({"app.good": 1}, "half: good=1")
    assert losses_of(record) == (0, 0, 1)


def test_a_secret_field_is_not_even_read() -> None:
    @dataclass
    class Lazy(Event):
        name = "lazy"
        namespace = "app"
        token: str = ""

        def __getattribute__(self, attribute: str) -> Any:
            assert attribute != "token"
            return super().__getattribute__(attribute)

    assert to_log_record(Lazy()).attributes == {"app.token": REDACTED}


def test_a_typical_event_is_converted_quickly() -> None:
    cls = make_dataclass(
        "Made", [(f"field_{number}", Any) for number in range(7)], bases=(Event,), namespace={"name": "made"}
    )
    event = cls("o-1", 9.99, 3, "c-12", "DE", True, 1.5, actor={"id": "alice", "name": "Alice"})
    converter = Converter(Policy())
    begin = time.process_time()
    for _ in range(1000):
        converter.log_record(event, STAMP)
    assert time.process_time() - begin < 0.2  # 200 µs each, some ten times what it takes


def test_plans_are_kept_by_class_and_do_not_fill_the_memory() -> None:
    converter = Converter(Policy())
    event = Happened(1)
    assert converter.plan(event) is converter.plan(Happened(2))
    for number in range(4100):
        converter.plan(type(f"Class{number}", (), {})())
    assert len(converter._plans) <= 4096
    assert converter.log_record(event).attributes == {"app.value": 1}
