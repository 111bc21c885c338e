"""The kinds of backends: what defines one, what it takes to get it, and where it is kept.

Standard library only: `make backends` and the fixtures use it with a bare Python, whatever else is installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import ClassVar

# The newest `go` line among the modules built here. Go refuses to build with less.
GO_VERSION = "1.26.7"

BUILD_FLAGS = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w")

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Backend:
    """A server that the tests use.

    Attributes:
        name: what it is called on the command line and in the cache.
        program: the file in its folder that stands for it: the server's binary, or its main library.
        time: how long it takes to come the first time, on two cores.
    """

    # What must be on PATH to get it, and how that comes.
    tools: ClassVar[Mapping[str, str]]

    name: str
    program: str
    _: KW_ONLY
    time: str

    @property
    def version(self) -> str:
        """The version that the tests want, without a leading v."""
        raise NotImplementedError

    def definition(self) -> tuple[str, ...]:
        """Return all that defines what is in the cache."""
        raise NotImplementedError

    @property
    def key(self) -> str:
        """The name of its folder in the cache: version, what defines it, operating system and machine."""
        digest = hashlib.sha256()
        for part in self.definition():
            digest.update(part.encode() + b"\0")
        machine = platform.machine().lower()
        system = f"{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
        return f"{self.version}-{digest.hexdigest()[:12]}-{system}"

    @property
    def folder(self) -> Path:
        """Its folder in the cache."""
        return cache_root() / self.name / self.key

    @property
    def path(self) -> Path:
        """Where its program is, once it is there."""
        return self.folder / self.program


@dataclass(frozen=True)
class LeftOut:
    """A file that a Go module should have and does not, with the text that stands for it."""

    module: str
    path: str
    text: str


@dataclass(frozen=True)
class GoBackend(Backend):
    """A backend that is built from Go modules.

    Attributes:
        packages: the Go packages to build, seen from the folder of their module, by the file name of their binary.
        sources: the files that define the build.
        version_pattern: finds the version in the first of the sources.
        tags: Go's build tags.
        left_out: a file that a package embeds and that its module does not have.
    """

    tools: ClassVar[Mapping[str, str]] = {"go": f"install Go {GO_VERSION} or newer"}

    packages: Mapping[str, str]
    sources: tuple[Path, ...]
    version_pattern: str
    tags: tuple[str, ...] = ()
    left_out: LeftOut | None = None

    @property
    def version(self) -> str:
        return _version_in(self.sources[0], self.version_pattern)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of `go build`."""
        return (*BUILD_FLAGS, *(f"-tags={tag}" for tag in self.tags))

    def definition(self) -> tuple[str, ...]:
        texts = (path.read_text(encoding="utf-8") for path in self.sources)
        left_out = (self.left_out.module, self.left_out.path, self.left_out.text) if self.left_out else ()
        return (*self.packages.values(), *self.flags, *texts, *left_out)


@dataclass(frozen=True)
class MavenBackend(Backend):
    """A backend whose libraries Maven fetches, into the folder of its program.

    Attributes:
        pom: what to fetch.
        version_pattern: finds the version in it.
    """

    tools: ClassVar[Mapping[str, str]] = {
        "mvn": "install Maven (Debian: maven)",
        "java": "install Java 17 or newer (Debian: openjdk-17-jre-headless)",
    }

    pom: Path
    version_pattern: str

    @property
    def version(self) -> str:
        return _version_in(self.pom, self.version_pattern)

    def definition(self) -> tuple[str, ...]:
        return (self.pom.read_text(encoding="utf-8"),)


def cache_root() -> Path:
    """Return the folder that holds the backends.

    Returns:
        `$BACKENDS_CACHE`, else `otel-events/backends` below `$XDG_CACHE_HOME`, else below `~/.cache`.
    """
    if chosen := os.environ.get("BACKENDS_CACHE"):
        return Path(chosen).expanduser().resolve()
    # The XDG base directory specification has a relative path ignored.
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "otel-events" / "backends"


def _version_in(path: Path, pattern: str) -> str:
    match = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise ValueError(f"{path}: no version found (looked for {pattern!r})")
    return match[1]
