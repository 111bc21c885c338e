"""The resource of records on the direct pipeline: the application's own, where its SDK has one, else one of ours."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from otel_events import application
from otel_events.settings import Settings
from otel_events.version import VERSION


def resource_attributes(settings: Settings) -> dict[str, Any]:
    """Return the attributes of the resource, with those of the settings on top.

    Args:
        settings: May name the service and more attributes.
    """
    attributes: dict[str, Any] = dict(application.resource_attributes() or _own_attributes())
    attributes.update(settings.resource_attributes)
    if settings.service_name is not None:
        attributes["service.name"] = settings.service_name
    return attributes


def _own_attributes() -> Mapping[str, Any]:
    return {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "otel-events",
        "telemetry.sdk.version": VERSION,
        "service.instance.id": str(uuid.uuid4()),
        "service.name": "unknown_service",
    }
