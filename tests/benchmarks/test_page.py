"""The page on performance and its picture say what the kept results say, and nothing else."""

from __future__ import annotations

import pytest

from benchmarks import page, picture
from benchmarks.report import Report


def test_the_tables_are_those_of_the_results() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text) == text, "run `make bench-page`"


def test_the_picture_is_that_of_the_results() -> None:
    drawn = picture.draw(Report.read(page.COMPARISON))
    assert page.PICTURE.read_text(encoding="utf-8") == drawn, "run `make bench-page`"


def test_a_page_without_a_place_for_a_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 places between <!-- machine --> and <!-- /machine -->"):
        page.written("nothing\n")
