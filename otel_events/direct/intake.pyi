from collections.abc import Callable
from typing import Any

from otel_events.stamp import Stamp

class Intake:
    stamps: Callable[[], Stamp] | None
    def __new__(
        cls,
        python: Callable[[Any, Stamp], Any],
        *,
        stamp: Callable[[], Stamp],
        ways: dict[type, Callable[[Any, Stamp], bytes]],
        journaled: dict[
            type,
            tuple[
                Callable[[Any, Stamp], bytes],
                Callable[[], Any],
                Callable[[bytes, Any], bool | None],
                Callable[[bytes, Any, bool | None], None],
            ],
        ],
    ) -> Intake: ...
    def __call__(self, event: Any, stamp: Stamp = ..., /) -> Any: ...
    def begin(
        self, *, append: Callable[[bytes], bool | None], attend: Callable[[bytes, bool | None], object], pid: int
    ) -> None: ...
