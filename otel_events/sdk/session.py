"""The HTTP session of our exporters, which sees every answer: the exporters pass over some, and say little of others.

To them a redirect is a success, and so are a web page and an answer that rejects records. Over gRPC they leave no such place to
look from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import requests
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_events.diagnosis import Seen
from otel_events.scrub import shown_url
from otel_events.settings.otlp import OtlpSettings

if TYPE_CHECKING:
    from otel_events.sdk.watch import Watch

_MAX_ANSWER_BYTES: Final = 64 * 1024


class WatchedSession(requests.Session):
    """A session that tells a watch what it sees, and goes by the settings alone.

    Args:
        watch: Is told of failures, and of records that were rejected.
        otlp: Whom to trust, and as whom to come.
        foreign_headers: Names, in lower case, of headers that are not sent, whoever set them.
    """

    def __init__(self, watch: Watch, otlp: OtlpSettings, foreign_headers: Iterable[str] = ()) -> None:
        super().__init__()
        self._watch = watch
        self._otlp = otlp
        self._foreign_headers = frozenset(foreign_headers)

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request without headers that are foreign here."""
        headers = (kwargs.get("headers") or {}).items()
        kwargs["headers"] = {name: value for name, value in headers if name.lower() not in self._foreign_headers}
        return super().request(*args, **kwargs)

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> dict[str, Any]:
        """Take the certificates of the settings: requests itself lets REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE win over them."""
        certificate, key = self._otlp.client_certificate, self._otlp.client_key
        own: Any = ()
        if certificate is not None:
            own = certificate if key is None else (certificate, key)
        return super().merge_environment_settings(url, proxies, stream, self._otlp.certificate or True, own)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request.

        Raises:
            requests.RequestException: As ever, and where what was sent went nowhere: for a redirect or a web page.
        """
        try:
            # The answer is read here, bounded.
            response = super().send(request, **{**kwargs, "stream": True})
            body = _read(response)
        except Exception as error:
            self._watch.see(Seen(None, _words(error)))
            raise
        status, content_type = response.status_code, response.headers.get("content-type", "")
        if status >= 400:
            self._watch.see(Seen(status, f"{response.reason} {_message(content_type, body)}".strip()))
        elif status >= 300:
            self._watch.see(Seen(status, f"to {shown_url(response.headers.get('location', 'nowhere'))}"))
            raise requests.RequestException("a redirect is no acknowledgement", response=response)
        elif content_type.startswith("text/html"):
            self._watch.see(Seen(status, "text/html"))
            raise requests.RequestException("a web page is no acknowledgement", response=response)
        else:
            self._look_for_rejections(body)
        return response

    def _look_for_rejections(self, body: bytes) -> None:
        """See what the answer rejects (OTLP specification, "Partial Success")."""
        try:
            if self._watch.signal == "logs":
                logs = ExportLogsServiceResponse.FromString(body).partial_success
                rejected, message = logs.rejected_log_records, logs.error_message
            else:
                spans = ExportTraceServiceResponse.FromString(body).partial_success
                rejected, message = spans.rejected_spans, spans.error_message
        except DecodeError:
            return
        if rejected > 0:
            self._watch.reject(rejected, message)


def _read(response: requests.Response) -> bytes:
    """Read an answer to its end, which frees the connection for the next request, or to where it becomes too long."""
    body = b""
    for piece in response.iter_content(_MAX_ANSWER_BYTES):
        body += piece
        if len(body) > _MAX_ANSWER_BYTES:
            response.close()
            break
    return body[:_MAX_ANSWER_BYTES]


def _words(error: Exception) -> str:
    """Return what an exception of requests says at its core; around it stands the URL, which may hold a key."""
    return f"{type(error).__name__}: {str(error).rpartition('(Caused by ')[2]}"


def _message(content_type: str, body: bytes) -> str:
    """Return the words of an answer: those of a ``google.rpc.Status``, as OTLP has it, else what can be printed of a text."""
    if content_type.startswith("application/x-protobuf"):
        try:
            return str(Status.FromString(body).message)
        except DecodeError:
            return ""
    return "".join(character for character in body[:1000].decode(errors="replace") if character.isprintable())
