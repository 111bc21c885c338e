"""A report comes back from JSON as it was, and gives no number of a way whose events did not all arrive."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import Measured, Point, Report, Scaling
from tests.benchmarks.reports import measured, report


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    written = report(measured("a", 5.0), Measured("b", "B", "ours", error="it ended"))
    written.write(path)

    assert Report.read(path) == written


def test_scaling_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "scaling.json"
    written = Scaling({"processor": "one"}, [Point("fields", 4, "a", [{"cpu_us": 1.0}])], [{"events": 5}])
    written.write(path)

    assert Scaling.read(path) == written


def test_a_way_that_lost_events_has_no_number() -> None:
    found = report(measured("a", 5.0), measured("b", 5.0, arrived=99), Measured("c", "C", "ours", error="it ended"))

    assert found.way("a") is not None
    assert [found.way(name) for name in ("b", "c", "d")] == [None, None, None]


def test_the_cost_at_a_size_is_the_median_of_what_arrived() -> None:
    whole = {"arrived": 10, "expected": 10}
    scaling = Scaling(
        {},
        [
            Point("fields", 4, "a", [{"cpu_us": cost, **whole} for cost in (3.0, 1.0, 2.0)]),
            Point("fields", 1, "a", [{"cpu_us": 1.0, **whole}]),
            Point("fields", 16, "a", [{"cpu_us": 9.0, "arrived": 9, "expected": 10}]),
        ],
        [{"events": 5, "arrived": 4, "expected": 5}],
    )

    assert list(scaling.costs("fields", "a").items()) == [(1, 1.0), (4, 2.0)]
    assert scaling.incomplete() == ["a, fields 16", "backlog of 5"]
