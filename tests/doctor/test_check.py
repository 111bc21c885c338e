"""A check says in one line what was seen and what to change."""

from __future__ import annotations

import pytest

from otel_events.doctor.check import Check, Mark


@pytest.mark.parametrize(
    ("seen", "change", "result"),
    [
        ("it works", "", "it works"),
        ("it fails", "Mend it.", "it fails. Mend it."),
        ("it fails.", "Mend it.", "it fails. Mend it."),
        ("is it on?", "Look.", "is it on? Look."),
    ],
)
def test_the_result_is_one_line(seen: str, change: str, result: str) -> None:
    assert Check(Mark.FAIL, ("logs",), "connection", seen, change).result == result
