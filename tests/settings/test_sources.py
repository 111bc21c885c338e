"""An argument wins over a variable; unknown names are refused with a hint; a bad standard variable is one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from otel_events import SettingsError
from otel_events.settings import readers
from otel_events.settings.sources import OwnSetting, Sources, hidden, without_credentials

COLOUR = OwnSetting("grey", readers.one_of("grey", "blue"), "grey or blue")
KEY = OwnSetting(None, readers.key_of_at_least(4), "at least 4 bytes", hidden)
KNOWN = ("colour", "key", "seconds")


def sources(arguments: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Sources:
    return Sources(arguments or {}, environ or {}, KNOWN, ("colour", "key"))


def seconds(one: Sources, *variables: str) -> float:
    return one.standard(
        "a.seconds",
        "seconds",
        variables or ("OTEL_A_TIMEOUT", "OTEL_TIMEOUT"),
        10.0,
        readers.seconds,
        "a number of seconds",
        read_text=readers.milliseconds,
        expected_text="a number of milliseconds",
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "value", "found"),
    [
        ({}, {}, "grey", {}),
        ({"colour": None}, {"OTEL_EVENTS_COLOUR": " "}, "grey", {}),
        ({}, {"OTEL_EVENTS_COLOUR": " blue "}, "blue", {"colour": "OTEL_EVENTS_COLOUR"}),
        ({"colour": "grey"}, {"OTEL_EVENTS_COLOUR": "blue"}, "grey", {"colour": "argument colour"}),
        ({"colour": "grey"}, {"OTEL_EVENTS_COLOUR": "pink"}, "grey", {"colour": "argument colour"}),
    ],
)
def test_a_setting_of_our_own(
    arguments: dict[str, Any], environ: dict[str, str], value: str, found: dict[str, str]
) -> None:
    one = sources(arguments, environ)
    assert one.own("colour", COLOUR) == value
    assert one.found == found


@pytest.mark.parametrize(
    ("arguments", "environ", "text"),
    [
        ({"colour": "pink"}, {}, "argument colour: 'pink' is not grey or blue"),
        ({"colour": 5}, {}, "argument colour: 5 is not grey or blue"),
        ({}, {"OTEL_EVENTS_COLOUR": "pink"}, "OTEL_EVENTS_COLOUR: 'pink' is not grey or blue"),
    ],
)
def test_a_bad_value_of_our_own_raises(arguments: dict[str, Any], environ: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        sources(arguments, environ).own("colour", COLOUR)
    assert str(refused.value) == text
    assert refused.value.__cause__ is None


def test_a_long_bad_value_is_cut() -> None:
    with pytest.raises(SettingsError) as refused:
        sources({"colour": "x" * 10_000}).own("colour", COLOUR)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("source", ["argument", "variable"])
def test_a_secret_is_not_in_the_error(source: str) -> None:
    one = sources({"key": "abc"}) if source == "argument" else sources(environ={"OTEL_EVENTS_KEY": "abc"})
    with pytest.raises(SettingsError, match=r": the value given \(not shown\) is not at least 4 bytes") as refused:
        one.own("key", KEY)
    assert "abc" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("OTEL_EVENTS_COLOR", "Did you mean OTEL_EVENTS_COLOUR?"),
        ("OTEL_EVENTS_KEYS", "Did you mean OTEL_EVENTS_KEY?"),
        ("OTEL_EVENTS_SOMETHING_ELSE", "There are: OTEL_EVENTS_COLOUR, OTEL_EVENTS_KEY."),
    ],
)
def test_an_unknown_variable_is_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        sources(environ={name: "secret"})
    assert str(refused.value) == f"{name} is set, but there is no such setting. {hint}"


def test_an_unknown_argument_is_refused_with_a_hint() -> None:
    with pytest.raises(SettingsError) as refused:
        sources({"color": "secret"})
    assert str(refused.value) == "the argument color is unknown. Did you mean colour?"


@pytest.mark.parametrize(
    ("arguments", "environ", "value", "found"),
    [
        ({}, {}, 10.0, {}),
        ({}, {"OTEL_TIMEOUT": "2000"}, 2.0, {"a.seconds": "OTEL_TIMEOUT"}),
        ({}, {"OTEL_TIMEOUT": "2000", "OTEL_A_TIMEOUT": "3000"}, 3.0, {"a.seconds": "OTEL_A_TIMEOUT"}),
        ({"seconds": 4}, {"OTEL_A_TIMEOUT": "3000"}, 4.0, {"a.seconds": "argument seconds"}),
    ],
)
def test_a_standard_setting(
    arguments: dict[str, Any], environ: dict[str, str], value: float, found: dict[str, str]
) -> None:
    one = sources(arguments, environ)
    assert seconds(one) == value
    assert one.found == found


def test_a_bad_standard_variable_is_one_line_and_the_next_source_holds(caplog: pytest.LogCaptureFixture) -> None:
    one = sources(environ={"OTEL_TIMEOUT": "2000", "OTEL_A_TIMEOUT": "ten"})
    assert seconds(one) == seconds(one) == 2.0  # asked twice, as for two signals
    [line] = caplog.records
    assert (line.levelno, line.name) == (logging.WARNING, "otel_events")
    assert line.getMessage() == "OTEL_A_TIMEOUT: 'ten' is not a number of milliseconds; it is ignored"


def test_a_bad_argument_for_a_standard_setting_raises() -> None:
    with pytest.raises(SettingsError, match="argument seconds: '10' is not a number of seconds"):
        seconds(sources({"seconds": "10"}))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("http://collector:4318", "'http://collector:4318'"),
        ("ftp://alice:hunter2@collector/x", "'ftp://collector/x'"),
        ("alice:hunter2@collector", "'collector'"),
        ("http://alice:hun/ter2@collector", "'http://collector'"),
        ("http://alice:hun//ter2@collector", "'http://collector'"),
        ("http://alice:hun?ter2@collector", "'http://…'"),
        ("http://collector?key=a@hunter2", "'http://…'"),
        ("http://alice:hun@ter2@collector", "'http://collector'"),
        ("https://collector:port/v1?key=hunter2", "'https://collector:port/v1'"),
        (5, "5"),
    ],
)
def test_what_was_meant_to_be_a_url_is_shown_without_credentials(value: object, shown: str) -> None:
    text = without_credentials(value)
    assert "hunter2" not in text
    assert "hun" not in text
    assert text == shown
