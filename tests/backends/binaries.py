"""Which backends there are, what defines the build of each, and where its binary is kept.

Standard library only: `make backends` and the fixtures use it with a bare Python, with and without Go installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILDER_YAML = HERE.parents[1] / "collector-config" / "builder.yaml"

# The newest `go` line among the modules built here (VictoriaLogs'). Go refuses to build with less.
GO_VERSION = "1.26.5"

BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w")

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Backend:
    """A server that the tests use, built from Go modules.

    Attributes:
        name: what it is called on the command line and in the cache.
        program: file name of the binary.
        package: the Go package to build, seen from the folder of its module.
        sources: the files that define the build; their content is part of the key.
        version_pattern: finds the version in the first of the sources.
        minutes: how long the first build takes on two cores.
    """

    name: str
    program: str
    package: str
    sources: tuple[Path, ...]
    version_pattern: str
    minutes: int

    @property
    def version(self) -> str:
        """The version that is built, without a leading v."""
        text = self.sources[0].read_text(encoding="utf-8")
        match = re.search(self.version_pattern, text, re.MULTILINE)
        if match is None:
            raise ValueError(f"{self.sources[0]}: no version found (looked for {self.version_pattern!r})")
        return match[1]

    @property
    def key(self) -> str:
        """The name of its folder in the cache: version, what defines the build, operating system and machine."""
        digest = hashlib.sha256()
        for part in (self.package, *BUILD_FLAGS, *(path.read_text(encoding="utf-8") for path in self.sources)):
            digest.update(part.encode() + b"\0")
        machine = platform.machine().lower()
        system = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
        return f"{self.version}-{digest.hexdigest()[:12]}-{system}"

    @property
    def path(self) -> Path:
        """Where the binary is, once it is built."""
        return cache_root() / self.name / self.key / self.program


COLLECTOR = Backend("collector", "otelcol", ".", (BUILDER_YAML,), r"^  version: (\S+)$", minutes=4)
JAEGER = Backend(
    "jaeger",
    "jaeger-all-in-one",
    "github.com/jaegertracing/jaeger/cmd/all-in-one",
    (HERE / "jaeger" / "go.mod", HERE / "jaeger" / "go.sum"),
    r"^\s*github\.com/jaegertracing/jaeger v(\S+)",
    minutes=3,
)
VICTORIALOGS = Backend(
    "victorialogs",
    "victoria-logs",
    "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs",
    (HERE / "victorialogs" / "go.mod", HERE / "victorialogs" / "go.sum"),
    r"^\s*github\.com/VictoriaMetrics/VictoriaLogs v(\S+)",
    minutes=2,
)
BACKENDS: Mapping[str, Backend] = {backend.name: backend for backend in (COLLECTOR, JAEGER, VICTORIALOGS)}


def cache_root() -> Path:
    """Return the folder that holds the built backends.

    Returns:
        `$BACKENDS_CACHE`, else `otel-events/backends` below `$XDG_CACHE_HOME`, else below `~/.cache`.
    """
    if chosen := os.environ.get("BACKENDS_CACHE"):
        return Path(chosen).expanduser().resolve()
    # The XDG base directory specification has a relative path ignored.
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "otel-events" / "backends"
