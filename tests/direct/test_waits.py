"""What servers ask to wait is read from headers and from trailing metadata, and never more than ten minutes."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from google.protobuf.any_pb2 import Any
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.waits import MAX_WAIT_SECONDS, retry_after, retry_info
from tests.direct.faulty import retry_info as info
from tests.direct.faulty import status_with_retry_info

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("86400", MAX_WAIT_SECONDS),
        ("99999999999999999999", MAX_WAIT_SECONDS),
        ("Mon, 04 May 2026 12:00:30 GMT", 30.0),
        ("Mon, 04 May 2026 11:00:00 GMT", 0.0),
        ("Tue, 05 May 2026 12:00:00 GMT", MAX_WAIT_SECONDS),
        ("Monday, 04-May-26 12:00:30 GMT", 30.0),
    ],
)
def test_retry_after_holds_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "nan", "inf", "1e3", "٧", "9" * 1000, "Mon, 99 May 2026"])
def test_what_is_neither_asks_for_nothing(value: str) -> None:
    assert retry_after(value, NOW) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,9} [0-9:]{0,9}( [+-][0-9]*)?"))
def test_no_header_breaks_it(value: str) -> None:
    seconds = retry_after(value, NOW)
    assert seconds is None or 0.0 <= seconds <= MAX_WAIT_SECONDS


@pytest.mark.parametrize(("asked", "seconds"), [(0.0, 0.0), (0.25, 0.25), (3.5, 3.5), (-1.0, 0.0), (7200.0, 600.0)])
def test_retry_info_stands_in_a_status_or_by_itself(asked: float, seconds: float) -> None:
    assert retry_info(status_with_retry_info(asked)) == seconds
    assert retry_info([("google.rpc.retryinfo-bin", info(asked).SerializeToString())]) == seconds


def test_it_is_found_among_other_details() -> None:
    status = Status()
    status.details.add().Pack(Status(message="another"))
    status.details.add().Pack(info(2.0))
    assert retry_info([("x", "y"), ("grpc-status-details-bin", status.SerializeToString())]) == 2.0


def test_without_one_nothing_is_asked() -> None:
    assert retry_info([]) is None
    assert retry_info([("retry-after", "7")]) is None
    assert retry_info([("grpc-status-details-bin", Status(message="no details").SerializeToString())]) is None
    assert retry_info([("grpc-status-details-bin", b"\xff\xff")]) is None
    corrupt = Any(type_url="type.googleapis.com/google.rpc.RetryInfo", value=b"\xff\xff")
    assert retry_info([("grpc-status-details-bin", Status(details=[corrupt]).SerializeToString())]) is None


@given(st.sampled_from(["grpc-status-details-bin", "google.rpc.retryinfo-bin"]), st.binary(max_size=60))
def test_no_metadata_breaks_it(name: str, value: bytes) -> None:
    seconds = retry_info([(name, value)])
    assert seconds is None or 0.0 <= seconds <= MAX_WAIT_SECONDS
