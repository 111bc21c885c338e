"""The journal's settings: where it is by default, what may be set, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from otel_events import SettingsError
from otel_events.settings import resolve
from otel_events.settings.journaling import DEFAULT_BYTES, DEFAULT_CONFIRM_SECONDS, JournalSettings


def test_defaults() -> None:
    settings = resolve({}, {"HOME": "/home/me"})
    assert settings.delivery == "memory"
    assert settings.journal == JournalSettings(
        Path("/home/me/.local/state/otel-events/unknown_service"), DEFAULT_BYTES, "open", DEFAULT_CONFIRM_SECONDS
    )


def test_variables_and_arguments() -> None:
    environ = {
        "OTEL_EVENTS_DELIVERY": "journal",
        "OTEL_EVENTS_JOURNAL": "/from/environment",
        "OTEL_EVENTS_JOURNAL_BYTES": "1000",
        "OTEL_EVENTS_ON_FAILURE": "closed",
        "OTEL_EVENTS_CONFIRM_SECONDS": "0.5",
    }
    settings = resolve({}, environ)
    assert settings.delivery == "journal"
    assert settings.journal == JournalSettings(Path("/from/environment"), 1000, "closed", 0.5)
    arguments: dict[str, Any] = {"delivery": "confirmed", "journal": Path("/from/argument"), "confirm_seconds": 1}
    settings = resolve(arguments, environ)
    assert settings.delivery == "confirmed"
    assert (settings.journal.directory, settings.journal.confirm_seconds) == (Path("/from/argument"), 1.0)


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/me"}, "/state/otel-events/unknown_service"),
        # The specification: relative paths are to be ignored.
        ({"XDG_STATE_HOME": "state", "HOME": "/home/me"}, "/home/me/.local/state/otel-events/unknown_service"),
        ({}, "/var/tmp/otel-events/unknown_service"),
    ],
)
def test_without_one_it_is_where_state_is_kept(environ: dict[str, str], directory: str) -> None:
    assert resolve({}, environ).journal.directory == Path(directory)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("shop", "shop"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("my shop/eu", "my_shop_eu"),
        ("...", "_"),
        ("x" * 500, "x" * 100),
    ],
)
def test_each_service_has_its_own_and_no_name_leads_elsewhere(service: str, name: str) -> None:
    directory = resolve({"service_name": service}, {"XDG_STATE_HOME": "/state"}).journal.directory
    assert directory == Path("/state/otel-events") / name


@pytest.mark.parametrize(
    "arguments",
    [
        {"delivery": "post"},
        {"on_failure": "ajar"},
        {"journal": "relative/path"},
        {"journal_bytes": 0},
        {"confirm_seconds": 0},
        {"confirm_seconds": -1},
    ],
)
def test_bad_values_are_refused(arguments: dict[str, Any]) -> None:
    [name] = arguments
    with pytest.raises(SettingsError, match=f"argument {name}"):
        resolve(arguments, {})
