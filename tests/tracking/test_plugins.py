"""A plugin is taken whole or refused whole, with a text that says which hook of it cannot work and why."""

from __future__ import annotations

import importlib.metadata
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from otel_events import PluginError, hookimpl
from otel_events.tracking.plugins import HOOKS, Plugins, load


class Good:
    @hookimpl
    def track_event(self, event: Any) -> None: ...


class UnknownHook:
    @hookimpl
    def track_event(self, event: Any) -> None: ...
    @hookimpl
    def trakc_event(self, event: Any) -> None: ...


class WrongArgument:
    @hookimpl
    def flush(self, timeout: float) -> None: ...
    @hookimpl
    def track_event(self, evnet: Any) -> None: ...


class OldWrapper:
    @hookimpl(hookwrapper=True)
    def track_event(self, event: Any) -> Any:
        yield


class Wrapper:
    @hookimpl(wrapper=True)
    def track_event(self, event: Any) -> Any:
        return (yield)


class WantsMore:
    @hookimpl
    def track_event(self, event: Any, *, more: str) -> None: ...


class Generating:
    @hookimpl
    def track_event(self, event: Any) -> Iterator[None]:
        yield


class AsyncGenerating:
    @hookimpl
    async def track_event(self, event: Any) -> AsyncIterator[None]:
        yield


@pytest.mark.parametrize(
    ("plugin", "text"),
    [
        (
            UnknownHook(),
            "'trakc_event', which is no hook. There are: register_events, track_event, late_event,",
        ),
        (WrongArgument(), "evnet"),
        (OldWrapper(), "wraps 'track_event'. Each implementation is called on its own here"),
        (Wrapper(), "wraps 'track_event'. Each implementation is called on its own here"),
        (WantsMore(), "track_event(event: 'Any', *, more: 'str') -> 'None' cannot be called with event: missing a"),
        (Generating(), "track_event has a yield in it, so its code would never run. Return instead."),
        (AsyncGenerating(), "track_event has a yield in it, so its code would never run. Return instead."),
        (Good, "Register an instance of the class, not the class."),
        (None, "None is no plugin. Register a module or an object with @otel_events.hookimpl"),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__) if not isinstance(value, str) else "",
)
@pytest.mark.parametrize("name", [None, "named"])
def test_one_that_cannot_work_is_refused_whole(plugin: object, text: str, name: str | None) -> None:
    plugins = Plugins()
    with pytest.raises(PluginError) as refused:
        plugins.add(plugin, name)
    assert text in str(refused.value)
    if plugin is not None:
        assert repr(name or getattr(plugin, "__name__", type(plugin).__name__)) in str(refused.value)
    assert plugin not in plugins
    assert all(plugins.implementations(hook) == () for hook in HOOKS)
    good = Good()
    plugins.add(good, name)  # the name is free
    assert len(plugins.implementations("track_event")) == 1


def test_a_second_plugin_of_the_same_name_is_refused_and_the_first_stays() -> None:
    plugins, first = Plugins(), Good()
    plugins.add(first, "one")
    with pytest.raises(PluginError, match="there is a plugin 'one' already"):
        plugins.add(Good(), "one")
    with pytest.raises(PluginError, match="is registered already"):
        plugins.add(first, "other")
    assert [impl.plugin for impl in plugins.implementations("track_event")] == [first]


def test_implementations_come_in_the_order_of_their_calls() -> None:
    class First:
        @hookimpl(tryfirst=True)
        def track_event(self, event: Any) -> None: ...

    class Last:
        @hookimpl(trylast=True)
        def track_event(self, event: Any) -> None: ...

    plugins = Plugins()
    for name, plugin in {"first": First(), "last": Last(), "one": Good(), "two": Good()}.items():
        plugins.add(plugin, name)
    names = [impl.plugin_name for impl in plugins.implementations("track_event")]
    assert names == ["first", "two", "one", "last"]


def test_a_plugin_is_called_as_it_is_named_or_after_its_module_or_class() -> None:
    module = types.ModuleType("shop.audit")
    module.track_event = hookimpl(lambda event: None)  # type: ignore[attr-defined]
    plugins = Plugins()
    for plugin, name in ((Good(), "mine"), (Good(), None), (Good(), None), (Good(), None), (module, None)):
        plugins.add(plugin, name)
    names = [impl.plugin_name for impl in plugins.implementations("track_event")]
    assert names == ["shop.audit", "Good-3", "Good-2", "Good", "mine"]


def test_modules_namespaces_and_classes_of_static_functions_are_plugins() -> None:
    class Static:
        @staticmethod
        @hookimpl
        def track_event(event: Any) -> None: ...

    def track_event(event: Any) -> None: ...

    module = types.ModuleType("a_module")
    module.track_event = hookimpl(track_event)  # type: ignore[attr-defined]
    plugins = Plugins()
    plugins.add(module, None)
    plugins.add(Static, None)
    assert len(plugins.implementations("track_event")) == 2


def test_an_optional_hook_of_a_later_version_is_no_mistake() -> None:
    class Later:
        @hookimpl(optionalhook=True)
        def on_rotate(self) -> None: ...

    plugins, plugin = Plugins(), Later()
    plugins.add(plugin, None)
    assert plugin in plugins


def test_removing_one_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PluginError, match="is not registered"):
        Plugins().remove(Good())


def test_the_hooks_named_in_texts_are_the_hooks_there_are() -> None:
    from otel_events import hookspecs

    assert {name for name, value in vars(hookspecs).items() if hasattr(value, "otel_events_spec")} == set(HOOKS)


def entry_point(value: str, package: str | None) -> importlib.metadata.EntryPoint:
    entry = importlib.metadata.EntryPoint("audit", value, "otel_events")
    if package is not None:
        distribution = types.SimpleNamespace(name=package)
        vars(entry).update(dist=distribution)
    return entry


@pytest.mark.parametrize("package", ["shop-audit", None])
@pytest.mark.parametrize(
    ("value", "error"),
    [("no_such_module_here", "ModuleNotFoundError"), ("otel_events:no_such_thing", "AttributeError")],
)
def test_an_entry_point_that_cannot_be_imported_is_named(value: str, error: str, package: str | None) -> None:
    with pytest.raises(PluginError) as refused:
        load(entry_point(value, package))
    assert str(refused.value).startswith(
        f"plugin 'audit' of {package or 'an unknown package'} ({value}) cannot be imported: {error}: "
    )
    assert str(refused.value).endswith("Mend or uninstall the package.")


def test_an_entry_point_loads() -> None:
    loaded: Callable[..., Any] = hookimpl
    assert load(entry_point("otel_events:hookimpl", None)) is loaded
