from collections.abc import Callable
from typing import Any

from otel_events.stamp import Stamp

class Way:
    def __new__(
        cls,
        python: Callable[[Any, Stamp], bytes],
        *,
        people: dict[str, Any],
        somebody: Callable[[Any], Any],
        write_request: Callable[[Any, frozenset[str]], bytes],
        taken: frozenset[str],
        span_context: Callable[[int, int, int], bytes],
        before: bytes,
        uid_head: bytes,
        version: bytes,
        title: bytes,
        fields: tuple[tuple[str, bytes, bytes, bytes, bytes | None, Any], ...],
        pieces: tuple[tuple[bytes, int], ...],
        max_characters: int,
    ) -> Way: ...
    def __call__(self, event: Any, stamp: Stamp, /) -> bytes: ...
