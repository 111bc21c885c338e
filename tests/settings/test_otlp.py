"""Every OTLP setting of a signal: from its argument, its own variable, the common one, or the specification's default."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_events import SettingsError
from otel_events.settings.otlp import OTLP_ARGUMENTS, OtlpSettings, otlp_settings
from otel_events.settings.sources import Sources

SIGNALS = ("logs", "traces")
A_FILE = __file__
ANOTHER_FILE = str(Path(__file__).with_name("__init__.py"))


def resolve(
    signal: str, arguments: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> OtlpSettings:
    return otlp_settings(Sources(arguments or {}, environ or {}, OTLP_ARGUMENTS, ()), signal)


@pytest.mark.parametrize("signal", SIGNALS)
def test_the_defaults_are_those_of_the_specification(signal: str) -> None:
    assert resolve(signal) == OtlpSettings(
        endpoint=f"http://localhost:4318/v1/{signal}",
        protocol="http/protobuf",
        headers={},
        insecure=False,
        certificate=None,
        client_key=None,
        client_certificate=None,
        compression="none",
        timeout_seconds=10.0,
    )
    assert resolve(signal, {"protocol": "grpc"}).endpoint == "http://localhost:4317"


VALUES: list[tuple[str, str, Any, str, Any, Any, Any]] = [
    # argument, variable, and for each source what is given there and what comes out of it
    ("protocol", "PROTOCOL", "grpc", "GRPC", "grpc", "http/protobuf", "http/protobuf"),
    ("headers", "HEADERS", {"a": "1"}, "b=two%20words", {"b": "two words"}, "c=3", {"c": "3"}),
    ("insecure", "INSECURE", True, "True", True, "false", False),
    ("certificate", "CERTIFICATE", A_FILE, A_FILE, A_FILE, ANOTHER_FILE, ANOTHER_FILE),
    ("client_key", "CLIENT_KEY", A_FILE, A_FILE, A_FILE, ANOTHER_FILE, ANOTHER_FILE),
    ("client_certificate", "CLIENT_CERTIFICATE", A_FILE, A_FILE, A_FILE, ANOTHER_FILE, ANOTHER_FILE),
    ("compression", "COMPRESSION", "gzip", "gzip", "gzip", "none", "none"),
    ("timeout_seconds", "TIMEOUT", 7.5, "250", 0.25, "1500", 1.5),
]


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize(("name", "variable", "given", "common", "from_common", "own", "from_own"), VALUES)
def test_the_argument_wins_over_the_signals_variable_and_that_over_the_common_one(
    signal: str, name: str, variable: str, given: Any, common: str, from_common: Any, own: str, from_own: Any
) -> None:
    of_signal, of_all = f"OTEL_EXPORTER_OTLP_{signal.upper()}_{variable}", f"OTEL_EXPORTER_OTLP_{variable}"
    other = f"OTEL_EXPORTER_OTLP_{'LOGS' if signal == 'traces' else 'TRACES'}_{variable}"
    default = getattr(resolve(signal), name)
    assert getattr(resolve(signal, environ={of_all: common}), name) == from_common
    assert getattr(resolve(signal, environ={of_signal: own}), name) == from_own
    assert getattr(resolve(signal, environ={of_signal: own, of_all: common}), name) == from_own
    assert getattr(resolve(signal, {name: given}, {of_signal: own, of_all: common}), name) == given
    assert getattr(resolve(signal, environ={other: own, of_all: ""}), name) == default


@pytest.mark.parametrize(
    ("arguments", "environ", "endpoint"),
    [
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, "http://collector:4318/v1/logs"),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}, "http://collector:4318/v1/logs"),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example/otlp"}, "https://c.example/otlp/v1/logs"),
        ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example/otlp?key=1"}, "https://c.example/otlp/v1/logs?key=1"),
        ({}, {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://collector:4318"}, "http://collector:4318"),
        ({}, {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://collector:4318/in"}, "http://collector:4318/in"),
        ({}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/in"}, "http://localhost:4318/v1/logs"),
        (
            {"endpoint": "http://argument"},
            {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://collector:4318/in"},
            "http://argument/v1/logs",
        ),
        ({"protocol": "grpc"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4317"}, "http://collector:4317"),
        ({"protocol": "grpc"}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, "collector:4317"),
        ({"protocol": "grpc", "endpoint": "collector:4317"}, {}, "collector:4317"),
    ],
)
def test_the_signals_path_is_added_to_what_is_common_and_over_http(
    arguments: dict[str, Any], environ: dict[str, str], endpoint: str
) -> None:
    assert resolve("logs", arguments, environ).endpoint == endpoint


@pytest.mark.parametrize(
    ("endpoint", "insecure", "tls"),
    [
        ("collector:4317", False, True),
        ("collector:4317", True, False),
        ("https://collector:4317", True, True),
        ("http://collector:4317", False, False),
    ],
)
def test_a_scheme_decides_on_tls_before_insecure_does(endpoint: str, insecure: bool, tls: bool) -> None:
    assert resolve("logs", {"protocol": "grpc", "endpoint": endpoint, "insecure": insecure}).tls is tls


EXPECTED = {
    "endpoint": ("collector:4318", "a URL such as http://localhost:4318"),
    "protocol": ("http/json", "http/protobuf or grpc"),
    "insecure": ("yes", "true or false"),
    "certificate": ("/no/such.pem", "a file that can be read"),
    "client_key": ("/no/such.pem", "a file that can be read"),
    "client_certificate": ("/no/such.pem", "a file that can be read"),
    "compression": ("zip", "none or gzip"),
    "timeout_seconds": ("ten", "a number of seconds above 0 and below a day"),
}


@pytest.mark.parametrize(("name", "value", "expected"), [(name, *rest) for name, rest in EXPECTED.items()])
def test_a_bad_argument_raises_and_says_what_is_expected(name: str, value: str, expected: str) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve("logs", {name: value})
    assert str(refused.value) == f"argument {name}: {value!r} is not {expected}"


@pytest.mark.parametrize(("name", "value", "expected"), [(name, *rest) for name, rest in EXPECTED.items()])
def test_a_bad_variable_is_one_line_in_the_log_and_ignored(
    name: str, value: str, expected: str, caplog: pytest.LogCaptureFixture
) -> None:
    variable = f"OTEL_EXPORTER_OTLP_{name.upper().removesuffix('_SECONDS')}"
    both = Sources({}, {variable: value}, OTLP_ARGUMENTS, ())
    for signal in SIGNALS:
        assert otlp_settings(both, signal) == resolve(signal)
    [line] = caplog.records
    assert line.levelno == logging.WARNING
    assert (
        line.getMessage()
        == f"{variable}: {value!r} is not {expected.replace('seconds', 'milliseconds')}; it is ignored"
    )


def test_a_bad_endpoint_for_grpc_names_its_port() -> None:
    with pytest.raises(SettingsError, match="a URL such as http://localhost:4317"):
        resolve("logs", {"protocol": "grpc", "endpoint": "ftp://collector"})


def test_bad_headers_are_told_what_is_expected_where_they_were_given(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve("logs", {"headers": lambda: {"authorization": "hunter2"}})
    shown = "the value given (not shown)"
    assert str(refused.value) == f"argument headers: {shown} is not a mapping of names to values, in ASCII"
    resolve("logs", environ={"OTEL_EXPORTER_OTLP_HEADERS": "hunter2"})
    assert caplog.messages == [
        f"OTEL_EXPORTER_OTLP_HEADERS: {shown} is not name=value pairs, in ASCII, separated by commas; it is ignored"
    ]


def test_no_headers_value_and_no_password_is_ever_shown(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = "http://alice:hunter2@collector:4318/otlp?key=hunter2"
    settings = resolve("logs", {"endpoint": endpoint, "headers": {"authorization": "hunter2"}})
    assert settings.endpoint == "http://alice:hunter2@collector:4318/otlp/v1/logs?key=hunter2"
    shown = dict(settings.described())
    assert shown["endpoint"] == "http://collector:4318/otlp/v1/logs?…"
    assert shown["headers"] == "authorization=…"
    schemeless = resolve("logs", {"protocol": "grpc", "endpoint": "alice:hunter2@collector:4317"})
    assert schemeless.shown_endpoint == "collector:4317"
    texts = [repr(settings), str(settings.described()), repr(schemeless), str(schemeless.described())]
    for arguments in ({"headers": "hunter2"}, {"headers": {"a": "hunter2\n"}}, {"endpoint": "ftp://a:hunter2@c"}):
        with pytest.raises(SettingsError) as refused:
            resolve("logs", arguments)
        texts.append(str(refused.value))
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "hunter2", "OTEL_EXPORTER_OTLP_ENDPOINT": "a:hunter2@collector"}
    resolve("logs", environ=environ)
    assert len(caplog.records) == 2
    texts.append(caplog.text)
    assert not any("hunter2" in text for text in texts)


def test_every_setting_is_described() -> None:
    shown = resolve("logs", {"insecure": True, "certificate": A_FILE, "timeout_seconds": 2.5}).described()
    assert [name for name, _ in shown] == list(OTLP_ARGUMENTS)
    assert dict(shown) == {
        "endpoint": "http://localhost:4318/v1/logs",
        "protocol": "http/protobuf",
        "headers": "-",
        "insecure": "true",
        "certificate": A_FILE,
        "client_key": "-",
        "client_certificate": "-",
        "compression": "none",
        "timeout_seconds": "2.5",
    }


def test_pem_files_are_read_as_they_are_when_they_are_needed(tmp_path: Path) -> None:
    paths = {name: tmp_path / name for name in ("certificate", "client_key", "client_certificate")}
    for name, path in paths.items():
        path.write_text(name)
    settings = resolve("logs", paths)

    assert settings.read_pem_files() == (b"certificate", b"client_key", b"client_certificate")
    paths["client_key"].write_text("another")
    assert settings.read_pem_files()[1] == b"another"
    assert replace(settings, client_key=None).read_pem_files()[1:] == (b"client_certificate", b"client_certificate")
    assert replace(settings, client_certificate=None).read_pem_files() == (b"certificate", None, None)
