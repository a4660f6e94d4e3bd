"""How heavy each kind of page is for a browser on a slow line: requests, bytes, when it can be used.

    MAKTAB_PASSWORD=... .venv/bin/python bench/pages.py [http://127.0.0.1:8000] [user]

Chromium with a line of 500 kbit/s and 400 ms (slow 3G) and a processor four times slower. *First*: nothing is cached
yet; *next*: a click later, with what the browser keeps. A page can be used when its scripts have run and no task has
kept the processor for 50 ms since. Bytes are those on the line, fonts apart. Without the service worker that keeps the
page for a lost network: it comes after all the rest, and what passes through it would be neither slowed nor counted.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

LINE = {"offline": False, "latency": 400, "downloadThroughput": 500_000 / 8, "uploadThroughput": 500_000 / 8}
SLOWER, BUDGET = 4, 190 * 1024
PAGES = {
    "Home": "/admin/", "List": "/admin/orders/", "Search": "/admin/orders/?q=lamp", "Record": "/admin/orders/1",
    "Form": "/admin/orders/1/edit", "New": "/admin/orders/new", "Jobs": "/admin/jobs/", "Audit log": "/admin/audit/",
    "Plugins": "/admin/plugins/", "Role": "/admin/roles/1", "Profile": "/admin/profile/",
}  # fmt: skip
_USABLE = """() => new Promise((done) => {
    const loaded = performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
    const seen = new PerformanceObserver((list) => {
        const last = Math.max(0, ...list.getEntries().map((task) => task.startTime + task.duration));
        done(Math.max(loaded, last));
    });
    seen.observe({type: "longtask", buffered: true});
    setTimeout(() => done(loaded), 300);
})"""


@dataclass
class Load:
    """One page as it came: `kept` from the browser's cache are no requests."""

    requests: int = 0
    size: int = 0
    fonts: int = 0
    usable_ms: float = 0


def measure(page: Page, address: str) -> Load:
    load, kinds = Load(), dict[str, str]()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", LINE)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})

    def begun(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event.get("type", "")

    def ended(event: dict[str, Any]) -> None:
        size = int(event["encodedDataLength"])
        if size:  # 0: it came from the cache
            load.requests += 1
        if kinds.get(event["requestId"]) == "Font":
            load.fonts += size
        else:
            load.size += size

    session.on("Network.requestWillBeSent", begun)
    session.on("Network.loadingFinished", ended)
    page.goto(address, wait_until="networkidle")
    load.usable_ms = page.evaluate(_USABLE)
    session.detach()
    return load


def sign_in(browser: Browser, start: str, user: str, password: str) -> Any:
    page = browser.new_page(base_url=start)
    page.goto("/admin/sign-in")
    page.fill("#f-username", user)
    page.fill("#f-password", password)
    page.click("button[type=submit]")
    page.wait_for_selector(".mk-side")
    return page.context.storage_state()


def main(start: str = "http://127.0.0.1:8000", user: str = "owner") -> int:
    """The table of all pages; 1 when a first load is over the budget."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    heavy = []
    say = sys.stdout.write
    say("| page | first: requests | kB | usable after | next: requests | kB | usable after |\n" + "| --- " * 7 + "|\n")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        state = sign_in(browser, start, user, os.environ["MAKTAB_PASSWORD"])
        for name, place in PAGES.items():
            page = browser.new_context(base_url=start, storage_state=state, service_workers="block").new_page()
            page.set_default_timeout(60_000)
            first, again = measure(page, place), measure(page, place)
            cells = [f"{one.requests} | {one.size / 1024:.0f} | {one.usable_ms / 1000:.1f} s" for one in (first, again)]
            say(f"| {name} | {' | '.join(cells)} |\n")
            heavy += [name] if first.size > BUDGET else []
            page.context.close()
        browser.close()
    say(f"Over {BUDGET // 1024} kB: {', '.join(heavy) or 'none'}.\n")
    return int(bool(heavy))


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:3]))
