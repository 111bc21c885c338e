"""Lines of the log about delivery itself: they pass over handlers that would export them."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Final

_logger = logging.getLogger("otel_events")

_EXPORTING: Final = "opentelemetry"
"""The package of logging handlers that make log records for an exporter."""


def warn(sentence: str, error: BaseException | None = None) -> None:
    """Log a warning, past handlers that would export it: what is said of a failing export must not be exported.

    What a handler raises goes nowhere: delivery must not end because something cannot be said of it.

    Args:
        sentence: What to say.
        error: What is shown with it, and its traceback.
    """
    _say(logging.WARNING, sentence, error)


def fail(sentence: str, error: BaseException) -> None:
    """Likewise of something that should not happen.

    Args:
        sentence: What to say.
        error: What was raised.
    """
    _say(logging.ERROR, sentence, error)


def _say(level: int, sentence: str, error: BaseException | None) -> None:
    with contextlib.suppress(Exception):
        if not any(map(_exports, _handlers())):
            _logger.log(level, "%s", sentence, stacklevel=3, exc_info=error)
            return
        if not _logger.isEnabledFor(level):
            return
        shown = None if error is None else (type(error), error, error.__traceback__)
        record = _logger.makeRecord(_logger.name, level, __file__, 0, "%s", (sentence,), shown, "warn")
        others = [handler for handler in _handlers() if not _exports(handler)]
        if not others and logging.lastResort is not None:
            others = [logging.lastResort]
        if _logger.filter(record):
            for handler in others:
                if record.levelno >= handler.level:
                    handler.handle(record)


def _handlers() -> Iterator[logging.Handler]:
    """Give the handlers to which lines of the logger go."""
    logger: logging.Logger | None = _logger
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def _exports(handler: logging.Handler) -> bool:
    """Tell whether a handler, or what it is derived from, is one of OpenTelemetry's: they look at no context to be told so."""
    return any(cls.__module__.partition(".")[0] == _EXPORTING for cls in type(handler).__mro__)
