"""The live stream: what is stored comes at once, what was missed comes first, and it ends with the client or the server."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from otel_events.page import live
from tests.backends.wait import wait_until
from tests.page.support import Running, event_row, running


class Stream:
    """A stream that is being read."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response

    def line(self) -> str:
        return self._response.readline().decode().rstrip("\n")

    def message(self) -> tuple[str, int, dict[str, Any]]:
        """Wait for a message, and give its event, its id and its data."""
        fields = {}
        while line := self.line():
            name, _, value = line.partition(": ")
            fields[name] = value
        if "event" not in fields:
            assert fields == {"retry": "2000"}
            return self.message()
        return fields["event"], int(fields["id"]), json.loads(fields["data"])

    def uids(self) -> list[str]:
        kind, _, data = self.message()
        assert kind == "events"
        return [event["uid"] for event in data["events"]]


@contextmanager
def streaming(site: Running, headers: Mapping[str, str] | None = None, **parameters: Any) -> Iterator[Stream]:
    with closing(http.client.HTTPConnection("127.0.0.1", site.page.port, timeout=30)) as connection:
        connection.request("GET", f"/api/live?{urlencode(parameters)}", headers=dict(headers or {}))
        response = connection.getresponse()
        assert (response.status, response.getheader("content-type")) == (200, "text/event-stream; charset=utf-8")
        with closing(response):
            stream = Stream(response)
            assert stream.line() == "retry: 2000"
            stream.line()
            yield stream


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as site:
        site.add(event_row(uid="u1"), event_row({"item": "lamp"}, uid="u2"))
        yield site


def test_what_is_stored_comes(site: Running) -> None:
    with streaming(site) as stream:
        site.add(event_row(uid="u3"), event_row(uid="u4"))
        kind, newest_id, data = stream.message()
        assert (kind, newest_id, data["newest_id"], data["skipped"]) == ("events", 4, 4, 0)
        assert [event["uid"] for event in data["events"]] == ["u4", "u3"]
        site.add(event_row(uid="u5"))
        assert stream.uids() == ["u5"]


def test_only_what_the_search_finds_comes_words_too(site: Running) -> None:
    with (
        streaming(site, q="name:login") as named,
        streaming(site, q="desk") as worded,
        streaming(site, q="-desk") as without,
    ):
        site.add(
            event_row(uid="u3"), event_row({"item": "desk"}, uid="u4", name="logout"), event_row(uid="u5", name="login")
        )
        assert named.uids() == ["u5"]
        assert worded.uids() == ["u4"]
        assert without.uids() == ["u5", "u3"]


def test_it_begins_where_the_client_says(site: Running) -> None:
    with streaming(site, after=1) as stream:
        assert stream.uids() == ["u2"]
    with streaming(site, {"Last-Event-ID": "0"}, after=2) as stream:
        assert stream.uids() == ["u2", "u1"]
    with streaming(site, {"Last-Event-ID": "none of ours"}, after=10**12) as stream:
        site.add(event_row(uid="u3"))
        assert stream.uids() == ["u3"]


def test_more_than_one_looks_at_is_counted(site: Running) -> None:
    site.add(*(event_row(uid=f"n{number}") for number in range(300)))
    with streaming(site, after=2) as stream:
        _, newest_id, data = stream.message()
    assert (newest_id, len(data["events"]), data["skipped"]) == (302, 200, 100)
    assert data["events"][0]["uid"] == "n299"


def test_a_quiet_stream_is_pinged_with_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.Live.__init__, "__kwdefaults__", {"ping_seconds": 0.1})
    with running(tmp_path) as site, streaming(site, q="name:login") as stream:
        assert stream.message() == ("ping", 0, {})
        site.add(event_row(uid="u1"))
        wait_until(lambda: stream.message() == ("ping", 1, {}))


def test_it_ends_when_the_server_stops(site: Running) -> None:
    with streaming(site) as stream:
        site.page.stop()
        assert stream.line() == ""
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("otel-events-page")]


def test_clients_are_bounded_and_those_that_go_make_room(site: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_CLIENTS", 2)
    with ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(streaming(site))
        refused = site.get("/api/live")
        assert refused.status == 503
        assert "Too many pages look on" in json.loads(refused.body)["error"]

    def is_served() -> bool:
        try:
            with streaming(site, after=0) as stream:
                return stream.uids() == ["u2", "u1"]
        except AssertionError:
            return False

    wait_until(is_served)
