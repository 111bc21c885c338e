"""The day of use says what was seen where Datasette does not start or answers otherwise than expected, and shows no token."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from otel_events.exceptions import OTelEventsError
from otel_events.integrations.datasette_day import day_of_use, run_datasette


def test_what_datasette_said_is_told_where_it_does_not_start(tmp_path: Path) -> None:
    ended = r"(?s)datasette ended with exit status 2\. It said:.*No such option.*--nonsense"
    with pytest.raises(OTelEventsError, match=ended), run_datasette(tmp_path, arguments=["--nonsense"]):
        pytest.fail("it started")


def test_it_runs_on_a_database_of_its_own_with_the_plugin_and_the_variables_given_and_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("DATASETTE_LOAD_PLUGINS", "")
    with run_datasette(tmp_path / "new", {"OTEL_EVENTS_SIGNALS": "smoke"}) as datasette:
        with urllib.request.urlopen(f"{datasette.url}/-/plugins.json") as answer:
            plugins = {plugin["name"]: plugin["hooks"] for plugin in json.load(answer)}
        assert "track_event" in plugins["otel-events"]
        assert "OTEL_EVENTS_SIGNALS: 'smoke' is not" in datasette.log()
        environment = Path(f"/proc/{datasette.process.pid}/environ")
        if environment.exists():
            assert b"OTEL_EXPORTER_OTLP_ENDPOINT" not in environment.read_bytes()
    assert datasette.process.poll() is not None
    with closing(sqlite3.connect(tmp_path / "new" / "shop.db")) as connection:
        assert connection.execute("select name from customers").fetchall() == [("Alice",), ("Bob",)]


def test_a_second_day_on_the_same_sign_in_is_told_without_its_token(tmp_path: Path) -> None:
    with run_datasette(tmp_path) as datasette:
        first = [what for what, _ in zip(day_of_use(datasette), range(2), strict=False)]
        assert first[1] == "root signs in"
        with pytest.raises(OTelEventsError) as caught:
            list(day_of_use(datasette))
    token = datasette.sign_in_url.partition("token=")[2]
    assert f"{datasette.url}/-/auth-token answered 403 instead of 200" in str(caught.value)
    assert token
    assert token not in str(caught.value) + repr(datasette) + datasette.log()


def test_a_datasette_that_is_gone_is_told(tmp_path: Path) -> None:
    with run_datasette(tmp_path) as datasette:
        pass
    with pytest.raises(OTelEventsError, match=r"/-/auth-token does not answer: .*refused"):
        next(day_of_use(datasette))
