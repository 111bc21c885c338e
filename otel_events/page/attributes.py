"""Conditions on one attribute as SQL. Pure: keys and values are bound, never part of the text.

A value that is a list or a map is looked at item by item: the condition holds where it holds for one of them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from otel_events.page.search import Compares, Equals, Present, number_or_none

Parameter = str | int | float


class Sql(NamedTuple):
    """A piece of SQL and what is bound to its question marks."""

    text: str
    parameters: tuple[Parameter, ...] = ()


# SQLite 3.40 compares the text between the quotes of a path with the key as it is written in the JSON.
_UNSAFE_IN_PATHS: Final = re.compile(r'["\\\x00-\x1f\x7f]')

_BOOLEANS: Final = ("true", "false")


def attribute_condition(term: Equals | Present | Compares) -> Sql:
    """Give the SQL that holds for a row of ``events`` where the term holds for one of its attributes.

    Args:
        term: The term; its key is the whole key of an attribute.

    Returns:
        An expression over the column ``attributes``.
    """
    source, of_key = items_of(term.key)
    each = Sql("1") if isinstance(term, Present) else _holds(term, "item.type", "item.atom")
    one_of_them = Sql(
        f"EXISTS (SELECT 1 FROM {source.text} WHERE {of_key.text} AND {each.text})",  # noqa: S608
        (*source.parameters, *of_key.parameters, *each.parameters),
    )
    if _UNSAFE_IN_PATHS.search(term.key):
        return one_of_them
    path = _path(term.key)
    if isinstance(term, Present):
        return Sql("json_type(attributes, ?) IS NOT NULL", (path,))
    # For a value that is no list, this takes half the time: SQLite parses the JSON once for all these functions.
    itself = _holds(term, "json_type(attributes, ?)", "json_extract(attributes, ?)", path)
    text = f"CASE WHEN json_type(attributes, ?) IN ('array', 'object') THEN {one_of_them.text} ELSE {itself.text} END"
    return Sql(text, (path, *one_of_them.parameters, *itself.parameters))


def items_of(key: str) -> tuple[Sql, Sql]:
    """Give what stands behind FROM to get the items of an attribute as rows with ``type`` and ``atom``, and behind WHERE.

    A key with a quote, a backslash or a control character cannot stand in a path; there a list is one item.

    Args:
        key: The whole key of an attribute.
    """
    if _UNSAFE_IN_PATHS.search(key):
        return Sql("json_each(attributes) AS item"), Sql("item.key = ?", (key,))
    return Sql("json_each(attributes, ?) AS item", (_path(key),)), Sql("1")


def compared(expression: str, term: Compares, *bound: Parameter) -> Sql:
    """Give the SQL that compares a value as a number, also where it is text that is one, as decimals are sent.

    Args:
        expression: SQL that gives the value.
        term: How it is compared.
        bound: What is bound to the question marks of the expression.
    """
    # A CAST gives its side of a comparison a numeric affinity, with which SQLite makes a number of text on the other
    # side. Text that is no number stays text, and sorts above all numbers.
    text = f"({expression} {term.operator} CAST(? AS NUMERIC) AND {expression} <= CAST(9e999 AS REAL))"
    return Sql(text, (*bound, term.number, *bound))


def _holds(term: Equals | Compares, kind: str, value: str, *bound: Parameter) -> Sql:
    """Give the condition on a value that is no list.

    Args:
        term: What is to hold.
        kind: SQL that gives the JSON type of the value.
        value: SQL that gives the value.
        bound: What is bound to the question marks of each of the two.
    """
    if isinstance(term, Compares):
        comparison = compared(value, term, *bound)
        return Sql(f"({comparison.text} AND {kind} IN ('integer', 'real', 'text'))", (*comparison.parameters, *bound))
    if term.prefix:
        text = f"({kind} IN ('text', 'integer') AND substr({value}, 1, ?) = ?)"
        return Sql(text, (*bound, *bound, len(term.value), term.value))
    number = number_or_none(term.value)
    if number is not None:
        # The number is not compared with true and false, which SQLite gives as 1 and 0.
        text = f"({value} IN (?, ?) AND {kind} IN ('text', 'integer', 'real'))"
        return Sql(text, (*bound, term.value, number, *bound))
    if term.value in _BOOLEANS:
        return Sql(f"({kind} = ? OR {value} = ?)", (*bound, term.value, *bound, term.value))
    return Sql(f"{value} = ?", (*bound, term.value))


def _path(key: str) -> str:
    return f'$."{key}"'
