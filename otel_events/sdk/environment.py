"""What the official exporters read from the environment by themselves: the settings are resolved already, and hold instead."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.util.re import parse_env_headers

from otel_events.settings.otlp import OtlpSettings


def foreign_headers(signal: str, otlp: OtlpSettings) -> frozenset[str]:
    """Return the names, in lower case, of headers that the HTTP exporter takes from the environment beside those it is given.

    Args:
        signal: ``logs`` or ``traces``.
        otlp: What it is given.
    """
    text = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_HEADERS") or os.environ.get(
        "OTEL_EXPORTER_OTLP_HEADERS"
    )
    found = parse_env_headers(text or "", liberal=True)
    return frozenset(found) - {name.lower() for name in otlp.headers}


@contextmanager
def on_their_own(signal: str) -> Iterator[None]:
    """Make an exporter inside the ``with`` block: neither does it log headers that it cannot read, nor fail at a bad timeout.

    Args:
        signal: ``logs`` or ``traces``.
    """
    logger, quiet = logging.getLogger("opentelemetry.util.re"), _Quiet()
    logger.addFilter(quiet)
    # Only where it is bad: the environment is better left alone while other threads run.
    name = f"OTEL_EXPORTER_OTLP_{signal.upper()}_TIMEOUT"
    bad = os.environ.pop(name) if name in os.environ and not _is_number(os.environ[name]) else None
    try:
        yield
    finally:
        if bad is not None:
            os.environ[name] = bad
        logger.removeFilter(quiet)


class _Quiet(logging.Filter):
    """Drops what the thread that made it logs."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def filter(self, record: logging.LogRecord) -> bool:
        return threading.get_ident() != self._thread


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
