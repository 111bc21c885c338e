"""The receiver: both OTLP ports and the store, started and stopped as one."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final

import grpc
import uvicorn
from starlette.applications import Starlette

from otel_events.exceptions import ReceiverError
from otel_events.receiver.grpc import create_server
from otel_events.receiver.http import create_app
from otel_events.receiver.intake import Intake, IntakeStats
from otel_events.receiver.store import Store

DEFAULT_HTTP_PORT: Final = 4318
DEFAULT_GRPC_PORT: Final = 4317
DEFAULT_MAX_BODY_BYTES: Final = 16 * 1024 * 1024
DEFAULT_MAX_RECORDS: Final = 100_000

_WORKERS: Final = 2
"""Requests parsed and stored at once. A parsed request may take a hundred times its size in memory, where it is made for
that, so their number bounds the memory; more would not be faster, as there is one writer."""

_MAX_HTTP_CONNECTIONS: Final = 200
_READ_TIMEOUT_SECONDS: Final = 30.0
_START_TIMEOUT_SECONDS: Final = 10.0
_STOP_TIMEOUT_SECONDS: Final = 3


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
    ) -> None:
        """Prepare a receiver; :meth:`start`, or a ``with`` block, opens its ports and its database.

        Args:
            database: The SQLite file; it is made where there is none.
            host: An address of the loopback interface.
            http_port: The port of OTLP/HTTP; 0 for any free one.
            grpc_port: The port of OTLP/gRPC; 0 for any free one.
            max_body_bytes: The largest request, as sent and as unpacked.
            max_records: How many records one request may hold; the rest of it is rejected.

        Raises:
            ReceiverError: ``host`` is not a loopback address.
        """
        if not _is_loopback(host):
            raise ReceiverError(
                f"host is {host!r}: the receiver listens only on this machine for now, because anyone who can reach it "
                "may write to its database. Use 127.0.0.1 or ::1."
            )
        self._database = Path(database)
        self._host = host
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
            listener = stack.enter_context(contextlib.closing(_listen(self._host, http_port, "http_port")))
            if grpc_port:
                # gRPC writes a failure to bind to stderr, in its own words; asking first keeps it quiet.
                _listen(self._host, grpc_port, "grpc_port").close()
            store = Store(self._database)
            stack.callback(store.close)
            intake = Intake(store, max_records=self._max_records)
            executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="otel-events-receiver")
            stack.callback(executor.shutdown)

            grpc_server = create_server(intake, executor, max_body_bytes=self._max_body_bytes)
            self.grpc_port = _add_port(grpc_server, self._host, grpc_port)
            grpc_server.start()
            stack.callback(lambda: grpc_server.stop(grace=_STOP_TIMEOUT_SECONDS).wait())

            app = create_app(
                intake, executor, max_body_bytes=self._max_body_bytes, read_timeout_seconds=_READ_TIMEOUT_SECONDS
            )
            self.http_port = listener.getsockname()[1]
            http_server = _HttpServer(app, listener)
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


class _HttpServer(uvicorn.Server):
    """uvicorn in a thread of its own, where it installs no signal handlers."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_MAX_HTTP_CONNECTIONS,
                timeout_graceful_shutdown=_STOP_TIMEOUT_SECONDS,
            )
        )
        self._listener = listener
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve_thread, name="otel-events-receiver-http", daemon=True)

    def _serve_thread(self) -> None:
        self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready.set()

    def start(self) -> None:
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_SECONDS):
            raise ReceiverError(f"the HTTP server did not start within {_START_TIMEOUT_SECONDS:g} s; see the log.")

    def stop(self) -> None:
        self.should_exit = True
        self._thread.join()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int, argument: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ReceiverError(
            f"cannot listen on port {port} of {host}: {error.strerror}. Stop the program that has it, or choose "
            f"another port with --otlp-{argument.replace('_', '-')} ({argument}=); 0 takes any free one."
        ) from error
    return listener


def _add_port(server: grpc.Server, host: str, port: int) -> int:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return int(server.add_insecure_port(address))
    except RuntimeError as error:
        raise ReceiverError(f"cannot listen on {address} for OTLP/gRPC: {error}. Choose another grpc_port.") from error
