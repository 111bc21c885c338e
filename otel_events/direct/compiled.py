"""The compiled way of a class, where the extension module could be built; elsewhere its way in Python stays.

``way.c`` says what it does. It is handed the same ready-made pieces that the Python code has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from otel_events.conversion.plan import FieldPlan, Plan
from otel_events.conversion.room import MAX_CHARACTERS
from otel_events.direct.places import Place
from otel_events.privacy import REDACTED
from otel_events.semconv import LOG_RECORD_UID
from otel_events.stamp import Stamp

try:
    from otel_events.direct.way import Way
except ImportError:  # no compiler where it was installed
    IS_COMPILED = False
else:
    IS_COMPILED = True

_NOTHING: Final = -1
_WHO: Final = -2
"""What a piece of a message stands for where it is no field, as the enum in ``way.c`` has it."""

_UNREAD: Final = ("redact", "drop")


def compiled(
    plan: Plan,
    python: Callable[[Any, Stamp], bytes],
    names: Mapping[str, Any],
    labels: Callable[[str], tuple[str, str]],
) -> Callable[[Any, Stamp], bytes]:
    """Return the compiled way of a class; ``python`` itself where there is none.

    Args:
        plan: The class's plan.
        python: Its way in Python, which is called for what the compiled one leaves to it.
        names: What that function has ready, by name.
        labels: Returns what stands in the line before the value of a field of a name, and for None.
    """
    if not IS_COMPILED or any(item.treatment not in ("keep", *_UNREAD) for item in plan.fields):
        return python
    pieces = _pieces(plan)
    texts = [
        names["title"],
        *(item.name for item in plan.fields),
        *(literal for literal, _ in plan.definition.message or ()),
    ]
    if pieces is None or not all(text.isprintable() for text in texts):
        return python
    way: Callable[[Any, Stamp], bytes] = Way(
        python,
        people=names["people"],
        somebody=names["somebody"],
        write_request=names["write_request"],
        taken=names["taken"],
        span_context=names["span_context"],
        before=names["static"],
        uid_head=Place(LOG_RECORD_UID).head,
        version=names["version"],
        title=names["title"].encode(),
        fields=tuple(
            _field(item, *labels(item.name), names.get(f"other{index}")) for index, item in enumerate(plan.fields)
        ),
        pieces=pieces,
        max_characters=MAX_CHARACTERS,
    )
    return way


def _field(item: FieldPlan, label: str, nothing: str, other: Any) -> tuple[str, bytes, bytes, bytes, bytes | None, Any]:
    place = Place(item.key)
    if item.treatment in _UNREAD:
        constant = place.redacted if item.treatment == "redact" else b""
        return item.name, place.head, (label + REDACTED).encode(), b"", constant, None
    return item.name, place.head, label.encode(), nothing.encode(), None, other


def _pieces(plan: Plan) -> tuple[tuple[bytes, int], ...] | None:
    """Return the pieces of a class's message, none where it has no message; None where it has one that is left to Python."""
    message, title = plan.definition.message, plan.definition.name or ""
    if message is not None and (not message or any(used == "created" for _, used in message)):
        return None
    numbers = {item.name: index for index, item in enumerate(plan.fields)}
    pieces = []
    for literal, used in message or ():
        if used == "name":
            pieces.append(((literal + title).encode(), _NOTHING))
        else:
            meaning = _WHO if used == "actor" else _NOTHING if used is None else numbers[used]
            pieces.append((literal.encode(), meaning))
    return tuple(pieces)
