"""Short keys: ``total`` in a search is ``app.total``, where that is the only attribute whose key ends so. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Set
from typing import Final

from otel_events.page.search import Clause, Search, SearchError, Words
from otel_events.page.sql import COLUMNS

_MAX_SHOWN: Final = 5


class AmbiguousKeyError(ValueError):
    """A short key stands for several attributes."""


def resolved(search: Search, known: Set[str]) -> Search:
    """Give a search in which every key of an attribute is a whole one.

    Args:
        search: The search as it was read.
        known: The keys of attributes that there are.

    Raises:
        SearchError: A short key stands for several attributes.
    """
    return tuple(_clause(clause, known) for clause in search)


def whole_key(key: str, known: Set[str]) -> str:
    """Give the key of a column or the whole key of an attribute; a key that nothing is known of is given back.

    Args:
        key: The key as it was asked for.
        known: The keys of attributes that there are.

    Raises:
        AmbiguousKeyError: It stands for several attributes.
    """
    if key in COLUMNS or key in known:
        return key
    ends = sorted(other for other in known if other.endswith(f".{key}"))
    if len(ends) > 1:
        shown = ", ".join(ends[:_MAX_SHOWN]) + (", …" if len(ends) > _MAX_SHOWN else "")
        raise AmbiguousKeyError(f'"{key}" may be any of these: {shown}. Write the one that is meant.')
    return ends[0] if ends else key


def has_attributes(search: Search) -> bool:
    """Tell whether the search asks for attributes, so that the known keys are needed."""
    return any(not isinstance(clause.term, Words) and clause.term.key not in COLUMNS for clause in search)


def _clause(clause: Clause, known: Set[str]) -> Clause:
    if isinstance(clause.term, Words):
        return clause
    try:
        key = whole_key(clause.term.key, known)
    except AmbiguousKeyError as error:
        raise SearchError(str(error), clause.start, clause.end) from error
    return dataclasses.replace(clause, term=dataclasses.replace(clause.term, key=key))
