"""An HTTP server in a thread of its own: a listening socket, and uvicorn behind it."""

from __future__ import annotations

import socket
import threading
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from otel_events.exceptions import ReceiverError
from otel_events.receiver.connection import Connection

STOP_TIMEOUT_SECONDS: Final = 3
"""How long requests under way may take when the server stops."""

MAX_CONNECTIONS: Final = 200
_START_TIMEOUT_SECONDS: Final = 10.0


class HttpServer(uvicorn.Server):
    """uvicorn in a thread of its own, where it installs no signal handlers."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, name: str) -> None:
        """Prepare a server.

        Args:
            app: The application.
            listener: A socket that listens; the caller closes it.
            name: The name of the thread.
        """
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=Connection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=STOP_TIMEOUT_SECONDS,
            )
        )
        self._listener = listener
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve_thread, name=name, daemon=True)

    def _serve_thread(self) -> None:
        self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that it is ready, once it is."""
        await super().startup(sockets)
        self._ready.set()

    def start(self) -> None:
        """Serve; when it returns, requests are answered.

        Raises:
            ReceiverError: It did not start in time.
        """
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT_SECONDS):
            raise ReceiverError(f"the HTTP server did not start within {_START_TIMEOUT_SECONDS:g} s; see the log.")

    def stop(self) -> None:
        """Answer what is under way, for some seconds at most, and end the thread."""
        self.should_exit = True
        self._thread.join()


def listen(host: str, port: int, option: str) -> socket.socket:
    """Give a socket that listens.

    Args:
        host: The address, as numbers.
        port: The port; 0 for any free one.
        option: The option of the command that changes the port, for the text of the error.

    Raises:
        ReceiverError: It cannot be had.
    """
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; else each small answer takes 40 ms longer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ReceiverError(
            f"cannot listen on port {port} of {host}: {error.strerror}. Stop the program that has it, or choose "
            f"another port with {option}; 0 takes any free one."
        ) from error
    return listener
