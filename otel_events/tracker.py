"""The tracker: the application hands it events, it hands them to every ``track_event`` hook."""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import pluggy

from otel_events import hookspecs
from otel_events.definition import EventDefinition
from otel_events.exceptions import PluginError
from otel_events.outcome import Outcome, Receipt
from otel_events.registry import EventRegistry

_logger = logging.getLogger("otel_events")

OnError = Callable[[Exception, Any], None]
"""Called with what a hook implementation raised, and the event."""


class EventTracker:
    """Knows event types and plugins, and calls every plugin for every event, each on its own.

    Args:
        event_types: Classes to register.
        check: Called with each definition before it is taken; what it raises refuses the class.
        on_error: Called when a hook implementation raises, with the exception and the event.
        hook_timeout_seconds: How long ``track`` waits for one async hook implementation or one receipt.
    """

    def __init__(
        self,
        event_types: Iterable[type] = (),
        *,
        check: Callable[[EventDefinition], None] | None = None,
        on_error: OnError | None = None,
        hook_timeout_seconds: float = 10.0,
    ) -> None:
        self._plugins = pluggy.PluginManager(hookspecs.PROJECT)
        self._plugins.add_hookspecs(hookspecs)
        self.registry = EventRegistry(check)
        self._on_error = on_error
        self._hook_timeout_seconds = hook_timeout_seconds
        self._impls: tuple[pluggy.HookImpl, ...] = ()
        self._tracked = 0
        self._failures: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._shutdown: Outcome | None = None
        self.register_event_types(event_types)

    # -- what is known -------------------------------------------------------------------------------------------------

    def register_event_types(self, event_types: Iterable[type]) -> None:
        """Register event classes.

        Raises:
            EventDefinitionError: When one cannot be an event; the ones before it are registered.
        """
        for cls in event_types:
            self.registry.register(cls)

    def register(self, plugin: object, name: str | None = None) -> None:
        """Add a plugin: a module or object with ``@otel_events.hookimpl`` functions.

        Raises:
            PluginError: When one of its hook implementations cannot work. The plugin is not added.
            EventDefinitionError: When an event type it brings cannot be one. The plugin is not added.
        """
        added: list[type] = []
        try:
            registered = self._plugins.register(plugin, name)
        except (ValueError, pluggy.PluginValidationError) as error:
            if self._plugins.is_registered(plugin) and self._plugins.get_name(plugin) == name:
                self._plugins.unregister(plugin)
            raise PluginError(f"plugin {name or plugin!r} cannot be registered: {error}") from error
        try:
            self._check_plugin(plugin, registered)
            for cls in self._event_types_of(plugin):
                if cls not in self.registry:
                    self.registry.register(cls)
                    added.append(cls)
        except Exception:
            self._plugins.unregister(plugin)
            for cls in added:
                self.registry.remove(cls)
            raise
        self._impls = tuple(reversed(self._plugins.hook.track_event.get_hookimpls()))

    def unregister(self, plugin: object) -> None:
        """Remove a plugin; the event types it brought stay registered."""
        self._plugins.unregister(plugin)
        self._impls = tuple(reversed(self._plugins.hook.track_event.get_hookimpls()))

    def load_entrypoints(self) -> list[str]:
        """Register the plugins that installed packages offer under the entry-point group ``otel_events``.

        Returns:
            The names of those that were added.

        Raises:
            PluginError: When one cannot be imported or registered; the text names it and its package.
        """
        loaded = []
        for entry in importlib.metadata.entry_points(group=hookspecs.PROJECT):
            if self._plugins.has_plugin(entry.name):
                continue
            package = entry.dist.name if entry.dist is not None else "an unknown package"
            try:
                plugin = entry.load()
            except Exception as error:
                raise PluginError(
                    f"plugin {entry.name!r} of {package} ({entry.value}) cannot be imported: {type(error).__name__}: {error}. "
                    f"Mend or uninstall the package."
                ) from error
            self.register(plugin, entry.name)
            loaded.append(entry.name)
        return loaded

    # -- tracking ------------------------------------------------------------------------------------------------------

    def track(self, event: Any) -> None:
        """Hand an event to every plugin, from synchronous code.

        Async hook implementations run on a loop of the tracker's own, in the caller's context; each is waited for.

        Raises:
            UnregisteredEventError: When the event's class was never registered.
        """
        for impl, result in self._call(event):
            try:
                if isinstance(result, Receipt):
                    result.wait(self._hook_timeout_seconds)
                elif inspect.isawaitable(result):
                    self._run(result)
            except Exception as error:
                self._failed(impl, error, event)

    async def track_event(self, event: Any) -> None:
        """Hand an event to every plugin, from asynchronous code, and wait for those that have something to wait for.

        Cancelling the caller does not withdraw the event: every plugin still gets it.

        Raises:
            UnregisteredEventError: When the event's class was never registered.
        """
        waiting = [(impl, result) for impl, result in self._call(event) if inspect.isawaitable(result)]
        if waiting:
            task = asyncio.ensure_future(self._settle(waiting, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.shield(task)

    def flush(self, timeout: float = 5.0) -> Outcome:
        """Have every plugin send what is waiting.

        Args:
            timeout: Seconds, for all of them together.

        Returns:
            What became of the events so far.
        """
        return self._end("flush", timeout)

    def shutdown(self, timeout: float = 5.0) -> Outcome:
        """Flush, then end every plugin. Events tracked afterwards reach no collector. A second call returns the same.

        Args:
            timeout: Seconds, for all of them together.
        """
        if self._shutdown is None:
            self._shutdown = self._end("shutdown", timeout)
            with self._lock:
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._loop.stop)
                    self._loop = None
        return self._shutdown

    def stats(self) -> dict[str, Any]:
        """Return counts: ``tracked``, ``hook_failures`` by plugin and exception, and each plugin's own under its name."""
        result: dict[str, Any] = {"tracked": self._tracked, "hook_failures": dict(self._failures)}
        for impl in self._plugins.hook.stats.get_hookimpls():
            try:
                own: Any = impl.function()
                result[impl.plugin_name] = dict(own or {})
            except Exception as error:
                self._failed(impl, error, None)
        return result

    # -- within --------------------------------------------------------------------------------------------------------

    def _call(self, event: Any) -> Iterator[tuple[pluggy.HookImpl, Any]]:
        """Call every plugin with the event at once and return what they returned."""
        self.registry.require(type(event))
        self._tracked += 1
        results = []
        for impl in self._impls:
            try:
                result = impl.function(event) if impl.argnames else impl.function()
            except Exception as error:
                self._failed(impl, error, event)
            else:
                if result is not None:
                    results.append((impl, result))
        return iter(results)

    async def _settle(self, waiting: list[tuple[pluggy.HookImpl, Awaitable[Any]]], event: Any) -> None:
        for impl, result in waiting:
            try:
                await result
            except Exception as error:
                self._failed(impl, error, event)

    def _run(self, awaitable: Awaitable[Any]) -> None:
        """Run an awaitable to its end on the tracker's own loop and wait for it."""

        async def run() -> None:
            await awaitable

        future = asyncio.run_coroutine_threadsafe(run(), self._own_loop())
        future.result(self._hook_timeout_seconds)

    def _own_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run_loop, args=(self._loop,), name="otel-events-hooks", daemon=True).start()
            return self._loop

    def _end(self, hook: str, timeout: float) -> Outcome:
        deadline = time.monotonic() + timeout
        outcomes = []
        for impl in reversed(getattr(self._plugins.hook, hook).get_hookimpls()):
            left = max(deadline - time.monotonic(), 0.0)
            try:
                outcome = impl.function(left) if impl.argnames else impl.function()
            except Exception as error:
                self._failed(impl, error, None)
            else:
                if isinstance(outcome, Outcome):
                    outcomes.append(outcome)
        return Outcome.total(outcomes)

    def _failed(self, impl: pluggy.HookImpl, error: Exception, event: Any) -> None:
        kind = f"{impl.plugin_name}: {type(error).__name__}"
        self._failures[kind] += 1
        if self._failures[kind] == 1:
            _logger.error(
                "hook implementation %s of plugin %r raised %s; the other plugins go on. Further ones are counted in stats().",
                getattr(impl.function, "__qualname__", impl.function),
                impl.plugin_name,
                type(error).__name__,
                exc_info=error,
            )
        if self._on_error is not None:
            try:
                self._on_error(error, event)
            except Exception:
                _logger.exception("on_error itself raised")

    def _event_types_of(self, plugin: object) -> list[type]:
        classes: list[type] = []
        for impl in self._plugins.hook.register_events.get_hookimpls():
            if impl.plugin is plugin:
                brought: Any = impl.function()
                classes.extend(brought or ())
        return classes

    def _check_plugin(self, plugin: object, name: str | None) -> None:
        known = {hook.name for hook in self._plugins.get_hookcallers(plugin) or () if hook.has_spec()}
        for hook in self._plugins.get_hookcallers(plugin) or ():
            if hook.name not in known:
                hooks = ", ".join(sorted(_HOOKS))
                raise PluginError(f"plugin {name!r} implements {hook.name!r}, which is no hook. There are: {hooks}.")
            for impl in hook.get_hookimpls():
                if impl.plugin is plugin and (impl.hookwrapper or impl.wrapper):
                    raise PluginError(
                        f"plugin {name!r} wraps {hook.name!r}. Each implementation is called on its own here, so there is "
                        f"nothing to wrap: implement the hook itself."
                    )


_HOOKS = frozenset({"register_events", "track_event", "flush", "shutdown", "stats"})


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
