"""Events on their way into the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from otel_events.direct.receipts import DeliveryReceipt


class Entry(NamedTuple):
    """An encoded event that is to be written, and its receipt."""

    record: bytes
    receipt: DeliveryReceipt


new_entry: Final = partial(tuple.__new__, Entry)
"""Makes one of a pair, in half the time that its own way takes."""


def parts_of(entries: Sequence[Entry], max_records: int, max_bytes: int) -> Iterator[Sequence[Entry]]:
    """Cut what is written at once into rows.

    Args:
        entries: At least one.
        max_records: The most records of a row.
        max_bytes: The most bytes, unless a single record has more.
    """
    if len(entries) <= max_records and sum(len(entry.record) for entry in entries) <= max_bytes:
        yield entries
        return
    part: list[Entry] = []
    size = 0
    for entry in entries:
        size += len(entry.record)
        if part and (len(part) >= max_records or size > max_bytes):
            yield part
            part, size = [], len(entry.record)
        part.append(entry)
    yield part


def confirms_of(ids: Sequence[int], parts: Sequence[Sequence[Entry]]) -> Mapping[int, Sequence[DeliveryReceipt]]:
    """Return the receipts that wait for the collector, by the row in which their events are.

    Args:
        ids: Of the rows.
        parts: What is in each.
    """
    waiting = [[entry.receipt for entry in part if entry.receipt.confirm_seconds] for part in parts]
    return {row: receipts for row, receipts in zip(ids, waiting, strict=True) if receipts}
