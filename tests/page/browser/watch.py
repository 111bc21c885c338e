"""A page of the browser that notices what must never happen: errors, dialogs, requests to elsewhere, broken rules of the CSP."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Page, Request, ViewportSize

VIEWPORT: ViewportSize = {"width": 1440, "height": 900}
NOTICE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass
class Watch:
    """What one page did that it should not."""

    page: Page
    host: str = ""
    seen: list[str] = field(default_factory=list)
    refusals_allowed: bool = False
    """Whether the browser's own console lines about answers such as 400 are part of the test."""

    @classmethod
    def over(cls, page: Page) -> Watch:
        """Watch a page."""
        watch = cls(page)
        page.add_init_script(NOTICE_VIOLATIONS)
        page.on("console", watch._console)
        page.on("pageerror", lambda error: watch.seen.append(f"error: {error}"))
        page.on("request", watch._request)
        page.on("dialog", watch._dialog)
        page.on("popup", lambda popup: watch.seen.append(f"popup: {popup.url}"))
        return watch

    def begin(self, url: str) -> None:
        """Make the page one that may ask only the server of this URL, and that is as if it were new."""
        self.host = urlsplit(url).netloc
        self.page.set_viewport_size(VIEWPORT)
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
        self.seen.clear()
        self.refusals_allowed = False

    def leave(self) -> None:
        """End what the page does, and have it forget what it keeps."""
        self.page.goto("about:blank")
        self.page.mouse.move(0, 0)  # The list takes a pointer that rests on it for a reader's.
        browser = self.page.context.new_cdp_session(self.page)
        browser.send(
            "Storage.clearDataForOrigin",
            {"origin": f"http://{self.host}", "storageTypes": "cookies,local_storage"},
        )
        browser.detach()

    def check(self) -> None:
        """Say what was seen, if anything was."""
        violations = self.page.evaluate("window.violations")
        assert [*self.seen, *violations] == []

    def _console(self, message: ConsoleMessage) -> None:
        refusal = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not (refusal and self.refusals_allowed):
            self.seen.append(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.netloc != self.host and parts.scheme not in ("data", "blob"):
            self.seen.append(f"request: {request.url}")
