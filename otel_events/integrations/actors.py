"""What an application says who acts in a request, checked, and its failures, which never break the request."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from typing import Any

from otel_events.context import Actor, as_actor
from otel_events.counts import Counts

_logger = logging.getLogger("otel_events")


def checked_actor(who: Any) -> Actor | None:
    """Return what an actor callable gave, in its long form.

    Raises:
        TypeError: When it is no mapping, no string and not None.
    """
    if who is not None and not isinstance(who, (str, Mapping)):
        raise TypeError(f"expected a mapping with at least id, a string or None, not {type(who).__qualname__}")
    return as_actor(who)


class ActorFailures:
    """Counts the failures of an actor callable and logs the first of each kind."""

    def __init__(self) -> None:
        self._counts = Counts()

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self._counts.as_dict().values())

    def add(self, error: Exception) -> None:
        """Count a failure. The log has its type and its place; its text may quote a header, so it is left out."""
        kind = type(error).__name__
        if self._counts.add(kind) == 1:
            frames = traceback.extract_tb(error.__traceback__)
            place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
            _logger.error(
                "the actor callable of the middleware failed with %s at %s; the request goes on without an actor. "
                "Further ones are counted in actor_failures.",
                kind,
                place,
            )
