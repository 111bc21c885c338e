"""The page that is open while the receiver is measured: Chromium, which shows the live list and says how it kept up."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from tests.page.browser.program import MISSING, arguments, find_chromium

PATIENCE_MS: Final = 60_000
WATCH: Final = """() => {
  window.followed = { updates: 0, longest_pause_ms: 0, begun: 0, last: 0 };
  new MutationObserver(() => {
    const now = performance.now(), followed = window.followed;
    if (followed.last) followed.longest_pause_ms = Math.max(followed.longest_pause_ms, now - followed.last);
    followed.begun ||= now;
    followed.last = now;
    followed.updates += 1;
  }).observe(document.getElementById("rows"), { childList: true, subtree: true });
}"""
SHOWN: Final = (
    """text => [...document.querySelectorAll("#rows .row .line")].some((line) => line.textContent.includes(text))"""
)


def watch(url: str) -> int:
    """Open the page, and when told to, wait until it shows the event whose text comes with that; say how it followed."""
    from playwright.sync_api import sync_playwright

    program = find_chromium()
    if program is None:
        raise SystemExit(MISSING)
    with sync_playwright() as run:
        browser = run.chromium.launch(executable_path=program, args=arguments())
        page = browser.new_page()
        page.goto(url)
        page.wait_for_selector("#connection[data-state=live]")
        page.evaluate(WATCH)
        print("{}", flush=True)
        wanted: dict[str, Any] = json.loads(sys.stdin.readline())
        begun: float = page.evaluate("Date.now()")
        page.wait_for_function(SHOWN, arg=wanted["text"], timeout=PATIENCE_MS, polling=20)
        shown_after_ms = page.evaluate("Date.now()") - begun
        followed = page.evaluate("window.followed")
        print(
            json.dumps(
                {
                    "shown_after_ms": round(shown_after_ms),
                    "updates": followed["updates"],
                    "longest_pause_ms": round(followed["longest_pause_ms"]),
                }
            ),
            flush=True,
        )
        browser.close()
    return 0
