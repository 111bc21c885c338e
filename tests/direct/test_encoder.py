"""The direct encoder gives, decoded, what the official encoder makes of the converted event, for every event."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_events import Event, Personal, Policy, Stamp, semconv, to_log_record
from otel_events.builtin import BUILTIN_EVENTS
from otel_events.conversion.room import Losses
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


def assert_equal(event: Any, stamp: Stamp, policy: Policy) -> bool:
    """Compare both encoders, and say whether the straight way was taken."""
    converted: list[Losses] = []
    encoded = Encoder(policy, on_losses=converted.append).encode(event, stamp)
    official = decoded_log(OFFICIAL.log(to_log_record(event, stamp=stamp, policy=policy)))
    # Compared as bytes: NaN is not equal to itself.
    assert decoded(encoded).SerializeToString(deterministic=True) == official.SerializeToString(deterministic=True)
    return not converted


@given(strategies.events(), stamps, policies)
def test_any_event_is_encoded_as_the_official_encoder_does(event: Event, stamp: Stamp, policy: Policy) -> None:
    assert_equal(event, stamp, policy)


@pytest.mark.parametrize("observed_ns", [-1, 2**64, 2**70])
def test_a_clock_that_is_out_of_its_mind_sinks_no_event(observed_ns: int) -> None:
    encoded = Encoder(Policy()).encode(WithMessage(1, "x"), STAMP._replace(observed_ns=observed_ns))
    assert decoded(encoded).observed_time_unix_nano == (0 if observed_ns < 0 else 2**64 - 1)


def test_classes_made_at_run_time_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otel_events.direct.encoder._MAX_CLASSES", 10)
    encoder = Encoder(Policy())
    for number in range(30):
        encoder.encode(dataclasses.make_dataclass("Made", [], bases=(WithMessage,))(number, "x"), STAMP)
    assert len(encoder._known) <= 10


def test_every_builtin_event_goes_the_straight_way() -> None:
    texts = {"expires_after": 60, "num_rows": 3, "ignore": True, "replace": False}
    for cls in BUILTIN_EVENTS:
        names = [field.name for field in dataclasses.fields(cls) if field.name not in ("actor", "created")]
        plain: dict[str, Any] = {name: texts.get(name, "text") for name in names}
        assert assert_equal(cls(**plain, actor="alice"), STAMP, Policy()), cls


def test_an_envelope_is_kept_as_a_request_without_records() -> None:
    envelope = Envelope({"service.name": "shop", "tags": ["a", "b"]})
    record = Encoder(Policy()).encode(WithMessage(1, "x"), STAMP)

    assert Envelope.of_request(envelope.wrap(())).wrap([record]) == envelope.wrap([record])
    for other in (b"", b"nonsense"):
        with pytest.raises(ValueError, match="no request with one resource"):
            Envelope.of_request(other)


def test_an_envelope_is_a_whole_request() -> None:
    encoder = Encoder(Policy())
    records = [encoder.encode(WithMessage(number, "x"), STAMP) for number in range(3)]

    body = Envelope({"service.name": "shop", "host.cpus": 2, "tags": ["a", "b"]}).wrap(records)

    (resource_logs,) = ExportLogsServiceRequest.FromString(body).resource_logs
    (scope_logs,) = resource_logs.scope_logs
    assert [attribute.key for attribute in resource_logs.resource.attributes] == ["service.name", "host.cpus", "tags"]
    assert [item.string_value for item in resource_logs.resource.attributes[2].value.array_value.values] == ["a", "b"]
    assert (scope_logs.scope.name, scope_logs.scope.version) == (semconv.SCOPE_NAME, VERSION)
    assert scope_logs.schema_url == semconv.SCHEMA_URL
    assert len(scope_logs.log_records) == 3
