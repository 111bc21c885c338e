"""Conditions on one attribute as SQL. Pure: keys and values are bound, never part of the text.

A value that is a list or a map is looked at item by item: the condition holds where it holds for one of them.

To parse the attributes of a million rows takes seconds, to look for text in them less than one. The receiver writes them
as compact JSON, so an attribute that is text, and a key, stand there in one way only, and in most cases finding that
text decides.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from otel_events.page.search import Compares, Equals, Present, number_or_none

Parameter = str | int | float
_BOOLEANS: Final = ("true", "false")


class Sql(NamedTuple):
    """A piece of SQL and what is bound to its question marks."""

    text: str
    parameters: tuple[Parameter, ...] = ()


# SQLite 3.40 compares the text between the quotes of a path with the key as it is written in the JSON.
_UNSAFE_IN_PATHS: Final = re.compile(r'["\\\x00-\x1f\x7f]')
_AFTER_A_VALUE: Final = (":", ",", "}", "]")
"""A key that begins so, written in quotes, may seem to stand where a value ends."""

_BEGINS_AN_INTEGER: Final = re.compile("-?[0-9]*")
_HAS_TEXT: Final = "instr(attributes, ?) > 0"
# Without a nested map and without a quote within text, which may be the end of another key.
_IS_FLAT: Final = "instr(substr(attributes, 2), '{') = 0 AND instr(attributes, '\\\"') = 0"


def attribute_condition(term: Equals | Present | Compares) -> Sql:
    """Give the SQL that holds for a row of ``events`` where the term holds for one of its attributes.

    Args:
        term: The term; its key is the whole key of an attribute.

    Returns:
        An expression over the column ``attributes``.
    """
    key = _json(term.key) + ":"
    parsed = _parsed(term)
    decides = _text_that_decides(term)
    if decides is None:
        return Sql(f"({_HAS_TEXT} AND {parsed.text})", (key, *parsed.parameters))
    text = (
        f"CASE WHEN {_HAS_TEXT} AND {_IS_FLAT} THEN 1"
        f" WHEN {_HAS_TEXT} OR {_HAS_TEXT} OR {_HAS_TEXT} THEN {parsed.text} ELSE 0 END"
    )
    return Sql(text, (decides, decides, key + "[", key + "{", *parsed.parameters))


def items_of(key: str) -> tuple[Sql, Sql]:
    """Give what stands behind FROM to get the items of an attribute as rows with ``type`` and ``atom``, and behind WHERE.

    A key with a quote, a backslash or a control character cannot stand in a path; there a list is one item.

    Args:
        key: The whole key of an attribute.
    """
    if _UNSAFE_IN_PATHS.search(key):
        return Sql("json_each(attributes) AS item"), Sql("item.key = ?", (key,))
    return Sql("json_each(attributes, ?) AS item", (_path(key),)), Sql("1")


def compared(expression: str, term: Compares) -> Sql:
    """Give the SQL that compares a value as a number, also where it is text that is one, as decimals are sent.

    Args:
        expression: SQL without question marks that gives the value.
        term: How it is compared.
    """
    # A CAST gives its side of a comparison a numeric affinity, with which SQLite makes a number of text on the other
    # side. Text that is no number stays text, and sorts above all numbers.
    text = f"({expression} {term.operator} CAST(? AS NUMERIC) AND {expression} <= CAST(9e999 AS REAL))"
    return Sql(text, (term.number,))


def _text_that_decides(term: Equals | Present | Compares) -> str | None:
    """Give the text that flat attributes hold if, and apart from lists only if, the term holds for them."""
    if isinstance(term, Compares) or term.key.startswith(_AFTER_A_VALUE):
        return None
    key = _json(term.key) + ":"
    if isinstance(term, Present):
        return key
    if term.prefix:
        return None if _BEGINS_AN_INTEGER.fullmatch(term.value) else key + _json(term.value)[:-1]
    may_be_no_text = number_or_none(term.value) is not None or term.value in _BOOLEANS
    return None if may_be_no_text else key + _json(term.value)


def _parsed(term: Equals | Present | Compares) -> Sql:
    """Give the condition on the parsed JSON."""
    if isinstance(term, Present) and not _UNSAFE_IN_PATHS.search(term.key):
        return Sql("json_type(attributes, ?) IS NOT NULL", (_path(term.key),))
    source, of_key = items_of(term.key)
    condition = Sql("1")
    if not isinstance(term, Present):
        condition = _equal(term) if isinstance(term, Equals) else _compared(term)
    text = f"EXISTS (SELECT 1 FROM {source.text} WHERE {of_key.text} AND {condition.text})"  # noqa: S608
    return Sql(text, (*source.parameters, *of_key.parameters, *condition.parameters))


def _equal(term: Equals) -> Sql:
    if term.prefix:
        text = "item.type IN ('text', 'integer') AND substr(item.atom, 1, ?) = ?"
        return Sql(text, (len(term.value), term.value))
    if term.value in _BOOLEANS:
        return Sql("(item.type = ? OR item.type = 'text' AND item.atom = ?)", (term.value, term.value))
    number = number_or_none(term.value)
    if number is None:
        return Sql("item.type = 'text' AND item.atom = ?", (term.value,))
    text = "(item.type = 'text' AND item.atom = ? OR item.type IN ('integer', 'real') AND item.atom = ?)"
    return Sql(text, (term.value, number))


def _compared(term: Compares) -> Sql:
    comparison = compared("item.atom", term)
    return Sql(f"item.type IN ('text', 'integer', 'real') AND {comparison.text}", comparison.parameters)


def _path(key: str) -> str:
    return f'$."{key}"'


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
