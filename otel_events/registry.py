"""The event types that a tracker knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView

from otel_events.definition import EventDefinition, define
from otel_events.exceptions import EventDefinitionError, UnregisteredEventError


class EventRegistry:
    """Event classes by themselves and by name; each is checked when it is registered.

    Args:
        check: Called with every definition before it is taken; what it raises refuses the class.
    """

    def __init__(self, check: Callable[[EventDefinition], None] | None = None) -> None:
        self._check = check
        self._definitions: dict[type, EventDefinition] = {}
        self._names: dict[str, type] = {}

    def register(self, cls: type) -> None:
        """Check a class and add it; a class that is there already is left as it is.

        Raises:
            EventDefinitionError: When it cannot be an event, or another class has its name.
        """
        if cls in self._definitions:
            return
        definition = define(cls)
        if definition.name is not None and definition.name in self._names:
            other = self._names[definition.name]
            raise EventDefinitionError(
                f"{cls.__module__}.{cls.__qualname__} and {other.__module__}.{other.__qualname__} are both named "
                f"{definition.name!r}. Rename one of them: one name, one class in a tracker."
            )
        if self._check is not None:
            self._check(definition)
        self._definitions[cls] = definition
        if definition.name is not None:
            self._names[definition.name] = cls

    def remove(self, cls: type) -> None:
        """Forget a class, as when the plugin that brought it turns out not to work."""
        definition = self._definitions.pop(cls)
        if definition.name is not None:
            del self._names[definition.name]

    @property
    def classes(self) -> KeysView[type]:
        """The classes, as a view that follows what is registered later."""
        return self._definitions.keys()

    def require(self, cls: type) -> None:
        """Refuse a class that was never registered.

        Raises:
            UnregisteredEventError: Naming the class and the call that registers it.
        """
        if cls not in self._definitions:
            raise UnregisteredEventError(
                f"{cls.__module__}.{cls.__qualname__} was tracked but is not registered. Register it: "
                f"otel_events.configure(event_types=[{cls.__name__}]), tracker.register_event_types([{cls.__name__}]), "
                f"or a plugin's register_events hook."
            )

    def __contains__(self, cls: object) -> bool:
        return cls in self._definitions

    def __iter__(self) -> Iterator[EventDefinition]:
        return iter(tuple(self._definitions.values()))

    def __len__(self) -> int:
        return len(self._definitions)
