"""The page on performance and its picture say what the kept results say, and nothing else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from benchmarks import page, picture
from benchmarks.report import Report
from tests.benchmarks.reports import measured, paired


def test_the_tables_are_those_of_the_results() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text) == text, "run `make bench-page`"


def test_the_picture_is_that_of_the_results() -> None:
    drawn = picture.draw(Report.read(page.COMPARISON))
    assert page.PICTURE.read_text(encoding="utf-8") == drawn, "run `make bench-page`"


def test_a_page_without_a_place_for_a_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 places between <!-- machine --> and <!-- /machine -->"):
        page.written("nothing\n")


def test_pairs_are_told_and_their_goals_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Report.read(page.COMPARISON)
    amounts = {"pairs": 9, "pair_events": 20_000, "pair_calls": 5_000}
    pair = paired(measured("memory-http", 4.0), measured("sdk-http", 44.0))
    path = tmp_path / "compare.json"
    dataclasses.replace(kept, settings={**kept.settings, **amounts}, pairs=[pair]).write(path)
    monkeypatch.setattr(page, "COMPARISON", path)
    tables = page.tables()

    assert (
        "9 pairs of each two ways that a goal compares; in each, a way tracks 20,000, then 5,000." in tables["machine"]
    )
    assert "| at least 10 times less | 11.0 times less |" in tables["goals"]
    assert "Logfire" not in tables["goals"]
