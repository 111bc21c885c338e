"""What requests begin with: composed by urllib3 and http.client, once for all requests to a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Head(NamedTuple):
    """The head of a request: between its two parts stands the length of the body."""

    before: bytes
    after: bytes

    def of(self, body: bytes) -> bytes:
        """Return the head of a request with this body."""
        return b"%b%d%b" % (self.before, len(body), self.after)


def head_of_posts(pool: HTTPConnectionPool, target: str, headers: Mapping[str, str]) -> Head:
    """Return what a request begins with that posts something.

    Args:
        pool: Knows the host and the port.
        target: The path and the query.
        headers: Of the request, without those about its body's length.

    Raises:
        ValueError: A header cannot be sent.
    """
    composing = _HttpsHead if isinstance(pool, HTTPSConnectionPool) else _HttpHead
    composed = composing(pool.host, pool.port)
    composed.request("POST", target, headers=headers)
    # What others have chosen stands after it, but for the target, which holds no line break.
    before, name, after = composed.head.partition(b"\r\nContent-Length: ")
    return Head(before + name, after.removeprefix(b"0"))


class _Composed:
    head = b""

    def send(self, data: Any) -> None:
        self.head += data


class _HttpHead(_Composed, HTTPConnection):
    pass


class _HttpsHead(_Composed, HTTPSConnection):
    pass
