"""One server process on free ports of 127.0.0.1: started, waited for, stopped, and never left behind."""

from __future__ import annotations

import atexit
import http.client
import os
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

from tests.backends.wait import wait_until

if TYPE_CHECKING:
    from typing_extensions import Self

STOP_SECONDS = 10.0
START_ATTEMPTS = 5
REQUEST_SECONDS = 10.0
# Short: on a port that somebody else took, there may be no answer at all.
HEALTH_REQUEST_SECONDS = 1.0
TAIL_LINES = 40

# Reads one line; when its input ends without one, the process that started it is gone, and so must the server be.
_WATCHER = 'read -r line || kill -s KILL -- "-$0"'

# Proxies from the environment have no business with 127.0.0.1.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerError(Exception):
    """A server did not start, or refused a request; the text shows what it said."""


class Server:
    """A server that runs in its own process group, with its log and data in a folder.

    A stopped server can be started again: it keeps its folder and its ports, so that a test can take it away from a
    client and give it back.
    """

    port_names: ClassVar[tuple[str, ...]] = ()
    start_seconds: ClassVar[float] = 30.0

    def __init__(self, binary: Path, folder: Path) -> None:
        """Prepare a server; `start`, or the `with` statement, starts it.

        Args:
            binary: the program.
            folder: where its log and data go; is created.
        """
        self.binary = binary
        self.folder = folder
        self.ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._log_start = 0

    def command(self) -> Sequence[str | Path]:
        """Return the command line, made with `self.ports`."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return what the server needs in its environment besides what is there."""
        return {}

    def health_url(self) -> str:
        """Return the address that answers 200 once the server is ready."""
        raise NotImplementedError

    def healthy(self) -> bool:
        """Return whether the server is ready now."""
        try:
            with _OPENER.open(self.health_url(), timeout=HEALTH_REQUEST_SECONDS) as response:
                return bool(response.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    def address(self, port_name: str) -> str:
        """Return `127.0.0.1:PORT` for one of `port_names`."""
        return f"127.0.0.1:{self.ports[port_name]}"

    @property
    def log_path(self) -> Path:
        """The file with everything that the server printed."""
        return self.folder / f"{type(self).__name__.lower()}.log"

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The id of the process, which is there."""
        if self._process is None:
            raise ServerError(f"{type(self).__name__} is not running")
        return self._process.pid

    def log(self) -> str:
        """Return what this start of the server has printed so far."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def start(self) -> None:
        """Start the server and wait until it is healthy; the first time on ports that are free.

        Raises:
            ServerError: it is not healthy within `start_seconds`, or ended; the text has the end of its log.
        """
        if self._process is not None:
            raise ServerError(f"{type(self).__name__} was started already; stop it first")
        self.folder.mkdir(parents=True, exist_ok=True)
        chosen_before = bool(self.ports)
        for attempt in range(1, START_ATTEMPTS + 1):
            if not chosen_before:
                self.ports = dict(zip(self.port_names, free_ports(len(self.port_names)), strict=True))
            self._spawn()
            try:
                self._wait_until_healthy()
            except ServerError:
                self.stop()
                # Between the choice of a port and the server's bind somebody else may have taken it.
                if chosen_before or attempt == START_ATTEMPTS or "address already in use" not in self.log().lower():
                    raise
            else:
                return

    def stop(self, *, kill: bool = False) -> None:
        """Stop the server and wait until it is gone; does nothing when it was not started.

        Args:
            kill: end it at once, as a crash would, instead of letting it finish.
        """
        # After a fork the server belongs to the parent, also when the child unwinds the parent's `with` or atexit.
        if self._process is None or self._owner != os.getpid():
            return
        process, self._process = self._process, None
        atexit.unregister(self.stop)
        try:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL if kill else signal.SIGTERM)
                process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        finally:
            if self._watcher is not None:
                self._watcher.communicate(b"stopped\n")
                self._watcher = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> None:
        # What the tests set for this process must not change how the servers behave.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env={**inherited, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._owner = os.getpid()
        atexit.register(self.stop)
        # atexit does not run when this process is killed; the watcher sees its end of the pipe close in any case.
        self._watcher = subprocess.Popen(
            ["sh", "-c", _WATCHER, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _wait_until_healthy(self) -> None:
        try:
            wait_until(lambda: not self.running or self.healthy(), self.start_seconds)
        except TimeoutError:
            problem = f"was not healthy within {self.start_seconds:g} s"
        else:
            if self.running:
                return
            problem = "ended instead of starting"
        tail = "\n".join(self.log().splitlines()[-TAIL_LINES:])
        raise ServerError(f"{type(self).__name__} {problem}. The end of {self.log_path}:\n{tail}")


def free_ports(count: int) -> list[int]:
    """Return TCP ports of 127.0.0.1 that are free now and differ from each other."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def fetch(url: str, form: bytes | None = None) -> bytes:
    """Read an HTTP answer of a server here.

    Args:
        url: what to read.
        form: an urlencoded form to POST; None means GET.

    Raises:
        ServerError: the answer is an error; the text has its status and body.
    """
    try:
        with _OPENER.open(url, data=form, timeout=REQUEST_SECONDS) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        with error:
            text = error.read().decode(errors="replace")[:1_000]
        raise ServerError(f"{url} answered {error.code}: {text}") from None
