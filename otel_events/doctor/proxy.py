"""The proxy through which an exporter goes, as requests and gRPC take it from the environment."""

from __future__ import annotations

import base64
import os
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from requests.utils import get_environ_proxies, select_proxy

from otel_events.scrub import secrets_in_url, shown_url
from otel_events.settings.otlp import OtlpSettings

_GRPC_VARIABLES: Final = ("grpc_proxy", "https_proxy", "http_proxy")
_GRPC_EXCEPTIONS: Final = ("no_grpc_proxy", "no_proxy")


class Proxy(NamedTuple):
    """A proxy.

    Args:
        url: As the environment has it, password included.
    """

    url: str

    @property
    def host(self) -> str:
        """Its host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Its port."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def shown(self) -> str:
        """Its address, fit to be shown."""
        return shown_url(self.url)

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be shown of it."""
        return secrets_in_url(self.url)

    @property
    def headers(self) -> dict[str, str]:
        """What it has to be sent with a CONNECT."""
        parts = urlsplit(self.url)
        if parts.username is None:
            return {}
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return {"Proxy-Authorization": f"Basic {base64.b64encode(credentials.encode()).decode()}"}


def proxy_of(otlp: OtlpSettings, host: str) -> Proxy | None:
    """Return the proxy that the exporter of a signal goes through, or None.

    Args:
        otlp: How the signal is exported.
        host: Where to.
    """
    if otlp.protocol == "grpc":
        found = next((os.environ[name] for name in _GRPC_VARIABLES if os.environ.get(name)), None)
        exceptions = next((os.environ[name] for name in _GRPC_EXCEPTIONS if os.environ.get(name)), "")
        if any(host.lower().endswith(ending) for ending in exceptions.lower().replace(" ", "").split(",") if ending):
            return None
    else:
        found = select_proxy(otlp.endpoint, get_environ_proxies(otlp.endpoint))
    if found is None:
        return None
    return Proxy(found if "://" in found else f"http://{found}")
