"""The limits of a record, the room that is left of them while it is made, and the count of what did not fit."""

from __future__ import annotations

from typing import Final

from otel_events.semconv import MAX_KEY_LENGTH

MAX_ATTRIBUTES: Final = 128
MAX_CHARACTERS: Final = 4096
"""Characters of a text or of the readable line, bytes of a value of bytes."""
MAX_DEPTH: Final = 4
MAX_ITEMS: Final = 1024
"""Items of one sequence or mapping."""
MAX_FIELD_ITEMS: Final = 4 * MAX_ITEMS
"""Items of all sequences and mappings in one field."""
MAX_FIELD_CHARACTERS: Final = 16 * MAX_CHARACTERS
"""Characters and bytes of all values in one field, an item counting as 16 more."""
MAX_RECORD_CHARACTERS: Final = MAX_ATTRIBUTES * MAX_CHARACTERS
"""The same for all fields of a record. What is encoded of a record is so never larger than 3 MiB, and fits into the 4 MiB that a
gRPC message may have by default."""

CUT: Final = "…"

_ITEM_CHARACTERS: Final = 16


class Losses:
    """Counts what one conversion cut, left out or could not read.

    ``cut``: values or structures shortened to a limit. ``dropped``: attributes beyond the 128th, or whose key was taken.
    ``failed``: values that raised when they were read.
    """

    __slots__ = ("cut", "dropped", "failed")

    def __init__(self) -> None:
        self.cut = self.dropped = self.failed = 0

    def counted(self) -> list[tuple[str, int]]:
        """Return the counts that are not 0, by the names under which ``stats()`` has them."""
        return [(f"conversion.{name}", count) for name in self.__slots__ if (count := getattr(self, name))]


class Room:
    """What is left for the values of one record.

    Args:
        losses: Where it is counted that something found no room.
    """

    __slots__ = ("_characters", "_floor", "_items", "_losses")

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._characters = MAX_RECORD_CHARACTERS
        self.begin_field()

    def begin_field(self) -> None:
        """Begin another field, which has room of its own as long as the record has some."""
        self._floor = max(self._characters - MAX_FIELD_CHARACTERS, 0)
        self._items = MAX_FIELD_ITEMS

    def take(self, characters: int) -> bool:
        """Take room for a text, or say that there is not as much."""
        left = self._characters - characters
        if left >= self._floor:
            self._characters = left
            return True
        self._losses.cut += 1
        return False

    def take_item(self, index: int, name: str = "") -> bool:
        """Take room for another item of a sequence or mapping, or say that there is none.

        Args:
            index: How many it has already.
            name: The item's name.
        """
        self._items -= 1
        if index < MAX_ITEMS and self._items >= 0:
            return self.take(_ITEM_CHARACTERS + min(len(name), MAX_KEY_LENGTH))
        self._losses.cut += 1
        return False


def shorten(text: str, losses: Losses) -> str:
    """Return a text cut to the limit, which is counted."""
    if len(text) <= MAX_CHARACTERS:
        return text
    losses.cut += 1
    return text[: MAX_CHARACTERS - 1] + CUT
