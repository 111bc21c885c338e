"""The dashboards are what make.py writes now, what Grafana's own types know, and laid out for a reader."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.collector_config.dashboards import GRAFANA, NAMES, load, panels
from tests.collector_config.strict import misspelt, problems

COLUMNS = 24
SOURCES = {"prometheus": "prometheus", "victorialogs": "victoriametrics-logs-datasource"}

# What the SDK has no types for.
LOGS_TARGET = {
    "datasource": {"type": {"victoriametrics-logs-datasource"}, "uid": {"victorialogs"}},
    "editorMode": {"code"},
    "expr": str,
    "legendFormat?": str,
    "maxLines?": int,
    "queryType": {"instant", "stats", "statsRange"},
    "refId": {"A"},
}
TRANSFORMATIONS = [
    (
        {
            "id": {"extractFields"},
            "options": {"source": {"labels"}, "format": {"json"}, "replace": {True}, "keepTime": bool},
        },
        {
            "id": {"convertFieldType"},
            "options": {"fields": dict, "conversions": [{"targetField": str, "destinationType": {"number", "time"}}]},
        },
        {
            "id": {"organize"},
            "options": {"excludeByName": dict, "indexByName": {"*": int}, "renameByName": {"*": str}},
        },
    )
]
THRESHOLDS = {"mode": {"absolute"}, "steps": [{"color": str, "value": (int, float, type(None))}]}
LINK = {
    "title": str, "type": {"link"}, "url": str, "targetBlank": bool, "asDropdown": bool, "icon": str, "includeVars": bool,
    "keepTime": bool, "tags": [str], "tooltip": str,
}  # fmt: skip
OVERRIDES = [
    {
        "matcher": {"id": {"byName"}, "options": str},
        "properties": [
            (
                {"id": {"links"}, "value": [LINK]},
                {"id": {"thresholds"}, "value": THRESHOLDS},
                {"id": {"custom.cellOptions"}, "value": {"type": {"color-text"}}},
            )
        ],
    }
]
VARIABLE_QUERY = {"qryType": {1}, "query": re.compile(r"label_values\(.+\)"), "refId": str}


def wrong(dashboard: Mapping[str, Any]) -> list[str]:
    """Return what Grafana would not know in a dashboard: what its types do not keep, and what the shapes above do not."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    try:
        kept = json.loads(json.dumps(Dashboard.from_json(json.loads(json.dumps(dashboard))), cls=JSONEncoder))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [f"cannot be read: {error!r}"]
    found = [] if kept == dashboard else ["something is not known, or missing"]
    try:
        for panel in panels(dashboard):
            for target in panel["targets"]:
                if target["datasource"]["type"] == "victoriametrics-logs-datasource":
                    found += problems(target, LOGS_TARGET, panel["title"])
            found += problems(panel.get("transformations", []), TRANSFORMATIONS, panel["title"])
            found += problems(panel["fieldConfig"]["overrides"], OVERRIDES, panel["title"])
            found += problems(panel["fieldConfig"]["defaults"].get("links", []), [LINK], panel["title"])
            found += problems(
                panel["fieldConfig"]["defaults"].get("thresholds", {"mode": "absolute", "steps": []}), THRESHOLDS
            )
        for variable in dashboard["templating"]["list"]:
            found += problems(variable["query"], VARIABLE_QUERY, variable["name"])
    except KeyError as error:
        found.append(f"{error} is missing")
    return found


def test_they_are_what_make_writes(tmp_path: Path) -> None:
    pytest.importorskip("grafana_foundation_sdk")
    command = [sys.executable, "-B", str(GRAFANA / "make.py"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=60)
    committed = GRAFANA / "dashboards"
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in committed.iterdir()}
    for path in tmp_path.iterdir():
        assert path.read_text() == (committed / path.name).read_text(), (
            f"run collector-config/grafana/make.py: {path.name}"
        )


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_types_know_everything(name: str) -> None:
    pytest.importorskip("grafana_foundation_sdk")
    assert wrong(load(name)) == []


# Where any key may stand: names of columns.
FREE = re.compile(r"\.transformations\[\]\(organize\)\.options\.(indexByName|renameByName)\.")


@pytest.mark.parametrize("name", NAMES)
def test_a_misspelt_key_is_found(name: str) -> None:
    pytest.importorskip("grafana_foundation_sdk")
    dashboard = load(name)
    missed = [place for place in misspelt(dashboard) if not FREE.search(place) and wrong(dashboard) == []]
    assert missed == []
    assert wrong(dashboard) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_says_what_it_shows(name: str) -> None:
    titles = [panel["title"] for panel in panels(load(name))]
    assert len(titles) >= 10
    for panel in panels(load(name)):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert defaults["noValue"]
        assert "unit" in defaults or panel["type"] in ("table", "logs")
        # The same title twice is the same quantity twice: as a number, and over time.
        same = [one["type"] for one in panels(load(name)) if one["title"] == panel["title"]]
        assert len(set(same)) == len(same)


@pytest.mark.parametrize("name", NAMES)
def test_no_panel_covers_another(name: str) -> None:
    dashboard = load(name)
    ids = [panel["id"] for panel in (*panels(dashboard), *(one for one in dashboard["panels"] if one["type"] == "row"))]
    assert sorted(ids) == list(range(1, len(ids) + 1))
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] <= COLUMNS - place["w"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }  # fmt: skip
        assert not cells & taken, panel["title"]
        taken |= cells
    # And nothing is left empty: Grafana would move panels up into a gap.
    height = max(y for _, y in taken) + 1
    assert len(taken) == COLUMNS * height


def test_each_is_one_click_away_from_the_others() -> None:
    loaded = {load(name)["uid"]: load(name) for name in NAMES}
    assert len(loaded) == len(NAMES)
    for dashboard in loaded.values():
        [link] = dashboard["links"]
        assert link["type"] == "dashboards"
        assert link["tags"] == dashboard["tags"] == ["otel-events"]
        assert link["includeVars"]
        assert link["keepTime"]


@pytest.mark.parametrize("name", NAMES)
def test_queries_ask_the_panels_data_source_and_know_their_variables(name: str) -> None:
    dashboard = load(name)
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    used = set()
    for panel in panels(dashboard):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert SOURCES[target["datasource"]["uid"]] == target["datasource"]["type"]
            used |= set(re.findall(r"\$\{?([a-z]\w*)", target["expr"]))
    assert used == variables
