r"""The search text of the page as data: what is asked for, and where in the text it stands. Pure.

| text | means |
|---|---|
| ``lamp`` | the word occurs, in the name, actor, service, body or an attribute's value; ``lam*`` is the beginning of one |
| ``"floor lamp"`` | the words occur one after the other; within quotes ``\"`` is a quote and ``\\`` a backslash |
| ``key:value`` | the column or attribute has this value; ``key:val*`` begins so; a value may be quoted, and so may a key |
| ``body:value`` | these words occur in the body, one after the other |
| ``key:*`` | it is there |
| ``key>10`` | it is a number above 10; likewise ``>=``, ``<`` and ``<=`` |
| ``-`` before any of them | it is not so |

All that stands in a text must be so.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

MAX_CHARACTERS: Final = 2_000
MAX_CLAUSES: Final = 50

Operator = Literal[">", ">=", "<", "<="]

SEVERITIES: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
"""The least severity number of each range of four, as in OpenTelemetry's log data model."""

SEVERITY_RANGE: Final = 4
SEVERITY: Final = "severity"
BODY: Final = "body"
"""Of the body it is asked for words, as it is a sentence; of all else for the whole value."""

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_SPACE: Final = re.compile(r"\s*")
_BARE: Final = re.compile(r"[^\s:<>]+")
_BARE_VALUE: Final = re.compile(r"\S*")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_OPERATOR: Final = re.compile(r"[<>]=?|:")
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
# SQLite takes no lone surrogates, and its text functions stop at a NUL, which stands as U+FFFD in the columns.
_UNSTORABLE: Final = re.compile("[\ud800-\udfff\0]")


class SearchError(ValueError):
    """A search text is wrong.

    Args:
        message: What was seen and what to do.
        start: Where in the text the wrong part begins, in characters.
        end: Where it ends, exclusive.
    """

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.start = start
        self.end = end


@dataclass(frozen=True)
class Words:
    """These words occur, one after the other; where ``prefix`` is set, the last one is the beginning of a word."""

    text: str
    prefix: bool = False


@dataclass(frozen=True)
class Equals:
    """What the key names has this value; where ``prefix`` is set, it begins with it."""

    key: str
    value: str
    prefix: bool = False


@dataclass(frozen=True)
class Present:
    """What the key names is there."""

    key: str


@dataclass(frozen=True)
class Compares:
    """What the key names is a number that compares so."""

    key: str
    operator: Operator
    number: int | float


Term = Words | Equals | Present | Compares


@dataclass(frozen=True)
class Clause:
    """One term, whether it is negated, and where it stands in the text: from ``start`` to ``end``, exclusive."""

    term: Term
    negated: bool
    start: int
    end: int


Search = tuple[Clause, ...]
"""All clauses must hold; the empty search holds for every event."""


def parse(text: str) -> Search:
    """Read a search text.

    Args:
        text: The text as typed.

    Returns:
        Its clauses in their order.

    Raises:
        SearchError: It is wrong, or longer than :data:`MAX_CHARACTERS` or :data:`MAX_CLAUSES`.
    """
    if len(text) > MAX_CHARACTERS:
        raise SearchError(
            f"The search has {len(text)} characters; shorten it to {MAX_CHARACTERS}.", MAX_CHARACTERS, len(text)
        )
    reader = _Reader(_UNSTORABLE.sub("\ufffd", text))
    clauses: list[Clause] = []
    while not reader.at_end():
        clause = reader.clause()
        if len(clauses) == MAX_CLAUSES:
            raise SearchError(f"The search has more than {MAX_CLAUSES} parts; leave some out.", clause.start, len(text))
        clauses.append(clause)
    return tuple(clauses)


def has_a_word(text: str) -> bool:
    """Tell whether text has a letter or a digit, without which the search index finds nothing."""
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def number_or_none(text: str) -> int | float | None:
    """Read text as a number: an integer where it is one of 64 bits."""
    if _NUMBER.fullmatch(text) is None:
        return None
    if _INTEGER.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    return float(text)


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def at_end(self) -> bool:
        """Pass over white space and say whether nothing follows."""
        self._take(_SPACE)
        return self._at == len(self._text)

    def clause(self) -> Clause:
        start = self._at
        negated = self._text.startswith("-", start)
        self._at += negated
        if self._at == len(self._text) or self._text[self._at].isspace():
            raise SearchError('A "-" stands alone; write it directly before what is not to be so.', start, self._at)
        term = self._term(start)
        return Clause(term, negated, start, self._at)

    def _term(self, start: int) -> Term:
        quoted = self._text.startswith('"', self._at)
        first = self._quoted() if quoted else self._take(_BARE)
        operator = self._take(_OPERATOR)
        if operator:
            if not first:
                self._take(_BARE_VALUE)
                raise SearchError(
                    f'Before "{operator}" a key is missing, such as "actor". To look for the text as it is, put it in '
                    "quotes.",
                    start,
                    self._at,
                )
            return self._with_key(first, operator, start)
        prefix = self._star() if quoted else first.endswith("*")
        word = first if quoted else first.rstrip("*")
        if not has_a_word(word):
            raise SearchError("There is no letter and no digit to look for here; add some.", start, self._at)
        return Words(word, prefix)

    def _with_key(self, key: str, operator: str, start: int) -> Term:
        quoted = self._text.startswith('"', self._at)
        value = self._quoted() if quoted else self._take(_BARE_VALUE)
        if not (value or quoted):
            raise SearchError(f'Nothing stands after "{key}{operator}"; write a value there.', start, self._at)
        if operator != ":":
            return Compares(key, _OPERATORS[operator], self._number(key, operator, value, start))
        if value == "*" and not quoted:
            return Present(key)
        prefix = self._star() if quoted else value.endswith("*")
        term = Equals(key, value if quoted else value.removesuffix("*"), prefix)
        if key == BODY and not has_a_word(term.value):
            raise SearchError(f'There is no letter and no digit to look for in "{value}"; add some.', start, self._at)
        return term

    def _number(self, key: str, operator: str, value: str, start: int) -> int | float:
        if key == SEVERITY and value.upper() in SEVERITIES:
            # All numbers of a range are the same severity, so the bound is the end that lies in its direction.
            return SEVERITIES[value.upper()] + (SEVERITY_RANGE - 1 if operator in (">", "<=") else 0)
        number = number_or_none(value)
        if number is None:
            raise SearchError(
                f'"{value}" is no number; after "{key}{operator}" write one, such as 10.', start, self._at
            )
        return number

    def _quoted(self) -> str:
        start = self._at
        found = _QUOTED.match(self._text, start)
        if found is None:
            raise SearchError('The quote is not closed; end it with ".', start, len(self._text))
        self._at = found.end()
        following = self._text[self._at : self._at + 1]
        if following and not following.isspace() and following not in ":<>*":
            raise SearchError("After a closing quote a space is missing; add one.", start, self._at + 1)
        return _ESCAPED.sub(r"\1", found[1])

    def _star(self) -> bool:
        starred = self._text.startswith("*", self._at)
        self._at += starred
        if starred and self._at < len(self._text) and not self._text[self._at].isspace():
            raise SearchError('After the "*" a space is missing; add one.', self._at - 1, self._at + 1)
        return starred

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]


_OPERATORS: Final[dict[str, Operator]] = {">": ">", ">=": ">=", "<": "<", "<=": "<="}
