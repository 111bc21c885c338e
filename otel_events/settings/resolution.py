"""The settings of a tracker: what there is, and what they are once resolved."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from otel_events.definition.definition import DELIVERIES, ON_FAILURES
from otel_events.exceptions import SettingsError
from otel_events.privacy import ACTOR_POLICIES, MIN_PSEUDONYM_KEY_BYTES, PERSONAL_POLICIES, Policy
from otel_events.settings import header_file, journaling, readers
from otel_events.settings.journaling import JournalSettings, journal_settings
from otel_events.settings.otlp import OTLP_ARGUMENTS, OtlpSettings, otlp_settings
from otel_events.settings.queueing import DEFAULT_BYTES, FULL_POLICIES, QueueSettings, queue_settings
from otel_events.settings.sources import PREFIX, OwnSetting, Sources, hidden

SIGNALS: Final = ("logs", "traces")
PIPELINES: Final = ("auto", "sdk", "direct")

_GLOBS: Final = "globs of event names, separated by commas"

OWN: Final[Mapping[str, OwnSetting]] = MappingProxyType(
    {
        "signals": OwnSetting(("logs",), readers.some_of(*SIGNALS), "logs, traces, or logs,traces"),
        "pipeline": OwnSetting("auto", readers.one_of(*PIPELINES), "auto, sdk or direct"),
        "delivery": OwnSetting("memory", readers.one_of(*DELIVERIES), f"one of {', '.join(DELIVERIES)}"),
        "on_failure": OwnSetting("open", readers.one_of(*ON_FAILURES), f"one of {', '.join(ON_FAILURES)}"),
        "journal": OwnSetting(None, readers.directory, "the absolute path of a directory"),
        "journal_bytes": OwnSetting(journaling.DEFAULT_BYTES, readers.positive, "a whole number of bytes above 0"),
        "confirm_seconds": OwnSetting(
            journaling.DEFAULT_CONFIRM_SECONDS, readers.duration, "a number of seconds above 0 and below a day"
        ),
        "queue_bytes": OwnSetting(DEFAULT_BYTES, readers.positive, "a whole number of bytes above 0"),
        "when_full": OwnSetting("drop_newest", readers.one_of(*FULL_POLICIES), f"one of {', '.join(FULL_POLICIES)}"),
        "include": OwnSetting(("*",), readers.some_words, f"one or more {_GLOBS}"),
        "exclude": OwnSetting((), readers.words, _GLOBS),
        "namespace": OwnSetting(None, readers.namespace, "a prefix without dots around it, such as shop"),
        "actor": OwnSetting("full", readers.one_of(*ACTOR_POLICIES), f"one of {', '.join(ACTOR_POLICIES)}"),
        "personal": OwnSetting("keep", readers.one_of(*PERSONAL_POLICIES), f"one of {', '.join(PERSONAL_POLICIES)}"),
        "pseudonym_key": OwnSetting(
            None,
            readers.key_of_at_least(MIN_PSEUDONYM_KEY_BYTES),
            f"at least {MIN_PSEUDONYM_KEY_BYTES} bytes",
            hidden,
        ),
        "keep_keys": OwnSetting((), readers.words, "names of fields or attribute keys, separated by commas"),
        "headers_file": OwnSetting(None, header_file.found_in, header_file.EXPECTED, header_file.shown_path),
    }
)
"""The project's own settings: each is an argument of ``configure()`` and, in capitals behind ``OTEL_EVENTS_``, a variable."""

RESOURCE_ARGUMENTS: Final = ("service_name", "resource_attributes")


@dataclass(frozen=True)
class Settings:
    """The settings of one tracker, resolved.

    Args:
        signals: ``("logs",)``, ``("traces",)`` or both.
        pipeline: ``auto``, ``sdk`` or ``direct``.
        delivery: ``memory``, ``journal`` or ``confirmed``, of the events whose class says nothing.
        journal: Where events wait on disk.
        queue: How records wait and go out, on the direct pipeline.
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
    delivery: str
    journal: JournalSettings
    queue: QueueSettings
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    policy: Policy
    logs: OtlpSettings
    traces: OtlpSettings
    service_name: str | None
    resource_attributes: Mapping[str, str | bool | int | float]
    disabled: bool
    sources: Mapping[str, str] = field(repr=False, compare=False)

    def otlp(self, signal: str) -> OtlpSettings:
        """Return the OTLP settings of a signal.

        Args:
            signal: ``logs`` or ``traces``.
        """
        return self.logs if signal == "logs" else self.traces

    def described(self) -> list[tuple[str, str, str]]:
        """Return name, value and source of every setting, fit to be shown: no header's value, no key, no password."""
        shown = [
            ("signals", ",".join(self.signals)),
            ("pipeline", self.pipeline),
            ("delivery", self.delivery),
            ("on_failure", self.journal.on_failure),
            ("journal", str(self.journal.directory)),
            ("journal_bytes", str(self.journal.max_bytes)),
            ("confirm_seconds", f"{self.journal.confirm_seconds:g}"),
            ("queue_bytes", str(self.queue.max_bytes)),
            ("when_full", self.queue.when_full),
            ("include", ",".join(self.include)),
            ("exclude", ",".join(self.exclude) or "-"),
            ("namespace", self.policy.namespace or "(the package that defines the class)"),
            ("actor", self.policy.actor),
            ("personal", self.policy.personal),
            ("pseudonym_key", "(set)" if self.policy.pseudonym_key else "-"),
            ("keep_keys", ",".join(sorted(self.policy.keep_keys)) or "-"),
            ("headers_file", "-" if self.logs.header_file is None else self.logs.header_file.path),
            ("service_name", self.service_name or "(the SDK's default)"),
            ("resource_attributes", ",".join(sorted(self.resource_attributes)) or "-"),
            ("disabled", str(self.disabled).lower()),
            ("queue_records", str(self.queue.max_records)),
            ("batch_records", str(self.queue.batch_records)),
            ("delay_seconds", f"{self.queue.delay_seconds:g}"),
        ]
        for signal in self.signals:
            shown.extend((f"{signal}.{name}", value) for name, value in self.otlp(signal).described())
        return [(name, value, self.sources.get(name, "default")) for name, value in shown]


def resolve(arguments: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Resolve the settings.

    Args:
        arguments: Those of ``configure()`` by name; None values count as not given.
        environ: Environment variables; default ``os.environ``.

    Raises:
        SettingsError: On an argument or an ``OTEL_EVENTS_*`` variable that is unknown or has a bad value.
    """
    known = (*OWN, *OTLP_ARGUMENTS, *RESOURCE_ARGUMENTS)
    environ = os.environ if environ is None else environ
    sources = Sources(arguments or {}, environ, known, OWN)
    own = {name: sources.own(name, setting) for name, setting in OWN.items()}
    service_name = sources.standard(
        "service_name", "service_name", ["OTEL_SERVICE_NAME"], None, readers.text, "a text that names the service"
    )
    no_attributes: dict[str, str | bool | int | float] = {}
    resource_attributes = sources.standard(
        "resource_attributes",
        "resource_attributes",
        ["OTEL_RESOURCE_ATTRIBUTES"],
        no_attributes,
        readers.attributes,
        "a mapping of keys to str, bool, int or float",
        expected_text="key=value pairs, separated by commas",
    )
    _check_delivery(own)
    return Settings(
        signals=own["signals"],
        pipeline=own["pipeline"],
        delivery=own["delivery"],
        journal=journal_settings(own, service_name or _named_in(resource_attributes), environ),
        queue=queue_settings(sources, own["queue_bytes"], own["when_full"]),
        include=own["include"],
        exclude=own["exclude"],
        policy=_policy(own),
        logs=otlp_settings(sources, "logs", own["headers_file"]),
        traces=otlp_settings(sources, "traces", own["headers_file"]),
        service_name=service_name,
        resource_attributes=resource_attributes,
        disabled=sources.standard("disabled", None, ["OTEL_SDK_DISABLED"], False, readers.boolean, "true or false"),
        sources=MappingProxyType(sources.found),
    )


def _named_in(resource_attributes: Mapping[str, object]) -> str | None:
    """Return the service's name that stands among the attributes of the resource, if one does."""
    name = resource_attributes.get("service.name")
    return None if name is None else str(name).strip() or None


def _check_delivery(own: Mapping[str, Any]) -> None:
    """Refuse a delivery that the pipeline or the signals asked for cannot give."""
    if own["delivery"] == "memory":
        return
    if own["pipeline"] == "sdk":
        raise SettingsError(
            f"delivery={own['delivery']} needs the direct pipeline, but pipeline=sdk is set. Leave one of them out."
        )
    if "logs" not in own["signals"]:
        raise SettingsError(
            f"delivery={own['delivery']} is for log records, but signals has only traces. Add logs, or leave it out."
        )


def _policy(own: Mapping[str, Any]) -> Policy:
    policy = Policy(own["actor"], own["personal"], own["pseudonym_key"], frozenset(own["keep_keys"]), own["namespace"])
    if "pseudonym" in (policy.actor, policy.personal) and policy.pseudonym_key is None:
        raise SettingsError(
            f"pseudonyms are asked for, but there is no key. Set {PREFIX}PSEUDONYM_KEY or pseudonym_key= to "
            f"{OWN['pseudonym_key'].expected}, and keep it: another key gives other pseudonyms."
        )
    return policy
