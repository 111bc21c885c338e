"""What a browser talks to: the live page of ``otel-events view``, and its JSON API over the receiver's database."""

from __future__ import annotations

from otel_events.page.access import Access
from otel_events.page.server import Page

__all__ = ["Access", "Page"]
