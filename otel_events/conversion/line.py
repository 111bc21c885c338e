"""The readable line that is a record's body, made of plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from otel_events.conversion.attributes import as_text
from otel_events.conversion.room import CUT, MAX_CHARACTERS
from otel_events.definition import MessagePart

_BREAKS: Final = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")


def default_line(name: str, who: str | None, shown: Mapping[str, Any]) -> str:
    """Return ``order-placed by alice: order_id=o-1 total=9.99``.

    Args:
        name: The event's name.
        who: What the actor is called, None for nobody.
        shown: The fields by name, as plain data; those that are None are left out.
    """
    pieces = [name if who is None else f"{name} by {who}"]
    pieces += [f"{field}={_in_line(plain)}" for field, plain in shown.items() if plain is not None]
    if len(pieces) > 1:
        pieces[0] += ":"
    return _cut(one_line(" ".join(pieces)))


def message_line(message: Iterable[MessagePart], shown: Mapping[str, Any]) -> str:
    """Return a message template with its fields filled in; what is None or missing is a dash."""
    pieces = []
    for literal, field in message:
        pieces.append(literal)
        if field is not None:
            pieces.append(_in_line(shown.get(field)))
    return _cut(one_line("".join(pieces)))


def one_line(text: str) -> str:
    """Return a text without what ends a line or controls a terminal."""
    return text if text.isprintable() else text.translate(_BREAKS)


def _in_line(plain: Any) -> str:
    if plain is None:
        return "-"
    if isinstance(plain, bytes):
        return f"({len(plain)} bytes)"
    return as_text(plain)[:MAX_CHARACTERS]


def _cut(line: str) -> str:
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + CUT
