"""The readable line is one line, from the message template or from name, actor and fields, and within the limit."""

from __future__ import annotations

import sys

import pytest

from otel_events.conversion.line import default_line, message_line, one_line


@pytest.mark.parametrize(
    ("who", "shown", "line"),
    [
        ("alice", {"order_id": "o-1", "total": 9.5}, "order-placed by alice: order_id=o-1 total=9.5"),
        (None, {"order_id": "o-1"}, "order-placed: order_id=o-1"),
        ("alice", {}, "order-placed by alice"),
        (None, {"left_out": None}, "order-placed"),
        (None, {"a": [1, "x"], "b": {"c": True}, "d": b"abc"}, 'order-placed: a=[1,"x"] b={"c":true} d=(3 bytes)'),
    ],
)
def test_a_line_without_a_template(who: str | None, shown: dict[str, object], line: str) -> None:
    assert default_line("order-placed", who, shown) == line


def test_a_line_from_a_template() -> None:
    message = [("", "actor"), (" placed ", "order_id"), (" for ", "total"), (".", None)]
    assert message_line(message, {"actor": "alice", "order_id": "o-1", "total": None}) == "alice placed o-1 for -."
    assert message_line(message, {}) == "- placed - for -."


def test_nothing_ends_a_line_but_its_end() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    line = one_line(every)
    assert len(line) == len(every)
    assert len(line.splitlines()) == 1
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in line)
    assert one_line("as it is: ü 😀") == "as it is: ü 😀"


def test_a_line_is_cut_at_4096_characters() -> None:
    line = default_line("name", None, {"a": "x" * 5000})
    assert len(line) == 4096
    assert line.endswith("…")
    assert len(message_line([("", "a")] * 10, {"a": "x" * 4000})) == 4096
