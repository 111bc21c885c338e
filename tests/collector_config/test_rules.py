"""The rule files: each is valid and misspelt keys are refused, each rule fires and does not, and says what one needs to know."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

import otel_events
from otel_events import Attribute, Event
from tests.backends.servers import VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.alerting import DELIVERY_RULES, EVENT_RULES, LOG_RULES, read, rules_of, shortened
from tests.collector_config.node import CONFIG
from tests.collector_config.strict import misspelt

METRIC_RULES = (EVENT_RULES, DELIVERY_RULES)
UNIT_TESTS = sorted((CONFIG / "prometheus" / "tests").glob("*.yaml"))
ALL_RULES = [(path, rule) for path in (*METRIC_RULES, LOG_RULES) for rule in rules_of(path)]
IDS = [f"{rule['alert']}-{rule['labels']['severity']}" for _, rule in ALL_RULES]

TEXTS = {"summary", "description", "link", "runbook_url"}
SEVERITIES = {"warning", "critical"}
KINDS = {"occurrence", "burst", "rate", "silence", "delivery", "collector"}

# Below these, the user chooses.
FREE = re.compile(r"\.(labels|annotations)\.")

DESTRUCTIVE = [
    "DELETE FROM orders",
    "delete from orders;",
    "DELETE FROM main.orders WHERE 1=1",
    "delete\n  from orders\n  where true ;",
    "TRUNCATE TABLE orders",
    "drop table if exists orders",
    "SELECT 1; DROP TABLE orders",
    'DELETE FROM "order items"',
    "DROP DATABASE shop",
]
HARMLESS = [
    "DELETE FROM orders WHERE id = 1",
    "delete from orders where truename = 'x'",
    "SELECT * FROM orders",
    "UPDATE orders SET note = 'drop table'",
    "INSERT INTO log VALUES ('delete from orders')",
    "DROP INDEX by_name",
]


@pytest.fixture
def promtool(promtool_binary: Path) -> Checker:
    return Checker([promtool_binary, "check", "rules"])


@pytest.fixture
def dry_run(vmalert_binary: Path) -> Checker:
    return Checker([vmalert_binary, "-dryRun"], prefix="-rule=")


class Checker:
    """A program that says whether a file is valid."""

    def __init__(self, command: Sequence[str | Path], prefix: str = "") -> None:
        self._command = command
        self._prefix = prefix

    def complaint(self, path: Path) -> str:
        """Return what it says against a file; "" when it finds nothing."""
        done = subprocess.run(
            [*self._command, f"{self._prefix}{path}"], capture_output=True, text=True, check=False, timeout=60
        )
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def taken(self, path: Path, folder: Path) -> list[str]:
        """Return the places where a misspelt key is taken all the same."""
        content = read(path)
        written = folder / path.name
        found = []
        for place in misspelt(content):
            written.write_text(json.dumps(content), encoding="utf-8")
            if not self.complaint(written):
                found.append(place)
        return found


@pytest.mark.parametrize("path", METRIC_RULES, ids=lambda path: path.name)
def test_rules_on_metrics_are_valid_and_a_misspelt_key_is_not(promtool: Checker, path: Path, tmp_path: Path) -> None:
    assert promtool.complaint(path) == ""
    assert [place for place in promtool.taken(path, tmp_path) if not FREE.search(place)] == []


def test_rules_on_logs_are_valid_and_a_misspelt_key_is_not(dry_run: Checker, tmp_path: Path) -> None:
    assert dry_run.complaint(LOG_RULES) == ""
    assert [place for place in dry_run.taken(LOG_RULES, tmp_path) if not FREE.search(place)] == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("| stats by", "| stat by"), ("queryEscape", "queryEscaped"), ("$labels.actor", "$label.actor"), ("10m", "10q")],
)
def test_a_wrong_query_or_template_in_the_rules_on_logs_is_refused(
    dry_run: Checker, tmp_path: Path, right: str, wrong: str
) -> None:
    text = LOG_RULES.read_text(encoding="utf-8")
    assert right in text
    changed = tmp_path / "rules.yaml"
    changed.write_text(text.replace(right, wrong), encoding="utf-8")
    assert dry_run.complaint(changed) != ""


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.name)
def test_the_unit_tests_of_the_rules_pass(promtool_binary: Path, path: Path) -> None:
    done = subprocess.run(
        [promtool_binary, "test", "rules", path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_on_metrics_has_a_unit_test_that_fires_and_one_that_does_not() -> None:
    cases = [case for path in UNIT_TESTS for test in read(path)["tests"] for case in test["alert_rule_test"]]
    fired = {(case["alertname"], alert["exp_labels"]["severity"]) for case in cases for alert in case["exp_alerts"]}
    not_fired = {case["alertname"] for case in cases if not case["exp_alerts"]}
    rules = {(rule["alert"], rule["labels"]["severity"]) for path in METRIC_RULES for rule in rules_of(path)}
    assert fired == rules
    assert not_fired == {name for name, _ in rules}


@pytest.mark.parametrize(("path", "rule"), ALL_RULES, ids=IDS)
def test_a_rule_says_what_happened_how_bad_it_is_where_the_events_are_and_what_to_do(path: Path, rule: Any) -> None:
    assert set(rule["annotations"]) == TEXTS
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["labels"]["kind"] in KINDS
    assert "/select/vmui/#/?query=" in rule["annotations"]["link"]
    runbook, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^### (\w+)$", (CONFIG.parent / runbook).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in {heading.lower() for heading in headings}
    assert rule["alert"] in headings


def test_the_runbook_has_no_section_about_an_alert_that_there_is_not() -> None:
    headings = re.findall(r"^### (\w+)$", (CONFIG / "RUNBOOK.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted({rule["alert"] for _, rule in ALL_RULES})


def test_shortening_takes_durations_and_thresholds_and_only_those_that_are_there() -> None:
    [waiting, *_] = [
        rule
        for group in shortened(DELIVERY_RULES, {"300": "3", "1m": "2s"})["groups"]
        for rule in group["rules"]
        if rule["alert"] == "EventsWaiting"
    ]
    assert waiting["expr"].endswith("> 3")
    assert waiting["for"] == "2s"
    with pytest.raises(ValueError, match=r"delivery\.yaml has no \['7m'\]"):
        shortened(DELIVERY_RULES, {"7m": "7s"})


def test_a_statement_is_destructive_when_it_takes_a_whole_table_away(victorialogs: VictoriaLogs) -> None:
    @dataclass
    class StatementRun(Event):
        name = "statement-run"
        statement: Annotated[str, Attribute("db.query.text")]

    service = "statements"
    tracker = otel_events.configure(
        event_types=[StatementRun],
        pipeline="direct",
        service_name=service,
        endpoint=victorialogs.logs_endpoint.removesuffix("/v1/logs"),
    )
    for statement in (*DESTRUCTIVE, *HARMLESS):
        tracker.track(StatementRun(statement=statement))
    assert tracker.shutdown(timeout=10.0).pending == 0
    expected = len(DESTRUCTIVE) + len(HARMLESS)
    wait_until(lambda: len(victorialogs.query(f'service.name:="{service}" event_name:="statement-run"')) == expected)

    [rule] = [rule for rule in rules_of(LOG_RULES) if rule["alert"] == "DestructiveStatement"]
    # What its filter finds, before anything is counted.
    found = victorialogs.query(rule["expr"].partition(" | ")[0] + f' service.name:="{service}"')
    assert sorted(row["db.query.text"] for row in found) == sorted(DESTRUCTIVE)
