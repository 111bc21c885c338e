"""Every event makes a record within the limits, which the official encoder takes as it is; the event is left alone."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events import Event, Policy, Stamp, semconv, to_log_record, to_span_event
from otel_events.conversion.record import Converter
from otel_events.conversion.room import MAX_ATTRIBUTES, MAX_CHARACTERS
from otel_events.version import VERSION
from tests import strategies
from tests.conversion.official import Official, attributes, decoded_log, decoded_span

OFFICIAL = Official()
STAMP = Stamp(
    "01ARYZ6S41TSV4RRFFQ69G5FAV", 1_700_000_000_123_456_789, 2**127 + 1, 2**63 + 1, 1, {"client.address": "192.0.2.1"}
)
MAX_BYTES = 3 * 2**20

policies = st.builds(
    Policy,
    actor=st.sampled_from(["full", "id", "pseudonym", "none"]),
    personal=st.sampled_from(["keep", "pseudonym", "drop"]),
    pseudonym_key=st.sampled_from([None, b"0123456789abcdef"]),
    keep_keys=st.sampled_from([frozenset(), frozenset({"token"})]),
    namespace=st.sampled_from([None, "other"]),
)
requests = st.one_of(
    st.just({}), strategies.values(), st.dictionaries(strategies.texts(), strategies.values(), max_size=3)
)


@dataclass
class Happened(Event):
    name = "happened"
    namespace = "app"
    value: Any


stamps = st.one_of(st.none(), st.just(STAMP), requests.map(lambda request: STAMP._replace(request=request)))


# -- universal rules -------------------------------------------------------------------------------------------------------


@given(strategies.events(), stamps, policies)
def test_every_event_makes_a_record_within_the_limits(event: Event, stamp: Stamp | None, policy: Policy) -> None:
    record = to_log_record(event, stamp=stamp, policy=policy)

    assert record.event_name == type(event).name
    assert type(record.time_ns) is int
    assert 0 <= record.time_ns < 2**63
    assert type(record.body) is str
    assert len(record.body) <= MAX_CHARACTERS
    assert len(record.body.splitlines()) <= 1
    assert len(record.attributes) <= MAX_ATTRIBUTES
    for key, value in record.attributes.items():
        assert type(key) is str
        assert key
        assert_attribute(value)


def assert_attribute(value: Any) -> None:
    if type(value) is list:
        assert len({type(item) for item in value}) <= 1
        for item in value:
            assert type(item) in (str, bool, int, float)
            assert_attribute(item)
    else:
        assert type(value) in (str, bool, int, float, bytes)
    if type(value) is int:
        assert -(2**63) <= value < 2**63
    if type(value) in (str, bytes):
        assert len(value) <= MAX_CHARACTERS
    if type(value) is str:
        value.encode()


@given(strategies.events(), stamps, policies)
def test_the_official_encoder_takes_every_log_record_as_it_is(
    event: Event, stamp: Stamp | None, policy: Policy
) -> None:
    record = to_log_record(event, stamp=stamp, policy=policy)

    request = OFFICIAL.log(record)

    assert len(request) < MAX_BYTES
    decoded = decoded_log(request)
    assert decoded.event_name == record.event_name
    assert decoded.time_unix_nano == record.time_ns
    assert decoded.observed_time_unix_nano == record.observed_ns or record.observed_ns == 0
    assert (decoded.severity_number, decoded.severity_text) == (record.severity_number, record.severity_text)
    assert decoded.body.string_value == record.body
    assert int.from_bytes(decoded.trace_id, "big") == record.trace_id
    assert int.from_bytes(decoded.span_id, "big") == record.span_id
    assert decoded.flags == record.trace_flags
    assert decoded.dropped_attributes_count == 0
    assert repr(list(attributes(decoded.attributes).items())) == repr(list(record.attributes.items()))


@given(strategies.events(), stamps, policies)
def test_and_every_span_event_which_says_the_same(event: Event, stamp: Stamp | None, policy: Policy) -> None:
    converted = to_span_event(event, stamp=stamp, policy=policy)

    request = OFFICIAL.span(converted)

    assert len(request) < MAX_BYTES
    [decoded] = decoded_span(request).events
    assert decoded.name == converted.name
    assert decoded.time_unix_nano == converted.time_ns or converted.time_ns == 0
    assert decoded.dropped_attributes_count == 0
    assert repr(list(attributes(decoded.attributes).items())) == repr(list(converted.attributes.items()))
    record = to_log_record(event, stamp=stamp, policy=policy)
    assert (converted.name, converted.time_ns) == (record.event_name, record.time_ns)
    assert repr(converted.attributes) == repr(record.attributes)


@given(strategies.events(), stamps, policies)
def test_the_same_event_and_stamp_make_the_same_record(event: Event, stamp: Stamp | None, policy: Policy) -> None:
    def converted() -> tuple[str, list[int]]:
        record = Converter(policy).log_record(event, stamp)
        return repr(record), [record.losses.cut, record.losses.dropped, record.losses.failed]

    assert converted() == converted()


@given(strategies.events(strategies.plain_values()))
def test_the_event_is_left_as_it_was(event: Event) -> None:
    before = snapshot(vars(event))
    to_log_record(event, stamp=STAMP)
    to_span_event(event, stamp=STAMP)
    assert snapshot(vars(event)) == before


def snapshot(value: Any) -> Any:
    """Return what a value is made of, down to the identity of each part and the order in which they stand."""
    inner: Any = ()
    if isinstance(value, Mapping):
        inner = [(snapshot(name), snapshot(item)) for name, item in value.items()]
    elif isinstance(value, (list, tuple, set, frozenset)) or type(value).__name__ in ("deque", "dict_values"):
        inner = [snapshot(item) for item in value]
    elif isinstance(value, BaseException):
        inner = snapshot(value.args)
    elif hasattr(value, "__dataclass_fields__"):
        inner = [snapshot(getattr(value, field.name, None)) for field in fields(value)]
    elif hasattr(value, "__dict__") and not isinstance(value, (type, ModuleType)):
        inner = snapshot(vars(value))
    elif isinstance(value, bytearray):
        inner = bytes(value)
    return type(value), id(value), inner


def test_what_can_be_walked_only_once_is_not_walked() -> None:
    once: list[Iterator[int]] = [
        iter([1, 2]),
        (number for number in (1, 2)),
        map(int, "12"),
        iter({1, 2}),
        itertools.chain([1], [2]),
    ]
    attributes = to_log_record(Happened(value=once)).attributes
    assert str(attributes).count(" object ") == 5
    assert [list(one) for one in once] == [[1, 2]] * 5


def test_a_mapping_that_changes_when_it_is_read_does_not() -> None:
    class Counting(dict[str, int]):
        def __getitem__(self, name: str) -> int:
            self[f"{name} was read"] = 1
            return super().__getitem__(name)

        def __iter__(self) -> Iterator[str]:
            self.clear()
            return super().__iter__()

    counting = Counting(a=1)
    assert to_log_record(Happened(value=counting)).attributes == {"app.value.a": 1}
    assert dict.copy(counting) == {"a": 1}


def test_the_scope_is_this_package_its_version_and_the_schema_of_the_keys() -> None:
    request = OFFICIAL.log(to_log_record(Happened(1)))
    [scope] = ExportLogsServiceRequest.FromString(request).resource_logs[0].scope_logs
    assert (scope.scope.name, scope.scope.version, scope.schema_url) == ("otel_events", VERSION, semconv.SCHEMA_URL)


# -- time and size ---------------------------------------------------------------------------------------------------------


class Text:
    """Writes a text of its own."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


HUGE: Mapping[str, Callable[[], Any]] = {
    "list": lambda: [1] * 10_000_000,
    "tuple": lambda: (1,) * 10_000_000,
    "text": lambda: "x" * 100_000_000,
    "bytes": lambda: b"x" * 100_000_000,
    "bytearray": lambda: bytearray(100_000_000),
    "view": lambda: memoryview(bytearray(100_000_000)),
    "set": lambda: set(range(1_000_000)),
    "mapping": lambda: dict.fromkeys(range(1_000_000), 1),
    "its keys": lambda: dict.fromkeys(range(1_000_000)).keys(),
    "its values": lambda: dict.fromkeys(range(1_000_000), 1).values(),
    "range": lambda: range(10**30),
    "number": lambda: 1 << 10_000_000,
    "nested": lambda: [[[1] * 1_000_000] * 1000] * 1000,
    "texts": lambda: ["x" * 5000] * 1_000_000,
    "an object that writes it": lambda: Text("x" * 100_000_000),
    "an error that holds it": lambda: ValueError([1] * 10_000_000),
    "many objects": lambda: [Text("x") for _ in range(5000)],
}


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in HUGE.items()])
def test_the_time_for_a_huge_value_is_bounded(make: Callable[[], Any]) -> None:
    """Walking or copying one of these takes longer than converting it sixteen times may."""
    event = Happened(value=[make()] * 16)
    losses = to_log_record(event).losses
    assert losses.cut or "[redacted]" in str(to_log_record(event).attributes)
    assert min(timed(event) for _ in range(3)) < 0.2


def timed(event: Event) -> float:
    begin = time.process_time()
    to_log_record(event)
    return time.process_time() - begin
