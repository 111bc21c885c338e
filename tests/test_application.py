"""What an application has set up itself is seen: its global providers and their resource; the API's placeholders are none."""

from __future__ import annotations

import os
import subprocess
import sys

from otel_events import application


def test_without_providers_there_is_nothing() -> None:
    assert (application.logger_provider(), application.tracer_provider()) == (None, None)
    assert application.signals() == frozenset()
    assert application.resource_attributes() == {}


def test_its_global_providers_are_seen() -> None:
    script = """
import opentelemetry._logs, opentelemetry.trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from otel_events import application
print(sorted(application.signals()))
logs, traces = LoggerProvider(Resource({"service.name": "theirs"})), TracerProvider()
opentelemetry._logs.set_logger_provider(logs)
print(sorted(application.signals()))
opentelemetry.trace.set_tracer_provider(traces)
print(sorted(application.signals()))
print(application.logger_provider() is logs, application.tracer_provider() is traces, application.resource_attributes())
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, timeout=60)
    assert run.stdout == "[]\n['logs']\n['logs', 'traces']\nTrue True {'service.name': 'theirs'}\n", run.stderr
