"""What a search means, as plain Python over rows: slow, and without SQL."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from otel_events.page.search import SEVERITIES, Clause, Compares, Equals, Present, Search, Words, number_or_none
from otel_events.page.sql import COLUMNS, Scope
from otel_events.receiver.rows import EventRow
from otel_events.semconv import CHECKPOINT

NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\v\f\r]*")
UNSAFE = re.compile(r'["\\\x00-\x1f\x7f]')


def found(search: Search, scope: Scope, rows: list[EventRow]) -> list[int]:
    """Give the ids, which are the positions from 1, of the rows that a search finds; the newest first."""
    ids = [
        event_id
        for event_id, row in enumerate(rows, 1)
        if row.name != CHECKPOINT
        and (scope.from_ns is None or row.time_ns >= scope.from_ns)
        and (scope.to_ns is None or row.time_ns < scope.to_ns)
        and (scope.after_id is None or event_id > scope.after_id)
        and (scope.up_to_id is None or event_id <= scope.up_to_id)
        and all(holds(clause, row) for clause in search)
    ]
    return sorted(ids, key=lambda event_id: (rows[event_id - 1].time_ns, event_id), reverse=True)


def holds(clause: Clause, row: EventRow) -> bool:
    """Tell whether a clause holds for a row."""
    return _term_holds(clause.term, row) != clause.negated


def items(row: EventRow, key: str) -> list[Any]:
    """Give the items of an attribute: those of a list or a map, else the value itself."""
    attributes = json.loads(row.attributes)
    if key not in attributes:
        return []
    value = attributes[key]
    if UNSAFE.search(key) or not isinstance(value, (list, dict)):
        return [value]
    return list(value.values()) if isinstance(value, dict) else value


def _term_holds(term: Words | Equals | Present | Compares, row: EventRow) -> bool:
    if isinstance(term, Words):
        return any(_has_words(text, term) for text in _texts(row))
    if isinstance(term, Equals) and term.key == "body":
        return _has_words(row.body or "", Words(term.value, term.prefix))
    if term.key in COLUMNS:
        return _column_holds(term, row)
    if isinstance(term, Present):
        return term.key in json.loads(row.attributes)
    return any(_item_holds(term, item) for item in items(row, term.key))


def _column_holds(term: Equals | Present | Compares, row: EventRow) -> bool:
    value = getattr(row, COLUMNS[term.key])
    if isinstance(term, Present):
        return value is not None
    if isinstance(term, Compares):
        return _compares(value, term)
    if term.key == "severity":
        return _severity_holds(term, row)
    expected = term.value.lower() if term.key == "trace" else term.value
    return value is not None and (value.startswith(expected) if term.prefix else value == expected)


def _severity_holds(term: Equals, row: EventRow) -> bool:
    names = [
        name
        for name in SEVERITIES
        if (name.startswith(term.value.upper()) if term.prefix else name == term.value.upper())
    ]
    if names:
        number = row.severity_number
        return number is not None and any(SEVERITIES[name] <= number < SEVERITIES[name] + 4 for name in names)
    number_asked = None if term.prefix else number_or_none(term.value)
    if number_asked is not None:
        return row.severity_number == number_asked
    text = row.severity_text
    if text is None:
        return False
    return _ascii_lower(text[: len(term.value)] if term.prefix else text) == _ascii_lower(term.value)


def _ascii_lower(text: str) -> str:
    return re.sub("[A-Z]", lambda found: found[0].lower(), text)


def _item_holds(term: Equals | Compares, item: Any) -> bool:
    if isinstance(term, Compares):
        return _compares(item, term)
    if isinstance(item, bool):
        return not term.prefix and term.value == ("true" if item else "false")
    if isinstance(item, str):
        return item.startswith(term.value) if term.prefix else item == term.value
    if isinstance(item, int) and term.prefix:
        return str(item).startswith(term.value)
    if isinstance(item, (int, float)) and not term.prefix:
        return item == number_or_none(term.value)
    return False


def _compares(value: Any, term: Compares) -> bool:
    if isinstance(value, str) and NUMBER.fullmatch(value):
        value = float(value) if re.search("[.eE]", value) else int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return {
        ">": value > term.number,
        ">=": value >= term.number,
        "<": value < term.number,
        "<=": value <= term.number,
    }[term.operator]


def _texts(row: EventRow) -> Iterator[str]:
    yield from (text for text in (row.name, row.actor, row.service, row.body) if text is not None)
    yield " ".join(_atoms(json.loads(row.attributes)))


def _atoms(value: Any, key: str | None = None) -> Iterator[str]:
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _atoms(item, inner)
    elif isinstance(value, list):
        for item in value:
            yield from _atoms(item)
    elif value is not None and key != "log.record.uid":
        yield str(int(value)) if isinstance(value, bool) else str(value)


def _has_words(text: str, term: Words) -> bool:
    *whole, last = _tokens(term.text)
    tokens = _tokens(text)
    size = len(whole)
    return any(
        tokens[at : at + size] == whole
        and (tokens[at + size].startswith(last) if term.prefix else tokens[at + size] == last)
        for at in range(len(tokens) - size)
    )


def _tokens(text: str) -> list[str]:
    plain = "".join(
        character for character in unicodedata.normalize("NFD", text) if not unicodedata.combining(character)
    )
    return re.findall(r"[^\W_]+", plain.lower())
