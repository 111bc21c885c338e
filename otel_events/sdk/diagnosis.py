"""What went wrong at an export, in one sentence that says what was seen and what to change. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from otel_events.privacy import REDACTED
from otel_events.settings import OtlpSettings

_MAX_DETAIL: Final = 200


class Seen(NamedTuple):
    """What an exporter saw: an HTTP status or a gRPC status name, if there was an answer, and the words that came with it."""

    code: int | str | None
    detail: str


def explain(signal: str, otlp: OtlpSettings, seen: Seen) -> str:
    """Say what was seen and what to change.

    Args:
        signal: ``logs`` or ``traces``.
        otlp: How the signal is exported.
        seen: What the exporter saw.
    """
    what = "log records" if signal == "logs" else "spans"
    return f"{what} do not arrive at {otlp.shown_endpoint} ({otlp.protocol}): {_cause(signal, otlp, seen)}"


def _cause(signal: str, otlp: OtlpSettings, seen: Seen) -> str:
    code, detail = seen.code, seen.detail.lower()
    grpc = otlp.protocol == "grpc"
    for words, cause in _TLS_CAUSES:
        if any(word in detail for word in words):
            return cause
    if code in (404, 405, "UNIMPLEMENTED"):
        if signal == "logs":
            return (
                f"the server takes no logs there ({code}). Jaeger, for one, takes traces only: send to an OpenTelemetry "
                f"Collector, or set OTEL_EVENTS_SIGNALS=traces. If it is a collector, look at the path of the endpoint."
            )
        return f"the server takes no traces there ({code}). Look at the endpoint's path and at the server's receivers."
    if code in (401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED"):
        return f"the server refuses the credentials ({code}). Set OTEL_EXPORTER_OTLP_HEADERS, such as authorization=Bearer%20…"
    if any(word in detail for word in _OTHER_PROTOCOL) or (not grpc and code == 415):
        other, port = ("http/protobuf", 4318) if grpc else ("grpc", 4317)
        return (
            f"the port answers in another protocol. If it is the port for {other} (usually {port}), set "
            f"OTEL_EXPORTER_OTLP_PROTOCOL={other}; else use the port for {otlp.protocol}."
        )
    if any(word in detail for word in _NO_SUCH_HOST):
        return "the host name cannot be resolved. Look at OTEL_EXPORTER_OTLP_ENDPOINT."
    if any(word in detail for word in _REFUSED):
        return "nothing listens there. Start a collector, or set OTEL_EXPORTER_OTLP_ENDPOINT to where one is."
    if code in (429, 502, 503, 504, "RESOURCE_EXHAUSTED"):
        return f"the server is overloaded or its backend is down ({code}). Look at the server; sending is tried again."
    if code in (400, 413, "INVALID_ARGUMENT"):
        return f"the server refuses the data ({code} {_scrub(seen.detail, otlp)}). Look at the server's log."
    if code == "DEADLINE_EXCEEDED" or any(word in detail for word in _SLOW):
        return (
            f"no answer within {otlp.timeout_seconds:g} s. Look at the server, "
            f"or raise OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds)."
        )
    return f"{'' if code is None else f'{code} '}{_scrub(seen.detail, otlp)}".strip() or "the exporter gives no reason"


_TLS_CAUSES: Final = (
    (
        ("wrong_version_number", "wrong version number", "record layer failure"),
        "the port speaks no TLS. Write http:// instead of https://, or give the server a certificate.",
    ),
    (
        ("certificate_verify_failed", "certificate verify failed"),
        (
            "the server's certificate is not trusted. Set OTEL_EXPORTER_OTLP_CERTIFICATE to the PEM file of the authority "
            "that signed it, and use a host name that stands in it."
        ),
    ),
    (
        ("certificate_required", "certificate required", "bad certificate", "handshake failure"),
        (
            "the server wants another client certificate. Set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE "
            "and OTEL_EXPORTER_OTLP_CLIENT_KEY."
        ),
    ),
)
_OTHER_PROTOCOL: Final = (
    "badstatusline",
    "http1.x server",
    "received http/0.9",
    "bad response frame",
    "remote end closed connection without response",
    "failed parsing http/2",
    "illegal preface",
)
_NO_SUCH_HOST: Final = (
    "name or service not known",
    "failed to resolve",
    "nameresolution",
    "dns resolution failed",
    "getaddrinfo",
)
_REFUSED: Final = ("connection refused", "actively refused", "connect call failed")
_SLOW: Final = ("timed out", "timeout", "deadline exceeded")


def _scrub(detail: str, otlp: OtlpSettings) -> str:
    """Return an exporter's words in one short line without any header's value."""
    for value in otlp.headers.values():
        detail = detail.replace(value, REDACTED)
    return " ".join(detail.split())[:_MAX_DETAIL]
