"""The straight way from an event to its bytes: a function for each class, written out as Python code.

It is for events made of ordinary values, and raises for any other; those are converted first. What it would do for each event
anew it finds ready: the bytes before a text of each length, whole numbers, the actor's attributes. Decoded, it gives what
conversion gives.
"""

from __future__ import annotations

import keyword
import struct
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

from otel_events import semconv
from otel_events.conversion.attributes import as_text
from otel_events.conversion.line import one_line
from otel_events.conversion.plan import FieldPlan, Plan
from otel_events.conversion.room import CUT, MAX_CHARACTERS
from otel_events.direct import protobuf
from otel_events.direct.circumstances import ActorWriter, RequestWriter, Seconds, is_identity
from otel_events.direct.compiled import compiled
from otel_events.direct.places import Numbers, Place, UnusualError, items_of, ordinary
from otel_events.direct.protobuf import FieldHeaders, TextHeaders, double, field, key_value, span_context, varint
from otel_events.privacy import REDACTED, Policy
from otel_events.stamp import Stamp

_MAX_FIELDS: Final = 90
"""With the most attributes that an actor and a request may have the straight way, the limit of a record is not reached."""

_RECORDS: Final = FieldHeaders(protobuf.LOG_RECORDS)
_BODIES: Final = TextHeaders(protobuf.BODY, b"")
_TIMES: Final = struct.Struct("<cQcQ").pack

Straight = Callable[[Any, Stamp], bytes]
"""Encodes the events of one class."""


class StraightWays:
    """Writes the functions of classes under one policy.

    Args:
        policy: What is private.
        compiled: Whether to take the compiled way where there is one.
    """

    def __init__(self, policy: Policy, *, compiled: bool = True) -> None:
        self._compiled = compiled
        self._actors = ActorWriter(policy)
        self._requests = RequestWriter(policy)
        self._seconds = Seconds()

    def of(self, plan: Plan, otherwise: Straight) -> Straight:
        """Return the function for a class.

        Args:
            plan: The class's plan.
            otherwise: Encodes those of its events that are not made of ordinary values; of some classes, all.
        """
        definition = plan.definition
        if definition.name is None or plan.hidden or len(plan.fields) > _MAX_FIELDS:
            return otherwise
        keys = [item.key for item in plan.fields]
        if len(set(keys)) < len(keys) or any(map(is_identity, keys)):
            return otherwise
        static = protobuf.SEVERITY_NUMBER + varint(definition.severity_number)
        static += field(protobuf.SEVERITY_TEXT, definition.severity_text.encode())
        static += field(protobuf.EVENT_NAME, definition.name.encode())
        version = b""
        if definition.version is not None:
            version = key_value(protobuf.ATTRIBUTES, semconv.EVENT_VERSION, definition.version)
        uids = Place(semconv.LOG_RECORD_UID).text
        uids[0] = b""  # Without a uid there is no attribute for it.
        code = _Code(plan)
        code.names.update(
            another_second=self._seconds.another,
            bodies=_BODIES,
            datetime=datetime,
            double=double,
            latest=self._seconds.latest,
            line_ready=_line_ready,
            people=self._actors.people,
            person=self._actors.person,
            records=_RECORDS,
            somebody=self._actors.somebody,
            span_context=span_context,
            static=static,
            taken=frozenset(keys),
            times=_TIMES,
            title=definition.name,
            uids=uids,
            unusual=UnusualError,
            utc=timezone.utc,
            version=version,
            write_request=self._requests.write,
        )
        exec(code.text(), code.names)  # noqa: S102 # only names of fields are from outside: identifiers, or in quotes
        straight: Straight = code.names["encode"]

        def encode(event: Any, stamp: Stamp) -> bytes:
            try:
                return straight(event, stamp)
            except Exception:  # whatever it was: conversion deals with every value
                return otherwise(event, stamp)

        return compiled(plan, encode, code.names, code.labels) if self._compiled else encode


class _Code:
    """The source of a class's function, and the names it uses.

    Args:
        plan: The class's plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._message = plan.definition.message
        self.names: dict[str, Any] = {}

    def text(self) -> str:
        """Return the source. Of field N, ``aN`` and ``bN`` are the bytes, ``kN`` and ``tN`` what the line says of it."""
        fields = self._plan.fields
        version = "" if self._plan.definition.version is None else "version, "
        values = "".join(f"a{index}, b{index}, " for index in range(len(fields)))
        lines = [
            "created = event.created",
            "if type(created) is not datetime or created.tzinfo is not utc: raise unusual",
            "second, ns = latest[0]",
            "since = created - second",
            "if since.days or since.seconds: ns = another_second(created)",
            "else: ns += since.microseconds * 1000",
            "who = event.actor",
            "if type(who) is dict and len(who) == 1 and type(who := who.get('id')) is str:",
            "    actor, who, by = people.get(who) or person(who)",
            "else:",
            "    actor, who, by = somebody(event.actor)",
            f"clean = {all(text.isprintable() for text in self._constants())}",
            *(line for index, item in enumerate(fields) for line in self._field(index, item)),
            *self._line(),
            f"ready = line.encode() if clean and len(line) <= {MAX_CHARACTERS} else line_ready(line)",
            "uid = stamp[0].encode()",
            "around = b''",
            "if stamp[5]: around = write_request(stamp[5], taken)",
            "if stamp[2] or stamp[3] or stamp[4]: around += span_context(stamp[2], stamp[3], stamp[4])",
            f"written = b''.join((static, times({protobuf.TIME!r}, ns, {protobuf.OBSERVED!r}, stamp[1]),",
            f"    bodies[len(ready)], ready, uids[len(uid)], uid, {version}actor, around, {values}))",
            "return records[len(written)] + written",
        ]
        return "\n    ".join(["def encode(event, stamp):", *lines])

    def _field(self, index: int, item: FieldPlan) -> list[str]:
        """Write the lines that set what there is of one field."""
        label, nothing = self.labels(item.name)
        writer = _FieldWriter(item, self._plan.policy, label, nothing)
        a, b, k, t = (f"{letter}{index}" for letter in "abkt")
        if item.treatment in ("redact", "drop"):
            self.names[f"redacted{index}"] = writer.place.redacted if item.treatment == "redact" else b""
            return [f"{a} = redacted{index}; {b} = b''; {k} = {label + REDACTED!r}; {t} = ''"]
        if item.treatment == "pseudonym":
            self.names[f"pseudonym{index}"] = writer.pseudonym
            return [f"{a}, {k} = pseudonym{index}({_read(item.name)}); {b} = b''; {t} = ''"]
        self.names |= {
            f"texts{index}": writer.place.text,
            f"numbers{index}": Numbers(writer.place, label),
            f"double{index}": writer.place.double,
            f"true{index}": writer.place.true,
            f"false{index}": writer.place.false,
            f"other{index}": writer.other,
        }
        return [
            f"v = {_read(item.name)}",
            "kind = type(v)",
            f"if kind is str and len(v) <= {MAX_CHARACTERS}:",
            "    if not v.isprintable(): clean = False",
            f"    {b} = v.encode()",
            f"    {a} = texts{index}[len({b})]",
            f"    {k} = {label!r}; {t} = v",
            "elif v is None:",
            f"    {a} = {b} = b''; {k} = {nothing!r}; {t} = ''",
            "elif kind is int:",
            f"    {a}, {k} = numbers{index}[v]; {b} = b''; {t} = ''",
            "elif v is True:",
            f"    {a} = true{index}; {b} = b''; {k} = {label + 'true'!r}; {t} = ''",
            "elif v is False:",
            f"    {a} = false{index}; {b} = b''; {k} = {label + 'false'!r}; {t} = ''",
            "elif kind is float:",
            f"    {a} = double{index}; {b} = double(v); {k} = {label!r}; {t} = repr(v)",
            "else:",
            f"    {a}, {k} = other{index}(v); {b} = b''; {t} = ''",
            f"    if not {k}.isprintable(): clean = False",
        ]

    def labels(self, name: str) -> tuple[str, str]:
        """Return what stands before a field's value in the line, and what stands there for None."""
        return (f" {name}=", "") if self._message is None else ("", "-")

    def _constants(self) -> list[str]:
        """Return what the lines of all events have in common."""
        name = self._plan.definition.name or ""
        if self._message is None:
            return [name, *(item.name for item in self._plan.fields)]
        return [name, *(literal for literal, _ in self._message)]

    def _line(self) -> list[str]:
        """Write the lines that set ``line``, as ``conversion/line.py`` makes it."""
        shown = {item.name: f"{{k{index}}}{{t{index}}}" for index, item in enumerate(self._plan.fields)}
        if self._message is None:
            if not shown:
                return ['line = f"{title}{by}"']
            return [
                f'line = f"{{title}}{{by}}:{"".join(shown.values())}"',
                "if not k0 and len(line) == len(title) + len(by) + 1: line = line[:-1]",
            ]
        shown |= {
            "actor": "{who or 'anonymous'}",
            "name": "{title}",
            "created": "{created.isoformat(timespec='seconds')}",
        }
        pieces = []
        for index, (literal, used) in enumerate(self._message):
            self.names[f"literal{index}"] = literal
            pieces += [f"{{literal{index}}}", "" if used is None else shown[used]]
        return [f'line = f"{"".join(pieces)}"']


class _FieldWriter:
    """Writes what of a field's values is not written out in the code.

    Args:
        item: The field.
        policy: What is private.
        label: What stands before the value in the line.
        nothing: What stands there for None.
    """

    def __init__(self, item: FieldPlan, policy: Policy, label: str, nothing: str) -> None:
        self.place = Place(item.key)
        self._key = item.key
        self._policy = policy
        self._label = label
        self._nothing = nothing

    def other(self, value: Any) -> tuple[bytes, str]:
        """Return the attribute and what the line says, for a value of a less common type.

        Raises:
            UnusualError: It is not an ordinary one.
        """
        if type(value) is list or type(value) is tuple:
            if (
                len(value) == 2
                and type(value[0]) is str
                and self._policy.is_secret(value[0], f"{self._key}.{value[0]}")
            ):
                raise UnusualError  # A pair may be a key and its value.
            items, text = items_of(value)
            return self.place.array(items), self._label + text
        plain = ordinary(value)
        return self.place.write(plain), self._nothing if plain is None else self._label + as_text(plain)

    def pseudonym(self, value: Any) -> tuple[bytes, str]:
        """Likewise for a value that is to be a pseudonym."""
        plain = ordinary(value)
        if plain is None:
            return b"", self._nothing
        text = as_text(plain)
        text.encode()  # a lone surrogate is not for here
        text = self._policy.pseudonym(text)
        return self.place.string(text), self._label + text


def _read(name: str) -> str:
    """Return the code that reads a field: in code itself, a name outside ASCII may stand for another one (PEP 3131)."""
    plain = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    return f"event.{name}" if plain else f"getattr(event, {name!r})"


def _line_ready(line: str) -> bytes:
    """Return the readable line as bytes: one line, cut to the limit."""
    line = one_line(line)
    if len(line) > MAX_CHARACTERS:
        line = line[: MAX_CHARACTERS - 1] + CUT
    return line.encode()
