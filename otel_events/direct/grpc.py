"""Sending over OTLP/gRPC (OTLP specification 1.x, "OTLP/gRPC")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import grpc

from otel_events.direct.answers import MAX_ANSWER_BYTES, Answer, Kind, of_exception, of_grpc, of_success
from otel_events.direct.transport import USER_AGENT, Transport
from otel_events.settings.greenlets import refuse_grpc_among_greenlets
from otel_events.settings.otlp import OtlpSettings

_METHODS: Final = {
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
}

_OPTIONS: Final = (
    ("grpc.primary_user_agent", USER_AGENT),
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    # How large a request may be is for the server to say.
    ("grpc.max_send_message_length", -1),
    # How often to try is for the caller to say; by default a channel fails for up to two minutes without trying.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Otherwise a new channel may come with an old connection.
    ("grpc.use_local_subchannel_pool", 1),
)


class _Connection(NamedTuple):
    channel: grpc.Channel
    export: Any
    metadata: tuple[tuple[str, str], ...]


class GrpcTransport(Transport[_Connection]):
    """Sends requests over gRPC, on one connection that is kept open.

    Args:
        otlp: Where to, and how.
        signal: ``logs`` or ``traces``.

    Raises:
        SettingsError: Threads are greenlets, and gRPC does not know.
    """

    def __init__(self, otlp: OtlpSettings, signal: str = "logs") -> None:
        refuse_grpc_among_greenlets(otlp)
        super().__init__(otlp, signal)

    def _open(self, headers: Mapping[str, str]) -> _Connection:
        proxy = ("grpc.http_proxy", self._proxy) if self._proxy else ("grpc.enable_http_proxy", 0)
        target = urlsplit(self._url).netloc
        compression = grpc.Compression.Gzip if self._otlp.compression == "gzip" else grpc.Compression.NoCompression
        options = (*_OPTIONS, proxy)
        channel = (
            grpc.secure_channel(
                target, grpc.ssl_channel_credentials(*self._otlp.read_pem_files()), options, compression
            )
            if self._otlp.tls
            else grpc.insecure_channel(target, options, compression)
        )
        return _Connection(channel, channel.unary_unary(_METHODS[self._signal]), tuple(headers.items()))

    def _close(self, connection: _Connection) -> None:
        connection.channel.close()

    def _exchange(self, connection: _Connection, body: bytes) -> Answer:
        try:
            answer = connection.export(body, timeout=self._otlp.timeout_seconds, metadata=connection.metadata)
        except grpc.RpcError as error:
            code = error.code().name
            if code == "DEADLINE_EXCEEDED":
                # The connection may lead nowhere any more; the system would take a quarter of an hour to notice.
                self._drop(connection)
            trailers = [(datum.key, datum.value) for datum in error.trailing_metadata() or ()]
            return of_grpc(code, error.details() or "", trailers)
        except ValueError as error:
            # A header cannot be sent, unless another thread has closed the channel meanwhile.
            return of_exception(Kind.HOLD if connection is self._connection else Kind.RETRY, error)
        return of_success("OK", answer, self._signal)
