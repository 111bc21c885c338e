"""A report comes back from JSON as it was, and gives no number of a way whose events did not all arrive."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.report import Measured, Paired, Point, Report, Scaling
from tests.benchmarks.reports import measured, paired, report


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    a, b = measured("a", 5.0), Measured("b", "B", "ours", error="it ended")
    pairs = paired(measured("c", 1.0), measured("a", 2.0)), Paired(["a", "b"], error="it ended")
    written = report(a, b, pairs=pairs)
    written.write(path)
    found = Report.read(path)

    assert found == written
    assert [*found.pairs[0].runs[0]] == ["c", "a"], "in the order in which they were run"


def test_one_without_pairs_is_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    report(measured("a", 5.0)).write(path)
    path.write_text(
        json.dumps({name: value for name, value in json.loads(path.read_text()).items() if name != "pairs"})
    )

    assert Report.read(path) == report(measured("a", 5.0))


def test_scaling_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "scaling.json"
    written = Scaling({"processor": "one"}, [Point("fields", 4, "a", [{"cpu_us": 1.0}])], [{"events": 5}])
    written.write(path)

    assert Scaling.read(path) == written


def test_a_way_that_lost_events_has_no_number() -> None:
    found = report(measured("a", 5.0), measured("b", 5.0, arrived=99), Measured("c", "C", "ours", error="it ended"))

    assert found.way("a") is not None
    assert [found.way(name) for name in ("b", "c", "d")] == [None, None, None]


def test_a_pair_is_found_by_its_ways_in_any_order_unless_it_or_a_way_of_it_failed() -> None:
    a, b, c, lossy = measured("a", 5.0), measured("b", 50.0), measured("c", 1.0), measured("d", 5.0, arrived=99)
    pairs = paired(a, b), Paired(["a", "c"], paired(a, c).runs, error="it ended"), paired(a, lossy)
    found = report(a, b, c, lossy, pairs=pairs)

    assert found.runs("a", "b") == found.runs("b", "a") == [{"a": a.rounds[0], "b": b.rounds[0]}]
    assert [found.runs("a", name) for name in ("c", "d", "e")] == [[], [], []]
    assert report(a, b).runs("a", "b") == []


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
