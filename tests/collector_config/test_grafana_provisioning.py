"""What Grafana is provisioned with is what it reads: known keys only, and names that are there."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.collector_config.dashboards import GRAFANA, NAMES, load
from tests.collector_config.node import CONFIG
from tests.collector_config.strict import misspelt, problems

PROVISIONING = GRAFANA / "provisioning"

ENVIRONMENT = re.compile(r"\$[A-Z_]+")
UID = re.compile(r"[a-z][a-z0-9-]{0,39}")
DURATION = re.compile(r"\d+(s|m|h)")
SOURCES = {"prometheus", "victorialogs", "jaeger", "alertmanager"}

# By Grafana's documentation: "Provision Grafana", "Data sources", and those of each data source.
DATA_SOURCES = {
    "apiVersion": {1},
    "datasources": [
        {
            "name": str,
            "uid": SOURCES,
            "type": {"prometheus", "alertmanager", "victoriametrics-logs-datasource", "jaeger"},
            "access": {"proxy"},
            "url": ENVIRONMENT,
            "isDefault?": bool,
            "editable": bool,
            "jsonData": (
                {
                    "httpMethod": {"POST"},
                    "prometheusType": {"Prometheus"},
                    "timeInterval": DURATION,
                    "manageAlerts": bool,
                    "alertmanagerUid": SOURCES,
                },
                {"implementation": {"prometheus"}, "handleGrafanaManagedAlerts": bool},
                {
                    "maxLines": str,
                    "derivedFields": [
                        {
                            "name": str,
                            "matcherType": {"label"},
                            "matcherRegex": str,
                            "datasourceUid": SOURCES,
                            "url": {"$${__value.raw}"},
                            "urlDisplayLabel": str,
                        }
                    ],
                    "logLevelRules": [
                        {
                            "field": str, "operator": {"regex"}, "value": str, "level": {"info", "warning", "error"},
                            "enabled": bool,
                        }
                    ],
                },
                {
                    "tracesToLogsV2": {
                        "datasourceUid": SOURCES,
                        "spanStartTimeShift": re.compile(r"-\d+h"),
                        "spanEndTimeShift": DURATION,
                        "customQuery": bool,
                        "query": str,
                    },
                    "nodeGraph": {"enabled": bool},
                },
            ),
        }
    ],
}  # fmt: skip

# "Provision Grafana", "Dashboards".
PROVIDERS = {
    "apiVersion": {1},
    "providers": [
        {
            "name": str,
            "orgId": {1},
            "folder": str,
            "type": {"file"},
            "disableDeletion": bool,
            "allowUiUpdates": bool,
            "updateIntervalSeconds": int,
            "options": {"path": re.compile(r"/\S+")},
        }
    ],
}

# "Use configuration files to provision alerting resources".
CONTACT_POINTS = {
    "apiVersion": {1},
    "contactPoints": [
        {
            "orgId": {1},
            "name": str,
            "receivers": [
                {
                    "uid": UID,
                    "type": {"webhook"},
                    "settings": {"url": ENVIRONMENT, "httpMethod": {"POST"}},
                    "disableResolveMessage": bool,
                }
            ],
        }
    ],
}
TIMING = {"group_wait": DURATION, "group_interval": DURATION, "repeat_interval": DURATION}
POLICIES = {
    "apiVersion": {1},
    "policies": [
        {
            "orgId": {1},
            "receiver": str,
            "group_by": [str],
            **TIMING,
            "routes": [{"receiver": str, "object_matchers": [[str]], **TIMING}],
        }
    ],
}
EXPRESSION = {"type": {"__expr__"}, "uid": {"__expr__"}}
RULES = {
    "apiVersion": {1},
    "groups": [
        {
            "orgId": {1},
            "name": str,
            "folder": str,
            "interval": DURATION,
            "rules": [
                {
                    "uid": UID,
                    "title": re.compile(r"[A-Z]\w+"),
                    "condition": {"C"},
                    "for": DURATION,
                    "noDataState": {"OK", "NoData", "Alerting", "KeepLast"},
                    "execErrState": {"OK", "Error", "Alerting", "KeepLast"},
                    "isPaused": ENVIRONMENT,
                    "labels": {"severity": {"warning", "critical"}, "kind": str, "service?": str},
                    "annotations": {"summary": str, "description": str, "runbook_url": str},
                    "data": [
                        {
                            "refId": {"A", "B", "C"},
                            "datasourceUid": {"prometheus", "victorialogs", "__expr__"},
                            "queryType?": {"", "stats"},
                            "relativeTimeRange": {"from": int, "to": {0}},
                            "model": (
                                {
                                    "refId": {"A"},
                                    "datasource": {"type": {"victoriametrics-logs-datasource"}, "uid": {"victorialogs"}},
                                    "editorMode": {"code"},
                                    "queryType": {"stats"},
                                    "expr": str,
                                },
                                {
                                    "refId": {"A"},
                                    "datasource": {"type": {"prometheus"}, "uid": {"prometheus"}},
                                    "editorMode": {"code"},
                                    "instant": {True},
                                    "range": {False},
                                    "expr": str,
                                },
                                {
                                    "refId": {"B"}, "datasource": EXPRESSION, "type": {"reduce"}, "expression": {"A"},
                                    "reducer": {"last"},
                                },
                                {
                                    "refId": {"C"}, "datasource": EXPRESSION, "type": {"threshold"}, "expression": {"B"},
                                    "conditions": [{"evaluator": {"type": {"gt"}, "params": [int]}}],
                                },
                            ),
                        }
                    ],
                }
            ],
        }
    ],
}  # fmt: skip

FILES = {
    "datasources/otel-events.yaml": DATA_SOURCES,
    "dashboards/otel-events.yaml": PROVIDERS,
    "alerting/contact-points.yaml": CONTACT_POINTS,
    "alerting/policies.yaml": POLICIES,
    "alerting/rules.yaml": RULES,
}


def read(file: str) -> Any:
    return yaml.safe_load((PROVISIONING / file).read_text(encoding="utf-8"))


def rules() -> dict[str, dict[str, Any]]:
    """Return Grafana's alert rules by their titles."""
    return {rule["title"]: rule for group in read("alerting/rules.yaml")["groups"] for rule in group["rules"]}


def test_there_is_no_other_file() -> None:
    found = {path.relative_to(PROVISIONING).as_posix() for path in PROVISIONING.rglob("*") if path.is_file()}
    assert found == set(FILES)


@pytest.mark.parametrize("file", FILES)
def test_a_file_has_known_keys_and_values_only(file: str) -> None:
    assert problems(read(file), FILES[file]) == []


@pytest.mark.parametrize("file", FILES)
def test_a_misspelt_key_is_found(file: str) -> None:
    content = read(file)
    missed = [place for place in misspelt(content) if problems(content, FILES[file]) == []]
    assert missed == []
    assert problems(content, FILES[file]) == []


def test_whoever_is_named_is_there() -> None:
    sources = {source["uid"]: source for source in read("datasources/otel-events.yaml")["datasources"]}
    assert sources.keys() == SOURCES
    assert [source["name"] for source in sources.values() if source.get("isDefault")] == ["Prometheus"]
    for rule in rules().values():
        query = rule["data"][0]
        assert query["model"]["datasource"] == {
            "uid": query["datasourceUid"],
            "type": sources[query["datasourceUid"]]["type"],
        }
        assert query.get("queryType", "") == query["model"].get("queryType", "")
        assert len({step["relativeTimeRange"]["from"] for step in rule["data"]}) == 1
        assert (
            [step["refId"] for step in rule["data"]]
            == [step["model"]["refId"] for step in rule["data"]]
            == ["A", "B", "C"]
        )

    contact_points = {point["name"] for point in read("alerting/contact-points.yaml")["contactPoints"]}
    [policy] = read("alerting/policies.yaml")["policies"]
    assert {policy["receiver"], *(route["receiver"] for route in policy["routes"])} == contact_points
    kinds = {rule["labels"]["kind"] for rule in rules().values()}
    assert {value for route in policy["routes"] for _, _, value in route["object_matchers"]} <= kinds

    folder = read("dashboards/otel-events.yaml")["providers"][0]["folder"]
    assert {group["folder"] for group in read("alerting/rules.yaml")["groups"]} == {folder}


def test_uids_are_unique() -> None:
    points = read("alerting/contact-points.yaml")["contactPoints"]
    uids = [rule["uid"] for rule in rules().values()] + [one["uid"] for point in points for one in point["receivers"]]
    uids += [load(name)["uid"] for name in NAMES]
    assert len(set(uids)) == len(uids)


def test_annotations_have_no_variable_that_an_environment_could_fill_in() -> None:
    """Whether Grafana takes `$labels` there for an environment variable depends on its version; `.Labels` it never does."""
    for rule in rules().values():
        assert "$" not in "".join(rule["annotations"].values())


def test_rules_stand_for_rules_of_prometheus_and_vmalert() -> None:
    """Whoever changes one of those finds its counterpart here: the same name, severity, kind and window."""
    theirs: dict[str, list[dict[str, Any]]] = {}
    for file in (CONFIG / "vmalert" / "rules.yaml", *(CONFIG / "prometheus" / "rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                theirs.setdefault(rule.get("alert", ""), []).append(rule)
    for title, rule in rules().items():
        [severity, kind] = (rule["labels"][key] for key in ("severity", "kind"))
        [one] = [one for one in theirs[title] if one["labels"]["severity"] == severity]
        assert one["labels"]["kind"] == kind
        assert one.get("for", "0s") == rule["for"]
        expr = rule["data"][0]["model"]["expr"]
        limit = rule["data"][2]["model"]["conditions"][0]["evaluator"]["params"][0]
        if rule["data"][0]["datasourceUid"] == "prometheus":
            # Theirs compare each side of an `or` with the limit; here Grafana does.
            assert re.sub(rf" > {limit}(?= |$)", "", one["expr"]) == expr
        else:
            seconds = rule["data"][0]["relativeTimeRange"]["from"]
            window = {86400: "1d", 600: "10m"}[seconds]
            burst = f"| filter failures:>={limit + 1} " if limit else ""
            assert one["expr"] == f"_time:{window} {expr}".replace("| sort", f"{burst}| sort")
