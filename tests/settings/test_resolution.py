"""Every setting of a tracker from every source, what it refuses and in which words, and that nothing secret is ever shown."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from otel_events import Settings, SettingsError
from otel_events.settings import OWN, RESOURCE_ARGUMENTS, resolve
from otel_events.settings.otlp import OTLP_ARGUMENTS

KEY = "sixteen bytes at least"
HEADERS = Path(__file__).with_name("headers.txt")


def of(settings: Settings, name: str) -> Any:
    """Return a setting of the project's own by its name, wherever it is kept."""
    elsewhere = {
        "queue_bytes": settings.queue.max_bytes,
        "journal": settings.journal.directory,
        "journal_bytes": settings.journal.max_bytes,
        "headers_file": settings.logs.header_file and Path(settings.logs.header_file.path),
    }
    rooms = (settings, settings.queue, settings.journal, settings.policy)
    return elsewhere[name] if name in elsewhere else next(getattr(r, name) for r in rooms if hasattr(r, name))


DEFAULTS: dict[str, Any] = {
    "signals": ("logs",),
    "pipeline": "auto",
    "delivery": "memory",
    "on_failure": "open",
    "journal": Path("/var/tmp/otel-events/unknown_service"),
    "journal_bytes": 1024 * 1024 * 1024,
    "confirm_seconds": 2.0,
    "queue_bytes": 64 * 1024 * 1024,
    "when_full": "drop_newest",
    "include": ("*",),
    "exclude": (),
    "namespace": None,
    "actor": "full",
    "personal": "keep",
    "pseudonym_key": None,
    "keep_keys": frozenset(),
    "headers_file": None,
}

VALUES: list[tuple[str, Any, str, Any]] = [
    ("signals", ["traces", "logs"], "traces,logs", ("logs", "traces")),
    ("signals", "traces", "Traces", ("traces",)),
    ("pipeline", "sdk", "SDK", "sdk"),
    ("pipeline", "direct", "direct", "direct"),
    ("delivery", "journal", "Journal", "journal"),
    ("on_failure", "closed", "closed", "closed"),
    ("journal", Path("/var/lib/shop"), "/var/lib/shop", Path("/var/lib/shop")),
    ("journal_bytes", 1000, "1000", 1000),
    ("confirm_seconds", 0.5, "0.5", 0.5),
    ("queue_bytes", 1000, "1000", 1000),
    ("when_full", "drop_oldest", "drop_oldest", "drop_oldest"),
    ("include", ("order-*", "login"), "order-*, login", ("order-*", "login")),
    ("exclude", "order-*", "order-*", ("order-*",)),
    ("namespace", "shop", "shop", "shop"),
    ("actor", "id", "ID", "id"),
    ("personal", "drop", "drop", "drop"),
    ("pseudonym_key", KEY.encode(), KEY, KEY.encode()),
    ("keep_keys", {"actor.token"}, "actor.token", frozenset({"actor.token"})),
    ("headers_file", HEADERS, str(HEADERS), HEADERS),
]


def test_the_defaults() -> None:
    settings = resolve(environ={})
    assert {name: of(settings, name) for name in OWN} == DEFAULTS
    assert (settings.service_name, settings.resource_attributes, settings.disabled) == (None, {}, False)
    assert settings.sources == {}


def test_every_setting_is_tried() -> None:
    assert {name for name, *_ in VALUES} == set(OWN) == set(DEFAULTS)


@pytest.mark.parametrize(("name", "given", "text", "value"), VALUES)
def test_each_comes_from_its_argument_or_its_variable(name: str, given: Any, text: str, value: Any) -> None:
    variable = f"OTEL_EVENTS_{name.upper()}"
    from_argument = resolve({name: given}, {})
    from_variable = resolve({}, {variable: text})
    assert of(from_argument, name) == of(from_variable, name) == value
    assert from_argument == from_variable
    assert from_argument.sources[name] == f"argument {name}"
    assert from_variable.sources[name] == variable
    assert resolve({name: given}, {variable: "nonsense", "OTEL_EVENTS_EXCLUDE": ""}) == from_argument


EXPECTED = {
    "signals": ("metrics", "logs, traces, or logs,traces"),
    "pipeline": ("quick", "auto, sdk or direct"),
    "queue_bytes": ("0", "a whole number of bytes above 0"),
    "when_full": ("wait", "one of drop_newest, drop_oldest, block"),
    "delivery": ("post", "one of memory, journal, confirmed"),
    "on_failure": ("ajar", "one of open, closed"),
    "journal": ("journal", "the absolute path of a directory"),
    "journal_bytes": ("-1", "a whole number of bytes above 0"),
    "confirm_seconds": ("soon", "a number of seconds above 0 and below a day"),
    "include": (",", "one or more globs of event names, separated by commas"),
    "namespace": (".shop.", "a prefix without dots around it, such as shop"),
    "actor": ("some", "one of full, id, pseudonym, none"),
    "personal": ("hide", "one of keep, pseudonym, drop"),
    "pseudonym_key": ("short", "at least 16 bytes"),
    "headers_file": (
        "/no/such/file",
        "a file of at most 64 KiB that can be read, with name=value pairs, in ASCII, separated by commas or line breaks",
    ),
}


@pytest.mark.parametrize("source", ["argument", "variable"])
@pytest.mark.parametrize(("name", "value", "expected"), [(name, *rest) for name, rest in EXPECTED.items()])
def test_a_bad_value_says_what_was_expected(name: str, value: str, expected: str, source: str) -> None:
    variable = f"OTEL_EVENTS_{name.upper()}"
    arguments, environ = ({name: value}, {}) if source == "argument" else ({}, {variable: value})
    with pytest.raises(SettingsError) as refused:
        resolve(arguments, environ)
    seen = "the value given (not shown)" if name == "pseudonym_key" else repr(value)
    assert str(refused.value) == f"{variable if environ else f'argument {name}'}: {seen} is not {expected}"


@pytest.mark.parametrize("name", ["exclude", "keep_keys"])
def test_a_list_of_something_else_than_texts_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"argument {name}: "):
        resolve({name: [5]}, {})


@pytest.mark.parametrize(
    ("environ", "hint"),
    [
        ({"OTEL_EVENTS_SIGNAL": "logs"}, "Did you mean OTEL_EVENTS_SIGNALS?"),
        ({"OTEL_EVENTS_PSEUDONYMKEY": KEY}, "Did you mean OTEL_EVENTS_PSEUDONYM_KEY?"),
        ({"OTEL_EVENTS_WHATEVER": "/var/lib"}, "There are: OTEL_EVENTS_ACTOR, OTEL_EVENTS_CONFIRM_SECONDS, "),
    ],
)
def test_an_unknown_variable_is_refused(environ: dict[str, str], hint: str) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve({}, environ)
    [name] = environ
    assert f"{name} is set, but there is no such setting. {hint}" in str(refused.value)
    assert KEY not in str(refused.value)


def test_an_unknown_argument_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"the argument endpont is unknown\. Did you mean endpoint\?"):
        resolve({"endpont": "http://collector"}, {})


def test_other_variables_are_no_business_of_ours() -> None:
    assert resolve({}, {"OTEL_PYTHON_LOG_LEVEL": "nonsense", "PATH": "/"}) == resolve({}, {})


@pytest.mark.parametrize("name", ["actor", "personal"])
def test_pseudonyms_without_a_key_are_refused_at_once(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve({name: "pseudonym"}, {})
    assert str(refused.value) == (
        "pseudonyms are asked for, but there is no key. Set OTEL_EVENTS_PSEUDONYM_KEY or pseudonym_key= to at least 16 bytes, "
        "and keep it: another key gives other pseudonyms."
    )
    assert of(resolve({name: "pseudonym", "pseudonym_key": KEY}, {}), name) == "pseudonym"


@pytest.mark.parametrize(
    ("arguments", "environ", "name"),
    [
        ({}, {"OTEL_SERVICE_NAME": " shop "}, "shop"),
        ({"service_name": "bank"}, {"OTEL_SERVICE_NAME": "shop"}, "bank"),
        ({}, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}, None),  # which the SDK's resource takes from there
    ],
)
def test_the_service_name(arguments: dict[str, Any], environ: dict[str, str], name: str | None) -> None:
    assert resolve(arguments, environ).service_name == name


@pytest.mark.parametrize("name", ["", " ", 5])
def test_a_service_without_a_name_is_refused(name: Any) -> None:
    with pytest.raises(SettingsError, match=f"argument service_name: {name!r} is not a text that names the service"):
        resolve({"service_name": name}, {})


def test_resource_attributes() -> None:
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "service.version=1.2,team=a%2Cb"}
    assert resolve({}, environ).resource_attributes == {"service.version": "1.2", "team": "a,b"}
    assert resolve({"resource_attributes": {"team": "c", "rank": 5}}, environ).resource_attributes == {
        "team": "c",
        "rank": 5,
    }
    with pytest.raises(SettingsError, match="is not a mapping of keys to str, bool, int or float"):
        resolve({"resource_attributes": {"team": object()}}, {})


def test_bad_resource_attributes_of_the_environment_are_ignored_as_a_whole(caplog: pytest.LogCaptureFixture) -> None:
    assert resolve({}, {"OTEL_RESOURCE_ATTRIBUTES": "team=a,rank"}).resource_attributes == {}
    assert caplog.messages == [
        "OTEL_RESOURCE_ATTRIBUTES: 'team=a,rank' is not key=value pairs, separated by commas; it is ignored"
    ]


@pytest.mark.parametrize(
    ("text", "disabled", "lines"), [("True", True, 0), ("false", False, 0), ("", False, 0), ("1", False, 1)]
)
def test_the_sdk_can_be_disabled(text: str, disabled: bool, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    assert resolve({}, {"OTEL_SDK_DISABLED": text}).disabled is disabled
    assert len(caplog.records) == lines


def test_a_bad_common_variable_is_said_once_although_it_is_read_for_both_signals(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = resolve({"signals": "logs,traces"}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
    assert settings.logs.protocol == settings.traces.protocol == "http/protobuf"
    assert caplog.messages == ["OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' is not http/protobuf or grpc; it is ignored"]


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EVENTS_NAMESPACE", "shop")
    assert resolve().policy.namespace == "shop"


def test_described_says_value_and_source_of_every_setting_and_nothing_secret() -> None:
    settings = resolve(
        {"signals": "logs,traces", "pseudonym_key": KEY, "headers": {"authorization": KEY}, "actor": "pseudonym"},
        {
            "OTEL_EVENTS_KEEP_KEYS": "b,a",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://alice:{KEY.replace(' ', '')}@collector:4318",
            "OTEL_RESOURCE_ATTRIBUTES": "team=a",
        },
    )
    described = settings.described()
    names = [name for name, _, _ in described]
    otlp = [f"{signal}.{name}" for signal in ("logs", "traces") for name in OTLP_ARGUMENTS]
    queue = ["queue_records", "batch_records", "delay_seconds"]
    assert names == [*OWN, *RESOURCE_ARGUMENTS, "disabled", *queue, *otlp]
    values = {name: (value, source) for name, value, source in described}
    assert values["signals"] == ("logs,traces", "argument signals")
    assert values["pseudonym_key"] == ("(set)", "argument pseudonym_key")
    assert values["keep_keys"] == ("a,b", "OTEL_EVENTS_KEEP_KEYS")
    assert values["namespace"] == ("(the package that defines the class)", "default")
    assert values["resource_attributes"] == ("team", "OTEL_RESOURCE_ATTRIBUTES")
    assert values["logs.headers"] == values["traces.headers"] == ("authorization=…", "argument headers")
    assert values["logs.endpoint"] == ("http://collector:4318/v1/logs", "OTEL_EXPORTER_OTLP_ENDPOINT")
    for text in (str(described), repr(settings), str(settings), repr(settings.policy)):
        assert KEY not in text
        assert KEY.replace(" ", "") not in text


def test_only_the_signals_in_use_are_described() -> None:
    assert not any(name.startswith("traces.") for name, _, _ in resolve({}, {}).described())


def test_settings_cannot_be_changed() -> None:
    settings = resolve({}, {})
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.namespace = "bank"  # type: ignore[attr-defined]
    assert settings.otlp("logs") is settings.logs
    assert settings.otlp("traces") is settings.traces


def test_a_delivery_that_nothing_can_give_is_refused() -> None:
    with pytest.raises(SettingsError, match="needs the direct pipeline, but pipeline=sdk"):
        resolve({"delivery": "journal", "pipeline": "sdk"}, {})
    with pytest.raises(SettingsError, match="signals has only traces"):
        resolve({"delivery": "confirmed", "signals": "traces"}, {})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/me", "OTEL_SERVICE_NAME": "web shop/1"}, "/home/me/.local/state/otel-events/web_shop_1"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "/state", "OTEL_SERVICE_NAME": ".."}, "/state/otel-events/_"),
        ({"HOME": "/home/me", "XDG_STATE_HOME": "state"}, "/home/me/.local/state/otel-events/unknown_service"),
        ({"XDG_STATE_HOME": "/state", "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}, "/state/otel-events/shop"),
        (
            {"XDG_STATE_HOME": "/s", "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop", "OTEL_SERVICE_NAME": "bank"},
            "/s/otel-events/bank",
        ),
        ({"XDG_STATE_HOME": "/s", "OTEL_RESOURCE_ATTRIBUTES": "service.name=,a=b"}, "/s/otel-events/unknown_service"),
    ],
)
def test_the_journal_of_each_service_has_a_place_of_its_own(environ: dict[str, str], expected: str) -> None:
    assert resolve({}, environ).journal.directory == Path(expected)


def test_the_argument_that_names_the_service_in_the_resource_names_the_journal_too() -> None:
    environ = {"XDG_STATE_HOME": "/state", "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop"}
    by_attribute = resolve({"resource_attributes": {"service.name": "bank"}}, environ)
    assert by_attribute.journal.directory == Path("/state/otel-events/bank")
    by_name = resolve({"resource_attributes": {"service.name": "bank"}, "service_name": "post"}, environ)
    assert by_name.journal.directory == Path("/state/otel-events/post")
    assert resolve({"resource_attributes": {"service.name": 5}}, environ).journal.directory.name == "5"
