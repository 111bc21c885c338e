"""The page's server: started beside a receiver, and stopped before it."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final

from otel_events.exceptions import ReceiverError
from otel_events.page.access import Access, Guard
from otel_events.page.api import Api
from otel_events.page.live import Live
from otel_events.page.questions import Questions
from otel_events.receiver import Receiver
from otel_events.receiver.serving import HttpServer, listen
from otel_events.version import VERSION

DEFAULT_PORT: Final = 4319

_WORKERS: Final = 4
"""Questions answered at once. SQLite answers them without the interpreter's lock, so they do use several processors."""

_LIVE_WORKERS: Final = 2


class Page:
    """The live page of a receiver's events, on an HTTP server of its own.

    ::

        with Receiver("otel-events.db") as receiver, Page(receiver) as page:
            print(page.url)

    It installs no signal handlers and, once stopped, leaves no threads. It may be started again.
    """

    def __init__(self, receiver: Receiver, *, port: int = DEFAULT_PORT, access: Access | None = None) -> None:
        """Prepare a page; :meth:`start`, or a ``with`` block, opens its port.

        Args:
            receiver: Whose events are shown; it must be running when the page starts, and until the page has stopped.
            port: The port; 0 for any free one.
            access: Where is listened and who may look; the default is everybody on this machine.
        """
        self._receiver = receiver
        self._wanted_port = port
        self._access = Access() if access is None else access
        self._running: contextlib.ExitStack | None = None
        self.port = port

    @property
    def url(self) -> str:
        """The address for a browser on this machine; without the token, where there is one."""
        host = "127.0.0.1" if self._access.host in ("0.0.0.0", "::") else self._access.host  # noqa: S104 # compared
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    @property
    def url_with_token(self) -> str:
        """The address that lets a browser in."""
        return self.url if self._access.token is None else f"{self.url}?token={self._access.token}"

    def start(self) -> None:
        """Bind the port and serve; when it returns, requests are answered. ``port`` then is the port as bound.

        Raises:
            ReceiverError: The port is in use, the receiver is not running, or the page is already.
        """
        if self._running is not None:
            raise ReceiverError("the page is running already: call stop() first.")
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(contextlib.closing(listen(self._access.host, self._wanted_port, "--port")))
            self.port = listener.getsockname()[1]
            questions = Questions(self._receiver.store)
            stack.callback(questions.close)
            executor = ThreadPoolExecutor(_WORKERS, thread_name_prefix="otel-events-page")
            stack.callback(executor.shutdown)
            live_executor = ThreadPoolExecutor(_LIVE_WORKERS, thread_name_prefix="otel-events-page-live")
            stack.callback(live_executor.shutdown)
            live = Live(self._receiver.store)
            api = Api(questions, live, executor=executor, live_executor=live_executor, status=self._status())
            server = HttpServer(Guard(api.app(), self._access, self.port), listener, name="otel-events-page-http")
            stack.callback(server.stop)
            # Before the server, which waits for the streams to end.
            stack.callback(live.close)
            server.start()
            self._running = stack.pop_all()

    def stop(self) -> None:
        """Answer what is under way, for some seconds at most, and close the port. Doing it twice is harmless."""
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def __enter__(self) -> Page:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _status(self) -> dict[str, str | None]:
        receiver = self._receiver
        host = f"[{receiver.host}]" if ":" in receiver.host else receiver.host
        return {
            "version": VERSION,
            "otlp_http": f"http://{host}:{receiver.http_port}",
            "otlp_grpc": f"http://{host}:{receiver.grpc_port}",
        }
