"""Files of events: every event once, no cell that a spreadsheet program would run, and OTLP that comes back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from otel_events.page import download
from otel_events.page.download import FORMATS, guarded
from otel_events.receiver import Receiver
from tests.page.support import TIME_NS, event_row, running
from tests.receiver.support import JSON, post

NUMBER = download.PAGE_SIZE * 2 + 5


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-cmd", "'-cmd"), ("@sum", "'@sum"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("\n=1", "'\n=1"),
        ("-1.5", "-1.5"), (-3, "-3"), ("plain", "plain"), ("a=1", "a=1"), (None, ""), ("", ""), ("'x", "'x"),
    ],
)  # fmt: skip
def test_no_cell_is_a_formula(value: object, cell: str) -> None:
    assert guarded(value) == cell


def test_every_event_is_in_every_file_once(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        site.add(
            *(
                event_row({"n": number, "f": "=1"}, uid=f"u{number}", time_ns=TIME_NS + number)
                for number in range(NUMBER)
            )
        )
        files = {name: site.get("/api/download", format=name, columns=["f", "none"]).body.decode() for name in FORMATS}
    expected = [f"u{number}" for number in reversed(range(NUMBER))]
    table = list(csv.DictReader(io.StringIO(files["csv"], newline="")))
    assert [row["uid"] for row in table] == expected
    assert (table[0]["f"], table[0]["none"]) == ("'=1", "")
    assert json.loads(table[0]["attributes"]) == {"n": NUMBER - 1, "f": "=1"}
    lines = [json.loads(line) for line in files["jsonl"].splitlines()]
    assert [line["uid"] for line in lines] == expected
    assert (lines[0]["attributes"]["n"], lines[0]["resource"]) == (NUMBER - 1, {"service.name": "shop"})
    assert len(files["otlp"].splitlines()) == 3


def test_otlp_lines_can_be_taken_back(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        site.add(
            *(event_row({"log.record.uid": f"u{number}", "n": number}, uid=f"u{number}") for number in range(NUMBER))
        )
        lines = site.get("/api/download", format="otlp").body.splitlines()
        expected = {event.uid: event.attributes for event in site.receiver.store.events(limit=NUMBER)}
    with Receiver(tmp_path / "back.db", http_port=0, grpc_port=0) as receiver:
        for line in lines:
            assert post(receiver.http_port, "/v1/logs", line, JSON).status == 200
        back = {event.uid: event.attributes for event in receiver.store.events(limit=NUMBER)}
    assert back == expected
    assert len(back) == NUMBER


def test_nothing_found_is_a_file_without_events(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        assert site.get("/api/download", format="csv").body.decode().count("\n") == 1
        assert site.get("/api/download", format="otlp").body == site.get("/api/download", format="jsonl").body == b""
