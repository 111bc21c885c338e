"""Settings: where they come from, what they may be, and what they are.

Arguments of ``configure()`` win over environment variables, those over the defaults. The project's own variables and
every argument are strict: what is unknown or bad raises ``SettingsError``. OpenTelemetry's standard variables are
lenient, as its specification asks: a bad value is logged in one line and the default holds.
"""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

from otel_events.exceptions import SettingsError
from otel_events.privacy import ACTOR_POLICIES, MIN_PSEUDONYM_KEY_BYTES, PERSONAL_POLICIES, Policy

_logger = logging.getLogger("otel_events")

PREFIX: Final = "OTEL_EVENTS_"
SIGNALS: Final = ("logs", "traces")
PIPELINES: Final = ("auto", "sdk")
PROTOCOLS: Final = ("http/protobuf", "grpc")
COMPRESSIONS: Final = ("none", "gzip")

T = TypeVar("T")


@dataclass(frozen=True)
class OtlpSettings:
    """How one signal is exported over OTLP.

    Args:
        endpoint: The URL that requests go to; for HTTP with the signal's path.
        protocol: ``http/protobuf`` or ``grpc``.
        headers: Sent with each request; never shown.
        insecure: gRPC without TLS. An ``http`` or ``https`` scheme in the endpoint decides before it does.
        certificate: File with the certificates to trust, PEM; None for the system's.
        client_key: File with the client's private key, PEM.
        client_certificate: File with the client's certificate, PEM.
        compression: ``none`` or ``gzip``.
        timeout_seconds: For one export, with its retries.
    """

    endpoint: str
    protocol: str
    headers: Mapping[str, str] = field(repr=False)
    insecure: bool
    certificate: str | None
    client_key: str | None
    client_certificate: str | None
    compression: str
    timeout_seconds: float

    @property
    def shown_endpoint(self) -> str:
        """The endpoint without user name and password, fit for a log."""
        parts = urlsplit(self.endpoint)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True)
class Settings:
    """The settings of one tracker, resolved.

    Args:
        signals: ``("logs",)``, ``("traces",)`` or both.
        pipeline: ``auto`` or ``sdk``.
        include: Globs of event names that are converted.
        exclude: Globs of event names that are not, also where ``include`` has them.
        policy: What is private, and the namespace.
        logs: OTLP for log records.
        traces: OTLP for spans.
        service_name: The resource's ``service.name``, or None to leave it to the SDK.
        resource_attributes: More resource attributes.
        disabled: ``OTEL_SDK_DISABLED``: nothing is exported.
        sources: Where each value came from, by the names that ``described`` gives.
    """

    signals: tuple[str, ...]
    pipeline: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    policy: Policy
    logs: OtlpSettings
    traces: OtlpSettings
    service_name: str | None
    resource_attributes: Mapping[str, str]
    disabled: bool
    sources: Mapping[str, str] = field(repr=False, compare=False)

    def otlp(self, signal: str) -> OtlpSettings:
        """Return the OTLP settings of ``logs`` or ``traces``."""
        return self.logs if signal == "logs" else self.traces

    def described(self) -> list[tuple[str, str, str]]:
        """Return name, value and source of every setting, fit to be shown: no header's value, no key, no password."""
        shown: list[tuple[str, str, str]] = []

        def show(name: str, value: object) -> None:
            shown.append((name, str(value), self.sources.get(name, "default")))

        show("signals", ",".join(self.signals))
        show("pipeline", self.pipeline)
        show("include", ",".join(self.include))
        show("exclude", ",".join(self.exclude) or "-")
        show("namespace", self.policy.namespace or "(the package that defines the class)")
        show("actor", self.policy.actor)
        show("personal", self.policy.personal)
        show("pseudonym_key", "(set)" if self.policy.pseudonym_key else "-")
        show("keep_keys", ",".join(sorted(self.policy.keep_keys)) or "-")
        show("service_name", self.service_name or "(the SDK's default)")
        show("resource_attributes", ",".join(sorted(self.resource_attributes)) or "-")
        show("disabled", str(self.disabled).lower())
        for signal in self.signals:
            otlp = self.otlp(signal)
            show(f"{signal}.endpoint", otlp.shown_endpoint)
            show(f"{signal}.protocol", otlp.protocol)
            show(f"{signal}.headers", ", ".join(f"{name}=…" for name in otlp.headers) or "-")
            for name in (
                "insecure",
                "certificate",
                "client_key",
                "client_certificate",
                "compression",
                "timeout_seconds",
            ):
                value = getattr(otlp, name)
                show(
                    f"{signal}.{name}",
                    "-" if value is None else str(value).lower() if isinstance(value, bool) else value,
                )
        return shown


class _Own(NamedTuple):
    """One setting of the project's own: its variable, what it is by default, how it is read, and what is expected."""

    default: Any
    read: Callable[[Any], Any]
    expected: str
    secret: bool = False


def _words(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else list(value)
    if not all(isinstance(part, str) for part in parts):
        raise ValueError
    return tuple(part.strip() for part in parts if part.strip())


def _signals(value: Any) -> tuple[str, ...]:
    words = _words(value)
    if not words or not set(words) <= set(SIGNALS):
        raise ValueError
    return tuple(signal for signal in SIGNALS if signal in words)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return read


def _namespace(value: Any) -> str:
    if not isinstance(value, str) or not value.strip(".") or value != value.strip(". ") or not value.isprintable():
        raise ValueError
    return value


def _pseudonym_key(value: Any) -> bytes:
    key = value.encode() if isinstance(value, str) else bytes(value)
    if len(key) < MIN_PSEUDONYM_KEY_BYTES:
        raise ValueError
    return key


OWN: Final[Mapping[str, _Own]] = MappingProxyType(
    {
        "signals": _Own(("logs",), _signals, "logs, traces, or logs,traces"),
        "pipeline": _Own("auto", _one_of(*PIPELINES), "auto or sdk"),
        "delivery": _Own("memory", _one_of("memory"), "memory, the only delivery that this version has"),
        "include": _Own(("*",), _words, "globs of event names, separated by commas"),
        "exclude": _Own((), _words, "globs of event names, separated by commas"),
        "namespace": _Own(None, _namespace, "a prefix without dots around it, such as shop"),
        "actor": _Own("full", _one_of(*ACTOR_POLICIES), ", ".join(ACTOR_POLICIES)),
        "personal": _Own("keep", _one_of(*PERSONAL_POLICIES), ", ".join(PERSONAL_POLICIES)),
        "pseudonym_key": _Own(None, _pseudonym_key, f"at least {MIN_PSEUDONYM_KEY_BYTES} bytes", secret=True),
        "keep_keys": _Own((), _words, "names of fields or attribute keys, separated by commas"),
    }
)
"""The project's own settings: each is an argument of ``configure()`` and, in capitals behind ``OTEL_EVENTS_``, a variable."""


def resolve(arguments: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Resolve the settings.

    Args:
        arguments: Those of ``configure()`` by name; None values count as not given.
        environ: Environment variables; default ``os.environ``.

    Raises:
        SettingsError: On an argument or an ``OTEL_EVENTS_*`` variable that is unknown or has a bad value.
    """
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    return _Resolver(given, os.environ if environ is None else environ).settings()


class _Resolver:
    def __init__(self, given: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._given = given
        self._environ = environ
        self._sources: dict[str, str] = {}
        _refuse_unknown(given, (*OWN, *_OTLP_ARGUMENTS, *_RESOURCE_ARGUMENTS), "the argument {name!r} is unknown")
        own = [PREFIX + name.upper() for name in OWN]
        _refuse_unknown(
            [name for name in environ if name.startswith(PREFIX)], own, "{name} is set, but there is no such setting"
        )

    def settings(self) -> Settings:
        own = {name: self._own(name) for name in OWN}
        policy = Policy(
            own["actor"], own["personal"], own["pseudonym_key"], frozenset(own["keep_keys"]), own["namespace"]
        )
        if "pseudonym" in (policy.actor, policy.personal) and policy.pseudonym_key is None:
            raise SettingsError(
                f"pseudonyms are asked for, but there is no key. Set {PREFIX}PSEUDONYM_KEY or pseudonym_key= to "
                f"{OWN['pseudonym_key'].expected}, and keep it: another key gives other pseudonyms."
            )
        return Settings(
            signals=own["signals"],
            pipeline=own["pipeline"],
            include=own["include"],
            exclude=own["exclude"],
            policy=policy,
            logs=self._otlp("logs"),
            traces=self._otlp("traces"),
            service_name=self._service_name(),
            resource_attributes=self._resource_attributes(),
            disabled=self._disabled(),
            sources=MappingProxyType(self._sources),
        )

    def _own(self, name: str) -> Any:
        spec, variable = OWN[name], PREFIX + name.upper()
        if name in self._given:
            value, source = self._given[name], f"argument {name}"
        elif self._environ.get(variable, "").strip():
            value, source = self._environ[variable].strip(), variable
        else:
            return spec.default
        try:
            result = spec.read(value)
        except (ValueError, TypeError):
            seen = "the value given (not shown)" if spec.secret else repr(value)
            raise SettingsError(f"{source}: {seen} is not {spec.expected}") from None
        self._sources[name] = source
        return result

    def _otlp(self, signal: str) -> OtlpSettings:
        protocol = self._standard(signal, "protocol", "http/protobuf", _one_of(*PROTOCOLS), " or ".join(PROTOCOLS))
        key, certificate = (
            self._standard(signal, name, None, _file, "a file that can be read")
            for name in ("client_key", "client_certificate")
        )
        return OtlpSettings(
            endpoint=self._endpoint(signal, protocol),
            protocol=protocol,
            headers=self._standard(
                signal, "headers", {}, _headers, "name=value pairs, separated by commas", secret=True
            ),
            insecure=self._standard(signal, "insecure", False, _boolean, "true or false"),
            certificate=self._standard(signal, "certificate", None, _file, "a file that can be read"),
            client_key=key,
            client_certificate=certificate,
            compression=self._standard(
                signal, "compression", "none", _one_of(*COMPRESSIONS), " or ".join(COMPRESSIONS)
            ),
            timeout_seconds=self._standard(
                signal,
                "timeout_seconds",
                10.0,
                _seconds,
                "a number of seconds above 0",
                variable="timeout",
                from_text=_milliseconds,
            ),
        )

    def _endpoint(self, signal: str, protocol: str) -> str:
        default = "http://localhost:4317" if protocol == "grpc" else "http://localhost:4318"
        expected = "a URL such as " + default
        read = _grpc_endpoint if protocol == "grpc" else _url
        endpoint: str = self._standard(signal, "endpoint", default, read, expected)
        whole = self._sources.get(f"{signal}.endpoint", "").endswith(f"_{signal.upper()}_ENDPOINT")
        return endpoint if protocol == "grpc" or whole else f"{endpoint.rstrip('/')}/v1/{signal}"

    def _standard(
        self,
        signal: str,
        name: str,
        default: T,
        read: Callable[[Any], T],
        expected: str,
        *,
        variable: str | None = None,
        from_text: Callable[[str], T] | None = None,
        secret: bool = False,
    ) -> T:
        """Resolve one OTLP setting of a signal: the argument, else the signal's variable, else the common one."""
        label = f"{signal}.{name}"
        if name in self._given:
            try:
                result = read(self._given[name])
            except (ValueError, TypeError, AttributeError):
                seen = "the value given (not shown)" if secret else repr(self._given[name])
                raise SettingsError(f"argument {name}: {seen} is not {expected}") from None
            self._sources[label] = f"argument {name}"
            return result
        suffix = (variable or name).upper()
        for key in (f"OTEL_EXPORTER_OTLP_{signal.upper()}_{suffix}", f"OTEL_EXPORTER_OTLP_{suffix}"):
            text = self._environ.get(key, "").strip()
            if not text:
                continue
            try:
                result = (from_text or read)(text)
            except (ValueError, TypeError):
                seen = "its value (not shown)" if secret else repr(text)
                _logger.warning("%s: %s is not %s; the default holds", key, seen, expected)
                continue
            self._sources[label] = key
            return result
        return default

    def _service_name(self) -> str | None:
        name = self._given.get("service_name")
        if name is not None and (not isinstance(name, str) or not name.strip()):
            raise SettingsError(f"argument service_name: {name!r} is not a text that names the service")
        if name is not None:
            self._sources["service_name"] = "argument service_name"
        elif self._environ.get("OTEL_SERVICE_NAME", "").strip():
            name = self._environ["OTEL_SERVICE_NAME"].strip()
            self._sources["service_name"] = "OTEL_SERVICE_NAME"
        return name

    def _resource_attributes(self) -> Mapping[str, str]:
        given = self._given.get("resource_attributes")
        if given is not None:
            if not isinstance(given, Mapping) or not all(isinstance(key, str) and key for key in given):
                raise SettingsError("argument resource_attributes: expected a mapping of attribute keys to values")
            self._sources["resource_attributes"] = "argument resource_attributes"
            return dict(given)
        text = self._environ.get("OTEL_RESOURCE_ATTRIBUTES", "").strip()
        if not text:
            return {}
        try:
            result = _headers(text)
        except ValueError:
            _logger.warning(
                "OTEL_RESOURCE_ATTRIBUTES: %r is not key=value pairs, separated by commas; it is ignored", text
            )
            return {}
        self._sources["resource_attributes"] = "OTEL_RESOURCE_ATTRIBUTES"
        return result

    def _disabled(self) -> bool:
        text = self._environ.get("OTEL_SDK_DISABLED", "").strip().lower()
        if text not in ("", "true", "false"):
            _logger.warning("OTEL_SDK_DISABLED: %r is not true or false; the default holds", text)
        if text == "true":
            self._sources["disabled"] = "OTEL_SDK_DISABLED"
        return text == "true"


_OTLP_ARGUMENTS: Final = (
    "endpoint",
    "protocol",
    "headers",
    "insecure",
    "certificate",
    "client_key",
    "client_certificate",
    "compression",
    "timeout_seconds",
)
_RESOURCE_ARGUMENTS: Final = ("service_name", "resource_attributes")


def _refuse_unknown(names: Iterable[str], known: Iterable[str], complaint: str) -> None:
    known = sorted(known)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            raise SettingsError(f"{complaint.format(name=name)}. {hint}")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 86_400:
        raise ValueError
    return float(value)


def _milliseconds(text: str) -> float:
    """Read a duration as the specification writes it: in milliseconds."""
    return _seconds(float(text) / 1000)


def _url(value: Any) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    return str(value)


def _grpc_endpoint(value: Any) -> str:
    """Read an endpoint for gRPC, which may come without a scheme."""
    _url(value if "://" in value else f"http://{value}")
    return str(value)


def _headers(value: Any) -> dict[str, str]:
    """Read headers: a mapping, or ``name=value`` pairs as W3C Baggage writes them."""
    if isinstance(value, str):
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        if not all(separator and name.strip() for name, separator, _ in pairs):
            raise ValueError
        value = {unquote(name.strip()): unquote(content.strip()) for name, _, content in pairs}
    result = dict(value)
    for name, content in result.items():
        if not isinstance(name, str) or not isinstance(content, str) or not name or not (name + content).isprintable():
            raise ValueError
    return result


def _file(value: Any) -> str:
    path = Path(value)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError
    return str(path)
