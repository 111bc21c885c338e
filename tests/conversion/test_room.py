"""The room of a record is given out field by field, and whatever does not fit is counted."""

from __future__ import annotations

import pytest

from otel_events.conversion.room import (
    MAX_CHARACTERS,
    MAX_FIELD_CHARACTERS,
    MAX_FIELD_ITEMS,
    MAX_ITEMS,
    MAX_RECORD_CHARACTERS,
    Losses,
    Room,
    shorten,
)


@pytest.fixture
def losses() -> Losses:
    return Losses()


def test_a_field_has_room_for_so_many_characters(losses: Losses) -> None:
    room = Room(losses)
    assert room.take(MAX_FIELD_CHARACTERS)
    assert room.take(0)
    assert not room.take(1)
    assert losses.cut == 1
    room.begin_field()
    assert room.take(1)


def test_what_one_field_leaves_another_can_take(losses: Losses) -> None:
    room = Room(losses)
    for _ in range(1000):
        room.begin_field()
        assert room.take(100)
    room.begin_field()
    assert room.take(MAX_FIELD_CHARACTERS)


def test_a_record_has_room_for_so_many(losses: Losses) -> None:
    room = Room(losses)
    for _ in range(MAX_RECORD_CHARACTERS // MAX_FIELD_CHARACTERS):
        room.begin_field()
        assert room.take(MAX_FIELD_CHARACTERS)
    room.begin_field()
    assert not room.take(1)


def test_items_take_room_and_their_names_do(losses: Losses) -> None:
    room = Room(losses)
    count = 0
    while room.take_item(0, "x" * 1000):
        count += 1
    assert count == MAX_FIELD_CHARACTERS // (16 + 256)


def test_items_are_limited_in_one_sequence_and_in_a_field(losses: Losses) -> None:
    room = Room(losses)
    assert room.take_item(MAX_ITEMS - 1)
    assert not room.take_item(MAX_ITEMS)
    room.begin_field()
    taken = [room.take_item(0) for _ in range(MAX_FIELD_ITEMS + 1)]
    assert taken == [True] * MAX_FIELD_ITEMS + [False]
    assert losses.cut == 2


def test_a_text_is_shortened_to_the_limit(losses: Losses) -> None:
    assert shorten("x" * MAX_CHARACTERS, losses) == "x" * MAX_CHARACTERS
    assert losses.cut == 0
    assert shorten("x" * (MAX_CHARACTERS + 1), losses) == "x" * (MAX_CHARACTERS - 1) + "…"
    assert losses.cut == 1


def test_losses_are_counted_by_name() -> None:
    losses = Losses()
    assert losses.counted() == []
    losses.cut, losses.failed = 2, 1

    assert losses.counted() == [("conversion.cut", 2), ("conversion.failed", 1)]
