"""Where the numbers come from: the machine, Python, and the versions of what is measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.backends.binaries import COLLECTOR

MEASURED: Final = (
    "otel-events",
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp",
    "opentelemetry-instrumentation-logging",
    "protobuf",
    "grpcio",
    "logfire",
    "datasette",
    "datasette-events-db",
    "datasette-events-forward",
)


def describe() -> dict[str, str]:
    """Return what there is to say of this machine, in the order in which it is said; versions are those of this environment."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        platform.python_implementation(): platform.python_version(),
        "OpenTelemetry Collector": COLLECTOR.version,
        **{name: version for name in MEASURED if (version := _version(name))},
    }


def line(machine: Mapping[str, str]) -> str:
    """Return what ``describe`` returned as one line."""
    return ", ".join(value if name in ("processor", "system") else f"{name} {value}" for name, value in machine.items())


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = (
        re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
        if cpuinfo.exists()
        else None
    )
    return found[1].strip() if found else platform.processor() or "unknown processor"


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
