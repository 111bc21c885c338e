"""How long a server asks to wait before it is asked again. Pure.

OTLP specification 1.x: "OTLP/HTTP Throttling", "OTLP/gRPC Throttling".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Final

MAX_WAIT_SECONDS: Final = 600.0
"""However long a server asks to wait, it is asked again after this."""


def retry_after(value: str, now: float) -> float | None:
    """Return the seconds that a header Retry-After asks for, which holds seconds or a date (RFC 9110, 10.2.3).

    Args:
        value: The header's.
        now: Seconds since the epoch.

    Returns:
        From 0 to ``MAX_WAIT_SECONDS``, or None where it asks for nothing that can be read.
    """
    if re.fullmatch(r"[0-9]{1,20}", value.strip()):
        return _bounded(float(value))
    try:
        return _bounded(parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None


def retry_info(trailers: Iterable[tuple[str, str | bytes]]) -> float | None:
    """Return the seconds that ``google.rpc.RetryInfo`` asks for; it stands in a ``google.rpc.Status``, or from Java by itself.

    Args:
        trailers: The trailing metadata of a gRPC answer.

    Returns:
        From 0 to ``MAX_WAIT_SECONDS``, or None where there is none that can be read.
    """
    binary = {name: value for name, value in trailers if isinstance(value, bytes)}
    if not binary:
        return None
    from google.protobuf.message import DecodeError
    from google.rpc.error_details_pb2 import RetryInfo
    from google.rpc.status_pb2 import Status

    info = RetryInfo()
    try:
        details = Status.FromString(binary.get("grpc-status-details-bin", b"")).details
        if not any(detail.Unpack(info) for detail in details):
            info.ParseFromString(binary["google.rpc.retryinfo-bin"])
    except (DecodeError, KeyError):
        return None
    return _bounded(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS)
