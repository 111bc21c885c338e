"""Who may send: the token, and the names under which this machine may be addressed."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection


class Access:
    """Says of a request whether it may come in.

    A web page can make a browser send requests to this machine under a name of the page's own (DNS rebinding). So only
    names and addresses that are surely this machine's are served.
    """

    def __init__(self, *, token: str | None = None, hosts: Collection[str] = ()) -> None:
        """Make the rules.

        Args:
            token: What requests must bring as ``Authorization: Bearer TOKEN``; None where they need nothing.
            hosts: Names and addresses, without port, beside those of the loopback interface.
        """
        self._expected = token.encode() if token is not None else None
        self._hosts = frozenset(host.lower().strip("[]").rstrip(".") for host in hosts)

    def has_token(self, authorization: str | None) -> bool:
        """Say whether the value of an Authorization header brings the token, or none is needed."""
        if self._expected is None:
            return True
        scheme, _, token = (authorization or "").partition(" ")
        given = token.strip().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self._expected) and scheme.lower() == "bearer"

    def is_our_host(self, header: str, local_address: str | None = None) -> bool:
        """Say whether the value of a Host header names this machine.

        Args:
            header: The value, with or without a port.
            local_address: The address at which the request came in.
        """
        host = _without_port(header).lower().rstrip(".")
        if host == "localhost" or host.endswith(".localhost") or host in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or host == local_address


def is_loopback(host: str) -> bool:
    """Say whether this is an address of the loopback interface."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _without_port(header: str) -> str:
    header = header.strip()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
