"""The JSON API over HTTP: each endpoint gives what the documentation says, and says plainly what is wrong."""

from __future__ import annotations

import http.client
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_events.page import questions
from otel_events.page.database import Database
from otel_events.semconv import CHECKPOINT
from otel_events.version import VERSION
from tests.page.support import SECOND, SPAN_ID, TIME_NS, TRACE_ID, Running, event_row, running, span_row

HOUR = 3_600 * SECOND
GONE = {"error": "There is no event with this id; it may have been removed for its age."}
NO_KEY = 'Before ">" a key is missing, such as "actor". To look for the text as it is, put it in quotes.'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("api")) as site:
        site.receiver.store.add([], [span_row()])
        site.add(
            event_row({"app.total": 2**60, "app.note": "floor lamp"}, uid="u1", trace_id=TRACE_ID, span_id=SPAN_ID),
            event_row({"app.total": "9.99"}, uid="u2", time_ns=TIME_NS + SECOND, actor="bob"),
            event_row(
                {"reason": "wrong password"}, uid="u3", name="login-failed", severity_number=13, time_ns=TIME_NS + HOUR
            ),
            event_row(uid="u4", name=None, body="a plain line", actor=None, service=None, time_ns=TIME_NS + 2 * HOUR),
            event_row(uid="u5", name=CHECKPOINT, time_ns=TIME_NS + 3 * HOUR),
        )
        yield site


def uids(answer: dict[str, Any]) -> list[str]:
    return [event["uid"] for event in answer["events"]]


def test_status(site: Running) -> None:
    assert site.json("/api/status") == {
        "version": VERSION,
        "database": str(site.receiver.store.path.resolve()),
        "otlp_http": f"http://127.0.0.1:{site.receiver.http_port}",
        "otlp_grpc": f"http://127.0.0.1:{site.receiver.grpc_port}",
        "total": 4,
        "oldest_ns": str(TIME_NS),
        "newest_ns": str(TIME_NS + 2 * HOUR),
        "newest_id": 5,
    }


def test_events_come_newest_first_and_page_by_page(site: Running) -> None:
    assert uids(site.json("/api/events")) == ["u4", "u3", "u2", "u1"]
    first = site.json("/api/events", limit=3)
    assert uids(first) == ["u4", "u3", "u2"]
    second = site.json("/api/events", limit=3, before=first["next"])
    assert (uids(second), second["next"], second["newest_id"]) == (["u1"], None, 5)
    assert second["events"] == [
        {
            "id": 1,
            "uid": "u1",
            "time_ns": str(TIME_NS),
            "time": "2026-01-01T00:00:00.000Z",
            "name": "order-placed",
            "actor": "alice",
            "service": "shop",
            "severity_number": 9,
            "severity_text": "INFO",
            "body": "an order was placed",
            "trace_id": TRACE_ID,
            "span_id": SPAN_ID,
            "attributes": [
                {"key": "app.total", "type": "int", "value": str(2**60)},
                {"key": "app.note", "type": "string", "value": "floor lamp"},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"q": "name:order-placed"}, ["u2", "u1"]),
        ({"q": "-name:order-placed"}, ["u4", "u3"]),
        ({"q": "lamp"}, ["u1"]),
        ({"q": '"wrong pass"*'}, ["u3"]),
        ({"q": "total>9"}, ["u2", "u1"]),
        ({"q": "total<10"}, ["u2"]),
        ({"q": "severity>=warn"}, ["u3"]),
        ({"q": "actor:*"}, ["u3", "u2", "u1"]),
        ({"from_": TIME_NS + SECOND}, ["u4", "u3", "u2"]),
        ({"to": TIME_NS + SECOND}, ["u1"]),
        ({"q": "nobody"}, []),
    ],
)
def test_the_search_and_the_time_narrow_it(site: Running, parameters: dict[str, Any], expected: list[str]) -> None:
    assert uids(site.json("/api/events", **parameters)) == expected


def test_histogram(site: Running) -> None:
    found = site.json("/api/histogram", buckets=3)
    assert found == {
        "from_ns": str(TIME_NS),
        "to_ns": str(TIME_NS + 3 * HOUR),
        "width_ns": str(HOUR),
        "series": [
            {"name": "order-placed", "counts": [2, 0, 0]},
            {"name": None, "counts": [0, 0, 1]},
            {"name": "login-failed", "counts": [0, 1, 0]},
        ],
    }
    narrow = site.json("/api/histogram", q="lamp", from_=TIME_NS, to=TIME_NS + 2, buckets=2)
    assert narrow["series"] == [{"name": "order-placed", "counts": [1, 0]}]
    assert site.json("/api/histogram", from_=5, to=5)["series"] == []


def test_facets(site: Running) -> None:
    found = site.json("/api/facets", key=["name", "severity", "total", "actor"], limit=1)
    assert found["facets"] == [
        {"key": "name", "values": [{"value": "order-placed", "count": 2}], "more": True},
        {"key": "severity", "values": [{"value": "INFO", "count": 3}], "more": True},
        {"key": "total", "values": [{"value": str(2**60), "count": 1}], "more": True},
        {"key": "actor", "values": [{"value": "alice", "count": 2}], "more": True},
    ]
    assert site.json("/api/facets", key="actor", q="total:9.99")["facets"][0]["values"] == [
        {"value": "bob", "count": 1}
    ]


def test_one_event_in_full(site: Running) -> None:
    event = site.json("/api/events/1")["event"]
    assert event["resource"] == [{"key": "service.name", "type": "string", "value": "shop"}]
    assert (event["scope"], event["scope_version"], event["received_ns"]) == (
        "otel_events",
        "1.0",
        str(TIME_NS + SECOND),
    )
    assert event["observed_ns"] is None
    assert event["dropped_attributes"] == 0
    assert event["otlp"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["traceId"] == TRACE_ID
    assert event["sql"].startswith("SELECT time, name")


def test_around_trace_actor_and_catalog(site: Running) -> None:
    around = site.json("/api/events/3/around", limit=1)
    assert ([event["uid"] for event in around["before"]], around["after"]) == (["u1"], [])
    trace = site.json(f"/api/traces/{TRACE_ID.upper()}")
    assert [span["span_id"] for span in trace["spans"]] == [SPAN_ID]
    assert [event["id"] for event in trace["events"]] == [1]
    assert site.json("/api/actors", actor="alice")["total"] == 2
    assert {entry["name"] for entry in site.json("/api/catalog")["types"]} == {"order-placed", "login-failed", None}


@pytest.mark.parametrize(
    ("name", "beginning"), [("csv", "time,time_ns,"), ("jsonl", '{"id": 4'), ("otlp", '{"resourceLogs"')]
)
def test_downloads(site: Running, name: str, beginning: str) -> None:
    answer = site.get("/api/download", format=name)
    assert answer.status == 200
    assert answer.headers["content-disposition"].startswith('attachment; filename="events-2')
    assert answer.body.decode().startswith(beginning)


@pytest.mark.parametrize(
    ("path", "parameters", "status", "error"),
    [
        ("/api/events", {"q": 'a "b'}, 400, {"error": 'The quote is not closed; end it with ".', "from": 2, "to": 4}),
        ("/api/live", {"q": ">1 2"}, 400, {"error": NO_KEY, "from": 0, "to": 2}),
        ("/api/events", {"from_": "yesterday"}, 400, {"error": "from='yesterday' is no integer; give one such as 1."}),
        ("/api/events", {"before": "x"}, 400, {"error": "before='x' is no cursor; give the next of an earlier answer"}),
        ("/api/facets", {}, 400, {"error": "0 times key= is given; give it 1 to 20 times."}),
        ("/api/actors", {}, 400, {"error": "actor= is missing; give the id of an actor."}),
        ("/api/download", {"format": "xls"}, 400, {"error": "format='xls' is not known here; give one of csv, jsonl, otlp."}),
        ("/api/events/77", {}, 404, GONE),
        (f"/api/events/{10**30}/around", {}, 404, GONE),
        ("/api/events/5", {}, 404, GONE),
        ("/api/nope", {}, 404, {"error": "/api/nope is not served here."}),
        ("/static/../api.py", {}, 404, {"error": "/static/../api.py is not served here."}),
        ("/static/", {}, 404, {"error": "/static/ is not served here."}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    site: Running, path: str, parameters: dict[str, Any], status: int, error: dict[str, Any]
) -> None:
    answer = site.get(path, **parameters)
    assert (answer.status, json.loads(answer.body)) == (status, error)


def test_the_page_and_its_parts_are_served(site: Running) -> None:
    page = site.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<title>otel-events</title>" in page.body
    assert site.get("/static/main.js").headers["content-type"].startswith("text/javascript")


def test_a_question_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "Database", lambda path: Database(path, max_seconds=-1.0))
    with running(tmp_path) as site:
        site.add(*(event_row({"n": number}) for number in range(20_000)))
        answer = site.get("/api/events", q="n>30000")
    assert answer.status == 503
    assert "was ended. Narrow it" in json.loads(answer.body)["error"]


def test_a_question_of_somebody_who_is_gone_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = threading.Event(), threading.Event()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    def forever(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        begun.set()
        try:
            connection.execute(endless).fetchone()
        finally:
            ended.set()
        return []

    monkeypatch.setattr(questions, "catalog", forever)
    monkeypatch.setattr(questions, "Database", lambda path: Database(path, max_seconds=3_600.0))
    with running(tmp_path) as site:
        with closing(http.client.HTTPConnection("127.0.0.1", site.page.port)) as connection:
            connection.request("GET", "/api/catalog")
            assert begun.wait(10.0)
        assert ended.wait(10.0)
