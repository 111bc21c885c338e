"""A search as SQL over the table ``events``. Pure: what comes from outside is bound, never part of the text.

The indexes of ``events`` (``receiver/tables.py``) hold the columns name, actor, service, severity_number and time_ns,
so conditions on these alone are answered without reading rows. Words are looked up in the index ``search`` and give ids,
which every index holds. All other conditions read rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otel_events.page.attributes import Parameter, Sql, attribute_condition, compared
from otel_events.page.search import (
    BODY,
    SEVERITIES,
    SEVERITY,
    SEVERITY_RANGE,
    Clause,
    Compares,
    Equals,
    Present,
    Search,
    Words,
    number_or_none,
)
from otel_events.semconv import CHECKPOINT, LOG_RECORD_UID

COLUMNS: Final = {
    "name": "name",
    "actor": "actor",
    "service": "service",
    SEVERITY: "severity_number",
    BODY: "body",
    "trace": "trace_id",
    "uid": "uid",
}
"""The keys of a search that name a column; all others name attributes."""

_IN_INDEXES: Final = frozenset({"name", "actor", "service", "severity_number"})
_LOWER_CASE: Final = frozenset({"trace_id"})
_FOUND: Final = "SELECT rowid FROM search WHERE search MATCH ?"
_SURE_WORD: Final = re.compile("[0-9A-Za-z]")


@dataclass(frozen=True)
class Scope:
    """Where is looked, beside the search.

    Args:
        from_ns: Only events of this time or later.
        to_ns: Only events before this time.
        after_id: Only events with a greater id.
        up_to_id: Only events with this id or a lesser one.
    """

    from_ns: int | None = None
    to_ns: int | None = None
    after_id: int | None = None
    up_to_id: int | None = None


@dataclass(frozen=True)
class Where:
    """The conditions of a search.

    Args:
        index: What the indexes can tell; there always is something.
        row: What needs the rows; None where nothing does.
        few: Whether the search index leads to few events, so that nothing is gained by going through an index of ``events``.
        words: Whether words are looked up, which gives a list of ids anew for each place in a statement.
    """

    index: Sql
    row: Sql | None
    few: bool = False
    words: bool = False

    @property
    def all(self) -> Sql:
        """All conditions together."""
        return self.index if self.row is None else joined((self.index, self.row))


def where(search: Search, scope: Scope = Scope(), *, indexed_id: int | None = None) -> Where:
    """Give the conditions of a search whose keys are resolved (:mod:`otel_events.page.keys`).

    Args:
        search: The search.
        scope: Where is looked.
        indexed_id: Given where :func:`clues` lead to few events: up to which id the search index knows them. Then only
            those, and what it does not know yet, are looked at.

    Returns:
        Expressions over the columns of ``events``. Checkpoints, which are no events, never fulfil them.
    """
    index = [Sql("name IS NOT ?", (CHECKPOINT,)), *_scope(scope)]
    row: list[Sql] = []
    phrases: list[str] = []
    for clause in search:
        phrase = _phrase(clause.term)
        if phrase is not None and not clause.negated:
            phrases.append(phrase)
        elif phrase is not None:
            index.append(_found("NOT IN", phrase, scope))
        else:
            covered, condition = _condition(clause)
            (index if covered else row).append(condition)
    if phrases:
        index.append(_found("IN", " AND ".join(phrases), scope))
    if indexed_id is None:
        return Where(joined(index), joined(row) if row else None, words=needs_search_index(search))
    ids = f"{_FOUND} UNION ALL SELECT id FROM events WHERE id > ?"  # noqa: S608 # both are constants
    row.append(Sql(f"id IN ({ids})", (clues(search), indexed_id)))
    return Where(joined(index), joined(row), few=True, words=needs_search_index(search))


def clues(search: Search) -> str:
    """Give what the search index is asked for first: every event that is found has it, once the index knows the event.

    Returns:
        A query of FTS5; empty where the search gives no such clue.
    """
    phrases = [_phrase(clause.term) or _clue(clause.term) for clause in search if not clause.negated]
    return " AND ".join(phrase for phrase in phrases if phrase is not None)


def needs_search_index(search: Search) -> bool:
    """Tell whether the search asks for words: their index follows the events some tenths of a second later."""
    return any(_phrase(clause.term) is not None for clause in search)


def joined(conditions: Sequence[Sql]) -> Sql:
    """Give the condition that all of the given ones hold."""
    text = " AND ".join(condition.text for condition in conditions)
    return Sql(text, tuple(parameter for condition in conditions for parameter in condition.parameters))


def _scope(scope: Scope) -> list[Sql]:
    bounds: list[tuple[str, int | None]] = [
        ("time_ns >= ?", scope.from_ns),
        ("time_ns < ?", scope.to_ns),
        ("id > ?", scope.after_id),
        ("id <= ?", scope.up_to_id),
    ]
    return [Sql(text, (value,)) for text, value in bounds if value is not None]


def _phrase(term: Words | Equals | Present | Compares) -> str | None:
    """Give the term as a phrase of FTS5, which splits it into words itself; None where it asks for something else."""
    if isinstance(term, Words):
        return _quoted(term.text, term.prefix)
    if isinstance(term, Equals) and term.key == BODY:
        return f"body : {_quoted(term.value, term.prefix)}"
    return None


def _clue(term: Words | Equals | Present | Compares) -> str | None:
    """Give the words that stand in the value of an attribute that is such text; None where there need be none."""
    if not isinstance(term, Equals) or term.key in COLUMNS or term.key == LOG_RECORD_UID:
        return None
    # Numbers may be written otherwise than they are asked for, and what SQLite takes for a letter depends on its version.
    if number_or_none(term.value) is not None or term.value in ("true", "false") or not _SURE_WORD.search(term.value):
        return None
    return f"attributes : {_quoted(term.value, term.prefix)}"


def _quoted(text: str, prefix: bool) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"{" *" if prefix else ""}'


def _found(operator: str, phrases: str, scope: Scope) -> Sql:
    ids = _FOUND
    parameters: list[Parameter] = [phrases]
    for text, bound in ((" AND rowid > ?", scope.after_id), (" AND rowid <= ?", scope.up_to_id)):
        if bound is not None:
            ids += text
            parameters.append(bound)
    # The plus sign keeps SQLite from reading a row for each id, of which there may be a million, before it sorts them.
    return Sql(f"+id {operator} ({ids})", tuple(parameters))


def _condition(clause: Clause) -> tuple[bool, Sql]:
    """Give a clause that asks for a column or an attribute, and whether the indexes have what it asks for."""
    term = clause.term
    assert not isinstance(term, Words)  # noqa: S101 # for mypy: those have a phrase
    if term.key == SEVERITY:
        covered, condition = _severity(term)
    elif term.key in COLUMNS:
        covered, condition = COLUMNS[term.key] in _IN_INDEXES, _column_condition(COLUMNS[term.key], term)
    else:
        covered, condition = False, attribute_condition(term)
    if clause.negated:
        # Unlike NOT, this holds where there is nothing to compare with.
        condition = Sql(f"({condition.text}) IS NOT TRUE", condition.parameters)
    return covered, condition


def _column_condition(column: str, term: Equals | Present | Compares) -> Sql:
    if isinstance(term, Present):
        return Sql(f"{column} IS NOT NULL")
    if isinstance(term, Compares):
        return compared(column, term)
    value = term.value.lower() if column in _LOWER_CASE else term.value
    if term.prefix:
        return Sql(f"substr({column}, 1, ?) = ?", (len(value), value))
    return Sql(f"{column} = ?", (value,))


def _severity(term: Equals | Present | Compares) -> tuple[bool, Sql]:
    """Compare numbers; text that is none of OpenTelemetry's names is compared with the text that the sender gave."""
    if not isinstance(term, Equals):
        return True, _column_condition("severity_number", term)
    asked = term.value.upper()
    least = [number for name, number in SEVERITIES.items() if name == asked or (term.prefix and name.startswith(asked))]
    if least:
        ranges = " OR ".join(["severity_number BETWEEN ? AND ?"] * len(least))
        bounds = tuple(bound for number in least for bound in (number, number + SEVERITY_RANGE - 1))
        return True, Sql(f"({ranges})", bounds)
    number = number_or_none(term.value)
    if number is not None and not term.prefix:
        return True, Sql("severity_number = ?", (number,))
    if term.prefix:
        return False, Sql("substr(severity_text, 1, ?) = ? COLLATE NOCASE", (len(term.value), term.value))
    return False, Sql("severity_text = ? COLLATE NOCASE", (term.value,))
