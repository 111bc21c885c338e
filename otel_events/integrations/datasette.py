"""The Datasette plugin: every event that Datasette or another plugin tracks goes to OpenTelemetry.

It is found through the entry point ``otel-events`` of the group ``datasette``. The docs page "Datasette" describes it. Each
Datasette instance has a listener of its own, or none where nothing says where events should go.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pluggy

from otel_events import application, builtin, semconv
from otel_events.configure import make_listener
from otel_events.context import current_request
from otel_events.context import request as surrounding_request
from otel_events.counts import Counts
from otel_events.exceptions import DeliveryError, SettingsError
from otel_events.integrations.asgi import ASGIApp, EventContextMiddleware, Receive, Scope, Send
from otel_events.listener import OTelListener
from otel_events.outcome import Receipt
from otel_events.settings import Settings, resolve

_logger = logging.getLogger("otel_events")

hookimpl = pluggy.HookimplMarker("datasette")

PLUGIN: Final = "otel-events"
SERVICE_NAME: Final = "datasette"
KEEP_KEYS: Final = frozenset({"actor.token", "actor.token_expires"})
"""Of the actors of API tokens: which kind of token it is, ``dstok``, and when it expires. Neither is secret."""

SHUTDOWN_SECONDS: Final = 5.0

_SIGN_IN_PATH: Final = "/-/auth-token"
_ENDPOINTS: Final = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
)
_ON_INSTANCE: Final = "_otel_events_listener"
_FAILURES: Final = "_otel_events_failures"


@dataclass
class LoginFailed(builtin.LoginFailed):
    """A sign-in with a root token was refused at ``/-/auth-token``."""

    namespace = "datasette"


@dataclass
class PermissionDenied(builtin.PermissionDenied):
    """A page was refused to the actor: ``resource`` is its path, ``action`` the permission that was missing, where known."""

    namespace = "datasette"
    message = "{actor} was refused {resource}: {reason}"


@hookimpl(trylast=True)  # after plugins that set global providers at their startup
def startup(datasette: Any) -> None:
    """Make the instance's listener, so that a bad setting is told at the start and not at the first event."""
    _listener(datasette)


@hookimpl(tryfirst=True)
def track_event(datasette: Any, event: Any) -> Callable[[], Awaitable[None]] | None:
    """Queue an event. It neither waits nor raises; what it returns, Datasette calls and awaits: until the event is safe."""
    listener = _listener(datasette)
    if listener is None:
        return None
    if type(event).__module__ == "datasette.events":
        # Datasette tracks its own events after the act. Of other plugins' events that is not known.
        with surrounding_request({**current_request(), semconv.EVENT_OUTCOME: "success"}):
            receipt = _track(datasette, listener, event)
    else:
        receipt = _track(datasette, listener, event)
    # No coroutine: where another plugin's hook raises, nobody awaits it.
    return None if receipt is None else functools.partial(_safe, datasette, receipt)


@hookimpl(tryfirst=True)  # innermost, so that what another plugin corrects in the scope, such as the client, is seen
def asgi_wrapper(datasette: Any) -> Callable[[ASGIApp], ASGIApp]:
    """Put the request's attributes on the events tracked in it."""

    def wrap(app: ASGIApp) -> ASGIApp:
        surrounded = EventContextMiddleware(app)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            # What a plugin asks through datasette.client belongs to the request that it is answering, if there is one.
            inside = _listener(datasette) is None or datasette.in_client()
            await (app if inside else surrounded)(scope, receive, send)

        return serve

    return wrap


@hookimpl(wrapper=True, tryfirst=True)
def forbidden(datasette: Any, request: Any, message: Any) -> Generator[None, list[Any], list[Any]]:
    """Derive an event from a refused request; the answer stays Datasette's, and waits until the event is safe."""
    listener = _listener(datasette)
    receipt = None if listener is None else _track(datasette, listener, _refusal(datasette, request, str(message)))
    answers = yield
    if receipt is None or not answers:
        return answers
    return [functools.partial(_answer, datasette, receipt, answers[0]), *answers[1:]]


@hookimpl(trylast=True)
def shutdown(datasette: Any) -> Callable[[], Awaitable[None]] | None:
    """Send what waits, away from the event loop and within a bounded time."""
    listener = getattr(datasette, _ON_INSTANCE, None)
    if listener is None:
        return None

    async def flush() -> None:
        outcome = await asyncio.to_thread(listener.shutdown, SHUTDOWN_SECONDS)
        if outcome.lost:
            _logger.warning("%d of Datasette's events did not reach the collector.", outcome.lost)
        failures: Counts | None = getattr(datasette, _FAILURES, None)
        if failures is not None:
            counted = ", ".join(f"{name} {count}" for name, count in failures.as_dict().items())
            _logger.warning("Datasette's events that were not as safe as asked for: %s.", counted)

    return flush


def _refusal(datasette: Any, request: Any, reason: str) -> builtin.LoginFailed | builtin.PermissionDenied:
    # Request.path is without the query string, which has the token of a sign-in.
    if request.scope.get("route_path", request.path) == _SIGN_IN_PATH:
        return LoginFailed(reason=reason, actor=request.actor)
    action = reason if reason in datasette.actions else None
    return PermissionDenied(action=action, resource=request.path, reason=reason, actor=request.actor)


def _track(datasette: Any, listener: OTelListener, event: Any) -> Receipt | None:
    """Hand an event on, and return the receipt, where there is something to wait for."""
    try:
        return listener.track_event(event)
    except DeliveryError as error:
        _failed(datasette, error)
        return None


async def _safe(datasette: Any, receipt: Receipt) -> None:
    """Wait until an event is as safe as was asked for. It never raises: what Datasette did is done."""
    try:
        await receipt
    except Exception as error:
        _failed(datasette, error)


async def _answer(datasette: Any, receipt: Receipt, answer: Any) -> Any:
    """Wait likewise, and return the answer that another plugin, or Datasette, gives."""
    from datasette.utils import await_me_maybe

    await _safe(datasette, receipt)
    return await await_me_maybe(answer)


def _failed(datasette: Any, error: Exception) -> None:
    """Count an event that is not as safe as was asked for; say so of the first."""
    failures: Counts = vars(datasette).setdefault(_FAILURES, Counts())
    if failures.add(type(error).__name__) == 1:
        _logger.error("an event of Datasette's is not safe: %s Said once; further ones are counted.", error)


def _listener(datasette: Any) -> OTelListener | None:
    """Return the instance's listener, made the first time; None where the plugin is off."""
    if not hasattr(datasette, _ON_INSTANCE):
        setattr(datasette, _ON_INSTANCE, _make(datasette))
    listener: OTelListener | None = getattr(datasette, _ON_INSTANCE)
    return listener


def _make(datasette: Any) -> OTelListener | None:
    """Make a listener as the settings say; say why, where there is none. Never raises, for Datasette has to start."""
    if not hasattr(datasette, "in_client"):
        _logger.error("otel-events is off, and Datasette runs without it: it needs Datasette 1.0a41 or newer.")
        return None
    try:
        settings = _settings(datasette)
        if settings is None:
            _logger.info(
                "otel-events is off: set OTEL_EXPORTER_OTLP_ENDPOINT, or settings under plugins: %s: in Datasette's "
                "configuration, to have events sent.",
                PLUGIN,
            )
            return None
        if settings.disabled:
            _logger.info("otel-events is off: OTEL_SDK_DISABLED is true.")
            return None
        listener = make_listener(settings)
        _logger.info("otel-events is on; signals: %s.", ", ".join(settings.signals))
        return listener
    except SettingsError as error:
        _logger.error("otel-events is off, and Datasette runs without it: %s", error)  # noqa: TRY400 # the text says it all
    except Exception:
        _logger.exception("otel-events is off, and Datasette runs without it:")
    return None


def _settings(datasette: Any) -> Settings | None:
    """Return the settings, or None where nothing asks for events to be sent.

    Raises:
        SettingsError: A setting is unknown or has a bad value.
    """
    config = _config(datasette)
    try:
        settings = resolve(config)
    except SettingsError as error:
        if not config:
            raise
        raise SettingsError(
            f"{error} (In Datasette's configuration, arguments are the keys under plugins: {PLUGIN}:.)"
        ) from None
    provided = application.signals()
    endpoint = any(os.environ.get(name, "").strip() for name in _ENDPOINTS)
    if not config and not endpoint and provided.isdisjoint(settings.signals):
        return None
    named = settings.service_name is not None or "service.name" in settings.resource_attributes
    return replace(
        settings,
        policy=replace(settings.policy, keep_keys=settings.policy.keep_keys | KEEP_KEYS),
        service_name=settings.service_name if named or provided else SERVICE_NAME,
    )


def _config(datasette: Any) -> Mapping[str, Any]:
    config = datasette.plugin_config(PLUGIN)
    if config is None:
        return {}
    where = f"plugins: {PLUGIN}: in Datasette's configuration"
    if not isinstance(config, dict):
        raise SettingsError(
            f"{where} is of type {type(config).__name__}. Expected keys and values, such as endpoint: URL."
        )
    for name, value in config.items():
        if value is None:
            raise SettingsError(
                f"{where} has the key {name} without a value. If it refers to an environment variable with $env, set that."
            )
    return config
