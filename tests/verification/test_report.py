"""What is missing is explained by the checkpoint's counts, and what no checkpoint speaks of is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from otel_events.direct.checkpoint import Checkpoint
from otel_events.verification.numbers import Numbers
from otel_events.verification.report import MAX_RANGES, Ranges, Report, StreamReport, judge
from tests.verification.support import FINE, STREAM

NONE = Ranges()
ALL = range(10)


def judged(numbers: Iterable[int], checkpoint: Checkpoint | None = FINE) -> StreamReport:
    repeated = Numbers()
    seen = Numbers(repeated)
    records = 0
    for records, number in enumerate(numbers, 1):  # noqa: B007 # it counts
        seen.add(number)
    return judge(("shop", "i1", STREAM), records, seen, repeated, checkpoint)


def test_a_complete_stream() -> None:
    report = judged(ALL)
    assert report == StreamReport("shop", "i1", STREAM, 10, 10, FINE, 0, NONE, NONE, {}, 0, 0, NONE)


def test_a_gap_that_nothing_explains() -> None:
    report = judged([0, 1, 3, 4, 7, 8])
    assert report.missing == Ranges(4, 3, ((2, 2), (5, 6), (9, 9)))
    assert (report.explained, report.unexplained, report.unknown) == ({}, 4, NONE)


@pytest.mark.parametrize(
    ("changes", "explained", "unexplained"),
    [
        ({"dropped": {"queue_full": 4}}, {"dropped.queue_full": 4}, 0),
        ({"dropped": {"queue_full": 9}}, {"dropped.queue_full": 4}, 0),
        ({"dropped": {"queue_full": 1, "refused": 2}}, {"dropped.queue_full": 1, "dropped.refused": 2}, 1),
        ({"dropped": {"queue_full": 0}, "dead_letters": 3}, {"dead_letters": 3}, 1),
        ({"pending": 4}, {"pending": 4}, 0),
        (
            {"dropped": {"refused": 1}, "dead_letters": 2, "pending": 3},
            {"dropped.refused": 1, "dead_letters": 2, "pending": 1},
            0,
        ),
        # What a checkpoint says of deliveries explains nothing.
        ({"delivered": 6}, {}, 4),
        ({"delivered": 1000, "pending": 1}, {"pending": 1}, 3),
    ],
)
def test_as_many_are_explained_as_the_checkpoint_accounts_for(
    changes: dict[str, Any], explained: dict[str, int], unexplained: int
) -> None:
    report = judged([0, 1, 3, 4, 7, 8], FINE._replace(**changes))
    assert report.missing.numbers == 4
    assert (report.explained, report.unexplained) == (explained, unexplained)


@pytest.mark.parametrize(
    ("changes", "explained", "unsettled", "unexplained"),
    [
        ({"pending": 4}, {}, 4, 0),
        ({"pending": 9}, {}, 4, 0),
        ({"pending": 1}, {}, 1, 3),
        (
            {"dropped": {"queue_full": 1}, "dead_letters": 1, "pending": 1},
            {"dropped.queue_full": 1, "dead_letters": 1},
            1,
            1,
        ),
        ({"dropped": {"queue_full": 5}, "pending": 2}, {"dropped.queue_full": 4}, 0, 0),
    ],
)
def test_what_was_pending_at_a_checkpoint_that_is_not_the_last_is_unknown(
    changes: dict[str, Any], explained: dict[str, int], unsettled: int, unexplained: int
) -> None:
    # The process may have been killed with it in memory.
    report = judged([0, 1, 3, 4, 7, 8], FINE._replace(final=False, **changes))
    assert (report.missing.numbers, report.explained) == (4, explained)
    assert (report.unsettled, report.unexplained, report.unknown) == (unsettled, unexplained, NONE)
    assert Report((), (report,), 0).totals["unknown"] == unsettled


@pytest.mark.parametrize(("checkpoint", "ended"), [(FINE, True), (FINE._replace(final=False), False), (None, False)])
def test_only_the_last_checkpoint_tells_the_end(checkpoint: Checkpoint | None, ended: bool) -> None:
    assert judged(ALL, checkpoint).ended is ended


def test_losses_that_are_not_missing_explain_nothing_behind_the_checkpoint() -> None:
    report = judged([*ALL, 12, 14], FINE._replace(dropped={"rejected": 5}, final=False))
    assert (report.missing, report.explained) == (NONE, {})
    assert report.unknown == Ranges(3, 2, ((10, 11), (13, 13)))


def test_a_stream_of_which_nothing_came_but_its_checkpoint() -> None:
    report = judged([], FINE._replace(dropped={"shutdown": 10}))
    assert (report.events, report.missing) == (0, Ranges(10, 1, ((0, 9),)))
    assert (report.explained, report.unexplained) == ({"dropped.shutdown": 10}, 0)
    assert judged([]).unexplained == 10


def test_without_a_checkpoint_a_gap_is_unknown() -> None:
    report = judged([2, 3, 6], None)
    assert report.unknown == Ranges(4, 2, ((0, 1), (4, 5)))
    assert (report.missing, report.explained, report.unexplained) == (NONE, {}, 0)


def test_duplicates_are_counted_and_told() -> None:
    report = judged([*ALL, 3, 3, 4, 9])
    assert (report.records, report.events, report.duplicates) == (14, 10, 4)
    assert report.repeated == Ranges(3, 2, ((3, 4), (9, 9)))
    assert (report.missing, report.unknown) == (NONE, NONE)


def test_what_is_told_of_ranges_is_bounded() -> None:
    ranges = judged(range(0, 10_000, 2), FINE._replace(emitted=10_000)).missing
    assert (ranges.numbers, ranges.ranges, len(ranges.first)) == (5000, 5000, MAX_RANGES)
    assert ranges.first[:2] == ((1, 1), (3, 3))


def test_a_checkpoint_of_astronomic_numbers_costs_nothing() -> None:
    assert judged(ALL, FINE._replace(emitted=2**40)).missing == Ranges(2**40 - 10, 1, ((10, 2**40 - 1),))


def test_totals_and_whether_all_is_fine() -> None:
    bad = judged([0, 0, 5], FINE._replace(pending=1))
    unknown = judged([0, 5], None)
    killed = judged([0, 1, 2, 3, 4, 5, 6, 9, 11], FINE._replace(pending=2, final=False))
    assert Report((), (unknown, killed), 0).fine
    assert not Report((), (unknown, bad), 0).fine
    assert Report((), (unknown, bad, killed), 0).totals == {
        "streams": 3,
        "records": 14,
        "events": 13,
        "duplicates": 1,
        "missing": 10,
        "explained": 1,
        "unexplained": 7,
        "unknown": 7,
        "open": 2,
    }
