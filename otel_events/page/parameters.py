"""The parameters of a request to the API, read and bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import QueryParams

from otel_events.page.search import Search, parse
from otel_events.page.sql import Scope

MAX_LIMIT: Final = 1_000
MAX_BARS: Final = 500
MAX_KEYS: Final = 20
MAX_KEY_CHARACTERS: Final = 256

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_MAX_INTEGER: Final = 2**63 - 1


class ParameterError(ValueError):
    """A parameter is wrong; the text says which and what is expected."""


@dataclass(frozen=True)
class Asked:
    """What events are asked for: ``q``, ``from`` and ``to``."""

    search: Search
    scope: Scope

    @classmethod
    def of(cls, parameters: QueryParams) -> Asked:
        """Read the three parameters.

        Raises:
            SearchError: The search text is wrong.
            ParameterError: A time is no number.
        """
        scope = Scope(integer(parameters, "from", None), integer(parameters, "to", None))
        return cls(parse(parameters.get("q", "")), scope)


def integer(
    parameters: QueryParams, name: str, default: int | None, *, least: int = 0, most: int = _MAX_INTEGER
) -> int | None:
    """Read a parameter that is an integer; what is out of bounds becomes the bound.

    Raises:
        ParameterError: It is no integer.
    """
    text = parameters.get(name)
    if text is None or text == "":
        return default
    if _INTEGER.fullmatch(text) is None:
        raise ParameterError(f"{name}={text[:50]!r} is no integer; give one such as {least + 1}.")
    return max(least, min(int(text), most))


def number(parameters: QueryParams, name: str, default: int, *, most: int) -> int:
    """Read a parameter that says how many, from 1; above ``most`` it becomes that.

    Raises:
        ParameterError: It is no integer.
    """
    found = integer(parameters, name, default, least=1, most=most)
    return default if found is None else found


def keys(parameters: QueryParams, name: str, *, least: int) -> list[str]:
    """Read a parameter that may be given several times, each a key.

    Raises:
        ParameterError: There are too few or too many, or one is too long.
    """
    found = [key for key in parameters.getlist(name) if key]
    if not least <= len(found) <= MAX_KEYS:
        raise ParameterError(f"{len(found)} times {name}= is given; give it {least} to {MAX_KEYS} times.")
    if any(len(key) > MAX_KEY_CHARACTERS for key in found):
        raise ParameterError(f"{name}= has more than {MAX_KEY_CHARACTERS} characters; no attribute has such a key.")
    return found
