"""The direct encoder gives, decoded, what the official encoder makes of the converted event, for every event."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events import Attribute, Event, Personal, Policy, Secret, Stamp, semconv, to_log_record
from otel_events.builtin import BUILTIN_EVENTS
from otel_events.direct.encoder import Encoder
from otel_events.direct.envelope import Envelope
from otel_events.version import VERSION
from tests import strategies
from tests.conversion.official import Official, decoded_log
from tests.conversion.test_record import policies, requests

OFFICIAL = Official()
STAMP = Stamp("01ARYZ6S41TSV4RRFFQ69G5FAV", 1_700_000_000_123_456_789, 2**127 + 1, 2**63 + 1, 1)
KEY = b"0123456789abcdef"

stamps = st.builds(
    STAMP._replace,
    uid=st.sampled_from([STAMP.uid, ""]),
    observed_ns=st.integers(1, 2**63 - 1),
    trace_id=st.sampled_from([0, 1, 2**128 - 1]),
    span_id=st.sampled_from([0, 1, 2**64 - 1]),
    trace_flags=st.sampled_from([0, 1]),
    request=requests | st.just({"client.address": "192.0.2.1", "session_token": "abc"}),
)
ordinary_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=600),
    st.decimals(),
    st.uuids(),
    st.datetimes(),
    st.dates(),
)
actors = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.dictionaries(
        st.sampled_from(["id", "name", "username", "email", "roles", "token", "team"]), ordinary_values, max_size=5
    ),
)


@dataclass
class Ordinary(Event):
    name = "ordinary"
    namespace = "app"
    version = 3
    one: Any
    two: Any
    password: Any
    secret: Annotated[Any, Secret()]
    mail: Annotated[Any, Personal("pseudonym")]
    phone: Annotated[Any, Personal("drop")]
    table: Annotated[Any, Attribute("db.collection.name")]


@dataclass
class WithMessage(Event):
    name = "with-message"
    message = "{actor} did {name} to {{{one}}} at {created}: {mail}"
    severity = "ERROR2"
    one: Any
    mail: Annotated[Any, Personal("drop")]


def decoded(encoded: bytes) -> LogRecord:
    request = ExportLogsServiceRequest.FromString(Envelope({}).wrap([encoded]))
    (record,) = request.resource_logs[0].scope_logs[0].log_records
    return record


def assert_equal(event: Event, stamp: Stamp, policy: Policy) -> bool:
    """Compare both encoders, and say whether the straight way was taken."""
    encoder = Encoder(policy)
    encoded, losses = encoder.encode(event, stamp)
    official = decoded_log(OFFICIAL.log(to_log_record(event, stamp=stamp, policy=policy)))
    # Compared as bytes: NaN is not equal to itself.
    assert decoded(encoded).SerializeToString(deterministic=True) == official.SerializeToString(deterministic=True)
    return losses is None


@given(strategies.events(), stamps, policies)
def test_any_event_is_encoded_as_the_official_encoder_does(event: Event, stamp: Stamp, policy: Policy) -> None:
    assert_equal(event, stamp, policy)


@given(st.lists(ordinary_values, min_size=7, max_size=7), actors, stamps, policies)
def test_ordinary_events_are_too(values: list[Any], actor: Any, stamp: Stamp, policy: Policy) -> None:
    assert_equal(Ordinary(*values, actor=actor), stamp, policy)


@given(ordinary_values, actors, stamps, policies, st.datetimes(timezones=st.just(timezone.utc)))
def test_messages_are_filled_in_alike(value: Any, actor: Any, stamp: Stamp, policy: Policy, created: datetime) -> None:
    assert_equal(WithMessage(value, "x", actor=actor, created=created), stamp, policy)


@pytest.mark.parametrize(
    "value",
    [
        *("", "text", "é" * 300, "x" * 4096, 0, 255, 256, -1, 2**63 - 1, -(2**63), 0.0, -0.0, 1e300, True, False, None),
        *(Decimal("9.99"), UUID(int=5), datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone.utc).date()),
    ],
)
def test_ordinary_values_go_the_straight_way(value: Any) -> None:
    event = Ordinary(
        value, value, value, value, "a@b", value, value, actor={"id": "alice", "name": "Alice", "token": 1}
    )
    assert assert_equal(event, STAMP._replace(request={"url.path": "/"}), Policy(pseudonym_key=KEY))


@pytest.mark.parametrize(
    "value", ["x" * 4097, "\ud800", 2**63, [1], {"a": 1}, b"x", timedelta(1), ("a", "b"), object, {1, 2}]
)
def test_other_values_are_converted_first(value: Any) -> None:
    assert not assert_equal(Ordinary(value, 1, 1, 1, 1, 1, 1), STAMP, Policy(pseudonym_key=KEY))


def test_every_builtin_event_goes_the_straight_way() -> None:
    texts = {"expires_after": 60, "num_rows": 3, "ignore": True, "replace": False}
    for cls in BUILTIN_EVENTS:
        names = [field.name for field in dataclasses.fields(cls) if field.name not in ("actor", "created")]
        plain: dict[str, Any] = {name: texts.get(name, "text") for name in names}
        assert assert_equal(cls(**plain, actor="alice"), STAMP, Policy()), cls


def test_an_envelope_is_a_whole_request() -> None:
    encoder = Encoder(Policy())
    records = [encoder.encode(WithMessage(number, "x"), STAMP)[0] for number in range(3)]

    body = Envelope({"service.name": "shop", "host.cpus": 2, "tags": ["a", "b"]}, "https://example.com/s").wrap(records)

    (resource_logs,) = ExportLogsServiceRequest.FromString(body).resource_logs
    (scope_logs,) = resource_logs.scope_logs
    assert [attribute.key for attribute in resource_logs.resource.attributes] == ["service.name", "host.cpus", "tags"]
    assert [item.string_value for item in resource_logs.resource.attributes[2].value.array_value.values] == ["a", "b"]
    assert resource_logs.schema_url == "https://example.com/s"
    assert (scope_logs.scope.name, scope_logs.scope.version) == (semconv.SCOPE_NAME, VERSION)
    assert scope_logs.schema_url == semconv.SCHEMA_URL
    assert len(scope_logs.log_records) == 3
