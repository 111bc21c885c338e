"""What is added to an event once, when it is tracked: its uid, the observed time, the span context and the request."""

from __future__ import annotations

import functools
import itertools
import os
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import opentelemetry.context
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import get_current_span

from otel_events.context import current_request, surroundings
from otel_events.counts import next_number

if TYPE_CHECKING:
    from otel_events.stamps import Stamps

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]

_getpid: Final = os.getpid
_new: Final = tuple.__new__
"""Makes a named tuple in half the time that its own ``__new__`` takes."""


class Stamp(NamedTuple):
    """The circumstances of one tracked event.

    Args:
        uid: A ULID: 48 bits of observed time in milliseconds, 40 bits for the stream, 40 bits counting within it.
        observed_ns: When it was tracked, in nanoseconds since the Unix epoch.
        trace_id: The active span's trace, 0 for none.
        span_id: The active span, 0 for none.
        trace_flags: The W3C trace flags of the active span.
        request: Attributes of the request in which it was tracked.
        pid: The process in which it was tracked; 0 for a stamp that was made by hand.
    """

    uid: str
    observed_ns: int
    trace_id: int = 0
    span_id: int = 0
    trace_flags: int = 0
    request: Mapping[str, Any] = {}
    pid: int = 0


class Stream:
    """One sequence of uids.

    Args:
        pid: The process to which it belongs.
        text: Its part of the uids, 8 characters.
        numbers: Count within it.

    Attributes:
        first: The first of the numbers.
        latest: The latest of the beginnings of uids: its milliseconds, the high bits of its numbers, the text.
    """

    __slots__ = ("first", "latest", "numbers", "pid", "text")

    def __init__(self, pid: int, text: str, numbers: itertools.count[int]) -> None:
        self.pid = pid
        self.text = text
        self.numbers = numbers
        self.first = next_number(numbers)
        self.latest = (-1, -1, "")

    def beginning(self, milliseconds: int, high: int) -> str:
        """Return the first 24 characters of a uid, which are often those of the one before."""
        moment, count = milliseconds & 0xFFFF_FFFF_FFFF, high & 0x3FFF_FFFF
        text = f"{_base32(moment >> 20, 6)}{_four(moment)}{self.text}{_base32(count >> 10, 4)}{_PAIRS[count & 0x3FF]}"
        self.latest = (milliseconds, high, text)  # in one assignment, for other threads
        return text


class Stamper:
    """Stamps the events of one stream: of one listener in one process.

    A process that was forked off is another stream, whoever forked it, so the process id is looked at each time.

    Args:
        clock_ns: Gives the time, in nanoseconds since the Unix epoch.
        compiled: Whether to use the extension module, where it could be built.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns, *, compiled: bool = True) -> None:
        self._clock_ns = clock_ns
        self._get_current = _current_context()
        self._stamps = self._compiled() if compiled and type(self).stamp is Stamper.stamp else None
        if self._stamps is not None:
            self.stamp = self._stamps  # type: ignore[method-assign] # which does the same
        self._stream = self._begin_stream()

    @property
    def stream(self) -> str:
        """The stream's part of the uids, 8 characters."""
        return self._own_stream().text

    @property
    def emitted(self) -> int:
        """How many numbers the stream of this process has given out so far."""
        stream = self._own_stream()
        return next_number(stream.numbers) - stream.first

    def stamp(self) -> Stamp:
        """Return a stamp for an event that is being tracked here and now."""
        stream = self._stream
        pid = _getpid()
        if stream.pid != pid:
            stream = self._own_stream()
        now = self._clock_ns()
        number = next(stream.numbers)
        milliseconds, high = now // 1_000_000, number >> 10
        latest_milliseconds, latest_high, beginning = stream.latest
        if milliseconds != latest_milliseconds or high != latest_high:
            beginning = stream.beginning(milliseconds, high)
        uid = beginning + _PAIRS[number & 0x3FF]
        context = self._get_current()
        if not context:  # An empty context has no span, whatever keeps it; to ask for the span takes longer.
            return _new(Stamp, (uid, now, 0, 0, 0, current_request(), pid))
        return _new(Stamp, (uid, now, *_span_of(context), current_request(), pid))

    def _own_stream(self) -> Stream:
        # One assignment of the whole: a thread that comes first after a fork never counts on in the parent's stream.
        if self._stream.pid != os.getpid():
            self._stream = self._begin_stream()
        return self._stream

    def _begin_stream(self) -> Stream:
        stream = self._new_stream()
        if self._stamps is not None:
            self._stamps.begin(numbers=stream.numbers, pid=stream.pid, stream=stream.text)
        return stream

    def _compiled(self) -> Stamps | None:
        try:
            from otel_events.stamps import Stamps
        except ImportError:  # no compiler where it was installed
            return None
        return Stamps(
            functools.partial(Stamper.stamp, self),
            stamp_type=Stamp,
            clock_ns=self._clock_ns,
            get_current=self._get_current,
            span_of=_span_of,
            surroundings=surroundings,
        )

    def _new_stream(self) -> Stream:
        return Stream(os.getpid(), _base32(int.from_bytes(os.urandom(5), "big"), 8), itertools.count())


def _current_context() -> Callable[[], Context]:
    """Return what gives OpenTelemetry's current context: past its functions, where it is kept as usual, for they take longer."""
    runtime = getattr(opentelemetry.context, "_RUNTIME_CONTEXT", None)
    variable = getattr(runtime, "_current_context", None)
    if type(runtime) is ContextVarsRuntimeContext and isinstance(variable, ContextVar):
        get: Callable[[], Context] = variable.get
        return get
    return opentelemetry.context.get_current


def _span_of(context: Context) -> tuple[int, int, int]:
    span = get_current_span(context).get_span_context()
    return span.trace_id, span.span_id, int(span.trace_flags)


def _four(number: int) -> str:
    return _PAIRS[number >> 10 & 0x3FF] + _PAIRS[number & 0x3FF]


@lru_cache(maxsize=64)
def _base32(number: int, length: int) -> str:
    """Write the low bits of a number in Crockford's base 32, as the ULID specification has it; ``length`` is even."""
    return "".join([_PAIRS[number >> shift & 0x3FF] for shift in range(5 * length - 10, -1, -10)])
