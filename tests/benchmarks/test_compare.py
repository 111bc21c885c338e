"""A run of the comparison against a real Collector counts every event of every way and pair, and says so when one fails."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare
from benchmarks.bench import Bench
from benchmarks.goals import goals_of
from benchmarks.passes import Amounts
from benchmarks.report import Report
from benchmarks.ways import WAYS, Way

AMOUNTS = ["--events", "30", "--calls", "10", "--rounds", "2", "--pairs", "3", "--queue", "40"]


@pytest.fixture(autouse=True)
def few_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "IMPORTS", 1)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["compare", *AMOUNTS, *arguments])
    return compare.main()


def test_every_event_of_every_way_is_counted(
    collector_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = ["memory-http", "memory-http-async", "sdk-http", "sdk-grpc"]
    files = ["--json", str(tmp_path / "report.json"), "--svg", str(tmp_path / "picture.svg")]

    assert run(monkeypatch, *files, "--pairs", "0", "--only", *ways) == 0
    report = Report.read(tmp_path / "report.json")
    assert [(way.name, way.total("arrived"), way.complete) for way in report.ways] == [(way, 120, True) for way in ways]
    assert all(way.wire_bytes is not None and way.wire_bytes > 200 for way in report.ways)
    assert "OpenTelemetry SDK, gRPC" in (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert report.pairs == []
    shown = capsys.readouterr().out
    assert shown.count("all 120") == 4
    assert "against the SDK" not in shown


def test_pairs_are_run_in_alternating_order_and_judge_the_goals(
    collector_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = ["memory-http", "sdk-http"]

    assert run(monkeypatch, "--json", str(tmp_path / "report.json"), "--only", *ways) == 0
    report = Report.read(tmp_path / "report.json")
    [pair] = report.pairs
    assert [[*one] for one in pair.runs] == [ways, ways[::-1], ways]
    assert [result["arrived"] for one in pair.runs for result in one.values()] == [40] * 6
    goals = goals_of(report)
    assert [goal.verdict.endswith(" of 3 pairs") for goal in goals] == [True, True, True, False]
    shown = capsys.readouterr().out
    assert "Medians of 3 pairs of 15 events." in shown
    assert all(goal.what in shown for goal in goals)


def test_a_way_that_fails_is_shown_and_the_others_are_measured(
    collector_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Way("broken", "no such way", "others", "ours:no_such_function")
    monkeypatch.setattr(compare, "WAYS", {"memory-http": WAYS["memory-http"], "broken": broken})
    monkeypatch.setattr(compare, "PAIRS", (("memory-http", "broken"),))

    assert run(monkeypatch, "--json", str(tmp_path / "report.json"), "--only", "memory-http", "broken") == 1
    shown = capsys.readouterr()
    assert "all 120" in shown.out
    assert "failed" in shown.out
    assert shown.err.count("broken: its process ended with 1") == 2, "of the rounds, and of the pair"
    [pair] = Report.read(tmp_path / "report.json").pairs
    assert (pair.runs, pair.error is None) == ([], False)


def test_a_pair_in_which_an_event_is_missing_is_an_error(
    collector_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = ["memory-http", "sdk-http"]
    monkeypatch.setattr(compare, "WAYS", {name: WAYS[name] for name in ways})
    run_whole = Bench.run

    def run_and_lose(self: Bench, way: Way, amounts: Amounts, **how: Any) -> dict[str, float]:
        found = run_whole(self, way, amounts, **how)
        return {**found, "arrived": found["arrived"] - (amounts.events == 15 and way.name == "sdk-http")}

    monkeypatch.setattr(Bench, "run", run_and_lose)

    assert run(monkeypatch, "--only", *ways) == 1
    shown = capsys.readouterr()
    assert shown.err == "sdk-http: only 39 of 40 arrived, in a pair\n"
    assert "against the SDK" not in shown.out
    assert shown.out.count("all 120") == 2
