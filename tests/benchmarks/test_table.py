"""A table shows medians and ratios, and says of each way whether all arrived."""

from __future__ import annotations

import pytest

from benchmarks import table
from benchmarks.goals import Goal
from benchmarks.report import Measured
from tests.benchmarks.reports import measured, report


def test_a_row_shows_medians_and_the_ratio_to_the_sdk() -> None:
    way = measured("memory-http", 5.0, group="ours")
    way.rounds += [{**way.rounds[0], "cpu_us": cost} for cost in (4.0, 90.0)]
    way.wire_bytes = 345.6
    rows = table.rows_of(report(way, measured("sdk-http", 50.0), measured("x", 75.0, group="datasette")))

    assert rows[0][:4] == ["The way <memory-http>", "5.0 µs", "1/10.0", "200,000"]
    assert rows[0][-2:] == ["346", "all 300"]
    assert [row[2] for row in rows[1:]] == ["1.0", "1.5"]
    assert rows[2][0] == "In Datasette: The way <x>"
    assert rows[2][-2] == "–"


def test_what_is_missing_is_said() -> None:
    failed = Measured("b", "B", "ours", error="it ended")
    later = measured("c", 5.0)
    later.error = "it ended"
    rows = table.rows_of(report(measured("a", 5.0, arrived=99), failed, later))

    assert [row[-1] for row in rows] == ["ONLY 99 of 100", "failed", "failed"]
    assert {len(row) for row in rows} == {len(table.COLUMNS)}


def test_a_goal_stands_under_its_columns() -> None:
    [row] = table.goal_rows_of([Goal("what", "wanted", "reached", "1.0 to 2.0 (0.5 to 3.0)", "not reached")])

    assert dict(zip(table.GOAL_COLUMNS, row, strict=True)) == {
        "goal": "what",
        "wanted": "wanted",
        "reached": "reached",
        "by pair: middle half (all)": "1.0 to 2.0 (0.5 to 3.0)",
        "": "not reached",
    }


@pytest.mark.parametrize(
    ("value", "shown"), [(12.5, "1/4.0"), (49.0, "1.0"), (50.0, "1.0"), (51.0, "1.0"), (200.0, "4.0")]
)
def test_a_ratio(value: float, shown: str) -> None:
    assert table.ratio(value, 50.0) == shown


def test_it_is_written_for_a_page() -> None:
    assert table.markdown(("way", "cost"), [("a", "1")]) == "| way | cost |\n| --- | ---: |\n| a | 1 |\n"
