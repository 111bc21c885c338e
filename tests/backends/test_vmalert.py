"""vmalert evaluates a LogsQL rule on VictoriaLogs and sends its alert to Alertmanager."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from tests.backends.alertmanager import Alertmanager
from tests.backends.servers import VictoriaLogs
from tests.backends.vmalert import VMAlert
from tests.backends.wait import wait_until


def test_a_record_in_victorialogs_fires_a_rule(
    vmalert_binary: Path, alertmanager_binary: Path, victorialogs: VictoriaLogs, tmp_path: Path
) -> None:
    rule = {
        "alert": "TableDropped",
        # Without a time of its own it looks at the last interval only, which may end before a record can be found.
        "expr": '_time:1h event_name:="vmalert-drop-table" | stats by (table) count() as total | filter total:>0',
        "annotations": {"summary": '{{ index $labels "table" }}, %{SITE}'},
    }
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps({"groups": [{"name": "g", "type": "vlogs", "interval": "1s", "rules": [rule]}]}))
    config = {"route": {"receiver": "all"}, "receivers": [{"name": "all"}]}
    with (
        Alertmanager(alertmanager_binary, tmp_path / "alertmanager", config) as alertmanager,
        VMAlert(
            vmalert_binary,
            tmp_path / "vmalert",
            [rules],
            victorialogs.url,
            alertmanager.url,
            {"SITE": "here"},
            # The default looks at what was 30 s ago.
            ["-rule.evalDelay=0s"],
        ) as vmalert,
    ):
        assert vmalert.alerts() == []
        record = {"_msg": "drop-table", "event_name": "vmalert-drop-table", "table": "plants", "_time": "0"}
        insert = f"{victorialogs.url}/insert/jsonline?_stream_fields=event_name"
        request = urllib.request.Request(insert, json.dumps(record).encode(), {"Content-Type": "application/json"})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()
        [alert] = wait_until(vmalert.alerts)
        assert (alert.name, alert.labels["table"], alert.state) == ("TableDropped", "plants", "firing")
        [arrived] = wait_until(alertmanager.alerts)
        assert arrived.annotations == {"summary": "plants, here"}
