"""Writes the dashboards: `python make.py [FOLDER]`, by default into `dashboards` beside this file.

Needs `grafana-foundation-sdk`; nothing else here does, and Grafana reads the JSON that is written.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import audit
import delivery
import events
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from page import numbered

DASHBOARDS = {"events.json": events, "audit.json": audit, "delivery.json": delivery}


def main() -> None:
    """Write each dashboard into its file."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("dashboards")
    for name, module in DASHBOARDS.items():
        text = json.dumps(
            numbered(module.make().build()), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
        )
        (folder / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
