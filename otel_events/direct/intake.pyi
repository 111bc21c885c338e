from collections.abc import Callable
from typing import Any

from otel_events.stamp import Stamp

class Intake:
    def __new__(
        cls,
        python: Callable[[Any, Stamp], Any],
        *,
        ways: dict[type, Callable[[Any, Stamp], bytes]],
        append: Callable[[bytes], bool | None],
        attend: Callable[[bytes, bool | None], object],
        pid: int,
    ) -> Intake: ...
    def __call__(self, event: Any, stamp: Stamp, /) -> Any: ...
