"""OTLP over gRPC as the specification has it: stored and answered, or refused with the right code."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_events.receiver import Receiver
from tests.receiver.support import log_record, logs_request, span, span_event, traces_request

LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def channel(receiver: Receiver) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{receiver.grpc_port}") as opened:
        yield opened


@pytest.fixture(scope="module")
def small_channel(small_receiver: Receiver) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{small_receiver.grpc_port}") as opened:
        yield opened


def call(
    channel: grpc.Channel,
    method: str,
    body: bytes,
    metadata: tuple[tuple[str, str], ...] = (),
    compression: grpc.Compression = grpc.Compression.NoCompression,
) -> bytes:
    export = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
    return export(body, timeout=30, metadata=metadata, compression=compression)


def refused(
    channel: grpc.Channel, method: str, body: bytes, metadata: tuple[tuple[str, str], ...] = ()
) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        call(channel, method, body, metadata)
    return raised.value


def test_logs_and_traces_are_stored_and_answered(receiver: Receiver, channel: grpc.Channel) -> None:
    logs = call(channel, LOGS, logs_request(log_record("u1")).SerializeToString())
    assert not ExportLogsServiceResponse.FromString(logs).HasField("partial_success")
    traces = call(channel, TRACES, traces_request(span(span_event("u2"))).SerializeToString())
    assert not ExportTraceServiceResponse.FromString(traces).HasField("partial_success")
    assert [event.uid for event in receiver.store.events()] == ["u1", "u2"]


def test_gzip_is_taken(receiver: Receiver, channel: grpc.Channel) -> None:
    body = logs_request(log_record("u1")).SerializeToString()
    call(channel, LOGS, body, compression=grpc.Compression.Gzip)
    assert receiver.store.count() == 1


def test_what_is_beyond_the_bound_of_records_is_answered_with_partial_success(small_channel: grpc.Channel) -> None:
    body = logs_request(*(log_record() for _ in range(5))).SerializeToString()
    answer = ExportLogsServiceResponse.FromString(call(small_channel, LOGS, body))
    assert answer.partial_success.rejected_log_records == 2


def test_what_cannot_be_decoded_is_invalid_argument(small_channel: grpc.Channel) -> None:
    error = refused(small_channel, LOGS, b"no protobuf")
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "ExportLogsServiceRequest" in (error.details() or "")


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_beyond_the_bound_is_resource_exhausted(
    small_channel: grpc.Channel, compression: grpc.Compression
) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        call(small_channel, LOGS, bytes(20_001), compression=compression)
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_other_services_are_unimplemented(small_channel: grpc.Channel) -> None:
    error = refused(small_channel, LOGS.replace("Logs", "Metrics").replace("logs", "metrics"), b"")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_requests_from_web_pages_are_refused(small_receiver: Receiver, small_channel: grpc.Channel) -> None:
    before = small_receiver.store.count()
    body = logs_request(log_record()).SerializeToString()
    error = refused(small_channel, LOGS, body, (("origin", "http://example.com"),))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert small_receiver.store.count() == before


def test_a_database_that_cannot_take_it_is_unavailable(receiver: Receiver, channel: grpc.Channel) -> None:
    receiver.store.close()
    error = refused(channel, LOGS, logs_request(log_record()).SerializeToString())
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert (error.details() or "").startswith("The database cannot take it now:")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([LOGS, TRACES]))
def test_any_bytes_are_taken_or_invalid_argument(small_channel: grpc.Channel, body: bytes, method: str) -> None:
    export = small_channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
    code = export.future(body, timeout=30).code()
    assert code in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT)
