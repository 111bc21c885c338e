"""An event is shown readable and harmless, whatever it holds."""

from __future__ import annotations

import io
import json
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from otel_events.cli.render import event_json, event_text, visible
from otel_events.receiver import StoredEvent

MOMENT = datetime(2025, 11, 24, 12, 3, 4)
TIME_NS = int(MOMENT.timestamp()) * 1_000_000_000 + 5_999_999


def stored(**fields: Any) -> StoredEvent:
    given: dict[str, Any] = {
        "id": 1,
        "uid": "u1",
        "signal": "log",
        "time_ns": TIME_NS,
        "time": "2025-11-24T11:03:04.005Z",
        "observed_ns": None,
        "received_ns": TIME_NS,
        "name": "order-placed",
        "severity_number": 9,
        "severity_text": "INFO",
        "body": "Order o-1 placed",
        "actor": "alice",
        "service": "shop",
        "service_instance": None,
        "trace_id": None,
        "span_id": None,
        "scope": "otel_events",
        "scope_version": "1.0",
        "attributes": {"log.record.uid": "u1", "user.id": "alice", "shop.total": 9.5, "shop.gift": True},
        "dropped_attributes": 0,
        "resource": {"service.name": "shop"},
    }
    return StoredEvent(**{**given, **fields})


def shown(**fields: Any) -> str:
    return event_text(stored(**fields), today=MOMENT.date()).plain


def test_an_event_is_its_time_severity_name_actor_service_and_line_then_its_attributes() -> None:
    assert shown().splitlines() == [
        "12:03:04.005 INFO  order-placed alice @shop  Order o-1 placed",
        "    shop.total=9.5 shop.gift=true",
    ]


def test_what_an_event_does_not_have_takes_no_room() -> None:
    bare = shown(
        name=None, actor=None, service=None, body=None, severity_number=None, severity_text=None, attributes={}
    )
    assert bare == "12:03:04.005 -    "


def test_an_event_of_another_day_shows_its_date() -> None:
    text = event_text(stored(), today=date(2025, 11, 25)).plain
    assert text.startswith("2025-11-24 12:03:04.005 INFO")


@pytest.mark.parametrize("time_ns", [0, 2**63 - 1])
def test_the_first_and_the_last_time_are_shown(time_ns: int) -> None:
    assert "order-placed" in shown(time_ns=time_ns)


@pytest.mark.parametrize(
    ("fields", "label", "style"),
    [
        ({"severity_number": 24}, "FATAL", "bold white on red"),
        ({"severity_number": 17}, "ERROR", "bold red"),
        ({"severity_number": 14}, "WARN ", "yellow"),
        ({"severity_number": 9}, "INFO ", "green"),
        ({"severity_number": 8}, "DEBUG", "dim"),
        ({"severity_number": 1}, "TRACE", "dim"),
        ({"severity_number": None, "severity_text": "NOTICE"}, "NOTI…", "dim"),
        ({"severity_number": -5, "severity_text": None}, "-    ", "dim"),
        ({"severity_number": None, "severity_text": None, "signal": "span_event"}, "SPAN ", "dim"),
    ],
)
def test_the_severity_has_a_label_and_a_colour(fields: dict[str, Any], label: str, style: str) -> None:
    text = event_text(stored(**fields), today=MOMENT.date())
    assert any(text.plain[span.start : span.end] == label and span.style == style for span in text.spans)


def test_text_of_an_event_is_no_markup() -> None:
    hostile = "[red]x[/red] [link=http://example.com]y[/link] :smile:"
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system=None, soft_wrap=True, highlight=False)
    console.print(event_text(stored(body=hostile, name=hostile, attributes={hostile: hostile})))
    assert out.getvalue().count(hostile) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain – Zürich 訪問 👩\u200d💻", "plain – Zürich 訪問 👩\u200d💻"),
        ("\x1b[31m\x07\x9b", r"\x1b[31m\x07\x9b"),
        ("a\nb\tc\r\x00", r"a\nb\tc\r\x00"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        ("zero\u200bwidth\ufeff \U000e0041", r"zero\u200bwidth\ufeff \U000e0041"),
        ("line\u2028separator", r"line\u2028separator"),
        ("\ud800", r"\ud800"),
    ],
)
def test_characters_that_act_or_hide_are_shown_as_escapes(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_nothing_in_an_event_reaches_the_terminal_unseen(name: str, body: str, attributes: dict[str, Any]) -> None:
    text = shown(
        name=name, body=body, actor=body, service=name, severity_number=None, severity_text=name, attributes=attributes
    )
    lines = text.split("\n")
    assert len(lines) <= 2
    assert all(visible(line) == line for line in lines)


def test_long_texts_are_cut() -> None:
    line = shown(body="b" * 1_000_000, attributes={"large": "v" * 1_000_000, **{f"k{n}": n for n in range(30)}})
    assert len(line) < 1_000
    assert "b…" in line
    assert "v…" in line
    assert line.endswith(" … 11 more")


def test_json_is_one_ascii_line_with_every_column() -> None:
    event = stored(body="a\nb\u202e", attributes={"k": [1, {"ü": None}]})
    line = event_json(event)
    assert line.isascii()
    assert "\n" not in line
    decoded = json.loads(line)
    assert decoded["attributes"] == {"k": [1, {"ü": None}]}
    assert StoredEvent(**decoded) == event
