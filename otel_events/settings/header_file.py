"""A file with headers, such as a token that is renewed while the process runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from otel_events.settings import readers

MAX_BYTES: Final = 64 * 1024

HOLDING: Final = "name=value pairs, in ASCII, separated by commas or line breaks"
EXPECTED: Final = f"a file of at most 64 KiB that can be read, with {HOLDING}"


class Found(NamedTuple):
    """A file that was looked into when the settings were resolved.

    Args:
        path: Where it is.
        headers: What stood in it.
    """

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class HeaderFile:
    """Where headers stand that may change, and what they are added to.

    Args:
        path: Of the file.
        others: Headers that are set elsewhere: those in the file win over them. Never shown.
    """

    path: str
    others: Mapping[str, str] = field(default_factory=dict, repr=False)

    def read(self) -> dict[str, str]:
        """Return the headers of requests, by what stands in the file now.

        Raises:
            OSError: It cannot be read.
            ValueError: It is no file, too long, or holds something else than headers. The text says which.
        """
        return self.over_others(headers_in(self.path))

    def over_others(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return these, which stand in the file, with those of the others that it does not name, in whatever case."""
        named = {name.lower() for name in headers}
        return {**{name: value for name, value in self.others.items() if name.lower() not in named}, **headers}


def headers_in(path: str) -> dict[str, str]:
    """Return what stands in a file with headers: what may stand in OTEL_EXPORTER_OTLP_HEADERS, also in lines.

    Args:
        path: Where it is.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no file, too long, or holds something else than headers, or nothing yet. The text says which, and has
            nothing of what stands in it.
    """
    with open(path, "rb", opener=_open_at_once) as file:  # that of a Path has no opener
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("is not a regular file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError("is longer than 64 KiB")
    try:
        pairs = readers.headers(",".join(content.decode("latin-1").splitlines()))
    except ValueError:
        pairs = {}
    if not pairs:
        raise ValueError(f"holds something else than {HOLDING}")
    # Spaces around a value are no part of it (RFC 9110, section 5.5), and cannot be sent.
    return {name: value.strip() for name, value in pairs.items()}


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for another side, as a pipe would."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def found_in(value: Any) -> Found:
    """Read the setting: the path of a file with headers, and these.

    Raises:
        ValueError: There is no such file. The text says nothing of what stands in it.
    """
    path = str(Path(value).absolute())
    try:
        return Found(path, headers_in(path))
    except OSError:
        raise ValueError from None


def shown_path(value: Any) -> str:
    """Show what was meant to be a path, unless it may be the header itself."""
    text = str(value)
    return repr(text) if text.startswith(("/", ".")) and "=" not in text else "the value given (not shown)"
