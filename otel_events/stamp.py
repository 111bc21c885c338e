"""What is added to an event once, when it is tracked: its uid, the observed time, the span context and the request."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from opentelemetry import trace

from otel_events.context import current_request

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]


class Stamp(NamedTuple):
    """The circumstances of one tracked event.

    Args:
        uid: A ULID: 48 bits of observed time in milliseconds, 40 bits for the stream, 40 bits counting within it.
        observed_ns: When it was tracked, in nanoseconds since the Unix epoch.
        trace_id: The active span's trace, 0 for none.
        span_id: The active span, 0 for none.
        trace_flags: The W3C trace flags of the active span.
        request: Attributes of the request in which it was tracked.
    """

    uid: str
    observed_ns: int
    trace_id: int = 0
    span_id: int = 0
    trace_flags: int = 0
    request: Mapping[str, Any] = {}


class Stream(NamedTuple):
    """One sequence of uids.

    Args:
        pid: The process to which it belongs.
        text: Its part of the uids, 8 characters.
        numbers: Count within it.
    """

    pid: int
    text: str
    numbers: Iterator[int]


class Stamper:
    """Stamps the events of one stream: of one listener in one process.

    A process that was forked off is another stream, whoever forked it, so the process id is looked at each time.

    Args:
        clock_ns: Gives the time, in nanoseconds since the Unix epoch.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._clock_ns = clock_ns
        self._last_time = (-1, "")
        self._stream = self._new_stream()

    @property
    def stream(self) -> str:
        """The stream's part of the uids, 8 characters."""
        return self._own_stream().text

    def stamp(self) -> Stamp:
        """Return a stamp for an event that is being tracked here and now."""
        stream = self._own_stream()
        now = self._clock_ns()
        number = next(stream.numbers)
        uid = self._time(now // 1_000_000) + stream.text + _base32(number >> 20 & 0xF_FFFF, 4) + _last_four(number)
        span = trace.get_current_span()
        if span is trace.INVALID_SPAN:
            return Stamp(uid, now, 0, 0, 0, current_request())
        context = span.get_span_context()
        return Stamp(uid, now, context.trace_id, context.span_id, int(context.trace_flags), current_request())

    def _time(self, milliseconds: int) -> str:
        """Return the time's part of the uids, 10 characters; within a millisecond it is the same."""
        last, text = self._last_time
        if milliseconds != last or not text:
            text = _base32(milliseconds & 0xFFFF_FFFF_FFFF, 10)
            self._last_time = (milliseconds, text)  # in one assignment, for other threads
        return text

    def _own_stream(self) -> Stream:
        # One assignment of the whole: a thread that comes first after a fork never counts on in the parent's stream.
        if self._stream.pid != os.getpid():
            self._stream = self._new_stream()
        return self._stream

    def _new_stream(self) -> Stream:
        return Stream(os.getpid(), _base32(secrets.randbits(40), 8), itertools.count())


def _last_four(number: int) -> str:
    return _PAIRS[number >> 10 & 0x3FF] + _PAIRS[number & 0x3FF]


@lru_cache(maxsize=64)
def _base32(number: int, length: int) -> str:
    """Write the low bits of a number in Crockford's base 32, as the ULID specification has it; ``length`` is even."""
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in range(5 * length - 10, -1, -10)])
