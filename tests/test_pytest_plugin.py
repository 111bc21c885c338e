"""The pytest plugin, in test sessions of its own: its fixture, what it says of failures, and how little it loads."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

_SHOP = """
    from dataclasses import dataclass
    import otel_events

    @dataclass
    class OrderPlaced(otel_events.Event):
        name = "order-placed"
        order_id: str

    tracker = otel_events.EventTracker([OrderPlaced])

    def place(order_id):
        tracker.track(OrderPlaced(order_id))
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Give a test project, with an application in it, whose tests see this package."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # What other plugins load or warn of is not ours.
    pytester.makepyfile(shop=_SHOP)
    return pytester


def run_tests(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the project's tests in a process of their own, where every warning is an error."""
    plugin = ("-p", "otel_events.pytest_plugin")
    return pytester.run(sys.executable, "-W", "error", "-m", "pytest", "-W", "error", *plugin, *arguments)


def test_the_fixture_makes_a_tracker(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        from shop import OrderPlaced

        def test_it(captured_events):
            tracker = captured_events.tracker(event_types=[OrderPlaced])
            tracker.track(OrderPlaced("o-1", actor="alice"))
            event = captured_events.assert_event(OrderPlaced, order_id="o-1", actor="alice")
            attributes = captured_events.record(event).attributes
            assert attributes["log.record.uid"] == "01KDVDNA000000000000000001"

        def test_it_again(captured_events):
            assert len(captured_events) == 0
        """
    )
    run_tests(run).assert_outcomes(passed=2)


def test_the_fixture_attaches_to_the_applications_tracker_and_lets_it_go(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import shop

        kept = []

        def test_attached(captured_events):
            captured_events.attach(shop.tracker)
            shop.place("o-1")
            assert [event.order_id for event in captured_events] == ["o-1"]
            kept.append(captured_events)

        def test_let_go():
            shop.place("o-2")
            assert [event.order_id for event in kept[0]] == ["o-1"]
        """
    )
    run_tests(run).assert_outcomes(passed=2)


def test_a_failure_is_readable_and_shows_the_line_of_the_test_and_not_of_the_package(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import shop

        def test_it(captured_events):
            captured_events.attach(shop.tracker)
            shop.place("o-1")
            captured_events.assert_event(shop.OrderPlaced, order_id="o-2")
        """
    )
    result = run_tests(run)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>       captured_events.assert_event(shop.OrderPlaced, order_id="o-2")',
            "E       AssertionError: no OrderPlaced with order_id='o-2' was tracked.",
            "E       1 tracked:",
            "E         [[]0] OrderPlaced(actor=None, created=*, order_id='o-1')",
            "E       The nearest is [[]0]:",
            "E         ≠ order_id: 'o-1', expected 'o-2'",
        ]
    )
    result.stdout.no_fnmatch_line("*testing.py:*")


def test_the_plugin_loads_neither_the_sdk_nor_grpc_nor_what_only_the_fixture_needs(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import sys

        def test_before():
            assert "otel_events.pytest_plugin" in sys.modules
            assert "otel_events.testing" not in sys.modules

        def test_with_the_fixture(captured_events):
            captured_events.tracker()
            heavy = ("opentelemetry.sdk", "opentelemetry.exporter", "grpc", "google", "requests", "fastapi", "rich")
            assert [name for name in heavy if name in sys.modules] == []
        """
    )
    run_tests(run).assert_outcomes(passed=2)


def test_pytest_lists_the_fixture_with_what_it_is(run: pytest.Pytester) -> None:
    result = run_tests(run, "--fixtures", "-q")
    result.stdout.fnmatch_lines(["captured_events -- *pytest_plugin.py:*", "    Events tracked in this test: *"])
