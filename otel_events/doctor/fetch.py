"""Asking a backend over HTTP: bounded in size and time, http and https only, no redirects."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
import urllib.request
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit, urlunsplit

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
        words = " ".join(self.text.split())[:_MAX_WORDS]
        return words if self.status == 0 else f"it answers {self.status}: {words or 'without a word'}"

    def json(self) -> Any:
        """Decode the body; None if it is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


def fetch(base: str, path: str, form: bytes | None = None, *, certificate: str | None, timeout: float) -> Answer:
    """Read an answer.

    Args:
        base: The backend's URL; a user name and password in it are sent as Basic credentials.
        path: What to add to it.
        form: A form to POST.
        certificate: A PEM file of authorities to trust beside the system's.
        timeout: Seconds for the beginning of the answer, and again for all of it.
    """
    parts = urlsplit(base)
    url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/") + path, "", ""))
    request = urllib.request.Request(url, data=form)  # noqa: S310 # the opener below knows http and https only
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
    try:
        with _opener(certificate).open(request, timeout=timeout) as response:
            body = _read(response, time.monotonic() + timeout)
    except HTTPError as error:
        with error:
            return Answer(error.code, error.read(10 * _MAX_WORDS).decode(errors="replace"))
    except URLError as error:
        return Answer(0, str(error.reason))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(0, f"{type(error).__name__}: {error}")
    if len(body) > _MAX_ANSWER_BYTES:
        return Answer(0, f"it answers more than {_MAX_ANSWER_BYTES} bytes")
    return Answer(200, body.decode(errors="replace"))


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
