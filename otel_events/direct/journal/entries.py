"""Events on their way into the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from otel_events.direct.receipts import DeliveryReceipt


class Entry(NamedTuple):
    """An encoded event that is to be written, and its receipt."""

    record: bytes
    receipt: DeliveryReceipt


def rows_of(records: Sequence[bytes], max_records: int, max_bytes: int) -> list[tuple[bytes, int]]:
    """Put what is written at once into rows: each a body and how many records it is of.

    Args:
        records: At least one.
        max_records: The most records of a row.
        max_bytes: The most bytes, unless a single record has more.
    """
    body = b"".join(records)
    if len(records) <= max_records and len(body) <= max_bytes:
        return [(body, len(records))]
    rows: list[tuple[bytes, int]] = []
    part: list[bytes] = []
    size = 0
    for record in records:
        size += len(record)
        if part and (len(part) >= max_records or size > max_bytes):
            rows.append((b"".join(part), len(part)))
            part, size = [], len(record)
        part.append(record)
    return [*rows, (b"".join(part), len(part))]


def count_fitting(records: Sequence[bytes], room_bytes: int) -> int:
    """Return how many of the first records have so many bytes at most, together."""
    for count, size in enumerate(accumulate(map(len, records))):
        if size > room_bytes:
            return count
    return len(records)


def confirms_of(
    ids: Sequence[int], rows: Sequence[tuple[bytes, int]], receipts: Sequence[DeliveryReceipt]
) -> Mapping[int, Sequence[DeliveryReceipt]]:
    """Return the receipts that wait for the collector, by the row in which their events are.

    Args:
        ids: Of the rows.
        rows: As ``rows_of`` gives them.
        receipts: Of all the records, in their order.
    """
    waiting: dict[int, Sequence[DeliveryReceipt]] = {}
    end = 0
    for row, (_, count) in zip(ids, rows, strict=True):
        start, end = end, end + count
        if of_row := [receipt for receipt in receipts[start:end] if receipt.confirm_seconds]:
            waiting[row] = of_row
    return waiting
