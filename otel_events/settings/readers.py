"""How the value of a setting is read: each function takes what was given and raises ``ValueError`` for what it cannot be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from otel_events.semconv import is_namespace

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_MAX_SECONDS: Final = 86_400


def words(value: Any) -> tuple[str, ...]:
    """Read texts, separated by commas where they come as one."""
    parts = value.split(",") if isinstance(value, str) else list(value)
    if not all(isinstance(part, str) for part in parts):
        raise ValueError
    return tuple(part.strip() for part in parts if part.strip())


def some_words(value: Any) -> tuple[str, ...]:
    """Likewise, but at least one."""
    result = words(value)
    if not result:
        raise ValueError
    return result


def some_of(*choices: str) -> Callable[[Any], tuple[str, ...]]:
    """Return a reader of one or more of these texts, in any case; their order is the one here."""

    def read(value: Any) -> tuple[str, ...]:
        given = {word.lower() for word in some_words(value)}
        if not given <= set(choices):
            raise ValueError
        return tuple(choice for choice in choices if choice in given)

    return read


def one_of(*choices: str) -> Callable[[Any], str]:
    """Return a reader of one of these texts, in any case (as the specification has it for "Enum" values)."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value.lower() not in choices:
            raise ValueError
        return value.lower()

    return read


def namespace(value: Any) -> str:
    """Read a prefix of attribute keys."""
    if not is_namespace(value):
        raise ValueError
    return value


def key_of_at_least(min_bytes: int) -> Callable[[Any], bytes]:
    """Return a reader of a secret key."""

    def read(value: Any) -> bytes:
        if not isinstance(value, (str, bytes)):
            raise ValueError
        key = value.encode() if isinstance(value, str) else value
        if len(key) < min_bytes:
            raise ValueError
        return key

    return read


def boolean(value: Any) -> bool:
    """Read true or false, in any case (OpenTelemetry specification, "Environment Variable Specification", "Boolean")."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError


def seconds(value: Any) -> float:
    """Read a duration in seconds, above 0 and below a day."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < _MAX_SECONDS:
        raise ValueError
    return float(value)


def duration(value: Any) -> float:
    """Likewise, or as a text."""
    return seconds(float(value) if isinstance(value, str) else value)


def positive(value: Any) -> int:
    """Read a whole number above 0."""
    number = int(value)
    if isinstance(value, (bool, float)) or number <= 0:
        raise ValueError
    return number


def milliseconds(text: str) -> float:
    """Read a duration as the OTLP exporter's specification writes it, in milliseconds, and return seconds."""
    return seconds(float(text) / 1000)


def url(value: Any) -> str:
    """Read an ``http`` or ``https`` URL."""
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        raise ValueError
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    return value


def grpc_endpoint(value: Any) -> str:
    """Read an endpoint for gRPC: a URL, or only host and port."""
    if not isinstance(value, str):
        raise ValueError
    url(value if "://" in value else f"http://{value}")
    return value


def pairs(text: str) -> dict[str, str]:
    """Read ``key=value`` pairs, separated by commas, percent-decoded: W3C Baggage without its properties."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    result = {unquote(name.strip()): unquote(content.strip()) for name, _, content in parts}
    if not all(separator and name.strip() for name, separator, _ in parts) or not all(map(str.isprintable, result)):
        raise ValueError
    return result


def headers(value: Any) -> dict[str, str]:
    """Read headers: a mapping or pairs, of names and printable values in ASCII."""
    result = pairs(value) if isinstance(value, str) else dict(value)
    for name, content in result.items():
        if not isinstance(name, str) or not isinstance(content, str) or not _HEADER_NAME.fullmatch(name):
            raise ValueError
        if not content.isascii() or not content.isprintable():
            raise ValueError
    return result


def attributes(value: Any) -> dict[str, str | bool | int | float]:
    """Read resource attributes: a mapping or pairs."""
    result: dict[str, str | bool | int | float] = dict(pairs(value) if isinstance(value, str) else value)
    for key, content in result.items():
        if not isinstance(key, str) or not key.strip() or not isinstance(content, (str, bool, int, float)):
            raise ValueError
    return result


def text(value: Any) -> str:
    """Read a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


def file(value: Any) -> str:
    """Read the path of a file that can be read."""
    path = Path(value)
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ValueError
    return str(path)


def directory(value: Any) -> str:
    """Read the absolute path of a directory, which need not be there yet."""
    path = os.fspath(value)
    if not isinstance(path, str) or not path.startswith("/") or not path.isprintable():
        raise ValueError
    return path
