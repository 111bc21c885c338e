"""The resource is the application's where its SDK has one, else ours, with the settings on top."""

from __future__ import annotations

import subprocess
import sys

from otel_events.direct.resource import resource_attributes
from otel_events.settings import resolve


def test_without_an_sdk_it_is_ours() -> None:
    attributes = resource_attributes(resolve({"service_name": "shop", "resource_attributes": {"team": "a"}}, {}))

    assert attributes.pop("service.instance.id")
    assert attributes.pop("telemetry.sdk.version")
    assert attributes == {
        "service.name": "shop",
        "team": "a",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "otel-events",
    }
    assert resource_attributes(resolve({}, {}))["service.name"] == "unknown_service"


def test_that_of_an_application_is_reused() -> None:
    script = """
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from otel_events.direct.resource import resource_attributes
from otel_events.settings import resolve
trace.set_tracer_provider(TracerProvider(resource=Resource({"service.name": "own", "zone": "z"})))
attributes = resource_attributes(resolve({"resource_attributes": {"team": "a"}}, {}))
assert attributes == {"service.name": "own", "zone": "z", "team": "a"}, attributes
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
