"""A real Datasette, and a day of use driven through its HTTP API, in which each of its events happens.

Example::

    with run_datasette(folder, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}) as datasette:
        for what in day_of_use(datasette):
            print(what)
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from otel_events.exceptions import OTelEventsError

DATABASE: Final = "shop"
USER_AGENT: Final = "day-of-use/1.0"

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 20.0
_REQUEST_SECONDS: Final = 30.0
_MAX_ANSWER_BYTES: Final = 4_000_000
_SHOWN_CHARACTERS: Final = 2_000

_TOKEN_ACTIONS: Final = (
    "view-instance",
    "view-database",
    "view-table",
    "create-table",
    "insert-row",
    "update-row",
    "alter-table",
    "delete-row",
    "drop-table",
)


@dataclass(frozen=True)
class RunningDatasette:
    """A Datasette that was started.

    Args:
        url: Its address, without a slash at the end; with the base URL, where one is set.
        sign_in_url: Signs in as root, once.
        process: The process itself.
        log_file: What it printed.
    """

    url: str
    sign_in_url: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)
    log_file: Path

    def log(self) -> str:
        """Return what it printed so far, without the sign-in token."""
        return re.sub(r"token=\S+", "token=…", self.log_file.read_text(encoding="utf-8", errors="replace"))


@contextmanager
def run_datasette(
    folder: Path, environ: Mapping[str, str] | None = None, arguments: Sequence[str] = ()
) -> Iterator[RunningDatasette]:
    """Run ``datasette`` in a process of its own, on a free port of 127.0.0.1, with a small database that it may write to.

    Args:
        folder: Where the database (``shop.db``, made when it is not there) and the log (``datasette.log``) go.
        environ: Environment variables on top of those of this process, of which ``OTEL_*`` and ``DATASETTE_*`` are left out.
        arguments: More arguments of ``datasette serve``.

    Raises:
        OTelEventsError: It does not start; the text has the end of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / f"{DATABASE}.db"
    if not database.exists():
        _make_database(database)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "DATASETTE_"))}
    environment |= {"DATASETTE_SECRET": secrets.token_hex(32), "PYTHONUNBUFFERED": "1", **(environ or {})}
    command = [sys.executable, "-m", "datasette", "serve", "--root", "--host", "127.0.0.1", "--port", str(_free_port())]
    command += [str(database), *arguments]
    log_file = folder / "datasette.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        yield _wait_for_start(process, log_file)
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def day_of_use(datasette: RunningDatasette) -> Iterator[str]:
    """Use a Datasette for a day: sign in, make a token, change tables and rows with it, sign out.

    All of Datasette's own events happen: ``login``, ``create-token``, ``create-table``, ``insert-rows``, ``upsert-rows``,
    ``update-row``, ``alter-table``, ``rename-table``, ``delete-row``, ``drop-table`` and ``logout``; and with them
    ``login-failed`` and ``permission-denied``, which the plugin derives.

    Args:
        datasette: One from ``run_datasette`` whose sign-in URL was not used yet.

    Yields:
        What was just done, in a few words.

    Raises:
        OTelEventsError: Datasette answers otherwise than expected.
    """
    root, base = _Client(), datasette.url
    root.request(f"{base}/-/auth-token?token={secrets.token_hex(8)}", expected=403)
    yield "a stranger tries to sign in with a wrong token"
    root.request(datasette.sign_in_url)
    yield "root signs in"

    form = {"expire_type": "hours", "expire_duration": "8", **{f"all:{action}": "1" for action in _TOKEN_ACTIONS}}
    form |= {f"database:{DATABASE}:execute-sql": "1", f"resource:{DATABASE}:customers:view-table": "1"}
    page = root.request(f"{base}/-/create-token", form=form)
    found = re.search(r'value="(dstok_[^"]+)"', page)
    if found is None:
        raise OTelEventsError(f"{base}/-/create-token answered without a token. Is this Datasette 1.0a41 or newer?")
    yield "root makes an API token, good for 8 hours and for certain actions"

    api = _Client(found.group(1))
    shop, orders, archive = (f"{base}/{DATABASE}{path}" for path in ("", "/orders", "/orders_archive"))
    columns = [{"name": "id", "type": "integer"}, {"name": "item", "type": "text"}, {"name": "total", "type": "float"}]
    api.request(f"{shop}/-/create", {"table": "orders", "columns": columns, "pk": "id"}, expected=201)
    yield "a script with the token creates the table orders"
    rows = [{"id": number, "item": item, "total": 9.5} for number, item in enumerate(("lamp", "desk", "chair"), 1)]
    api.request(f"{orders}/-/insert", {"rows": rows, "ignore": True}, expected=201)
    yield "it inserts 3 rows"
    api.request(f"{orders}/-/upsert", {"rows": [{"id": 3, "item": "armchair"}, {"id": 4, "item": "rug"}]})
    yield "it upserts 2 rows"
    api.request(f"{orders}/1/-/update", {"update": {"item": "floor lamp"}})
    yield "it updates a row"
    api.request(f"{orders}/-/alter", {"operations": [{"op": "add_column", "args": {"name": "note", "type": "text"}}]})
    yield "it adds a column"
    api.request(f"{orders}/-/alter", {"operations": [{"op": "rename_table", "args": {"to": "orders_archive"}}]})
    yield "it renames the table, which alters it too"
    api.request(f"{archive}/2/-/delete", {})
    yield "it deletes a row"
    api.request(f"{base}/-/create-token", expected=403)
    yield "it asks for another token and is refused"
    api.request(f"{archive}/-/drop", {"confirm": True})
    yield "it drops the table"

    root.request(f"{base}/-/logout", form={})
    yield "root signs out"


class _Client:
    """One user's HTTP client: keeps cookies, or sends a token. It never goes through a proxy.

    Args:
        token: An API token.
    """

    def __init__(self, token: str | None = None) -> None:
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self._headers = {"User-Agent": USER_AGENT, **({} if token is None else {"Authorization": f"Bearer {token}"})}

    def request(self, url: str, body: Any = None, *, form: Mapping[str, str] | None = None, expected: int = 200) -> str:
        """Send a request, a POST where there is a JSON body or a form, and return the answer's text.

        Raises:
            OTelEventsError: The status is not the one expected.
        """
        headers, data = dict(self._headers), None
        content: bytes
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(url, data, headers)  # noqa: S310 # the URL is that of our own process
        try:
            with self._opener.open(request, timeout=_REQUEST_SECONDS) as answer:
                status, content = answer.status, answer.read(_MAX_ANSWER_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                status, content = error.code, error.read(_MAX_ANSWER_BYTES)
        except OSError as error:
            raise OTelEventsError(f"{_without_query(url)} does not answer: {error}") from error
        text = content.decode("utf-8", "replace")
        if status != expected:
            raise OTelEventsError(
                f"{_without_query(url)} answered {status} instead of {expected}: {text[:_SHOWN_CHARACTERS]}"
            )
        return text


def _make_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table customers (id integer primary key, name text)")
        connection.executemany("insert into customers (name) values (?)", [("Alice",), ("Bob",)])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for_start(process: subprocess.Popen[bytes], log_file: Path) -> RunningDatasette:
    """Wait until Datasette has printed its sign-in URL and that it listens."""
    deadline = time.monotonic() + _START_SECONDS
    code = None
    while code is None and time.monotonic() < deadline:
        code = process.poll()
        said = log_file.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"^(http://127\.0\.0\.1:\d+\S*)/-/auth-token\?token=\S+$", said, re.MULTILINE)
        if found is not None and "Uvicorn running on" in said and code is None:
            return RunningDatasette(found.group(1), found.group(0), process, log_file)
        time.sleep(0.05)
    seen = f"ended with exit status {code}" if code is not None else f"was not ready after {_START_SECONDS:g} s"
    said = RunningDatasette("", "", process, log_file).log()[-_SHOWN_CHARACTERS:]
    raise OTelEventsError(f"datasette {seen}. It said:\n{said}")


def _without_query(url: str) -> str:
    """Return a URL fit to be shown: the sign-in URL has its token in the query."""
    return url.partition("?")[0]
