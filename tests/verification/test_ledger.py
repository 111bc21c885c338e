"""For any streams, losses, duplicates, checkpoints and orders, the report says what a simple model says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_events.direct.checkpoint import Checkpoint
from otel_events.exceptions import VerificationError
from otel_events.verification import ledger as module
from otel_events.verification import numbers, report
from otel_events.verification.ledger import Ledger
from otel_events.verification.record import Record, as_text
from otel_events.verification.report import Report
from tests.verification.support import FINE, STREAM, checkpoint_attributes, only, uid_of

small = st.integers(0, 30)
keys = st.tuples(
    st.sampled_from(["shop", "bank"]), st.sampled_from(["i1", "i2"]), st.sampled_from([STREAM, "00000000", "ZZZZZZZZ"])
)
checkpoints = st.builds(
    Checkpoint,
    st.just(""),
    small,
    small,
    st.integers(0, 5),
    st.dictionaries(st.sampled_from(["queue_full", "refused", "shutdown"]), st.integers(0, 5)),
    st.integers(0, 5),
    st.booleans(),
)
streams = st.dictionaries(keys, st.tuples(st.lists(small, max_size=40), st.lists(checkpoints, max_size=3)), max_size=4)


def of_event(key: tuple[str, str, str], number: int) -> Record:
    return Record(key[0], key[1], uid_of(number, key[2]))


def of_checkpoint(key: tuple[str, str, str], checkpoint: Checkpoint) -> Record:
    attributes = checkpoint_attributes(checkpoint._replace(stream=key[2]))
    return Record(key[0], key[1], "", {name: as_text(value) for name, value in attributes.items()})


def reported(records: Iterable[Record], service: str | None = None) -> Report:
    ledger = Ledger(service)
    for record in records:
        ledger.add(record)
    return ledger.report()


def in_ranges(members: Sequence[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in members:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def told(ranges: report.Ranges) -> Any:
    return ranges.numbers, ranges.ranges, list(ranges.first)


def expected(members: Sequence[int]) -> Any:
    return len(members), len(in_ranges(members)), in_ranges(members)[: report.MAX_RANGES]


@given(streams, st.randoms(use_true_random=False), st.sampled_from([1, 3, 1024]))
def test_the_report_says_what_a_simple_model_says(
    found: dict[tuple[str, str, str], tuple[list[int], list[Checkpoint]]], dice: Any, late: int
) -> None:
    records = [of_event(key, number) for key, (events, _) in found.items() for number in events]
    records += [of_checkpoint(key, checkpoint) for key, (_, said) in found.items() for checkpoint in said]
    dice.shuffle(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "_MIN_LATE", late)
        streams = {(one.service, one.instance, one.stream): one for one in reported(records).streams}

    assert list(streams) == sorted(key for key, (events, said) in found.items() if events or said)
    for key, stream in streams.items():
        events, said = found[key]
        times = Counter(events)
        assert (stream.records, stream.events) == (len(events), len(times))
        assert stream.duplicates == len(events) - len(times)
        assert told(stream.repeated) == expected(sorted(number for number in times if times[number] > 1))
        emitted = 0
        accounts = pending = 0
        if said:
            settled = [one.delivered + one.dead_letters + sum(one.dropped.values()) for one in said]
            order = [(one.final, one.emitted, count) for one, count in zip(said, settled, strict=True)]
            assert stream.checkpoint is not None
            latest = stream.checkpoint._replace(stream="")
            assert latest in [one for one, age in zip(said, order, strict=True) if age == max(order)]
            emitted = latest.emitted
            accounts = sum(latest.dropped.values()) + latest.dead_letters + (latest.pending if latest.final else 0)
            pending = 0 if latest.final else latest.pending
        else:
            assert stream.checkpoint is None
        missing = [number for number in range(emitted) if number not in times]
        assert told(stream.missing) == expected(missing)
        assert sum(stream.explained.values()) == min(len(missing), accounts)
        assert stream.unsettled == min(pending, len(missing) - min(len(missing), accounts))
        assert stream.unexplained == len(missing) - min(len(missing), accounts + pending)
        last = max(events, default=-1)
        assert told(stream.unknown) == expected([n for n in range(emitted, last + 1) if n not in times])


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (FINE._replace(emitted=5, final=False), FINE._replace(emitted=6, final=False)),
        (FINE._replace(delivered=5, pending=5, final=False), FINE._replace(final=False)),
        (FINE._replace(final=False), FINE),
        (FINE._replace(emitted=99, final=False), FINE),
    ],
)
def test_the_latest_checkpoint_counts_in_whatever_order_they_are_found(
    earlier: Checkpoint, later: Checkpoint, order: int
) -> None:
    key = ("shop", "i1", STREAM)
    found = [of_checkpoint(key, checkpoint) for checkpoint in (earlier, later)][::order]
    assert only(reported(found)).checkpoint == later


def test_one_service_of_several() -> None:
    records = [of_event((service, "i1", STREAM), 0) for service in ("shop", "bank", "shop")]
    assert [stream.service for stream in reported(records).streams] == ["bank", "shop"]
    assert only(reported(records, "shop")).records == 2
    ledger = Ledger("nobody")
    for number in range(1000):
        ledger.add(of_event((f"service {number}", "i1", STREAM), 0))
    assert (ledger.entered, len(ledger.other_services)) == (0, 20)


def test_what_is_neither_is_counted() -> None:
    records = [Record("shop", "i1", ""), Record("shop", "i1", "no-uid"), Record("shop", "i1", "", {"x": "y"})]
    assert (reported(records).others, reported(records).streams) == (3, ())


def test_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_STREAMS", 3)
    records = [of_event(("shop", f"i{number}", STREAM), 0) for number in range(4)]
    assert len(reported(records[:3] * 2).streams) == 3
    with pytest.raises(VerificationError, match="more than 3 streams"):
        reported(records)


def test_gaps_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROOM", 100)
    monkeypatch.setattr(module, "_LOOK_EVERY", 10)
    key = ("shop", "i1", STREAM)
    assert only(reported(of_event(key, number) for number in range(1000))).events == 1000
    with pytest.raises(VerificationError, match="more than 50 gaps"):
        reported(of_event(key, number) for number in range(0, 1000, 2))
