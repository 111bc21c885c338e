"""Actor callables: what they may return, and that their failures are counted and logged without what they were about."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from otel_events.integrations.actors import ActorFailures, checked_actor


def test_a_mapping_a_string_and_none_are_actors() -> None:
    assert checked_actor("alice") == {"id": "alice"}
    assert checked_actor(MappingProxyType({"id": "alice", "name": "Alice"})) == {"id": "alice", "name": "Alice"}
    assert checked_actor(None) is None


@pytest.mark.parametrize("who", [7, b"alice", ["alice"], object()])
def test_anything_else_is_no_actor(who: Any) -> None:
    with pytest.raises(TypeError, match=f"not {type(who).__name__}$"):
        checked_actor(who)


def _failing(text: str) -> None:
    raise PermissionError(text)


def test_the_first_failure_of_a_kind_is_logged_with_its_place_and_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = ActorFailures()
    for text in ("Bearer s3cret", "Bearer 0ther"):
        try:
            _failing(text)
        except PermissionError as error:
            failures.add(error)
    failures.add(ValueError("s3cret"))
    first, second = (record.getMessage() for record in caplog.records)
    line = _failing.__code__.co_firstlineno + 1
    assert f"PermissionError at {__file__}:{line};" in first
    assert "ValueError at an unknown place;" in second
    assert "s3cret" not in caplog.text
    assert failures.count == 3
