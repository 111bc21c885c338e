"""Where an exporter connects to, and how."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from otel_events.doctor.proxy import Proxy, proxy_of
from otel_events.settings.otlp import OtlpSettings


class Target(NamedTuple):
    """Where an exporter connects to.

    Args:
        host: The collector's.
        port: Likewise.
        proxy: What stands between, or None.
    """

    host: str
    port: int
    proxy: Proxy | None

    @property
    def first_hop(self) -> tuple[str, int]:
        """Host and port of the TCP connection: the proxy's, if there is one."""
        return (self.host, self.port) if self.proxy is None else (self.proxy.host, self.proxy.port)


def target_of(otlp: OtlpSettings) -> Target:
    """Return where the exporter of a signal connects to."""
    endpoint = otlp.endpoint
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    host = parts.hostname or ""
    # gRPC has one default port, with and without TLS.
    port = parts.port or (443 if otlp.tls or otlp.protocol == "grpc" else 80)
    return Target(host, port, proxy_of(otlp, host))
