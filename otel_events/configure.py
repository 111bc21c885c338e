"""The wiring: settings, pipeline, listener and tracker are put together here, and only here.

What is only needed once something is set up is imported where that is done, so that importing this package stays cheap.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from otel_events import application
from otel_events.definition import EventDefinition
from otel_events.definition.markers import FieldDefinition, fields_within
from otel_events.exceptions import EventDefinitionError, SettingsError
from otel_events.privacy import Personal, Policy
from otel_events.stamp import Stamper
from otel_events.tracking.calls import OnError
from otel_events.tracking.tracker import EventTracker

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.trace import TracerProvider

    from otel_events.listener import OTelListener, Pipeline
    from otel_events.settings import Settings


def configure(
    *,
    event_types: Iterable[type] = (),
    plugins: Iterable[object] = (),
    load_entrypoints: bool = False,
    logger_provider: LoggerProvider | None = None,
    tracer_provider: TracerProvider | None = None,
    on_error: OnError | None = None,
    signals: str | Iterable[str] | None = None,
    pipeline: str | None = None,
    delivery: str | None = None,
    on_failure: str | None = None,
    journal: str | os.PathLike[str] | None = None,
    journal_bytes: int | None = None,
    confirm_seconds: float | None = None,
    queue_bytes: int | None = None,
    when_full: str | None = None,
    include: str | Iterable[str] | None = None,
    exclude: str | Iterable[str] | None = None,
    namespace: str | None = None,
    actor: str | None = None,
    personal: str | None = None,
    pseudonym_key: str | bytes | None = None,
    keep_keys: str | Iterable[str] | None = None,
    endpoint: str | None = None,
    protocol: str | None = None,
    headers: Mapping[str, str] | None = None,
    headers_file: str | os.PathLike[str] | None = None,
    insecure: bool | None = None,
    certificate: str | os.PathLike[str] | None = None,
    client_key: str | os.PathLike[str] | None = None,
    client_certificate: str | os.PathLike[str] | None = None,
    compression: str | None = None,
    timeout_seconds: float | None = None,
    service_name: str | None = None,
    resource_attributes: Mapping[str, str | bool | int | float] | None = None,
    environ: Mapping[str, str] | None = None,
) -> EventTracker:
    """Return a tracker whose events go to OpenTelemetry. Nothing global is set; a second call makes a second tracker.

    Every setting is described on the docs page "Settings". An argument wins over the environment variable of its name.

    Args:
        event_types: Event classes to register.
        plugins: Plugins to register, beside the listener.
        load_entrypoints: Also register the plugins that installed packages offer.
        logger_provider: Emit log records on this provider; default the application's global one, else one of our own.
        tracer_provider: Likewise for spans.
        on_error: Called when a hook implementation raises, with the exception and the event.
        signals: ``logs``, ``traces`` or both.
        pipeline: ``auto``, ``sdk`` or ``direct``.
        delivery: ``memory``, ``journal`` or ``confirmed``, for classes that name none.
        on_failure: ``open``, keep in memory what the journal cannot take; ``closed``, raise ``DeliveryError``.
        journal: The journal's directory, local to this machine.
        journal_bytes: The most bytes of records in the journal of one process.
        confirm_seconds: How long ``confirmed`` waits for the collector before the journal is enough.
        queue_bytes: The most bytes of records that wait, on the direct pipeline.
        when_full: What it does with a record for which there is no room: ``drop_newest``, ``drop_oldest`` or ``block``, which
            holds up the calling thread, for a second at most.
        include: Globs of event names to convert.
        exclude: Globs of event names not to convert.
        namespace: Prefix of the fields of classes that name none.
        actor: What of an actor is kept: ``full``, ``id``, ``pseudonym``, ``none``.
        personal: The least done to fields marked ``Personal``: ``keep``, ``pseudonym``, ``drop``.
        pseudonym_key: Key of the pseudonyms, at least 16 bytes.
        keep_keys: Keys that look secret and are not.
        endpoint: The collector's base URL.
        protocol: ``http/protobuf`` or ``grpc``.
        headers: Sent with each export.
        headers_file: File with more of them, such as a token; on the direct pipeline it is read again when it has changed.
        insecure: gRPC without TLS, where the endpoint has no scheme.
        certificate: PEM file of authorities to trust.
        client_key: PEM file of the client's key.
        client_certificate: PEM file of the client's certificate.
        compression: ``none`` or ``gzip``.
        timeout_seconds: For one request on the direct pipeline; on the SDK's, for one export with its retries.
        service_name: The resource's ``service.name``.
        resource_attributes: More attributes of the resource.
        environ: Environment variables; default ``os.environ``.

    Raises:
        SettingsError: A setting is unknown or has a bad value.
        EventDefinitionError: A class cannot be an event.
        PluginError: A plugin cannot be loaded.
    """
    from otel_events.settings import resolve

    settings = resolve(
        {
            "signals": signals,
            "pipeline": pipeline,
            "delivery": delivery,
            "on_failure": on_failure,
            "journal": journal,
            "journal_bytes": journal_bytes,
            "confirm_seconds": confirm_seconds,
            "queue_bytes": queue_bytes,
            "when_full": when_full,
            "include": include,
            "exclude": exclude,
            "namespace": namespace,
            "actor": actor,
            "personal": personal,
            "pseudonym_key": pseudonym_key,
            "keep_keys": keep_keys,
            "endpoint": endpoint,
            "protocol": protocol,
            "headers": headers,
            "headers_file": headers_file,
            "insecure": insecure,
            "certificate": certificate,
            "client_key": client_key,
            "client_certificate": client_certificate,
            "compression": compression,
            "timeout_seconds": timeout_seconds,
            "service_name": service_name,
            "resource_attributes": resource_attributes,
        },
        environ,
    )
    tracker = EventTracker(event_types, check=_checks(settings), on_error=on_error)
    if not settings.disabled:
        if settings.delivery != "memory":
            _import_journal()
        listener = make_listener(settings, logger_provider=logger_provider, tracer_provider=tracer_provider)
        tracker.register(listener, "otel")
    for plugin in plugins:
        tracker.register(plugin)
    if load_entrypoints:
        tracker.load_entrypoints()
    return tracker


def make_listener(
    settings: Settings,
    *,
    logger_provider: LoggerProvider | None = None,
    tracer_provider: TracerProvider | None = None,
) -> OTelListener:
    """Return a listener, as host integrations need it that have a tracker of their own.

    Args:
        settings: What is converted, and where it is sent.
        logger_provider: As for ``configure``.
        tracer_provider: As for ``configure``.
    """
    import otel_events.conversion.record  # noqa: F401 # What every pipeline needs is not left for the first event to load.
    from otel_events.chosen import ChosenPipeline
    from otel_events.listener import OTelListener
    from otel_events.settings.greenlets import refuse_grpc_among_greenlets

    stamper = Stamper()
    if logger_provider is not None and settings.pipeline == "direct":
        raise SettingsError("logger_provider is given, but pipeline=direct goes past it. Leave one of them out.")
    if settings.pipeline == "direct" and "logs" not in settings.signals:
        raise SettingsError(
            "pipeline=direct sends log records, but signals has only traces. Set pipeline=sdk, or add logs."
        )
    given = {"logs": logger_provider, "traces": tracer_provider}
    for signal in settings.signals:
        if given[signal] is None and signal not in application.signals():
            refuse_grpc_among_greenlets(settings.otlp(signal))
    pipeline = ChosenPipeline(lambda: _pipeline(settings, stamper, logger_provider, tracer_provider))
    return OTelListener(settings, pipeline, stamper=stamper)


def _pipeline(
    settings: Settings,
    stamper: Stamper,
    logger_provider: LoggerProvider | None,
    tracer_provider: TracerProvider | None,
) -> Pipeline:
    """Return where events go. Each pipeline's own libraries are loaded here."""
    from otel_events.joined import JoinedPipelines
    from otel_events.routed import RoutedPipelines

    if not _logs_go_direct(settings, logger_provider):
        from otel_events.sdk.pipeline import SdkPipeline

        sdk = SdkPipeline(settings, logger_provider=logger_provider, tracer_provider=tracer_provider)
        if settings.pipeline == "sdk" or "logs" not in settings.signals:
            return sdk
        from otel_events.direct.pipeline import DirectPipeline

        # Events that are to be durable go past the application's SDK, which could not keep that promise.
        durable: Pipeline = DirectPipeline(settings, stamper)
        if "traces" in settings.signals:
            durable = JoinedPipelines(durable, _spans(settings, tracer_provider))
        return RoutedPipelines(sdk, durable, settings.delivery)
    from otel_events.direct.pipeline import DirectPipeline

    direct = DirectPipeline(settings, stamper)
    return direct if "traces" not in settings.signals else JoinedPipelines(direct, _spans(settings, tracer_provider))


def _logs_go_direct(settings: Settings, logger_provider: LoggerProvider | None) -> bool:
    """Tell whether log records take the direct pipeline; an application that has a LoggerProvider is respected."""
    if settings.pipeline != "auto":
        return settings.pipeline == "direct"
    return "logs" in settings.signals and logger_provider is None and application.logger_provider() is None


def _spans(settings: Settings, tracer_provider: TracerProvider | None) -> Pipeline:
    from otel_events.sdk.pipeline import SdkPipeline

    return SdkPipeline(replace(settings, signals=("traces",)), tracer_provider=tracer_provider)


def _checks(settings: Settings) -> Callable[[EventDefinition], None]:
    """Return what is looked at when a class is registered, beside the class itself."""
    has_key = pseudonym_check(settings.policy)

    def check(definition: EventDefinition) -> None:
        has_key(definition)
        if definition.delivery in (None, "memory"):
            return
        if settings.pipeline == "sdk" or "logs" not in settings.signals:
            raise EventDefinitionError(
                f"{definition.cls.__module__}.{definition.cls.__qualname__}.delivery is {definition.delivery!r}, which needs log "
                f"records on the direct pipeline. Leave out pipeline=sdk, and have logs among the signals."
            )
        _import_journal()

    return check


def _import_journal() -> None:
    """Have the journal's modules imported before the first event: a child that is forked off meanwhile would wait for ever."""
    importlib.import_module("otel_events.direct.journal.queue")


def pseudonym_check(policy: Policy) -> Callable[[EventDefinition], None]:
    """Return a check that refuses classes with pseudonymous fields where there is no key for them."""

    def check(definition: EventDefinition) -> None:
        for cls, field in fields_within(definition.cls):
            if policy.pseudonym_key is None and _wants_pseudonym(field):
                raise EventDefinitionError(
                    f"{cls.__module__}.{cls.__qualname__}.{field.name} is to be a pseudonym, but there is no key. "
                    "Set OTEL_EVENTS_PSEUDONYM_KEY or pseudonym_key=."
                )

    return check


def _wants_pseudonym(field: FieldDefinition) -> bool:
    return isinstance(field.privacy, Personal) and field.privacy.policy == "pseudonym"
