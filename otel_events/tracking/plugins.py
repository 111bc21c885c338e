"""The plugins that a tracker has, and their hook implementations, one by one."""

from __future__ import annotations

import inspect
import itertools
from typing import TYPE_CHECKING, Final

import pluggy

from otel_events import hookspecs
from otel_events.exceptions import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

HOOKS: Final = ("register_events", "track_event", "late_event", "flush", "shutdown", "stats", "healthy")


class Plugins:
    """Takes plugins whose hook implementations can work, and refuses others whole."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    def add(self, plugin: object, name: str | None) -> None:
        """Add a plugin.

        Args:
            plugin: A module or object.
            name: What it is called in ``stats()`` and in logs; default the name of the module or class, numbered where it is
                taken.

        Raises:
            PluginError: When it is there already or cannot work.
        """
        if plugin is None:
            raise PluginError("None is no plugin. Register a module or an object with @otel_events.hookimpl functions.")
        shown = name or self._free_name(str(getattr(plugin, "__name__", type(plugin).__qualname__)))
        if self._manager.is_registered(plugin):
            raise PluginError(f"plugin {self._manager.get_name(plugin)!r} is registered already.")
        if self._manager.has_plugin(shown):
            raise PluginError(f"there is a plugin {shown!r} already. Register this one under another name.")
        try:
            self._manager.register(plugin, shown)
            self._check(plugin, shown)
        except Exception as error:
            # pluggy 1.5 keeps a plugin that it has refused.
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            if isinstance(error, PluginError):
                raise
            raise PluginError(f"plugin {shown!r} cannot be registered: {' '.join(str(error).split())}") from error

    def remove(self, plugin: object) -> None:
        """Remove a plugin.

        Raises:
            PluginError: When it is not there.
        """
        if not self._manager.is_registered(plugin):
            raise PluginError(f"plugin {plugin!r} is not registered.")
        self._manager.unregister(plugin)

    def __contains__(self, plugin: object) -> bool:
        return self._manager.is_registered(plugin)

    def implementations(self, hook: str) -> tuple[pluggy.HookImpl, ...]:
        """Return the implementations of a hook in the order in which they are called: ``tryfirst``, then the latest plugin's."""
        return tuple(reversed(getattr(self._manager.hook, hook).get_hookimpls()))

    def _free_name(self, name: str) -> str:
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        return next(one for one in names if not self._manager.has_plugin(one))

    def _check(self, plugin: object, shown: str) -> None:
        for hook in self._manager.get_hookcallers(plugin) or ():
            for impl in hook.get_hookimpls():
                if impl.plugin is not plugin:
                    continue
                if not hook.has_spec():
                    if not impl.optionalhook:
                        raise PluginError(
                            f"plugin {shown!r} implements {hook.name!r}, which is no hook. There are: {', '.join(HOOKS)}."
                        )
                elif impl.hookwrapper or impl.wrapper:
                    raise PluginError(
                        f"plugin {shown!r} wraps {hook.name!r}. Each implementation is called on its own here, so there is "
                        f"nothing to wrap: implement the hook itself."
                    )
                else:
                    _check_function(impl, shown, hook.name)


def _check_function(impl: pluggy.HookImpl, shown: str, hook: str) -> None:
    """Refuse an implementation that cannot be called with what the hook gives, or whose code would never run."""
    signature = inspect.signature(impl.function)
    try:
        signature.bind(*impl.argnames)
    except TypeError as error:
        given = ", ".join(impl.argnames) or "nothing"
        hint = " Register an instance of the class, not the class." if isinstance(impl.plugin, type) else ""
        raise PluginError(
            f"plugin {shown!r}: {hook}{signature} cannot be called with {given}: {error}.{hint}"
        ) from None
    lazy = inspect.isgeneratorfunction(impl.function) and hook != "register_events"
    if lazy or inspect.isasyncgenfunction(impl.function):
        raise PluginError(f"plugin {shown!r}: {hook} has a yield in it, so its code would never run. Return instead.")


def load(entry: EntryPoint) -> object:
    """Return the plugin behind an entry point.

    Raises:
        PluginError: When it cannot be imported; the text names it and its package.
    """
    try:
        return entry.load()
    except Exception as error:
        package = entry.dist.name if entry.dist is not None else "an unknown package"
        raise PluginError(
            f"plugin {entry.name!r} of {package} ({entry.value}) cannot be imported: {type(error).__name__}: {error}. "
            f"Mend or uninstall the package."
        ) from error
