"""What the application has set up of OpenTelemetry itself: its global providers, and what they say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import _logs, trace
from opentelemetry._logs import LoggerProvider
from opentelemetry._logs._internal import ProxyLoggerProvider
from opentelemetry.trace import ProxyTracerProvider, TracerProvider


def logger_provider() -> LoggerProvider | None:
    """Return the LoggerProvider that the application set globally, or None."""
    provider = _logs.get_logger_provider()
    return None if isinstance(provider, ProxyLoggerProvider) else provider


def tracer_provider() -> TracerProvider | None:
    """Return the TracerProvider that the application set globally, or None."""
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, ProxyTracerProvider) else provider


def signals() -> frozenset[str]:
    """Return the signals, ``logs`` or ``traces``, for which the application has set a global provider."""
    application = {"logs": logger_provider(), "traces": tracer_provider()}
    return frozenset(signal for signal, provider in application.items() if provider is not None)


def resource_attributes() -> Mapping[str, Any]:
    """Return the attributes of the resource that its providers have; empty where it has none."""
    for provider in (logger_provider(), tracer_provider()):
        attributes = getattr(getattr(provider, "resource", None), "attributes", None)
        if attributes:
            return dict(attributes)
    return {}
