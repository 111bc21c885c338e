"""OTLP JSON, as the Collector's file exporter writes it: one request a line.

OTLP specification 1.x, "JSON Protobuf Encoding". What has another form raises ``AttributeError``, ``KeyError`` or ``TypeError``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from otel_events.verification.record import as_text


def scopes(
    line: Mapping[str, Any], resources: str, scopes: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each scope of a line, with its resource.

    Args:
        line: A decoded line.
        resources: ``resourceLogs`` or ``resourceSpans``.
        scopes: ``scopeLogs`` or ``scopeSpans``.
    """
    for resource in line.get(resources, ()):
        for scope in resource.get(scopes, ()):
            yield resource.get("resource", {}), scope


def attributes(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the attributes of a resource, a log record, or anything else that has some, as texts."""
    return {pair["key"]: text_of(pair.get("value", {})) for pair in item.get("attributes", ())}


def text_of(value: Mapping[str, Any]) -> str:
    """Return an ``AnyValue`` as a text; that of a list or a map is of no use here."""
    return next((as_text(content) for content in value.values()), "")
