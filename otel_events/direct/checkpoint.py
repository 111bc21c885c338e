"""Checkpoints: records that say what became of a stream so far, so that what is missing in a backend can be explained."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from otel_events import semconv
from otel_events.conversion.record import LogRecord
from otel_events.direct.encoder import encode_record

_logger = logging.getLogger("otel_events")

EVERY_SECONDS: Final = 60.0

_INFO: Final = (9, "INFO")
_WARN: Final = (13, "WARN")


class Checkpoint(NamedTuple):
    """What became of a stream's events at one moment. Each of them is in one of the counts below ``emitted``.

    Args:
        stream: The stream's part of the uids, 8 characters.
        emitted: How many numbers were given out: those from 0 to ``emitted`` - 1.
        delivered: Events that a collector acknowledged.
        pending: Events that wait, or are under way.
        dropped: Events that were lost, by reason.
        dead_letters: Events that were refused and put aside.
        final: Whether no more is to come of the stream.
    """

    stream: str
    emitted: int
    delivered: int
    pending: int
    dropped: Mapping[str, int]
    dead_letters: int
    final: bool


def encode_checkpoint(checkpoint: Checkpoint, observed_ns: int) -> bytes:
    """Encode a checkpoint as a log record without a uid: it is no event of its stream.

    Args:
        checkpoint: What became of the stream.
        observed_ns: When, in nanoseconds since the Unix epoch.

    Returns:
        An OTLP ``LogRecord`` as a field of ``ScopeLogs``.
    """
    dropped = sum(checkpoint.dropped.values())
    number, text = _WARN if dropped else _INFO
    attributes: dict[str, Any] = {
        semconv.STREAM: checkpoint.stream,
        semconv.EMITTED: checkpoint.emitted,
        semconv.DELIVERED: checkpoint.delivered,
        semconv.PENDING: checkpoint.pending,
        semconv.DEAD_LETTERS: checkpoint.dead_letters,
        semconv.DROPPED: dropped,
        **{f"{semconv.DROPPED_FOR}{reason}": count for reason, count in checkpoint.dropped.items()},
        semconv.FINAL: checkpoint.final,
    }
    record = LogRecord(
        event_name=semconv.CHECKPOINT,
        time_ns=observed_ns,
        observed_ns=observed_ns,
        severity_number=number,
        severity_text=text,
        body=_line(checkpoint, dropped),
        attributes=attributes,
    )
    return encode_record(record)


def _line(checkpoint: Checkpoint, dropped: int) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in checkpoint.dropped.items() if count)
    return (
        f"{'last ' if checkpoint.final else ''}checkpoint of stream {checkpoint.stream}: {checkpoint.emitted} emitted, "
        f"{checkpoint.delivered} delivered, {checkpoint.pending} pending, {dropped} dropped"
        f"{f' ({reasons})' if reasons else ''}, {checkpoint.dead_letters} dead letters"
    )


class Checkpoints:
    """Decides when a checkpoint is due. It belongs to one stream, so to one process, and raises nothing.

    Args:
        read: Gives what became of the stream, or None as long as there is nothing to say.
        put: Exports an encoded checkpoint, and says whether that was acknowledged.
        every_seconds: How far apart they are at least, but for the last.
        clock: Gives seconds.
    """

    def __init__(
        self,
        read: Callable[[], Checkpoint | None],
        put: Callable[[bytes], bool],
        *,
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._put = put
        self._every_seconds = every_seconds
        self._clock = clock
        self._due = clock() + every_seconds
        self._last: Checkpoint | None = None
        self._ended = False
        self._failed = False

    def tick(self) -> None:
        """Put a checkpoint if one is due and something has changed since the last. To be called often: mostly it does nothing."""
        if self._ended or (now := self._clock()) < self._due:
            return
        self._due = now + self._every_seconds
        self._put_if_changed(final=False)

    def final(self) -> None:
        """Put the last checkpoint now; after it comes no other."""
        if not self._ended:
            self._ended = True
            self._put_if_changed(final=True)

    def _put_if_changed(self, *, final: bool) -> None:
        try:
            read = self._read()
            if read is None:
                return
            # What was read may hold counts that go on counting.
            checkpoint = read._replace(dropped=dict(read.dropped), final=final)
            if checkpoint != self._last and self._put(encode_checkpoint(checkpoint, time.time_ns())):
                self._last = checkpoint
        except Exception:
            if not self._failed:
                self._failed = True
                _logger.exception("a checkpoint could not be put; said once, the next ones are tried nevertheless")
