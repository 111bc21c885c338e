"""The tracker: the application hands it events, it hands them to every ``track_event`` hook."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from otel_events import hookspecs
from otel_events.counts import Counts
from otel_events.definition import EventDefinition
from otel_events.exceptions import PluginError
from otel_events.outcome import Outcome
from otel_events.registry import EventRegistry
from otel_events.tracking.calls import Bound, Calls, OnError, Returned, bind, is_receipt
from otel_events.tracking.plugins import Plugins, load

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_logger = logging.getLogger("otel_events")

_STOP_SECONDS = 1.0


class EventTracker:
    """Knows event types and plugins, and calls every plugin for every event, each on its own.

    Args:
        event_types: Classes to register.
        check: Called with each definition before it is taken; what it raises refuses the class.
        on_error: Called when a hook implementation raises, with the exception and the event, or None outside ``track_event``.
        hook_timeout_seconds: How long one call of ``track`` or ``track_event`` waits for async hook implementations and
            receipts. An async implementation that takes longer is cancelled.
    """

    def __init__(
        self,
        event_types: Iterable[type] = (),
        *,
        check: Callable[[EventDefinition], None] | None = None,
        on_error: OnError | None = None,
        hook_timeout_seconds: float = 10.0,
    ) -> None:
        self.registry = EventRegistry(check)
        self._plugins = Plugins()
        self._entry_points: set[EntryPoint] = set()
        self._calls = Calls(on_error, hook_timeout_seconds)
        self._bound: tuple[Bound, ...] = ()
        self._known = self.registry.classes
        self._counts = Counts()
        self._tracked = self._counts.adder("tracked")
        self._ending = threading.RLock()
        self._shutdown: Outcome | None = None
        self.register_event_types(event_types)

    # -- what is known -------------------------------------------------------------------------------------------------

    def register_event_types(self, event_types: Iterable[type]) -> None:
        """Register event classes.

        Args:
            event_types: The classes; one that is registered already is left as it is.

        Raises:
            EventDefinitionError: When one cannot be an event; the ones before it are registered.
        """
        for cls in event_types:
            self.registry.register(cls)

    def register(self, plugin: object, name: str | None = None) -> None:
        """Add a plugin: a module or object with ``@otel_events.hookimpl`` functions.

        Args:
            plugin: The module or object.
            name: What it is called in ``stats()`` and in logs; default the name of the module or class, numbered where it is
                taken.

        Raises:
            PluginError: When one of its hook implementations cannot work. The plugin is not added.
            EventDefinitionError: When an event type it brings cannot be one. The plugin is not added.
        """
        self._plugins.add(plugin, name)
        added: list[type] = []
        try:
            for cls in self._event_types_of(plugin):
                if cls not in self.registry:
                    self.registry.register(cls)
                    added.append(cls)
        except Exception:
            self._plugins.remove(plugin)
            for cls in added:
                self.registry.remove(cls)
            raise
        self._bound = tuple(map(bind, self._plugins.implementations("track_event")))

    def unregister(self, plugin: object) -> None:
        """Remove a plugin; the event types it brought stay registered.

        Args:
            plugin: The module or object that was registered.

        Raises:
            PluginError: When it is not registered.
        """
        self._plugins.remove(plugin)
        self._bound = tuple(map(bind, self._plugins.implementations("track_event")))

    def load_entrypoints(self) -> list[str]:
        """Register the plugins that installed packages offer under the entry-point group ``otel_events``.

        Returns:
            The names of those that were added; what is registered already is passed over.

        Raises:
            PluginError: When one cannot be imported or registered; the text names it and its package. Those before it stay.
        """
        from importlib.metadata import entry_points  # It takes longer to import than all of this package's tracking.

        added = []
        for entry in entry_points(group=hookspecs.PROJECT):
            if entry in self._entry_points:
                continue
            plugin = load(entry)
            if plugin not in self._plugins:
                self.register(plugin, entry.name)
                added.append(entry.name)
            self._entry_points.add(entry)
        return added

    # -- tracking ------------------------------------------------------------------------------------------------------

    def track(self, event: Any) -> None:
        """Hand an event to every plugin, from synchronous code, and wait for those that have something to wait for.

        Async hook implementations run on a loop of the tracker's own, in the caller's context.

        Args:
            event: An instance of a registered class.

        Raises:
            UnregisteredEventError: When the event's class was never registered.
            DeliveryError: When a plugin raised it, once the others have had the event.
        """
        returned = self._call(event)
        if returned:
            self._calls.wait(returned, event)

    async def track_event(self, event: Any) -> None:
        """Hand an event to every plugin, from asynchronous code, and wait for those that have something to wait for.

        Cancelling the caller does not withdraw the event: every plugin still gets it.

        Args:
            event: An instance of a registered class.

        Raises:
            UnregisteredEventError: When the event's class was never registered.
            DeliveryError: When a plugin raised it, once the others have had the event.
        """
        returned = self._call(event)
        if not returned:
            return
        impl, receipt = returned[0]
        if len(returned) > 1 or not is_receipt(type(receipt)):  # type: ignore[arg-type] # mypy has it that a class cannot be hashed
            await self._calls.wait_async(returned, event)
            return
        # Nearly always there is nothing but a receipt, which can be awaited without further ado. Whatever is kept meanwhile the
        # garbage collector looks at, time and again.
        del returned
        try:
            await receipt
        except Exception as error:
            self._calls.failed_receipt(impl, event, error)

    def flush(self, timeout: float = 5.0) -> Outcome:
        """Have every plugin send what is waiting.

        Args:
            timeout: Seconds, for all of them together.

        Returns:
            What became of the events so far; after the shutdown, what that returned.
        """
        if self._shutdown is not None:
            return self._shutdown
        return self._end("flush", time.monotonic() + timeout)

    def shutdown(self, timeout: float = 5.0) -> Outcome:
        """Flush, then end every plugin. Events tracked afterwards are counted, and shown to ``late_event`` hooks alone.

        Args:
            timeout: Seconds, for all of them together.

        Returns:
            What became of the events; a second call returns the same.
        """
        with self._ending:
            if self._shutdown is None:
                deadline = time.monotonic() + timeout
                self._shutdown = self._end("shutdown", deadline)
                self._calls.stop(max(deadline - time.monotonic(), 0.0))
            return self._shutdown

    def stats(self) -> dict[str, Any]:
        """Return counts, each plugin's own under its name.

        Returns:
            ``tracked``; ``after_shutdown``, of those, where there are any; ``hook_failures`` by plugin and exception; what
            each plugin's ``stats`` hook returns.
        """
        stats: dict[str, Any] = {"tracked": 0, **self._counts.as_dict()}
        for impl in self._plugins.implementations("stats"):
            own = self._calls.try_result(impl)
            if isinstance(own, Mapping):
                stats[impl.plugin_name] = dict(own)
        if self._shutdown is not None:
            self._calls.stop(_STOP_SECONDS)  # An async implementation has started the loop again.
        return {**stats, "hook_failures": self._calls.failures.as_dict()}

    def healthy(self) -> bool:
        """Tell whether all is well, as for a health check of the application.

        Returns:
            False after the shutdown, and where a plugin's ``healthy`` hook says False or raises; else True.
        """
        if self._shutdown is not None:
            return False
        impls = self._plugins.implementations("healthy")
        return all(self._calls.try_result(impl, default=False) is not False for impl in impls)

    # -- within --------------------------------------------------------------------------------------------------------

    def _call(self, event: Any) -> list[Returned]:
        if type(event) not in self._known:
            self.registry.require(type(event))
        self._tracked()
        if self._shutdown is None:
            return self._calls.call_all(self._bound, event)
        if self._counts.add("after_shutdown") == 1:
            _logger.warning(
                "an event was tracked after the tracker's shutdown, so no plugin delivers it. Said once; see stats()."
            )
        return self._calls.call_all(map(bind, self._plugins.implementations("late_event")), event)

    def _end(self, hook: str, deadline: float) -> Outcome:
        outcomes = []
        for impl in self._plugins.implementations(hook):
            left = max(deadline - time.monotonic(), 0.0)
            outcome = self._calls.try_result(impl, left, left)
            if isinstance(outcome, Outcome):
                outcomes.append(outcome)
        return Outcome.total(outcomes)

    def _event_types_of(self, plugin: object) -> list[type]:
        classes: list[type] = []
        for impl in self._plugins.implementations("register_events"):
            if impl.plugin is plugin:
                try:
                    classes.extend(self._calls.result(impl) or ())
                except Exception as error:
                    raise PluginError(
                        f"plugin {impl.plugin_name!r}: its register_events gave no classes: {type(error).__name__}: {error}"
                    ) from error
        return classes
