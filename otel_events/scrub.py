"""Taking secrets out of texts that come from outside: from exceptions, exporters and servers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from otel_events.privacy import REDACTED
from otel_events.settings.otlp import OtlpSettings

_MIN_CHARACTERS: Final = 4
"""A shorter text hides nothing, and is found everywhere."""


def secrets_of(otlp: OtlpSettings) -> frozenset[str]:
    """Return what must not be shown of the settings of a signal: headers' values, and credentials in the endpoint.

    Args:
        otlp: How the signal is exported.
    """
    found = set(secrets_in_url(otlp.endpoint))
    for value in otlp.headers.values():
        found |= {value, value.strip()}
        scheme, _, credentials = value.strip().partition(" ")
        found.add(credentials.strip())
        if scheme.lower() == "basic":
            found |= _basic(credentials.strip())
    return frozenset(found)


def secrets_in_url(url: str) -> frozenset[str]:
    """Return the password of a URL and the values in its query, as written, as meant, and as they are sent."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    credentials, at, _ = parts.netloc.rpartition("@")
    found = {parts.query, *(value for _, value in parse_qsl(parts.query))}
    if at:
        user, _, password = credentials.partition(":")
        found |= {credentials, password or user}
        plain = f"{unquote(user)}:{unquote(password)}"
        found.add(base64.b64encode(plain.encode()).decode())
    return frozenset({*found, *map(unquote, found)})


def shown_url(url: str) -> str:
    """Return a URL without user name, password, query and fragment, fit to be shown."""
    return re.sub(r"//[^/]*@", "//", url).partition("?")[0].partition("#")[0]


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return a text with each secret replaced, also where it stands as ``repr`` writes it.

    Args:
        text: Any text.
        secrets: What to replace; those of less than four characters are left alone.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _MIN_CHARACTERS:
            for form in (secret, repr(secret)[1:-1]):
                text = text.replace(form, REDACTED)
    return text


def _basic(credentials: str) -> frozenset[str]:
    """Return what Basic credentials hold (RFC 7617): ``user:password``, and the password."""
    try:
        plain = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return frozenset()
    return frozenset({plain, plain.partition(":")[2]})
