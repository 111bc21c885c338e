from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from otel_events.stamp import Stamp

class Stamps:
    def __new__(
        cls,
        python: Callable[[], Stamp],
        *,
        stamp_type: type[Stamp],
        clock_ns: Callable[[], int],
        get_current: Callable[[], Any],
        span_of: Callable[[Any], tuple[int, int, int]],
        surroundings: ContextVar[Any],
    ) -> Stamps: ...
    def __call__(self) -> Stamp: ...
    def begin(self, *, numbers: Iterator[int], pid: int, stream: str) -> None: ...
