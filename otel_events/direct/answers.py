"""What became of one request: every answer of a server, put into the few kinds that call for different things. Pure.

The rules are those of the OTLP specification 1.x: "OTLP/HTTP Response", "OTLP/gRPC Response", "Failures", "Partial
Success"; the exceptions to them are what real servers say.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from otel_events.diagnosis import NO_ANSWER
from otel_events.direct.waits import retry_after, retry_info
from otel_events.scrub import shown_url

MAX_ANSWER_BYTES: Final = 1024 * 1024
"""A longer answer is not read to its end. It may give a reason for each record that it rejects."""

MAX_DETAIL_CHARACTERS: Final = 1000


class Kind(enum.Enum):
    """What became of a request, and so what to do with its records."""

    ACCEPTED = "accepted"
    """All were taken."""
    PARTIAL = "partial"
    """The server rejects some and does not say which. To be sent again, none of them."""
    RETRY = "retry"
    """None was taken for sure. To be sent again, soon."""
    BAD_DATA = "bad data"
    """The server refuses what it was sent, or so much of it. To be split until that is found which it refuses."""
    HOLD = "hold"
    """Something has to be changed first, here or there. To be kept, reported once, and sent again now and then."""


@dataclass(frozen=True)
class Answer:
    """What became of one request.

    Args:
        kind: What to do with its records.
        code: The HTTP status, or the name of the gRPC status; None where no server answered, as far as can be told.
        detail: The server's words, or those of the exception. Fit to be shown once a transport returns it.
        rejected: How many records the server rejects.
        wait_seconds: How long the server asks to wait, bounded; None where it does not say.
    """

    kind: Kind
    code: int | str | None
    detail: str = ""
    rejected: int = 0
    wait_seconds: float | None = None


_RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})

_RETRIED_CODES: Final = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)

_NOT_ABOUT_DATA: Final = re.compile(r"to an https server|to https port|ssl certificate", re.IGNORECASE)
"""How servers begin to speak of TLS in an answer with status 400: the records are blameless."""

_TOO_LARGE: Final = re.compile(
    r"(?<!client: received )message (after decompression |length )?(larger|too large|exceeds)|status: 413",
    re.IGNORECASE,
)
"""How gRPC servers say it, some under another code; an HTTP proxy before them says it with its status."""

_UNREADABLE: Final = re.compile(r"(unmarshalling|deserializing) request|unmarshal the received message", re.IGNORECASE)
"""How gRPC servers say that they cannot decode a request, under the code for failures of their own."""

_BAD_DATA_CODES: Final = {
    "INVALID_ARGUMENT": re.compile(""),
    "RESOURCE_EXHAUSTED": _TOO_LARGE,
    "OUT_OF_RANGE": _TOO_LARGE,
    "UNKNOWN": _TOO_LARGE,
    "INTERNAL": _UNREADABLE,
}
"""The codes that may mean the data, and the words with which they do."""

_NOTHING_REJECTED: Final = (b"", b"\n\x00")
"""The two ways of writing that nothing is rejected; to know them spares most processes the protobuf classes."""


def of_http(status: int, reason: str, headers: Mapping[str, str], body: bytes, *, signal: str, now: float) -> Answer:
    """Return what an HTTP answer means.

    Args:
        status: Its status.
        reason: The words beside that.
        headers: Its headers, found by their names in lower case.
        body: Its body, or the beginning of it.
        signal: ``logs`` or ``traces``.
        now: Seconds since the epoch.
    """
    content_type = headers.get("content-type", "").lower()
    web_page = content_type.startswith("text/html")
    if 200 <= status < 300:
        # OTLP servers send none: it is that of a login, a proxy, or another service.
        return Answer(Kind.HOLD, status, "text/html") if web_page else of_success(status, body, signal, content_type)
    if 300 <= status < 400:
        return Answer(Kind.HOLD, status, f"to {shown_url(headers.get('location', 'nowhere'))}")
    detail = f"{reason} {_message(content_type, body)}".strip()
    if status in _RETRIED_STATUSES:
        return Answer(Kind.RETRY, status, detail, wait_seconds=retry_after(headers.get("retry-after", ""), now))
    if status == 413 or (status == 400 and not web_page and not _NOT_ABOUT_DATA.search(detail)):
        return Answer(Kind.BAD_DATA, status, detail)
    return Answer(Kind.HOLD, status, detail)


def of_grpc(code: str, details: str, trailers: Iterable[tuple[str, str | bytes]]) -> Answer:
    """Return what a gRPC status other than OK means.

    Args:
        code: Its name, such as ``UNAVAILABLE``.
        details: The words beside that.
        trailers: The trailing metadata.
    """
    seen = None if details.lower().startswith(NO_ANSWER) else code
    wait_seconds = retry_info(trailers)
    if code in _BAD_DATA_CODES and _BAD_DATA_CODES[code].search(details):
        return Answer(Kind.BAD_DATA, seen, details)
    if code in _RETRIED_CODES or (code == "RESOURCE_EXHAUSTED" and wait_seconds is not None):
        return Answer(Kind.RETRY, seen, details, wait_seconds=wait_seconds)
    return Answer(Kind.HOLD, seen, details)


def of_success(code: int | str, body: bytes, signal: str, content_type: str = "") -> Answer:
    """Return what an answer says that is a success by its code.

    Args:
        code: The HTTP status, or ``OK``.
        body: The answer.
        signal: ``logs`` or ``traces``.
        content_type: Of the answer, in lower case.
    """
    if body in _NOTHING_REJECTED:
        return Answer(Kind.ACCEPTED, code)
    if len(body) > MAX_ANSWER_BYTES:
        return Answer(Kind.HOLD, code, f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
    rejected, message = _partial_success(body, signal, content_type)
    # With none rejected, the message is a warning.
    return Answer(Kind.PARTIAL, code, message, rejected) if rejected > 0 else Answer(Kind.ACCEPTED, code, message)


def of_exception(kind: Kind, error: BaseException) -> Answer:
    """Return the answer of a ``kind`` that stands for an ``error``, which came instead of one."""
    return Answer(kind, None, f"{type(error).__name__}: {error}")


def _partial_success(body: bytes, signal: str, content_type: str) -> tuple[int, str]:
    """Return how many records an answer rejects, and its message; none where it is no answer of OTLP's."""
    from google.protobuf.json_format import Parse, ParseError
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    response: ExportLogsServiceResponse | ExportTraceServiceResponse
    response = ExportLogsServiceResponse() if signal == "logs" else ExportTraceServiceResponse()
    try:
        if content_type.startswith("application/json"):
            Parse(body, response, ignore_unknown_fields=True)
        else:
            response.ParseFromString(body)
    except (DecodeError, ParseError, UnicodeDecodeError):
        return 0, ""
    partial = response.partial_success
    return getattr(partial, "rejected_log_records" if signal == "logs" else "rejected_spans"), partial.error_message


def _message(content_type: str, body: bytes) -> str:
    """Return the words of a failure's body: those of a ``google.rpc.Status``, as OTLP has it, else of a text its beginning."""
    if content_type.startswith("application/x-protobuf"):
        from google.protobuf.message import DecodeError
        from google.rpc.status_pb2 import Status

        try:
            return str(Status.FromString(body).message)
        except DecodeError:
            return ""
    return body[:MAX_DETAIL_CHARACTERS].decode(errors="replace")
