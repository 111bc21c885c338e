"""A uid tells stream and number, as they were given; a checkpoint is read as it was written, and nothing else is one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events import semconv
from otel_events.direct.checkpoint import Checkpoint, encode_checkpoint
from otel_events.direct.envelope import Envelope
from otel_events.stamp import Stamper
from otel_events.verification.record import MAX_NUMBER, MAX_REASONS, as_text, checkpoint_of, place_of
from tests.conversion.official import attributes, decoded_log
from tests.verification.support import STREAM, checkpoint_attributes, uid_of

counts = st.integers(0, 2**40)


def texts(checkpoint: Checkpoint) -> dict[str, str]:
    return {key: as_text(value) for key, value in checkpoint_attributes(checkpoint).items()}


def test_the_uids_of_a_stamper_are_numbered_from_0() -> None:
    stamper = Stamper()
    assert [place_of(stamper.stamp().uid) for _ in range(3000)] == [(stamper.stream, n) for n in range(3000)]


@given(st.integers(0, 2**40 - 1))
def test_any_number_is_read(number: int) -> None:
    assert place_of(uid_of(number)) == (STREAM, number)


@pytest.mark.parametrize(
    "uid",
    [
        *("", "u", "01ARYZ6S41ABCDEFGH0000000", "01ARYZ6S41ABCDEFGH000000001", "01aryz6s41abcdefgh00000001"),
        *("81ARYZ6S41ABCDEFGH00000001", "01ARYZ6S41ABCDEFGH0000000U", "01ARYZ6S41ABCDEFGH0000_001"),
        *("01ARYZ6S41ABCDEFGH+0000001", "01ARYZ6S41ABCDEFGH      1\n", "01ARYZ6S41ABCDEFGH0000000٣"),
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    ],
)
def test_what_is_no_uid_of_ours(uid: str) -> None:
    assert place_of(uid) is None


@given(
    st.builds(
        Checkpoint,
        st.just(STREAM),
        counts,
        counts,
        counts,
        st.dictionaries(st.from_regex("[a-z_]{1,20}", fullmatch=True), counts, max_size=MAX_REASONS),
        counts,
        st.booleans(),
    )
)
def test_a_checkpoint_is_read_as_it_was_written(checkpoint: Checkpoint) -> None:
    record = decoded_log(Envelope({}).wrap([encode_checkpoint(checkpoint, 1)]))
    assert attributes(record.attributes) == checkpoint_attributes(checkpoint)
    assert checkpoint_of(texts(checkpoint)) == checkpoint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((semconv.STREAM, value) for value in (None, "", "ABC", "abcdefgh", "ABCDEFGHJ", "ABCDEFG\x1b")),
        *((semconv.EMITTED, value) for value in (None, "", "-1", "1.5", "x", "٣", "1" * 5000, str(MAX_NUMBER + 1))),
        *((semconv.DELIVERED, value) for value in (None, "many")),
        *((semconv.PENDING, value) for value in (None, " 1")),
        *((semconv.DEAD_LETTERS, value) for value in (None, "1_000")),
    ],
)
def test_one_that_cannot_be_understood_is_none(key: str, value: str | None) -> None:
    written = texts(Checkpoint(STREAM, 1, 1, 0, {}, 0, final=True))
    if value is None:
        del written[key]
    else:
        written[key] = value
    assert checkpoint_of(written) is None


def test_what_it_says_beside_is_bounded() -> None:
    written = texts(Checkpoint(STREAM, 1, 1, 0, {}, 0, final=False))
    written |= {f"otel_events.dropped.{number}{'x' * 1000}": "1" for number in range(1000)}
    written |= {"otel_events.dropped.bad": "bad"}
    read = checkpoint_of(written)
    assert read is not None
    assert len(read.dropped) == MAX_REASONS
    assert all(len(reason) == 256 for reason in read.dropped)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false"), (42, "42"), ("x", "x"), (1.5, "1.5")])
def test_values_are_compared_as_texts(value: Any, text: str) -> None:
    assert as_text(value) == text
