"""A log record of this package, as it was found somewhere: which event of which stream it is, or what its checkpoint says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from otel_events import semconv
from otel_events.direct.checkpoint import Checkpoint

MAX_NAME_CHARACTERS: Final = 256
"""Characters of a service's name, of its instance's, and of a reason that are kept."""

MAX_REASONS: Final = 32
MAX_NUMBER: Final = 2**40
"""A stream counts in 40 bits."""

_MAX_DIGITS: Final = 19

_UID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_STREAM: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{8}")
_TO_PYTHON: Final = str.maketrans("ABCDEFGHJKMNPQRSTVWXYZ", "abcdefghijklmnopqrstuv")
"""From the digits of Crockford's base 32, in which ULIDs are written, to those of Python's."""


class Record(NamedTuple):
    """A log record with the scope of this package.

    Args:
        service: The resource's ``service.name``, "" where there is none.
        instance: The resource's ``service.instance.id``, likewise.
        uid: The attribute ``log.record.uid``, likewise.
        checkpoint: The attributes, as texts, of a record that is named as a checkpoint and has no uid; else None.
    """

    service: str
    instance: str
    uid: str
    checkpoint: Mapping[str, str] | None = None


def place_of(uid: str) -> tuple[str, int] | None:
    """Return the stream of an event and its number in it; None if it is no uid such as a ``Stamper`` makes."""
    if _UID.fullmatch(uid) is None:
        return None
    return uid[10:18], int(uid[18:].translate(_TO_PYTHON), 32)


def checkpoint_of(attributes: Mapping[str, str]) -> Checkpoint | None:
    """Return what a checkpoint says; None if it is none that can be understood."""
    stream = attributes.get(semconv.STREAM, "")
    emitted = _count(attributes.get(semconv.EMITTED))
    delivered, pending, dead_letters = (
        _count(attributes.get(key)) for key in (semconv.DELIVERED, semconv.PENDING, semconv.DEAD_LETTERS)
    )
    if _STREAM.fullmatch(stream) is None or emitted is None or emitted > MAX_NUMBER:
        return None
    if delivered is None or pending is None or dead_letters is None:
        return None
    dropped: dict[str, int] = {}
    for key, value in attributes.items():
        count = _count(value) if key.startswith(semconv.DROPPED_FOR) and key != semconv.DROPPED else None
        if count is not None and len(dropped) < MAX_REASONS:
            dropped[key[len(semconv.DROPPED_FOR) :][:MAX_NAME_CHARACTERS]] = count
    final = attributes.get(semconv.FINAL) == "true"
    return Checkpoint(stream, emitted, delivered, pending, dropped, dead_letters, final)


def as_text(value: Any) -> str:
    """Return a value of an attribute as every backend writes it in a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _count(text: str | None) -> int | None:
    if text is None or len(text) > _MAX_DIGITS or not (text.isascii() and text.isdigit()):
        return None
    return int(text)
