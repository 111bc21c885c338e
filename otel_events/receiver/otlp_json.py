"""OTLP JSON to protobuf messages.

OTLP/JSON is the protobuf JSON mapping with differences (OTLP 1.x, "JSON Protobuf Encoding"): trace and span ids are
hex digits, not base64, and unknown fields are ignored. This module turns the ids into what the mapping expects, drops
unknown fields, and leaves the rest to the official parser.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from otel_events.receiver.compression import TooLargeError

MessageT = TypeVar("MessageT", bound=Message)

MAX_JSON_BYTES: Final = 4 * 1024 * 1024
"""How large a body in JSON may be, unpacked: as Python objects it is twenty times as large, and more."""

MAX_JSON_OBJECTS: Final = 200_000
"""How many objects and lists it may have; each costs as much time as a hundred of its bytes."""

_ID_FIELDS: Final = frozenset({"trace_id", "span_id", "parent_span_id"})
_MAX_REASON: Final = 500
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def parse_json(message: MessageT, data: bytes) -> MessageT:
    """Fill an empty message from OTLP JSON.

    Args:
        message: The message to fill.
        data: The JSON text, in UTF-8.

    Returns:
        The same message.

    Raises:
        ValueError: The text is no JSON or does not fit the message. The text of the error says where.
        TooLargeError: It has more than :data:`MAX_JSON_BYTES` or :data:`MAX_JSON_OBJECTS`.
    """
    if len(data) > MAX_JSON_BYTES:
        raise TooLargeError(f"the body is JSON larger than {MAX_JSON_BYTES} bytes; send smaller batches, or protobuf")
    if data.count(b"{") + data.count(b"[") > MAX_JSON_OBJECTS:
        raise TooLargeError(f"the body has more than {MAX_JSON_OBJECTS} objects; send smaller batches, or protobuf")
    try:
        json_format.ParseDict(_prepared(json.loads(data), message.DESCRIPTOR), message)
    except (json_format.Error, ValueError, TypeError, AttributeError, OverflowError) as error:
        # For values of a wrong type the official parser lets through whatever its own steps raise.
        # The cause stands at the end, after the names of the fields that lead to it.
        reason = _SURROGATES.sub("\ufffd", str(error)[-_MAX_REASON:])
        raise ValueError(f"the body is not OTLP JSON: {reason}") from error
    except RecursionError as error:
        raise ValueError("the body is not OTLP JSON: it is nested too deeply") from error
    return message


def _prepared(value: Any, descriptor: Any) -> dict[str, Any]:
    """Give the JSON of a message in which ids are base64, no string has a lone surrogate, and only known fields are left.

    Text or a list in the place of an object is refused here: the official parser takes it for an object without fields.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{descriptor.name} is {type(value).__name__}, where an object is expected")
    prepared: dict[str, Any] = {}
    for name, item in value.items():
        field = descriptor.fields_by_camelcase_name.get(name) or descriptor.fields_by_name.get(name)
        if field is None or item is None:
            continue
        if field.message_type is not None and isinstance(item, list):
            prepared[name] = [_prepared(each, field.message_type) for each in item]
        elif field.message_type is not None:
            prepared[name] = _prepared(item, field.message_type)
        elif field.name in _ID_FIELDS:
            prepared[name] = _base64_id(name, item)
        else:
            prepared[name] = _SURROGATES.sub("\ufffd", item) if isinstance(item, str) else item
    return prepared


def _base64_id(name: str, value: Any) -> str:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise ValueError(f"{name} is not text of hex digits, as OTLP JSON wants it")
    return base64.b64encode(bytes.fromhex(value)).decode("ascii")
