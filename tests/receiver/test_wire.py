"""The walk sees the same groups and records as the official parser, and refuses what is broken or too much."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otel_events.receiver import wire
from otel_events.receiver.wire import groups
from tests.receiver.support import keyed, log_record, logs_request

pytestmark = pytest.mark.usefixtures("each_kind")

Walked = list[tuple[Resource, InstrumentationScope, list[LogRecord]]]


def walked(data: bytes) -> Walked:
    return [
        (
            Resource.FromString(group.resource),
            InstrumentationScope.FromString(group.scope),
            [LogRecord.FromString(data[start:end]) for start, end in zip(group.starts, group.ends, strict=True)],
        )
        for group in groups(data)
    ]


def parsed(data: bytes) -> Walked:
    request = ExportLogsServiceRequest.FromString(data)
    return [
        (resource_logs.resource, scope_logs.scope, list(scope_logs.log_records))
        for resource_logs in request.resource_logs
        for scope_logs in resource_logs.scope_logs
        if scope_logs.log_records
    ]


def scopes() -> st.SearchStrategy[ScopeLogs]:
    records = st.lists(st.builds(log_record, st.none() | st.text(max_size=5)), max_size=3)
    return st.builds(ScopeLogs, scope=st.builds(InstrumentationScope, name=st.text(max_size=5)), log_records=records)


def resources() -> st.SearchStrategy[Resource]:
    return st.builds(
        Resource, attributes=st.lists(st.builds(keyed, st.text(max_size=5), st.text(max_size=200)), max_size=3)
    )


def requests() -> st.SearchStrategy[ExportLogsServiceRequest]:
    resource_logs = st.builds(
        ResourceLogs, resource=resources(), scope_logs=st.lists(scopes(), max_size=3), schema_url=st.text()
    )
    return st.builds(ExportLogsServiceRequest, resource_logs=st.lists(resource_logs, max_size=3))


@given(requests())
def test_every_request_is_walked_as_it_is_parsed(request: ExportLogsServiceRequest) -> None:
    data = request.SerializeToString()
    assert walked(data) == parsed(data)


@given(requests(), st.data())
def test_a_damaged_request_is_walked_as_it_is_parsed_or_refused(request: ExportLogsServiceRequest, data: Any) -> None:
    body = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(0, 3)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    body = body[: data.draw(st.integers(0, len(body)))]
    try:
        expected = parsed(bytes(body))
    except DecodeError:
        return  # The walk may take it: it does not look at the text of a schema URL, for one.
    try:
        assert walked(bytes(body)) == expected
    except (ValueError, DecodeError) as error:
        assert "wire type" in str(error)  # noqa: PT017 - groups, which the official parser passes over


@given(st.binary(max_size=60))
@example(b"\x0a")
@example(b"\x0a\x7f")
@example(b"\x0a" + b"\xff" * 11)
@example(b"\x00\x00")
@example(b"\x0d\x00")
def test_any_bytes_are_walked_or_refused(data: bytes) -> None:
    try:
        list(groups(data))
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either is fine; anything else is not


def test_a_resource_and_a_scope_in_pieces_are_merged_wherever_they_stand() -> None:
    late = ResourceLogs(scope_logs=[ScopeLogs(log_records=[log_record("u1")])]).SerializeToString()
    for key in ("a", "b"):
        late += ResourceLogs(resource=Resource(attributes=[keyed(key, "x")])).SerializeToString()
    data = b"\x0a" + bytes([len(late)]) + late
    [(resource, _, records)] = walked(data)
    assert [attribute.key for attribute in resource.attributes] == ["a", "b"]
    assert len(records) == 1


def test_more_groups_than_may_be_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_FIELDS", 10)
    request = logs_request(*(log_record() for _ in range(6)))
    assert len(walked(request.SerializeToString())[0][2]) == 6
    with pytest.raises(ValueError, match="more than 10 records and groups"):
        list(groups(request.SerializeToString() * 2))
