"""Decompression with a bound: a small body that would unpack to a huge one is stopped at the bound, not after it."""

from __future__ import annotations

import zlib
from typing import Final

ENCODINGS: Final = ("gzip", "deflate")

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
"""``wbits`` with which zlib tells the two formats apart by their header."""


_MAX_MEMBERS: Final = 64
"""Every member costs a copy of what follows it, so a body of very many tiny ones would keep the machine busy."""


class TooLargeError(ValueError):
    """A body is larger than the receiver takes."""


def decompress(data: bytes, *, max_bytes: int) -> bytes:
    """Unpack a gzip body (of one or more members) or a zlib one, which HTTP calls ``deflate``.

    Args:
        data: The packed body.
        max_bytes: How large the unpacked body may be.

    Returns:
        The unpacked body.

    Raises:
        TooLargeError: It would be larger than ``max_bytes``. No more than that was unpacked.
        ValueError: It is neither gzip nor zlib, it is cut off, or it has more than 64 members.
    """
    unpacked = bytearray()
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            unpacked += member.decompress(data, max_bytes + 1 - len(unpacked))
        except zlib.error as error:
            raise ValueError(f"the body cannot be unpacked: {error}") from error
        if len(unpacked) > max_bytes:
            raise TooLargeError(f"the unpacked body is larger than {max_bytes} bytes; send smaller batches")
        if not member.eof:
            raise ValueError("the body cannot be unpacked: it is cut off")
        data = member.unused_data
        if not data:
            return bytes(unpacked)
    raise ValueError(f"the body cannot be unpacked: it has more than {_MAX_MEMBERS} gzip members")
