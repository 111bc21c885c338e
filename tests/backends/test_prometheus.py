"""Prometheus scrapes, answers queries, evaluates rules, takes a new configuration, and keeps its data over a crash."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.backends.process import ServerError
from tests.backends.prometheus import Prometheus, Sample
from tests.backends.wait import wait_until

RULE = {"alert": "Always", "expr": "vector(7)", "labels": {"severity": "page"}, "annotations": {"seen": "{{ $value }}"}}
RULES = {"groups": [{"name": "rules", "interval": "1s", "rules": [RULE]}]}


def config(folder: Path, rules: object) -> Path:
    (folder / "rules.yaml").write_text(json.dumps(rules))
    path = folder / "config.yaml"
    path.write_text(json.dumps({"global": {"external_labels": {"site": "${SITE}"}}, "rule_files": ["rules.yaml"]}))
    return path


def test_a_rule_fires(prometheus_binary: Path, tmp_path: Path) -> None:
    with Prometheus(
        prometheus_binary, tmp_path / "prometheus", config(tmp_path, RULES), {"SITE": "here"}
    ) as prometheus:
        [alert] = wait_until(prometheus.alerts)
        assert (alert.name, alert.state, alert.annotations) == ("Always", "firing", {"seen": "7"})
        assert alert.labels == {"alertname": "Always", "severity": "page"}


def test_queries_give_samples_scalars_and_errors(prometheus_binary: Path, tmp_path: Path) -> None:
    with Prometheus(prometheus_binary, tmp_path, {}) as prometheus:
        assert prometheus.query("3") == [Sample({}, 3.0)]
        assert prometheus.query('label_replace(vector(2), "a", "b", "", "")') == [Sample({"a": "b"}, 2.0)]
        assert prometheus.query("no_such_metric") == []
        with pytest.raises(ServerError, match=r"answered 400: .*parse error"):
            prometheus.query("sum(")


def test_new_rules_are_read_and_wrong_ones_refused(prometheus_binary: Path, tmp_path: Path) -> None:
    with Prometheus(prometheus_binary, tmp_path / "prometheus", config(tmp_path, {})) as prometheus:
        assert prometheus.alerts() == []
        config(tmp_path, RULES)
        prometheus.reload()
        wait_until(prometheus.alerts)
        config(tmp_path, {"groups": [{"name": "rules", "rules": [{"alert": "Wrong", "expr": "sum("}]}]})
        with pytest.raises(ServerError, match="answered 500"):
            prometheus.reload()


def test_what_was_scraped_is_there_after_a_crash(prometheus_binary: Path, tmp_path: Path) -> None:
    with Prometheus(prometheus_binary, tmp_path / "scraped", {}) as scraped:
        target = {"job_name": "scraped", "static_configs": [{"targets": [scraped.address("http")]}]}
        scrape = {"global": {"scrape_interval": "1s"}, "scrape_configs": [target]}
        with Prometheus(prometheus_binary, tmp_path / "scraping", scrape) as scraping:
            wait_until(lambda: [sample.value for sample in scraping.query("up")] == [1])
            count = scraping.query("count_over_time(up[1h])")[0].value
            scraping.stop(kill=True)
            scraping.start()
            assert scraping.query("count_over_time(up[1h])")[0].value >= count


def test_promtool_checks_rules(promtool_binary: Path, tmp_path: Path) -> None:
    command = [str(promtool_binary), "check", "config", str(config(tmp_path, RULES))]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "1 rules found" in checked.stdout
    config(tmp_path, {"groups": [{"name": "rules", "rules": [{"alert": "Wrong", "expr": "sum("}]}]})
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode != 0
    assert "parse error" in checked.stdout + checked.stderr
