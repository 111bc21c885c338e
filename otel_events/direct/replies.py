"""What a server replies to a request, and how the plainest replies are read; all others are for http.client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from otel_events.direct.answers import MAX_ANSWER_BYTES


class Reply(NamedTuple):
    """A server's reply.

    Args:
        status: Its status.
        reason: The words beside that.
        headers: Its headers, by their names in lower case.
        body: Its body, or the beginning of it.
        whole: Whether that is all of it, and the connection at the end of it.
    """

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes
    whole: bool


_HEAD: Final = re.compile(
    r"HTTP/1\.1 ([2-5]\d\d)(?: ([ -~]*))?((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*)*)", re.ASCII
)
"""A head in ASCII without folded lines and without its last line break (RFC 9112, sections 4 and 5)."""

_WITHOUT_BODY: Final = (204, 304)

_MAX_DIGITS: Final = 9


def plain_reply(data: bytes) -> Reply | None:
    """Return the reply that some bytes are, and that leaves the connection as it was; None where they may be anything else.

    It has a length, nothing follows it, and the server does not say that it closes the connection.

    Args:
        data: All that has arrived.
    """
    head, end, body = data.partition(b"\r\n\r\n")
    found = _HEAD.fullmatch(head.decode("latin-1")) if end else None
    if found is None:
        return None
    status, reason, lines = found.groups("")
    headers = {}
    fields = lines.split("\r\n")[1:]
    for field in fields:
        name, _, value = field.partition(":")
        headers[name.lower()] = value.lstrip(" \t")
    length = headers.get("content-length", "")
    if (
        len(headers) < len(fields)
        or "transfer-encoding" in headers
        or "close" in headers.get("connection", "").lower()
        or int(status) in _WITHOUT_BODY
        or not length.isdecimal()
        or len(length) > _MAX_DIGITS
        or int(length) != len(body)
    ):
        return None
    return Reply(int(status), reason.strip(), headers, body, whole=True)


def reply_of(response: BaseHTTPResponse) -> Reply:
    """Read the body of a response and return the reply that it is.

    Args:
        response: Of which only the head has been read.

    Raises:
        HTTPError: The body breaks off, and might have said what became of the records.
    """
    body, whole = bytearray(), False
    try:
        while len(body) <= MAX_ANSWER_BYTES and not whole:
            piece = response.read(MAX_ANSWER_BYTES + 1 - len(body), decode_content=False)
            body += piece
            whole = not piece
    except HTTPError:
        if response.status < 300 or response.status == 400:
            # What it rejects, or that it is not about the data, may stand in the part that did not arrive.
            raise
    finally:
        if not whole:
            response.close()
        response.release_conn()
    headers = {name.lower(): value for name, value in response.headers.itermerged()}
    return Reply(response.status, response.reason or "", headers, bytes(body), whole)
