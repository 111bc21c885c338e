"""OTLP values as JSON: every type of ``AnyValue`` has one form, so that SQL can tell them apart.

| OTLP | JSON |
|---|---|
| string, bool | the same |
| int (64 bits) | a number without a fraction; never a string |
| double | a number with a fraction or an exponent; ``"NaN"``, ``"Infinity"``, ``"-Infinity"`` as in protobuf's JSON |
| bytes | the text ``base64:`` and the bytes in standard base64 with padding |
| array, kvlist | an array, an object; where a key comes twice its last value stands |
| no value | ``null`` |
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

MAX_SQLITE_INTEGER: Final = 2**63 - 1
BYTES_PREFIX: Final = "base64:"

_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False)


def plain_value(value: AnyValue) -> Any:
    """Give the value in the form that the table above lists, ready for :func:`json_text`."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind == "int_value":
        return value.int_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "double_value":
        return _plain_double(value.double_value)
    if kind == "bytes_value":
        return BYTES_PREFIX + base64.b64encode(value.bytes_value).decode("ascii")
    if kind == "array_value":
        return [plain_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return plain_attributes(value.kvlist_value.values)
    # Unset, or an index into the string table of profiles, which other signals treat as absent (common.proto).
    return None


def plain_attributes(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    """Give a list of attributes as a dictionary; where a key comes twice its last value stands."""
    plain = {}
    for attribute in attributes:
        value = attribute.value
        # Most values are text that is not empty, and asking for it costs less than asking which kind there is.
        plain[attribute.key] = value.string_value or plain_value(value)
    return plain


def json_text(value: Any) -> str:
    """Write a plain value as compact JSON."""
    return _JSON.encode(value)


def text_or_none(value: Any) -> str | None:
    r"""Give a plain value as the text of a column: a string as it is, anything else as JSON, None and ``""`` as None.

    A NUL becomes U+FFFD: SQLite's text functions stop at it. In JSON columns it stands as ``\u0000``.
    """
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else json_text(value)
    return text.replace("\0", "\ufffd") if "\0" in text else text


def hex_or_none(identifier: bytes, length: int) -> str | None:
    """Give a trace or span id as hex digits; None where it is absent or invalid: of another length, or all zeroes."""
    return identifier.hex() if len(identifier) == length and any(identifier) else None


def clamped_ns(nanoseconds: int) -> int:
    """Give a time that SQLite can hold: its integers end in the year 2262, OTLP's unsigned 64 bits later."""
    return min(nanoseconds, MAX_SQLITE_INTEGER)


def _plain_double(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
