"""How long an event takes from the program that sends it to the page: ``python -m tests.page.browser.latency``.

Needs Chromium. Prints milliseconds from just before the request until the row is in the page.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.page.browser.program import MISSING, arguments, find_chromium
from tests.page.browser.serving import serving
from tests.page.browser.shop import keyed
from tests.receiver.support import log_record, logs_request, post

SENT = 40
WATCH = """() => {
  window.seen = {};
  new MutationObserver(() => {
    for (const line of document.querySelectorAll("#rows .row .line")) window.seen[line.textContent] ??= Date.now();
  }).observe(document.getElementById("rows"), { childList: true, subtree: true });
}"""


def measure() -> list[float]:
    """Send some events, one after the other, and give how many milliseconds each took to be seen."""
    program = find_chromium()
    if program is None:
        raise SystemExit(MISSING)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "events.db") as served,
        sync_playwright() as run,
    ):
        browser = run.chromium.launch(executable_path=program, args=arguments())
        page = browser.new_page()
        page.goto(served.url)
        page.wait_for_selector("#connection[data-state=live]")
        page.evaluate(WATCH)
        sent: dict[str, float] = {}
        for number in range(SENT):
            record = log_record(f"u-{number}", time_unix_nano=time.time_ns(), attributes=[keyed("user.id", "alice")])
            record.body.string_value = f"event {number}"
            sent[f"event {number}"] = time.time() * 1000
            post(served.otlp_http, "/v1/logs", logs_request(record).SerializeToString())
            page.wait_for_function("body => body in window.seen", arg=f"event {number}")
            time.sleep(0.05)
        seen: dict[str, float] = page.evaluate("window.seen")
        browser.close()
    return sorted(seen[body] - at for body, at in sent.items())


def main() -> None:
    """Measure and print."""
    taken = measure()
    print(f"{SENT} events: median {statistics.median(taken):.0f} ms, slowest {taken[-1]:.0f} ms")


if __name__ == "__main__":
    main()
