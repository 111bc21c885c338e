"""A run of the comparison against a real Collector counts every event of every way, and says so when a way fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.report import Report
from benchmarks.ways import WAYS, Way

AMOUNTS = ["--events", "30", "--calls", "10", "--rounds", "2", "--queue", "40"]


@pytest.fixture(autouse=True)
def few_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "IMPORTS", 1)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["compare", *AMOUNTS, *arguments])
    return compare.main()


def test_every_event_of_every_way_is_counted(
    collector_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = ["memory-http", "memory-http-async", "sdk-grpc"]
    files = ["--json", str(tmp_path / "report.json"), "--svg", str(tmp_path / "picture.svg")]

    assert run(monkeypatch, *files, "--only", *ways) == 0
    report = Report.read(tmp_path / "report.json")
    assert [(way.name, way.total("arrived"), way.complete) for way in report.ways] == [(way, 120, True) for way in ways]
    assert all(way.wire_bytes is not None and way.wire_bytes > 200 for way in report.ways)
    assert "OpenTelemetry SDK, gRPC" in (tmp_path / "picture.svg").read_text(encoding="utf-8")
    assert capsys.readouterr().out.count("all 120") == 3


def test_a_way_that_fails_is_shown_and_the_others_are_measured(
    collector_binary: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Way("broken", "no such way", "others", "ours:no_such_function")
    monkeypatch.setattr(compare, "WAYS", {"memory-http": WAYS["memory-http"], "broken": broken})

    assert run(monkeypatch, "--only", "memory-http", "broken") == 1
    shown = capsys.readouterr()
    assert "all 120" in shown.out
    assert "failed" in shown.out
    assert "broken: its process ended with 1" in shown.err
