"""Asking a backend over HTTP: bounded in size and time, http and https only, no redirects."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import ssl
import time
import urllib.request
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit

from otel_events.exceptions import VerificationError

_MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
_MAX_WORDS: Final = 200


class Answer(NamedTuple):
    """What a backend answers.

    Args:
        status: The HTTP status; 0 where there was no answer.
        text: The body, or what went wrong.
    """

    status: int
    text: str

    @property
    def problem(self) -> str | None:
        """Why this is no answer that can be used, or None."""
        if self.status == 200:
            return None
        words = "".join(map(_visible, " ".join(self.text.split())[:_MAX_WORDS]))
        return words if self.status == 0 else f"it answers {self.status}: {words or 'without a word'}"

    def json(self) -> Any:
        """Decode the body; None if it is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


def _visible(character: str) -> str:
    return character if character.isprintable() else "?"


def is_usable(url: str) -> bool:
    """Tell whether a text is the URL of a web server."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and url.isprintable() and " " not in url


def fetch(base: str, path: str, form: bytes | None = None, *, certificate: str | None, timeout: float) -> Answer:
    """Read an answer.

    Args:
        base: The backend's URL; a user name and password in it are sent as Basic credentials.
        path: What to add to it.
        form: A form to POST.
        certificate: A PEM file of authorities to trust beside the system's.
        timeout: Seconds for the beginning of the answer, and again for all of it.
    """
    try:
        with _opened(base, path, form, certificate, timeout) as response:
            body = _read(response, time.monotonic() + timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _instead(error)
    if len(body) > _MAX_ANSWER_BYTES:
        return Answer(0, f"it answers more than {_MAX_ANSWER_BYTES} bytes")
    return Answer(200, body.decode(errors="replace"))


def fetch_lines(base: str, path: str, form: bytes, *, timeout: float) -> Iterator[bytes]:
    """Read an answer of any length line by line, as it comes; the lines come without their ends.

    Args:
        base: As for ``fetch``.
        path: Likewise.
        form: Likewise.
        timeout: Seconds for the beginning of the answer, and again for each line.

    Raises:
        VerificationError: There is no answer, it is an error, or it does not go on to its end; the text is that in words.
    """
    try:
        with _opened(base, path, form, None, timeout) as response:
            yield from _lines(response, timeout)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise VerificationError(_instead(error).problem) from error


def _opened(
    base: str, path: str, form: bytes | None, certificate: str | None, timeout: float
) -> contextlib.AbstractContextManager[http.client.HTTPResponse]:
    parts = urlsplit(base)
    url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/") + path, "", ""))
    request = urllib.request.Request(url, data=form)  # noqa: S310 # the opener below knows http and https only
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
    response: http.client.HTTPResponse = _opener(certificate).open(request, timeout=timeout)
    return response


def _instead(error: Exception) -> Answer:
    """Return what stands for an answer where there is an error."""
    if isinstance(error, HTTPError):
        with error:
            return Answer(error.code, error.read(10 * _MAX_WORDS).decode(errors="replace"))
    if isinstance(error, http.client.IncompleteRead):
        return Answer(0, "the answer breaks off before its end")
    return Answer(0, str(error.reason) if isinstance(error, URLError) else f"{type(error).__name__}: {error}")


def _lines(response: http.client.HTTPResponse, timeout: float) -> Iterator[bytes]:
    rest, size = b"", 0
    deadline = time.monotonic() + timeout
    while piece := response.read1(64 * 1024):
        size += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        if whole:
            yield from whole
            deadline = time.monotonic() + timeout
        elif len(rest) > _MAX_ANSWER_BYTES:
            raise ValueError(f"a line of the answer has more than {_MAX_ANSWER_BYTES} bytes")
        elif time.monotonic() > deadline:
            raise TimeoutError("the answer does not go on")
    # A reader of pieces is not told of an end that comes too early, but where it comes in chunks.
    if size < int(response.headers.get("content-length", 0)):
        raise http.client.IncompleteRead(b"")
    if rest:
        yield rest


def _read(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """Read a body to its end, or to where it becomes too long.

    Raises:
        TimeoutError: It does not end in time.
    """
    body = b""
    while len(body) <= _MAX_ANSWER_BYTES:
        piece = response.read1(64 * 1024)
        if not piece:
            break
        body += piece
        if time.monotonic() > deadline:
            raise TimeoutError("the answer does not end")
    return body


def _opener(certificate: str | None) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    if certificate is not None:
        context.load_verify_locations(certificate)
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener
