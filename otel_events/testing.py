"""Events under test: what was tracked, as events and as log records that are the same in every run.

::

    with CapturedEvents() as captured:
        tracker = captured.tracker(event_types=[OrderPlaced])
        place_order(tracker, "o-1")
        captured.assert_event(OrderPlaced, order_id="o-1")

The pytest plugin gives one as the fixture ``captured_events``.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Final, TypeVar, overload

from otel_events.context import as_actor
from otel_events.conversion.record import LogRecord, to_log_record
from otel_events.event import in_utc, utc_now
from otel_events.hookspecs import hookimpl
from otel_events.privacy import DEFAULT_POLICY, Policy
from otel_events.shown import shown, shown_field
from otel_events.stamp import Stamper, Stream
from otel_events.tracking.tracker import EventTracker

EventT = TypeVar("EventT")
CapturedT = TypeVar("CapturedT", bound="CapturedEvents")

START_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z, where the fixed clock stands at first."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_LISTED: Final = 20


class FixedStamper(Stamper):
    """A stamper whose clock stands still and whose uids count from 1 in a stream of zeros.

    The first uid at the first time is ``01KDVDNA000000000000000001``. Span context and request attributes are those in force.

    Args:
        now_ns: The time, in nanoseconds since the Unix epoch. Set the attribute of this name to move the clock.
    """

    def __init__(self, now_ns: int = START_NS) -> None:
        self.now_ns = now_ns
        super().__init__(lambda: self.now_ns)

    def _new_stream(self) -> Stream:
        return Stream(os.getpid(), "0" * 8, itertools.count(1))


class CapturedEvents(Sequence[Any]):
    """The events that were tracked, in their order; and beside each the log record that it makes.

    Leaving its ``with`` block detaches it from every tracker and shuts down those that it made. What was captured stays.

    Args:
        policy: What is private, as for ``to_log_record``.
        stamper: Stamps the events.
    """

    def __init__(self, *, policy: Policy = DEFAULT_POLICY, stamper: FixedStamper | None = None) -> None:
        self.stamper = stamper or FixedStamper()
        self._policy = policy
        self._since = utc_now()
        self._lock = threading.Lock()
        self._captured: list[tuple[Any, LogRecord]] = []
        self._ends = ExitStack()
        self._attached = False

    # -- capturing -----------------------------------------------------------------------------------------------------

    def tracker(self, event_types: Iterable[type] = (), *, plugins: Iterable[object] = ()) -> EventTracker:
        """Return a new tracker whose events are captured and go nowhere else.

        Args:
            event_types: Event classes to register.
            plugins: Plugins to register.
        """
        tracker = EventTracker(event_types)
        self.attach(tracker)
        self._ends.callback(tracker.shutdown)
        for plugin in plugins:
            tracker.register(plugin)
        return tracker

    def attach(self, tracker: EventTracker) -> None:
        """Capture also what this tracker is given, beside whatever else it does with it."""
        tracker.register(self)
        self._ends.callback(tracker.unregister, self)
        self._attached = True

    def __enter__(self: CapturedT) -> CapturedT:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ends.close()

    @hookimpl(tryfirst=True)
    def track_event(self, event: Any) -> None:
        """Capture an event."""
        with self._lock:
            self._captured.append((event, self._convert(event)))

    # -- what was captured ---------------------------------------------------------------------------------------------

    @property
    def records(self) -> list[LogRecord]:
        """The events' log records, in the same order.

        Both times of an event made since the capturing began are those of the stamper's clock; an earlier ``created``, as of
        an event that is backfilled, is left as it is.
        """
        return [record for _, record in self._captured]

    def record(self, event: object) -> LogRecord:
        """Return the log record of one of the captured events.

        Raises:
            LookupError: When it is none of them.
        """
        for captured, record in self._captured:
            if captured is event:
                return record
        raise LookupError(f"this {type(event).__qualname__} was not captured; take one out of the captured events")

    def of(self, event_type: type[EventT]) -> list[EventT]:
        """Return the events of one class, in their order."""
        return [event for event in self if isinstance(event, event_type)]

    def clear(self) -> None:
        """Forget what was captured."""
        with self._lock:
            self._captured.clear()

    def assert_event(self, event_type: type[EventT], /, **fields: Any) -> EventT:
        """Return the first event of a class whose fields have the given values, or fail and say what there was instead.

        Args:
            event_type: The event's class.
            fields: Values, which are compared with ``==``. ``actor="alice"`` stands for ``actor={"id": "alice"}``.

        Raises:
            AssertionError: When there is no such event.
            TypeError: When the class has no field of a name given.
        """
        __tracebackhide__ = True
        names = [field.name for field in dataclasses.fields(event_type)]  # type: ignore[arg-type]
        for name in fields:
            if name not in names:
                raise TypeError(f"{event_type.__qualname__} has no field {name!r}; it has {', '.join(names)}")
        if "actor" in fields:
            fields["actor"] = as_actor(fields["actor"])
        for event in self.of(event_type):
            if not _differing(event, fields):
                return event
        raise AssertionError(self._missing(event_type, fields))

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return list(self)[index]

    def __iter__(self) -> Iterator[Any]:
        return iter([event for event, _ in self._captured])

    def __len__(self) -> int:
        return len(self._captured)

    def __repr__(self) -> str:
        return f"CapturedEvents({shown(list(self))})"

    # -- within --------------------------------------------------------------------------------------------------------

    def _convert(self, event: Any) -> LogRecord:
        stamp = self.stamper.stamp()
        moment = _EPOCH + timedelta(microseconds=stamp.observed_ns // 1000)
        return to_log_record(self._at(moment, event), stamp=stamp, policy=self._policy)

    def _at(self, moment: datetime, event: Any) -> Any:
        """Return the event as if it had been made at a moment, when it was made since the capturing began."""
        try:
            if not self._since <= in_utc(event.created) <= utc_now():
                return event
            twin = copy.copy(event)
            object.__setattr__(twin, "created", moment)
        except Exception:  # Whatever an application takes for an event is captured, if need be with its own time.
            return event
        return twin

    def _missing(self, event_type: type, fields: Mapping[str, Any]) -> str:
        wanted = ", ".join(f"{name}={shown_field(event_type, name, value)}" for name, value in fields.items())
        lines = [f"no {event_type.__qualname__}{' with ' if wanted else ''}{wanted} was tracked.", self._listing()]
        candidates: list[Any] = self.of(event_type)
        if candidates:
            nearest = min(candidates, key=lambda event: len(_differing(event, fields)))
            place = next(place for place, event in enumerate(self) if event is nearest)
            lines.append(f"The nearest is [{place}]:")
            lines.extend(_compared(nearest, fields))
        return "\n".join(lines)

    def _listing(self) -> str:
        if not self._captured:
            where = "" if self._attached else ": there is no tracker to capture from; call tracker() or attach(tracker)"
            return f"Nothing was tracked{where}."
        lines = [f"  [{place}] {shown(event)}" for place, event in enumerate(self[:_MAX_LISTED])]
        if len(self) > _MAX_LISTED:
            lines.append(f"  and {len(self) - _MAX_LISTED} more")
        return "\n".join([f"{len(self)} tracked:", *lines])


def _differing(event: Any, fields: Mapping[str, Any]) -> list[str]:
    return [name for name, expected in fields.items() if expected != getattr(event, name)]


def _compared(event: Any, fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each field: what there is and what was expected, those that differ marked."""
    differing = _differing(event, fields)
    for name, expected in fields.items():
        there, wanted = (shown_field(type(event), name, value) for value in (getattr(event, name), expected))
        if name not in differing:
            yield f"  = {name}: {there}"
        elif there != wanted:
            yield f"  ≠ {name}: {there}, expected {wanted}"
        else:
            yield f"  ≠ {name}: {there}, which is not the value expected"
