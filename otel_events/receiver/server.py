"""The receiver: both OTLP ports and the store, started and stopped as one."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final

import grpc

from otel_events.exceptions import ReceiverError
from otel_events.receiver.access import Access, is_loopback
from otel_events.receiver.gate import Gate
from otel_events.receiver.grpc import WORKERS, create_server
from otel_events.receiver.http import create_app
from otel_events.receiver.intake import Intake, IntakeStats
from otel_events.receiver.retention import DEFAULT_MAX_BYTES, Retention
from otel_events.receiver.serving import STOP_TIMEOUT_SECONDS, HttpServer, listen
from otel_events.receiver.store import Store

DEFAULT_HTTP_PORT: Final = 4318
DEFAULT_GRPC_PORT: Final = 4317
DEFAULT_MAX_BODY_BYTES: Final = 16 * 1024 * 1024
DEFAULT_MAX_RECORDS: Final = 100_000

_MAX_REQUESTS: Final = 64
"""Requests under way at once, over both transports; the next ones are told to come again."""

_BODIES_UNDER_WAY: Final = 2
"""How many bodies of the largest size may be under way at once; that many bytes bound what requests take of memory."""

_READ_TIMEOUT_SECONDS: Final = 30.0


class Receiver:
    """An OTLP receiver on this machine that stores what it gets in a SQLite file.

    ::

        with Receiver("otel-events.db") as receiver:
            receiver.store.wait_for_new(0, timeout=10.0)
            print(receiver.store.events())

    It installs no signal handlers and, once stopped, leaves no threads. It may be started again.
    """

    def __init__(
        self,
        database: str | Path,
        *,
        host: str = "127.0.0.1",
        http_port: int = DEFAULT_HTTP_PORT,
        grpc_port: int = DEFAULT_GRPC_PORT,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        max_records: int = DEFAULT_MAX_RECORDS,
        max_age_days: float | None = None,
        max_bytes: int | None = DEFAULT_MAX_BYTES,
        token: str | None = None,
        allow_anyone: bool = False,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        """Prepare a receiver; :meth:`start`, or a ``with`` block, opens its ports and its database.

        Args:
            database: The SQLite file; it is made where there is none.
            host: The address to listen on: of the loopback interface, unless there is a token or anyone may send.
            http_port: The port of OTLP/HTTP; 0 for any free one.
            grpc_port: The port of OTLP/gRPC; 0 for any free one.
            max_body_bytes: The largest request, as sent and as unpacked.
            max_records: How many records one request may hold; the rest of it is rejected.

            max_age_days: Events and spans that came earlier are deleted; None keeps them.
            max_bytes: How large the database file may become before the oldest is deleted; None for no bound.
            token: What senders must bring as ``Authorization: Bearer TOKEN``; None where they need none.
            allow_anyone: Listen off the loopback interface also without a token.
            allowed_hosts: Names under which this machine may be addressed over HTTP, beside ``localhost`` and the
                addresses it listens on.

        Raises:
            ReceiverError: ``host`` is no address, or one that others can reach, without a token; or a bound is not
                possible.
        """
        if not token and token is not None:
            raise ReceiverError("token is empty: give one that cannot be guessed, or None.")
        if not is_loopback(host) and token is None and not allow_anyone:
            raise ReceiverError(
                f"host is {host!r}, and without a token anyone who can reach it may write to the database: use 127.0.0.1 "
                "or ::1, or give a token, or say allow_anyone=True."
            )
        self.host = host
        self._access = Access(token=token, hosts=[host, *allowed_hosts])
        self._retention = Retention(max_age_days, max_bytes)
        self._database = Path(database)
        self._wanted_ports = (http_port, grpc_port)
        self._max_body_bytes = max_body_bytes
        self._max_records = max_records
        self._running: contextlib.ExitStack | None = None
        self._store: Store | None = None
        self._intake: Intake | None = None
        self.http_port = http_port
        self.grpc_port = grpc_port

    @property
    def store(self) -> Store:
        """The store, from the first :meth:`start` on; after :meth:`stop` it can still be read."""
        if self._store is None:
            raise ReceiverError("the receiver has no store before it was started: call start() first.")
        return self._store

    def stats(self) -> IntakeStats:
        """Give what came in since the last start."""
        return self._intake.stats() if self._intake is not None else IntakeStats()

    def start(self) -> None:
        """Open the database, bind both ports and serve; when it returns, requests are answered.

        ``http_port`` and ``grpc_port`` then are the ports as bound.

        Raises:
            ReceiverError: A port is in use, the database cannot be used, or the receiver is running already.
        """
        if self._running is not None:
            raise ReceiverError("the receiver is running already: call stop() first.")
        http_port, grpc_port = self._wanted_ports
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(
                contextlib.closing(listen(self.host, http_port, "--otlp-http-port (http_port=)"))
            )
            if grpc_port:
                # gRPC writes a failure to bind to stderr, in its own words; asking first keeps it quiet.
                listen(self.host, grpc_port, "--otlp-grpc-port (grpc_port=)").close()
            store = Store(self._database, retention=self._retention)
            stack.callback(store.close)
            gate = Gate(max_requests=_MAX_REQUESTS, max_bytes=_BODIES_UNDER_WAY * self._max_body_bytes)
            intake = Intake(store, gate, max_records=self._max_records)

            grpc_executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="otel-events-receiver-grpc")
            stack.callback(grpc_executor.shutdown)
            grpc_server = create_server(intake, self._access, grpc_executor, max_body_bytes=self._max_body_bytes)
            self.grpc_port = _add_port(grpc_server, self.host, grpc_port)
            grpc_server.start()
            stack.callback(lambda: grpc_server.stop(grace=STOP_TIMEOUT_SECONDS).wait())

            # One thread, so that one body at a time is unpacked and parsed.
            http_executor = ThreadPoolExecutor(1, thread_name_prefix="otel-events-receiver-http")
            stack.callback(http_executor.shutdown)
            app = create_app(
                intake,
                self._access,
                http_executor,
                max_body_bytes=self._max_body_bytes,
                read_timeout_seconds=_READ_TIMEOUT_SECONDS,
            )
            self.http_port = listener.getsockname()[1]
            http_server = HttpServer(app, listener, name="otel-events-receiver-http")
            stack.callback(http_server.stop)
            http_server.start()

            self._store, self._intake = store, intake
            self._running = stack.pop_all()

    def stop(self) -> None:
        """Answer what is under way, for some seconds at most, then close ports and database. Twice is harmless."""
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _add_port(server: grpc.Server, host: str, port: int) -> int:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return int(server.add_insecure_port(address))
    except RuntimeError as error:
        raise ReceiverError(f"cannot listen on {address} for OTLP/gRPC: {error}. Choose another grpc_port.") from error
