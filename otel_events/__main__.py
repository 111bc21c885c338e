"""``python -m otel_events`` is ``otel-events``."""

from __future__ import annotations

import sys

from otel_events.cli.main import main

sys.exit(main())
