"""Where the journal is, how large it may become, and what is done when it cannot take an event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

DEFAULT_BYTES: Final = 1024 * 1024 * 1024
DEFAULT_CONFIRM_SECONDS: Final = 2.0


class JournalSettings(NamedTuple):
    """The journal of the direct pipeline.

    Args:
        directory: Where its files are.
        max_bytes: The most bytes of records in the file of one process.
        on_failure: What is done with an event that it cannot take: ``open``, wait in memory; ``closed``, raise.
        confirm_seconds: How long ``confirmed`` waits for the collector, once an event is on disk.
    """

    directory: Path
    max_bytes: int
    on_failure: str
    confirm_seconds: float


def journal_settings(own: Mapping[str, Any], service_name: str | None, environ: Mapping[str, str]) -> JournalSettings:
    """Return the settings of the journal.

    Args:
        own: The project's own settings, read.
        service_name: Names the default directory: services do not send each other's events, but for those without a name.
        environ: Environment variables.
    """
    directory = own["journal"] or _default_directory(service_name, environ)
    return JournalSettings(Path(directory), own["journal_bytes"], own["on_failure"], own["confirm_seconds"])


def _default_directory(service_name: str | None, environ: Mapping[str, str]) -> Path:
    """Return the place for state that should persist (XDG Base Directory Specification, ``$XDG_STATE_HOME``)."""
    state = environ.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):
        state = str(Path(environ["HOME"], ".local/state")) if environ.get("HOME") else "/var/tmp"  # noqa: S108 # made 0700
    service = re.sub(r"[^A-Za-z0-9._-]", "_", service_name or "unknown_service")[:100].lstrip(".")
    return Path(state, "otel-events", service or "_")
