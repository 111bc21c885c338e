"""Looking at TLS: a handshake as the exporter makes it, and what the server's certificate says."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Mapping
from datetime import datetime, timezone
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final

import grpc
from certifi import where

from otel_events.diagnosis import Seen, diagnose
from otel_events.doctor.check import TO_COLLECTOR, Check, Mark
from otel_events.doctor.target import Target
from otel_events.settings import Settings
from otel_events.settings.otlp import OtlpSettings

_ALERT_SECONDS: Final = 0.5
"""With TLS 1.3 a server refuses a client's certificate only after the client has finished the handshake."""

_SOON_DAYS: Final = 30
_MAX_NAMES: Final = 3


def check_tls(settings: Settings, signals: tuple[str, ...], target: Target, timeout: float) -> Check:
    """Make a handshake with the certificates that the settings name.

    Args:
        settings: How the signals are exported.
        signals: Those that go there, with the same certificates.
        target: Where to.
        timeout: Seconds for each step of it.
    """
    otlp = settings.otlp(signals[0])
    try:
        context = _context(otlp)
        with (
            _connect(target, timeout) as connection,
            context.wrap_socket(connection, server_hostname=target.host) as tls,
        ):
            version, protocol, certificate = tls.version(), tls.selected_alpn_protocol(), tls.getpeercert() or {}
            _wait_for_alert(tls)
    except (OSError, ValueError) as error:
        diagnosis = diagnose(signals[0], otlp, Seen(None, f"{type(error).__name__}: {error}"))
        words = getattr(error, "verify_message", "")
        seen = f"{diagnosis.cause} ({words.rstrip('.')})" if words else diagnosis.cause
        return Check(Mark.FAIL, signals, "TLS", seen, diagnosis.cure, TO_COLLECTOR)
    if otlp.protocol == "grpc" and protocol != "h2":
        diagnosis = diagnose(signals[0], otlp, Seen(None, "missing selected ALPN"))
        seen = f"{version}, but the server offers no HTTP/2, which gRPC needs"
        return Check(Mark.FAIL, signals, "TLS", seen, diagnosis.cure, TO_COLLECTOR)
    return _valid(signals, f"{version}, {_described(certificate)}", certificate)


def _valid(signals: tuple[str, ...], seen: str, certificate: Mapping[str, Any]) -> Check:
    expires = str(certificate.get("notAfter", ""))
    if not expires:
        return Check(Mark.OK, signals, "TLS", seen)
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(expires), timezone.utc)
    days = (until - datetime.now(timezone.utc)).days
    seen = f"{seen}, valid until {until:%Y-%m-%d} ({days} days)"
    if days < _SOON_DAYS:
        return Check(Mark.NOTE, signals, "TLS", seen, "Renew the server's certificate.")
    return Check(Mark.OK, signals, "TLS", seen)


def _context(otlp: OtlpSettings) -> ssl.SSLContext:
    """Trust whom the exporter trusts.

    Raises:
        OSError: A file cannot be used.
    """
    if otlp.certificate is not None:
        trusted = Path(otlp.certificate)
    elif otlp.protocol == "grpc":
        bundled = Path(grpc.__file__).parent / "_cython" / "_credentials" / "roots.pem"
        trusted = Path(os.environ.get("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") or bundled)
    else:
        trusted = Path(os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or where())
    if trusted.is_dir():
        context = ssl.create_default_context(capath=str(trusted))
    else:
        context = ssl.create_default_context(cafile=str(trusted))
    if otlp.protocol == "grpc":
        # Python 3.13 asks more of certificates than gRPC does.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["h2" if otlp.protocol == "grpc" else "http/1.1"])
    if otlp.client_certificate is not None:
        # An encrypted key would be asked for on the terminal; neither exporter takes one.
        context.load_cert_chain(otlp.client_certificate, otlp.client_key, password=lambda: "")
    return context


def _connect(target: Target, timeout: float) -> socket.socket:
    """Connect to the server, through the proxy if there is one.

    Raises:
        OSError: There is no connection.
    """
    if target.proxy is None:
        return socket.create_connection((target.host, target.port), timeout)
    through = HTTPConnection(target.proxy.host, target.proxy.port, timeout=timeout)
    through.set_tunnel(target.host, target.port, target.proxy.headers)
    through.connect()
    connection: socket.socket = through.sock
    return connection


def _wait_for_alert(tls: ssl.SSLSocket) -> None:
    """Give the server the time to refuse the client's certificate.

    Raises:
        OSError: It does, or ends the connection.
    """
    tls.settimeout(_ALERT_SECONDS)
    with contextlib.suppress(TimeoutError):
        if not tls.recv(1024):
            raise ConnectionResetError("connection reset after the handshake")


def _described(certificate: Mapping[str, Any]) -> str:
    names = [value for _, value in certificate.get("subjectAltName", ())]
    shown = ", ".join(names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")
    return f"certificate of {shown or _name(certificate.get('subject', ()))} by {_name(certificate.get('issuer', ()))}"


def _name(name: Any) -> str:
    """Return the common name in a distinguished name, else all of it."""
    parts = {key: value for relative in name for key, value in relative}
    return str(parts.get("commonName") or ", ".join(map(str, parts.values())) or "somebody without a name")
