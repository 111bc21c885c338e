"""A registry knows classes by themselves and by name, and tells how to register one that it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest

from otel_events import Event, EventDefinitionError, UnregisteredEventError
from otel_events.definition import EventDefinition
from otel_events.registry import EventRegistry


@dataclass
class Placed(Event):
    name = "placed"


@dataclass
class AlsoPlaced(Event):
    name = "placed"


@dataclass
class Derived(Placed):
    """Has the name of its base."""


@dataclass
class Foreign:
    name: str
    created: datetime


@pytest.fixture
def registry() -> EventRegistry:
    return EventRegistry()


def test_what_is_registered_is_known(registry: EventRegistry) -> None:
    classes = registry.classes
    registry.register(Placed)
    registry.register(Foreign)
    assert Placed in registry
    assert AlsoPlaced not in registry
    assert [definition.cls for definition in registry] == [Placed, Foreign]
    assert len(registry) == 2
    registry.require(Placed)
    assert list(classes) == [Placed, Foreign]


def test_a_class_can_be_registered_again(registry: EventRegistry) -> None:
    registry.register(Placed)
    [first] = registry
    registry.register(Placed)
    assert list(registry) == [first]


@pytest.mark.parametrize("other", [AlsoPlaced, Derived])
def test_one_name_is_for_one_class(registry: EventRegistry, other: type) -> None:
    registry.register(Placed)
    with pytest.raises(EventDefinitionError) as refused:
        registry.register(other)
    assert str(refused.value) == (
        f"tests.test_registry.{other.__name__} and tests.test_registry.Placed are both named 'placed'. Rename one of them: one "
        f"name, one class in a tracker."
    )
    assert other not in registry
    EventRegistry().register(other)


def test_classes_whose_instances_have_names_of_their_own_share_none(registry: EventRegistry) -> None:
    @dataclass
    class Other(Foreign):
        pass

    registry.register(Foreign)
    registry.register(Other)
    registry.remove(Foreign)
    assert [definition.cls for definition in registry] == [Other]


def test_a_class_is_registered_itself_not_with_its_bases(registry: EventRegistry) -> None:
    registry.register(Placed)
    with pytest.raises(UnregisteredEventError) as refused:
        registry.require(Derived)
    assert str(refused.value) == (
        "tests.test_registry.Derived was tracked but is not registered. Register it: "
        "otel_events.configure(event_types=[Derived]), tracker.register_event_types([Derived]), "
        "or a plugin's register_events hook."
    )


def test_a_class_that_is_removed_frees_its_name(registry: EventRegistry) -> None:
    registry.register(Placed)
    registry.remove(Placed)
    assert Placed not in registry
    registry.register(AlsoPlaced)


def test_what_the_check_refuses_is_not_taken() -> None:
    def check(definition: EventDefinition) -> None:
        if definition.cls is Placed:
            raise EventDefinitionError("not this one")

    registry = EventRegistry(check)
    with pytest.raises(EventDefinitionError, match="not this one"):
        registry.register(Placed)
    assert len(registry) == 0
    registry.register(AlsoPlaced)
    assert len(registry) == 1


def test_iterating_stands_what_is_registered_meanwhile(registry: EventRegistry) -> None:
    registry.register(Placed)
    for _ in registry:
        registry.register(Foreign)
    assert len(registry) == 2
