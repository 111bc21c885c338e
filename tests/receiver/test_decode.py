"""Requests are decoded piece by piece, within bounds; what is refused is counted with its reason."""

from __future__ import annotations

from typing import Literal

import pytest

from otel_events.receiver import decode
from otel_events.receiver.decode import Decoding
from tests.receiver.decoding import NOW_NS, RESOURCE, Decoded, decoded_logs, decoded_traces, logs, traces
from tests.receiver.support import (
    keyed,
    log_record,
    logs_request,
    span,
    span_event,
    traces_request,
)

pytestmark = pytest.mark.usefixtures("each_kind")


@pytest.mark.parametrize("invalid", [{"trace_id": b""}, {"trace_id": bytes(16)}, {"span_id": b"\x01" * 7}])
def test_a_span_without_valid_ids_is_rejected_with_its_events(invalid: dict[str, bytes]) -> None:
    batch = traces(span(span_event("u1"), **invalid), span(span_event("u2")))
    assert [row.uid for row in batch.events] == ["u2"]
    assert (len(batch.spans), batch.refused) == (1, 1)
    assert batch.reasons == "1 spans refused: without a valid trace id (16 bytes) and span id (8 bytes)."


def test_of_too_many_log_records_the_first_are_taken() -> None:
    batch = logs(*(log_record(str(number)) for number in range(5)), max_records=3)
    assert [row.uid for row in batch.events] == ["0", "1", "2"]
    assert batch.refused == 2
    assert batch.reasons.startswith("2 log records refused: one request may hold 3 records")


def test_the_bound_holds_across_scopes_and_resources() -> None:
    request = logs_request(log_record("1"), log_record("2"))
    request.MergeFrom(logs_request(log_record("3"), log_record("4")))
    request.resource_logs[1].scope_logs.add().log_records.append(log_record("5"))
    batch = decoded_logs(request, 3)
    assert [row.uid for row in batch.events] == ["1", "2", "3"]
    assert batch.refused == 2


def test_a_span_is_taken_with_all_of_its_events_or_not_at_all() -> None:
    batch = traces(
        span(span_event("1"), span_id=b"\x01" * 8),
        span(span_event("2"), span_event("3"), span_id=b"\x02" * 8),
        span(span_id=b"\x03" * 8),
        max_records=4,
    )
    assert [row.span_id for row in batch.spans] == ["01" * 8]
    assert [row.uid for row in batch.events] == ["1"]
    assert batch.refused == 2


def test_one_large_resource_with_many_records_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_STORED_CHARACTERS", 10_000)
    large = [keyed("process.command_line", "x" * 3_000)]
    request = logs_request(*(log_record(str(number)) for number in range(5)), resource=large)
    batch = decoded_logs(request)
    assert [row.uid for row in batch.events] == ["0", "1", "2"]
    assert batch.refused == 2
    spans = [span(span_id=bytes([number]) * 8) for number in range(1, 6)]
    traces_batch = decoded_traces(traces_request(*spans, resource=large))
    assert (len(traces_batch.spans), traces_batch.refused) == (3, 2)


def test_an_empty_request_gives_nothing() -> None:
    assert logs() == traces() == Decoded([], [], 0, "")


def test_a_record_that_is_too_large_is_refused_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_RECORD_BYTES", 2_000)
    monkeypatch.setattr(decode, "_SMALL_BYTES", 1_000)
    batch = logs(log_record("1"), log_record("2", attributes=[keyed("large", "x" * 2_000)]), log_record("3"))
    assert [row.uid for row in batch.events] == ["1", "3"]
    assert (batch.refused, batch.reasons.partition(" refused: ")[0]) == (1, "1 log records")
    assert "may have 2000 bytes" in batch.reasons


def test_a_resource_that_is_too_large_costs_its_own_records_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_RECORD_BYTES", 2_000)
    request = logs_request(log_record("1"), log_record("2"), resource=[keyed("large", "x" * 2_000)])
    request.MergeFrom(logs_request(log_record("3"), resource=RESOURCE))
    batch = decoded_logs(request)
    assert ([row.uid for row in batch.events], batch.refused) == (["3"], 2)


def test_text_that_takes_much_more_memory_than_it_took_to_send_is_refused() -> None:
    mixed = "\0" * 1_000_000 + "\N{GRINNING FACE}"  # In JSON a NUL is six characters, and here each takes four bytes.
    batch = logs(log_record("1", attributes=[keyed("k", mixed)]), log_record("2"))
    assert [row.uid for row in batch.events] == ["2"]
    assert "16777216 bytes as text in memory" in batch.reasons


def test_rows_come_in_pieces() -> None:
    request = logs_request(*(log_record(str(number)) for number in range(2_500)))
    pieces = list(Decoding(request.SerializeToString(), "log records", received_ns=NOW_NS, max_records=10_000))
    assert [len(piece.events) for piece in pieces] == [1000, 1000, 500]
    large = logs_request(*(log_record(str(number), attributes=[keyed("k", "x" * 600_000)]) for number in range(4)))
    pieces = list(Decoding(large.SerializeToString(), "log records", received_ns=NOW_NS, max_records=10_000))
    assert [len(piece.events) for piece in pieces] == [2, 2, 0]


@pytest.mark.parametrize(
    ("what", "request_name"), [("log records", "ExportLogsServiceRequest"), ("spans", "ExportTraceServiceRequest")]
)
@pytest.mark.parametrize("data", [b"\x0a\x06\x12\x04\x12\x02\x0a\x63", b"\x0a\x06\x12\x04\x12\x63"])
def test_what_is_not_protobuf_fails_the_request(
    what: Literal["log records", "spans"], request_name: str, data: bytes
) -> None:
    with pytest.raises(ValueError, match=f"the body is no {request_name} in protobuf: "):
        list(Decoding(data, what, received_ns=NOW_NS, max_records=100))
