"""Every query of Grafana's dashboards and alert rules returns data from the real servers, with events on the real way."""

from __future__ import annotations

import json
import math
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.backends.binaries import VICTORIALOGS
from tests.backends.fixtures import require_binary
from tests.backends.process import fetch
from tests.backends.servers import Jaeger
from tests.collector_config import dashboards
from tests.collector_config.dashboards import Chosen, Query
from tests.collector_config.world import ACTOR, GAPPY, RANGE_SECONDS, SERVICE, World, made


@pytest.fixture(scope="module")
def world(
    collector_binary: Path, prometheus_binary: Path, jaeger: Jaeger, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with made(
        tmp_path_factory.mktemp("grafana"),
        jaeger,
        collector_binary=collector_binary,
        prometheus_binary=prometheus_binary,
        victorialogs_binary=require_binary(VICTORIALOGS),
    ) as one:
        yield one


OF_SERVICES = [query for query in dashboards.queries() if re.search(r"\$\{?service\b", query.target["expr"])]

# Where 0 is right, since nothing in this world makes more of it.
MAY_BE_ZERO = {"delivery: Received, a second C"}


def numbers(found: Sequence[Mapping[str, Any]]) -> list[float]:
    return [value for one in found for value in one["values"] if math.isfinite(value)]


@pytest.mark.parametrize("query", dashboards.queries(), ids=str)
def test_every_query_of_every_panel_returns_data(query: Query, world: World) -> None:
    found = world.ask(query, {})
    assert found
    if query.target.get("queryType") != "instant":
        assert max(numbers(found)) > 0 or str(query) in MAY_BE_ZERO


@pytest.mark.parametrize("query", dashboards.queries(), ids=str)
def test_the_variables_filter(query: Query, world: World) -> None:
    """One service and one actor, whose name is full of what regular expressions know, and two events."""
    values = {"service": [SERVICE], "actor": [ACTOR], "name": ["create-token", "insert-rows"]}
    found = world.ask(query, values)
    assert found
    if query.target.get("queryType") != "instant":
        assert max(numbers(found)) > 0 or str(query) in MAY_BE_ZERO
    for one in found:
        labels = one.get("labels", one)
        for label, chosen in (
            ("user.id", ACTOR), ("user_id", ACTOR), ("actor", ACTOR), ("service.name", SERVICE), ("service_name", SERVICE),
        ):  # fmt: skip
            assert labels.get(label, chosen) == chosen
        if query.dashboard == "events":
            assert labels.get("event_name", "insert-rows") in values["name"]


@pytest.mark.parametrize(
    "query",
    OF_SERVICES,
    ids=str,
)
def test_another_service_has_nothing(query: Query, world: World) -> None:
    found = world.ask(query, {"service": ["another"]})
    assert not [value for value in numbers([one for one in found if "values" in one]) if value]
    assert not [one for one in found if "values" not in one]


def ask(world: World, dashboard: str, panel: str, values: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Put the first query of the first panel with this title."""
    query = next(one for one in dashboards.queries() if (one.dashboard, one.panel) == (dashboard, panel))
    return world.ask(query, values)


def test_numbers_are_those_of_the_day(world: World) -> None:
    rounds = len(world.trace_ids)
    shop = {"service": [SERVICE]}
    for dashboard, panel, expected in (
        ("events", "Events", world.sent),
        ("events", "Kinds of events", 8),
        ("events", "Actors", 2),
        ("events", "Services", 1),
        ("audit", "Destructive actions", 6 * rounds),
        ("audit", "Tokens created", 2 * rounds),
        ("audit", "Refused sign-ins", 3 * rounds),
        ("audit", "Refused actions", 2 * rounds),
    ):
        [found] = ask(world, dashboard, panel, shop)
        assert found["values"] == [expected], panel
    assert world.sent == 17 * rounds

    top = ask(world, "events", "Top actors", {**shop, "name": ["login-failed"]})
    assert {one["labels"]["actor"]: one["values"] for one in top} == {"alice": [rounds], ACTOR: [rounds]}
    [stream] = ask(world, "delivery", "What applications say of their streams", shop)
    assert (stream["emitted"], stream["delivered"], stream["waiting"], stream["dropped"]) == (str(world.sent),) * 2 + (
        "0",
    ) * 2


def test_a_gap_is_seen(world: World) -> None:
    found = ask(world, "delivery", "Delivered, and not stored", {})
    by_service = {row["service.name"]: row for row in found}
    assert by_service["gappy"]["missing"] == "2"
    assert by_service["gappy"]["stream"] == GAPPY
    assert by_service[SERVICE]["missing"] == "0"
    assert by_service[SERVICE]["stored"] == str(world.sent)


@pytest.mark.parametrize("name", dashboards.NAMES)
def test_every_variable_has_values(name: str, world: World) -> None:
    dashboard = dashboards.load(name)
    for variable in dashboard["templating"]["list"]:
        match = re.fullmatch(r"label_values\((?P<series>.+), (?P<label>\w+)\)", variable["query"]["query"])
        assert match is not None
        chosen = Chosen(RANGE_SECONDS, world.ended, {"service": [SERVICE]})
        series = dashboards.interpolate(match["series"], dashboard, chosen, "prometheus")
        parameters = urllib.parse.urlencode({"match[]": series, "start": chosen.start, "end": chosen.end})
        values = json.loads(fetch(f"{world.prometheus}/api/v1/label/{match['label']}/values?{parameters}"))["data"]
        if part := variable["regex"].strip("/"):
            values = [found[1] for value in values if (found := re.search(part, value))]
        assert {"service": SERVICE, "name": "drop-table", "actor": ACTOR}[variable["name"]] in values


def tables() -> list[tuple[str, Mapping[str, Any]]]:
    return [
        (name, panel)
        for name in dashboards.NAMES
        for panel in dashboards.panels(dashboards.load(name))
        if panel["type"] == "table"
    ]


@pytest.mark.parametrize(
    ("dashboard", "panel"), tables(), ids=lambda value: value if isinstance(value, str) else value["title"]
)
def test_every_column_of_a_table_is_filled(dashboard: str, panel: Mapping[str, Any], world: World) -> None:
    [target] = panel["targets"]
    rows = world.ask(Query(dashboard, panel["title"], target), {"service": [SERVICE]})
    extract, *convert, organize = (one["options"] for one in panel["transformations"])
    columns = set(organize["renameByName"])
    assert {key for row in rows for key in row} - {"_time"} == columns
    assert columns == set(organize["indexByName"]) - {"Time"}
    # A record's own time is the column Time; rows that pipes made have none.
    assert all(("_time" in row) == extract["keepTime"] for row in rows)
    for conversion in convert[0]["conversions"] if convert else ():
        # Neither of these may fail; what is numbers is not negative.
        kind: Callable[[str], Any] = float if conversion["destinationType"] == "number" else datetime.fromisoformat
        values = [kind(row[conversion["targetField"]].partition(".")[0].removesuffix("Z")) for row in rows]
        assert all(value >= 0 for value in values if isinstance(value, float))
    shown = {"Time", *organize["renameByName"].values()}
    assert {one["displayName"] for one in panel["options"].get("sortBy", [])} <= shown
    assert {one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]} <= shown


def test_every_legend_is_filled(world: World) -> None:
    for query in dashboards.queries():
        for label in re.findall(r"\{\{(\w+)\}\}", query.target.get("legendFormat", "")):
            # What is made up where nothing goes wrong, and the name of the metric, have no labels.
            labelled = [one for one in world.ask(query, {}) if one["labels"]]
            assert labelled, query
            assert all(one["labels"].get(label) for one in labelled), query


def links(name: str, title: str) -> list[str]:
    """Return the addresses of the links with a title, of all panels of a dashboard."""
    found = []
    for panel in dashboards.panels(dashboards.load(name)):
        config = panel["fieldConfig"]
        values = [
            one["value"] for override in config["overrides"] for one in override["properties"] if one["id"] == "links"
        ]
        found += [
            link["url"]
            for value in (*values, config["defaults"].get("links", []))
            for link in value
            if link["title"] == title
        ]
    return found


@pytest.mark.parametrize("name", ["events", "audit"])
def test_the_link_of_a_trace_leads_to_it(name: str, world: World) -> None:
    urls = links(name, "The trace")
    assert urls
    for url in urls:
        row = ask(world, "events", "Latest events", {"service": [SERVICE]})[0]
        filled = url.replace("${__value.raw}", row["trace_id"]).replace("${__from}", "1").replace("${__to}", "2")
        assert "$" not in filled
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(filled).query)
        pane = json.loads(query["panes"][0])["trace"]
        assert pane["datasource"] == pane["queries"][0]["datasource"]["uid"] == "jaeger"
        trace_id = pane["queries"][0]["query"]
        assert trace_id in world.trace_ids
        [trace] = json.loads(fetch(f"{world.jaeger}/api/traces/{trace_id}"))["data"]
        assert [span["operationName"] for span in trace["spans"]] == ["request"]


@pytest.mark.parametrize("name", ["events", "audit"])
def test_the_link_of_an_actor_leads_to_the_audit_of_that_actor(name: str, world: World) -> None:
    urls = links(name, "What else the actor did")
    assert urls
    audit = dashboards.load("audit")
    for url in urls:
        path, _, query = url.partition("?")
        assert path == f"/d/{audit['uid']}"
        assert {variable["name"] for variable in audit["templating"]["list"]} == {"service", "actor"}
        assert re.fullmatch(
            r"var-actor=\$\{(__value\.raw|__field\.labels\.actor):percentencode\}&\$\{service:queryparam\}&\$\{__url_time_range\}",
            query,
        )


def test_the_data_sources_lead_from_events_to_traces_and_back(world: World) -> None:
    sources = yaml.safe_load(
        (dashboards.GRAFANA / "provisioning/datasources/otel-events.yaml").read_text(encoding="utf-8")
    )
    by_uid = {source["uid"]: source["jsonData"] for source in sources["datasources"]}
    row = ask(world, "events", "Whole events", {"service": [SERVICE]})[0]
    [derived] = by_uid["victorialogs"]["derivedFields"]
    assert row[derived["matcherRegex"]] in world.trace_ids
    assert any(re.search(rule["value"], row[rule["field"]]) for rule in by_uid["victorialogs"]["logLevelRules"])

    back = by_uid["jaeger"]["tracesToLogsV2"]["query"].replace("$${__trace.traceId}", world.trace_ids[0])
    chosen = Chosen(RANGE_SECONDS, world.ended)
    assert len(dashboards.ask_victorialogs(back, "instant", chosen, world.victorialogs)) == 17


def rules() -> list[Mapping[str, Any]]:
    file = dashboards.GRAFANA / "provisioning/alerting/rules.yaml"
    return [rule for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["title"]))
def test_every_alert_rule_fires_in_this_trouble(rule: Mapping[str, Any], world: World) -> None:
    query, _, threshold = rule["data"]
    chosen = Chosen(query["relativeTimeRange"]["from"], world.ended)
    model = query["model"]
    if query["datasourceUid"] == "prometheus":
        found = dashboards.ask_prometheus(model["expr"], chosen, world.prometheus, instant=model["instant"])
    else:
        found = dashboards.ask_victorialogs(model["expr"], model["queryType"], chosen, world.victorialogs)
    [limit] = threshold["model"]["conditions"][0]["evaluator"]["params"]
    # The oldest event of this short day is younger than it has to be.
    assert [one for one in found if one["values"][-1] > (limit if rule["title"] != "EventsWaiting" else 1)]
    named = {*re.findall(r"\.Labels\.(\w+)", " ".join(rule["annotations"].values()))}
    assert all(named <= one["labels"].keys() for one in found)
