"""Trouble is said once for each kind of failure, and once that it is over."""

from __future__ import annotations

import logging
import re

import pytest

from otel_events.direct import notices
from otel_events.direct.answers import Answer, Kind
from otel_events.direct.trouble import Trouble
from otel_events.settings import resolve


def said_of(caplog: pytest.LogCaptureFixture, *answers: Answer) -> list[str]:
    settings = resolve({"headers": {"authorization": "Bearer secret-value"}}, {})
    trouble = Trouble(settings.logs, lambda: "2 wait")
    with caplog.at_level(logging.INFO, "otel_events"):
        for answer in answers:
            trouble.see(answer)
    return [record.getMessage() for record in caplog.records]


def test_each_kind_is_said_once_until_records_arrive_again(caplog: pytest.LogCaptureFixture) -> None:
    down, refused, fine = Answer(Kind.RETRY, 503), Answer(Kind.HOLD, 401), Answer(Kind.ACCEPTED, 200)

    said = said_of(caplog, down, down, refused, down, refused, fine, fine, down)

    assert ["503" in line for line in said] == [True, False, False, True]
    assert "401" in said[1]
    assert said[2] == "log records arrive again at http://localhost:4318/v1/logs."
    assert "OTEL_EXPORTER_OTLP_HEADERS" in said[1]
    assert "secret-value" not in "".join(said)


def test_rejections_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    partial = Answer(Kind.PARTIAL, 200, "too old", 3)

    [line] = said_of(caplog, partial, partial, Answer(Kind.ACCEPTED, 200))
    assert "rejects some of what it is sent (too old)" in line


def test_trouble_that_goes_on_is_said_again_with_the_counts(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "AGAIN_SECONDS", 0.0)
    down = Answer(Kind.RETRY, 503)

    first, again = said_of(caplog, down, down)
    assert first.endswith("Said once, and again while it lasts; stats() counts what is lost.")
    assert again.endswith("This goes on: 2 wait.")


def test_a_refused_record_is_said_and_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble(resolve({}, {}).logs, lambda: "2 wait")
    with caplog.at_level(logging.INFO, "otel_events"):
        for answer in (
            Answer(Kind.ACCEPTED, 200),
            Answer(Kind.BAD_DATA, 400, "no such field"),
            Answer(Kind.ACCEPTED, 200),
        ):
            trouble.see(answer)
            assert trouble.now is None
        trouble.see(Answer(Kind.BAD_DATA, 400))
    [line] = [record.getMessage() for record in caplog.records]
    assert "refuses some of the log records that it is sent (400 no such field)" in line


def test_the_latest_error_is_known_after_it_is_over() -> None:
    trouble = Trouble(resolve({}, {}).logs, lambda: "2 wait")
    trouble.see(Answer(Kind.ACCEPTED, 200))
    before = trouble.last_error
    assert before is None
    trouble.see(Answer(Kind.RETRY, 503, "busy"))
    trouble.see(Answer(Kind.ACCEPTED, 200))
    assert trouble.last == "200"
    assert trouble.last_error is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ 503 busy", trouble.last_error)
