"""Event and stamp → the bytes of one OTLP ``LogRecord``, as a field of ``ScopeLogs``; a batch is a concatenation of such.

Each class has a function of its own for that, written out as Python code once, as ``dataclasses`` writes ``__init__``. It goes
the straight way, for events made of ordinary values. For any other event it gives up; the event is then converted, and its
record is encoded. Decoded, both ways give the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Final

from otel_events import semconv
from otel_events.conversion.attributes import as_text
from otel_events.conversion.line import one_line
from otel_events.conversion.plan import Plan
from otel_events.conversion.record import Converter, LogRecord
from otel_events.conversion.room import CUT, MAX_CHARACTERS, Losses
from otel_events.direct.places import ATTRIBUTES, ActorWriter, Place, RequestWriter, UnusualError, is_identity, ordinary
from otel_events.direct.protobuf import TextHeaders, any_value, double, field, fixed32, fixed64, key_value, varint
from otel_events.privacy import REDACTED, Policy
from otel_events.stamp import Stamp

_LOG_RECORDS: Final = b"\x12"
_TIME: Final = b"\x09"
_SEVERITY_NUMBER: Final = b"\x10"
_SEVERITY_TEXT: Final = b"\x1a"
_BODY: Final = b"\x2a"
_FLAGS: Final = b"\x45"
_TRACE_ID: Final = b"\x4a\x10"
_SPAN_ID: Final = b"\x52\x08"
_OBSERVED: Final = b"\x59"
_EVENT_NAME: Final = b"\x62"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_FIELDS: Final = 90
"""With the most attributes that an actor and a request may have the straight way, the limit of a record is not reached."""
_MAX_CLASSES: Final = 4096

Straight = Callable[[Any, Stamp], bytes]
"""Encodes the events of one class that are made of ordinary values; raises for others."""


class Encoder:
    """Encodes events under one policy.

    Args:
        policy: What is private.
    """

    def __init__(self, policy: Policy) -> None:
        self._converter = Converter(policy)
        self._actors = ActorWriter(policy)
        self._requests = RequestWriter(policy)
        self._straight: dict[type, Straight | None] = {}

    def encode(self, event: Any, stamp: Stamp) -> tuple[bytes, Losses | None]:
        """Encode an event. No value raises.

        Args:
            event: An ``Event``, or any dataclass instance with ``name`` and ``created``.
            stamp: What was added when it was tracked.

        Returns:
            A ``LogRecord`` as a field of ``ScopeLogs``, and what the conversion cut, None for nothing.
        """
        try:
            straight = self._straight[type(event)]
        except KeyError:
            straight = self._compile(event)
        if straight is not None:
            try:
                return straight(event, stamp), None
            except Exception:  # noqa: S110 # whatever it was: conversion, which comes next, deals with every value
                pass
        record = self._converter.log_record(event, stamp)
        return encode_record(record), record.losses

    def _compile(self, event: Any) -> Straight | None:
        if len(self._straight) >= _MAX_CLASSES:
            self._straight.clear()
        plan = self._converter.plan(event)
        straight = self._straight[type(event)] = _straight_way(plan, self._actors, self._requests)
        return straight


def encode_record(record: LogRecord) -> bytes:
    """Encode a converted event, whatever it holds, as a field of ``ScopeLogs``."""
    pieces = [
        _TIME + fixed64(record.time_ns) if record.time_ns else b"",
        _SEVERITY_NUMBER + varint(record.severity_number),
        field(_SEVERITY_TEXT, record.severity_text.encode()),
        field(_BODY, any_value(record.body)),
        *(key_value(ATTRIBUTES, key, value) for key, value in record.attributes.items()),
        _context(record.trace_id, record.span_id, record.trace_flags),
        _OBSERVED + fixed64(record.observed_ns) if record.observed_ns else b"",
        field(_EVENT_NAME, record.event_name.encode()),
    ]
    return field(_LOG_RECORDS, b"".join(pieces))


def _context(trace_id: int, span_id: int, flags: int) -> bytes:
    return (
        (_FLAGS + fixed32(flags) if flags else b"")
        + (_TRACE_ID + trace_id.to_bytes(16, "big") if trace_id else b"")
        + (_SPAN_ID + span_id.to_bytes(8, "big") if span_id else b"")
    )


def _line_ready(line: str) -> bytes:
    """Return the readable line as bytes: one line, cut to the limit."""
    if not line.isprintable():
        line = one_line(line)
    if len(line) > MAX_CHARACTERS:
        line = line[: MAX_CHARACTERS - 1] + CUT
    return line.encode()


def _straight_way(plan: Plan, actors: ActorWriter, requests: RequestWriter) -> Straight | None:
    """Write the function that encodes the events of one class, or None where each has to be converted first."""
    definition = plan.definition
    if definition.name is None or plan.hidden or len(plan.fields) > _MAX_FIELDS:
        return None
    keys = [item.key for item in plan.fields]
    if len(set(keys)) < len(keys) or any(map(is_identity, keys)):
        return None
    code = _Code(plan)
    static = _SEVERITY_NUMBER + varint(definition.severity_number)
    static += field(_SEVERITY_TEXT, definition.severity_text.encode())
    static += field(_EVENT_NAME, definition.name.encode())
    version = b""
    if definition.version is not None:
        version = key_value(ATTRIBUTES, semconv.EVENT_VERSION, definition.version)
    code.names.update(
        body=TextHeaders(_BODY, b""),
        context=_context,
        datetime=datetime,
        double=double,
        epoch=_EPOCH,
        fixed64=fixed64,
        in_text=as_text,
        line_ready=_line_ready,
        name=definition.name,
        ordinary=ordinary,
        pseudonym=plan.policy.pseudonym,
        static=_OBSERVED.join((static, b"")),
        taken=frozenset(keys),
        uid=Place(semconv.LOG_RECORD_UID),
        unusual=UnusualError,
        utc=timezone.utc,
        varint=varint,
        version=version,
        write_actor=actors.write,
        write_request=requests.write,
    )
    exec(code.text(), code.names)  # noqa: S102 # made of field names, which are identifiers, and of nothing else from outside
    straight: Straight = code.names["encode"]
    return straight


class _Code:
    """The source of a class's function, and the names it uses.

    Args:
        plan: The class's plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.names: dict[str, Any] = {}

    def text(self) -> str:
        lines = [
            "def encode(event, stamp):",
            "    created = event.created",
            "    if type(created) is not datetime or created.tzinfo is not utc: raise unusual",
            "    since = created - epoch",
            "    ns = (since.days * 86400 + since.seconds) * 1000000000 + since.microseconds * 1000",
            f"    if not 0 < ns < {2**63}: raise unusual",
            "    who, actor = write_actor(event.actor)",
            "    request = write_request(stamp.request, taken) if stamp.request else b''",
        ]
        for index, item in enumerate(self._plan.fields):
            lines += [f"    {line}" for line in self._field(index, item.name, item.treatment, item.key)]
        lines += [f"    {line}" for line in self._line()]
        attributes = ", ".join(f"a{index}" for index in range(len(self._plan.fields)))
        lines += [
            "    ready = line_ready(line)",
            "    written = b''.join((",
            "        static, fixed64(stamp.observed_ns), b'\\x09', fixed64(ns), body[len(ready)], ready,",
            "        uid.string(stamp.uid) if stamp.uid else b'', version, actor, request,",
            f"        {attributes}{',' if attributes else ''}",
            "        b'' if stamp[2:5] == (0, 0, 0) else context(*stamp[2:5]),",
            "    ))",
            "    return b'\\x12' + varint(len(written)) + written",
        ]
        return "\n".join(lines)

    def _field(self, index: int, name: str, treatment: str, key: str) -> list[str]:
        """Write the lines that set ``a…``, the attribute, ``v…``, the value as plain data, and ``t…``, its text in the line."""
        place = self.names[f"place{index}"] = Place(key)
        self.names[f"headers{index}"] = place.text
        value, attribute, text = f"v{index}", f"a{index}", f"t{index}"
        if treatment in ("redact", "drop"):
            self.names[f"redacted{index}"] = place.redacted if treatment == "redact" else b""
            return [f"{attribute}, {text} = redacted{index}, {REDACTED!r}"]
        if treatment == "pseudonym":
            return [
                f"{value} = ordinary(event.{name})",
                f"{text} = None if {value} is None else pseudonym(in_text({value}))",
                f"{attribute} = place{index}.write({text})",
            ]
        self.names |= {
            f"number{index}": place.number,
            f"numbers{index}": place.numbers,
            f"head{index}": place.double,
            f"true{index}": place.true,
            f"false{index}": place.false,
        }
        return [
            f"{value} = event.{name}",
            f"kind = type({value})",
            f"if kind is str and len({value}) <= {MAX_CHARACTERS}:",
            f"    {text} = {value}",
            f"    {attribute} = {value}.encode()",
            f"    {attribute} = headers{index}[len({attribute})] + {attribute}",
            "elif kind is int:",
            f"    {text} = {value}",
            f"    {attribute} = numbers{index}.get({value}) or number{index}({value})",
            "elif kind is float:",
            f"    {text} = {value}",
            f"    {attribute} = head{index} + double({value})",
            "elif kind is bool:",
            f"    {text}, {attribute} = ('true', true{index}) if {value} else ('false', false{index})",
            "else:",
            f"    {text} = {value} = ordinary({value})",
            f"    {attribute} = place{index}.write({value})",
        ]

    def _line(self) -> list[str]:
        """Write the lines that set ``line``, as ``conversion/line.py`` makes it."""
        fields = {item.name: f"t{index}" for index, item in enumerate(self._plan.fields)}
        message = self._plan.definition.message
        if message is None:
            lines = ["line = name if who is None else f'{name} by {who}'"]
            if fields:
                rest = " + ".join(
                    f"('' if {text} is None else f' {field_name}={{{text}}}')" for field_name, text in fields.items()
                )
                lines += [f"rest = {rest}", "if rest: line = f'{line}:{rest}'"]
            return lines
        pieces = []
        for index, (literal, used) in enumerate(message):
            self.names[f"literal{index}"] = literal
            pieces.append(f"{{literal{index}}}")
            if used == "actor":
                pieces.append("{who or 'anonymous'}")
            elif used == "name":
                pieces.append("{name}")
            elif used == "created":
                pieces.append("{created.isoformat(timespec='seconds')}")
            elif used is not None:
                pieces.append(f"{{'-' if {fields[used]} is None else {fields[used]}}}")
        return [f'line = f"{"".join(pieces)}"']
