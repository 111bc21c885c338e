"""Records that stand one after the other come apart again, and what is no such thing is said to be damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.journal.file import JournalDamagedError, records_of
from tests.direct.journal.support import record

RECORDS = st.lists(st.binary(max_size=300).map(record), max_size=8)


@given(RECORDS)
def test_what_was_put_together_comes_apart(records: list[bytes]) -> None:
    assert records_of(b"".join(records)) == records


@given(st.binary(max_size=200) | st.builds(lambda records, cut: b"".join(records)[:cut], RECORDS, st.integers(0, 900)))
def test_other_bytes_come_apart_without_loss_or_are_damaged(body: bytes) -> None:
    try:
        records = records_of(body)
    except JournalDamagedError:
        return
    assert b"".join(records) == body


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\x0a\x00", "no record begins at byte 0"),
        (record("whole") + b"\x12", "the record at byte 7 has no length"),
        (b"\x12" + b"\xff" * 9 + b"\x01", "has no length"),
        (record("whole")[:-1], "the record at byte 0 is cut short"),
    ],
)
def test_the_error_says_where(body: bytes, words: str) -> None:
    with pytest.raises(JournalDamagedError, match=words):
        records_of(body)
