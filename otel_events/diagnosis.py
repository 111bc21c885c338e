"""What went wrong at an export: what was seen, and what to change. Pure.

The words are those of the official exporters 1.45, of requests, OpenSSL and gRPC. The docs page "Errors" has every sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from otel_events.scrub import scrub, secrets_of
from otel_events.settings.otlp import OtlpSettings

_MAX_DETAIL: Final = 200

NO_ANSWER: Final = (
    "failed to connect to all addresses",
    "errors resolving",
    "dns resolution failed",
    "received http2 header with status",
    "socket closed",
    "stream removed",
    "connection reset",
    "recvmsg",
    "closed on fork",
)
"""How the details of a gRPC status begin, in lower case, where the client's own library makes them."""


class Seen(NamedTuple):
    """What an exporter saw: the server's answer, by its HTTP status or the name of its gRPC status, or None; and some words."""

    code: int | str | None
    detail: str


class Diagnosis(NamedTuple):
    """What was seen, what to change, and its place in ``KNOWN``: the same for all failures that differ in details only."""

    cause: str
    cure: str
    rank: int


def diagnose(signal: str, otlp: OtlpSettings, seen: Seen) -> Diagnosis:
    """Return what was seen and what to change.

    Args:
        signal: ``logs`` or ``traces``.
        otlp: How the signal is exported.
        seen: What the exporter saw.
    """
    rank, known = next((rank, known) for rank, known in enumerate(KNOWN) if known.fits(signal, otlp, seen))
    detail = scrub(" ".join(seen.detail.split()), secrets_of(otlp))[:_MAX_DETAIL].strip(". ")
    other, port, own_port = ("http/protobuf", 4318, 4317) if otlp.protocol == "grpc" else ("grpc", 4317, 4318)
    shown = {
        "code": "no answer" if seen.code is None else seen.code,
        "detail": detail or "no words",
        "protocol": otlp.protocol,
        "other": other,
        "port": port,
        "own_port": own_port,
        "seconds": f"{otlp.timeout_seconds:g}",
    }
    return Diagnosis(known.cause.format_map(shown), known.cure.format_map(shown), rank)


class Known(NamedTuple):
    """A failure that is known by the words of what stood in the way of an answer, in lower case, or by the answer's code.

    The words in an answer are the server's, and may be about its own troubles, unless ``in_answers`` says otherwise.
    """

    cause: str
    cure: str
    words: tuple[str, ...] = ()
    codes: tuple[int | str, ...] = ()
    condition: Callable[[str, OtlpSettings], bool] = lambda *_: True
    in_answers: bool = False

    def fits(self, signal: str, otlp: OtlpSettings, seen: Seen) -> bool:
        """Say whether this is what was seen."""
        detail = seen.detail.lower()
        by_words = (seen.code is None or self.in_answers) and any(word in detail for word in self.words)
        return (by_words or seen.code in self.codes) and self.condition(signal, otlp)


_ENDS_TOO_SOON: Final = (
    "badstatusline",
    "received http/0.9",
    "connection aborted",
    "connection reset",
    "connection broken",
    "remote end closed connection",
    "broken pipe",
    "eof occurred in violation of protocol",
    "unexpected_eof",
    "http1.x server",
    "failed parsing http/2",
    "received http2 header with status",
    "missing selected alpn",
    "no application protocol",
    "no_application_protocol",
    "illegal preface",
    "socket closed",
    "handshake read failed",
)

KNOWN: Final = (
    Known(
        "the port speaks no TLS",
        "Write http:// in the endpoint, or give the server a certificate.",
        ("wrong_version_number", "wrong version number", "record layer failure"),
    ),
    Known(
        "the port speaks TLS only",
        "Write https:// in the endpoint.",
        ("http request to an https server", "http request was sent to https port"),
        in_answers=True,
    ),
    Known(
        "the server's certificate is for another host name",
        "Use a host name that stands in the certificate, or give the server a certificate for this one.",
        ("hostname mismatch", "ip address mismatch", "hostname verification check failed", "doesn't match"),
    ),
    Known(
        "the server's certificate is not valid at this time",
        "Renew it, or set the clock of this machine right.",
        ("certificate has expired", "certificate is not yet valid"),
    ),
    Known(
        "the server's certificate is not trusted",
        "Set OTEL_EXPORTER_OTLP_CERTIFICATE to the PEM file of the authority that signed it.",
        ("certificate_verify_failed", "certificate verify failed"),
    ),
    Known(
        "a file with a certificate or a key cannot be used",
        "OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY have to be PEM files, and the key has to be that "
        "of the client's certificate.",
        (
            "failed to create security handshaker",
            "key_values_mismatch",
            "key values mismatch",
            "pem lib",
            "no_certificate_or_crl_found",
            "no certificate or crl found",
            "private key is encrypted",
        ),
    ),
    Known(
        "the server wants a client certificate that it trusts",
        "Set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY.",
        (
            "certificate_required",
            "certificate required",
            "bad_certificate",
            "bad certificate",
            "handshake_failure",
            "handshake failure",
            "alert_unknown_ca",
            "alert unknown ca",
            "unwrap failed",
        ),
    ),
    Known(
        "the proxy does not let it through ({detail})",
        "Look at HTTPS_PROXY and HTTP_PROXY, or put the host into NO_PROXY.",
        ("proxyerror", "http proxy returned", "tunnel connection failed"),
        (407,),
    ),
    Known(
        "a header cannot be sent as it is written",
        "Look at OTEL_EXPORTER_OTLP_HEADERS: no spaces at the ends, no line breaks.",
        ("in header value", "in header name", "metadata was invalid", "illegal header"),
    ),
    Known(
        "the process forked while it was sending",
        "Nothing, if it arrives then: sending is tried again. Servers that fork fare better with http/protobuf.",
        ("closed on fork",),
    ),
    Known(
        "the host name cannot be resolved",
        "Look at OTEL_EXPORTER_OTLP_ENDPOINT, and whether this machine reaches its name server.",
        (
            "name or service not known",
            "nodename nor servname",
            "failed to resolve",
            "nameresolution",
            "name resolution",
            "dns resolution failed",
            "errors resolving",
            "getaddrinfo",
        ),
    ),
    Known(
        "nothing listens there",
        "Start a collector, or set OTEL_EXPORTER_OTLP_ENDPOINT to where one is.",
        ("connection refused", "actively refused"),
    ),
    Known(
        "the network does not reach the host",
        "Look at OTEL_EXPORTER_OTLP_ENDPOINT, and at routes and firewalls.",
        ("no route to host", "network is unreachable", "network unreachable"),
    ),
    Known(
        "a batch is larger than the exporter sends ({detail})",
        "Lower OTEL_BLRP_MAX_EXPORT_BATCH_SIZE (log records) or OTEL_BSP_MAX_EXPORT_BATCH_SIZE (spans).",
        ("max_request_size",),
    ),
    Known(
        "the port ends the TLS connection or does not answer in {protocol}",
        "If it is one for {other} (usually {port}), set OTEL_EXPORTER_OTLP_PROTOCOL={other}; if it wants a client certificate, "
        "set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY; else look at the server.",
        _ENDS_TOO_SOON,
        condition=lambda _, otlp: otlp.tls,
    ),
    Known(
        "the port does not answer in {protocol}",
        "If it is one for {other} (usually {port}), set OTEL_EXPORTER_OTLP_PROTOCOL={other}; if it wants TLS, write https:// "
        "in the endpoint; else look at the server.",
        _ENDS_TOO_SOON,
    ),
    Known(
        "the server takes no logs there ({code})",
        "Jaeger, for one, takes traces only: send to an OpenTelemetry Collector, or set OTEL_EVENTS_SIGNALS=traces. If it is a "
        "collector, look at the path of the endpoint, and for a pipeline for logs.",
        codes=(404, 405, "UNIMPLEMENTED"),
        condition=lambda signal, _: signal == "logs",
    ),
    Known(
        "the server takes no traces there ({code})",
        "Look at the path of the endpoint, and at the server for a pipeline for traces.",
        codes=(404, 405, "UNIMPLEMENTED"),
    ),
    Known(
        "the server refuses the credentials ({code} {detail})",
        "Look at the values in the file that OTEL_EVENTS_HEADERS_FILE names.",
        codes=(401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED"),
        condition=lambda _, otlp: otlp.header_file is not None,
    ),
    Known(
        "the server refuses the credentials ({code})",
        "Look at the values in OTEL_EXPORTER_OTLP_HEADERS.",
        codes=(401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED"),
        condition=lambda _, otlp: bool(otlp.headers),
    ),
    Known(
        "the server wants credentials ({code}), and no header is set",
        "Set OTEL_EXPORTER_OTLP_HEADERS, such as authorization=Bearer%20…",
        codes=(401, 403, "UNAUTHENTICATED", "PERMISSION_DENIED"),
    ),
    Known(
        "the server redirects elsewhere ({code} {detail})",
        "Set OTEL_EXPORTER_OTLP_ENDPOINT to where it leads, if that is a collector; redirects are not followed.",
        codes=(300, 301, 302, 303, 304, 307, 308),
    ),
    Known(
        "the server answers with a web page, so it is no collector",
        "Set OTEL_EXPORTER_OTLP_ENDPOINT to the port of a collector for {protocol} (usually {own_port}).",
        codes=(200, 201, 202, 203, 204),
    ),
    Known(
        "the server is overloaded, or what is behind it is down ({code} {detail})",
        "Look at the server; sending is tried again.",
        codes=(429, 502, 503, 504, "UNAVAILABLE", "RESOURCE_EXHAUSTED"),
    ),
    Known(
        "the server refuses the data ({code} {detail})",
        "Look at the log of the server.",
        codes=(400, 411, 413, 415, 422, "INVALID_ARGUMENT", "OUT_OF_RANGE"),
    ),
    Known(
        "the server failed ({code} {detail})",
        "Look at the log of the server.",
        codes=(500, "INTERNAL", "DATA_LOSS", "ABORTED"),
    ),
    Known(
        "the shutdown came before an answer",
        "Give shutdown() a longer timeout, or look at why the server is slow.",
        codes=("CANCELLED",),
    ),
    Known(
        "no answer within {seconds} s",
        "Look at the server, and at firewalls; or raise OTEL_EXPORTER_OTLP_TIMEOUT (milliseconds).",
        ("timed out", "timeout", "deadline exceeded"),
        ("DEADLINE_EXCEEDED",),
    ),
    Known(
        "{code}: {detail}",
        "Look at the server, and at the settings with otel-events doctor.",
        ("",),
        in_answers=True,
    ),
)
"""Every failure that is known, the last one being any other. The first that fits holds: it tells most."""
