"""One stored event as a line of a terminal, or as a line of JSON.

What an event holds came from outside and never acts on the terminal: it is no markup, and characters that move the
cursor, change the colours, hide or reorder text are shown as escapes.
"""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from otel_events.semconv import LOG_RECORD_UID, USER_HASH, USER_ID

if TYPE_CHECKING:
    from otel_events.receiver import StoredEvent

_ESCAPED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that emoji and several scripts are written with; they neither hide nor reorder anything."""

_MAX_NAME: Final = 100
_MAX_BODY: Final = 400
_MAX_VALUE: Final = 80
_MAX_ATTRIBUTES: Final = 20

_SHOWN_ELSEWHERE: Final = frozenset({LOG_RECORD_UID, USER_ID, USER_HASH})

_SEVERITIES: Final = (
    (21, "FATAL", "bold white on red"),
    (17, "ERROR", "bold red"),
    (13, "WARN", "yellow"),
    (9, "INFO", "green"),
    (5, "DEBUG", "dim"),
    (1, "TRACE", "dim"),
)
"""The least severity number of a range, its short name and its style, as in OpenTelemetry's log data model."""


def visible(text: str, max_length: int | None = None) -> str:
    r"""Make text safe to print.

    Args:
        text: Any text.
        max_length: How many characters of it are shown; what is cut ends with ``…``.

    Returns:
        The text with every control character, bidirectional override, other invisible format character, line separator
        and lone surrogate as a Python escape such as ``\x1b`` or ``\u202e``.
    """
    if max_length is not None and len(text) > max_length:
        text = text[: max_length - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _ESCAPED_CATEGORIES and character not in _JOINERS
        else character
        for character in text
    )


def event_text(event: StoredEvent, *, today: date | None = None) -> Text:
    """Give an event as text for a terminal: time, severity, name, actor, service, readable line; then its attributes.

    Args:
        event: The event.
        today: Events of another local day show their date as well; the default is the day of the call.

    Returns:
        Two lines, or one where there are no attributes to show.
    """
    text = Text()
    text.append(_local_time(event.time_ns, today or datetime.now().date()), "dim")
    text.append(" ")
    text.append_text(_severity(event))
    if event.name is not None:
        text.append(" ").append(visible(event.name, _MAX_NAME), "bold")
    if event.actor is not None:
        text.append(" ").append(visible(event.actor, _MAX_NAME), "cyan")
    if event.service is not None:
        text.append(" ").append("@" + visible(event.service, _MAX_NAME), "magenta")
    if event.body is not None:
        text.append("  ").append(visible(event.body, _MAX_BODY))
    attributes = {key: value for key, value in event.attributes.items() if key not in _SHOWN_ELSEWHERE}
    if attributes:
        text.append("\n    ").append_text(_attributes(attributes))
    return text


def event_json(event: StoredEvent) -> str:
    """Give an event as one line of ASCII JSON: the columns of the table ``events``, with nested objects as such."""
    return json.dumps(dataclasses.asdict(event), allow_nan=False)


def _local_time(time_ns: int, today: date) -> str:
    moment = datetime.fromtimestamp(time_ns // 1_000_000_000)
    clock = f"{moment:%H:%M:%S}.{time_ns // 1_000_000 % 1000:03d}"
    return clock if moment.date() == today else f"{moment:%Y-%m-%d} {clock}"


def _severity(event: StoredEvent) -> Text:
    for least, name, style in _SEVERITIES:
        if event.severity_number is not None and event.severity_number >= least:
            return Text(f"{name:5}", style)
    return Text(f"{visible(event.severity_text or ('SPAN' if event.signal == 'span_event' else '-'), 5):5}", "dim")


def _attributes(attributes: Mapping[str, Any]) -> Text:
    text = Text()
    for key, value in list(attributes.items())[:_MAX_ATTRIBUTES]:
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        text.append(" " if text else "").append(visible(key, _MAX_NAME) + "=", "dim").append(visible(shown, _MAX_VALUE))
    if len(attributes) > _MAX_ATTRIBUTES:
        text.append(f" … {len(attributes) - _MAX_ATTRIBUTES} more", "dim")
    return text
