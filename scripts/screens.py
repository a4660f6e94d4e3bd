"""Pictures of a running demo shop for docs/screens. Tags every order as a job and takes that back at the end.

MAKTAB_PASSWORD=... python scripts/screens.py [http://127.0.0.1:8000] [user]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screens"
WIDE, PHONE = (1200, 720), (360, 740)
LIMIT = 150_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
FOREIGN = """Bestellung;Datum;Kunde;Artikel;Bezeichnung;Menge;Preis;Währung
B-1;01.03.2024;Mona Weber;MUG-BLUE;Becher, blau;2;12,50;EUR
B-1;01.03.2024;Mona Weber;MUG-RED;Becher, rot;1;12,50;EUR
B-2;02.03.2024;Jan Hoff;ROBE-M;Bademantel M;1;59,90;EUR
"""


def keep(page: Page, name: str) -> None:
    """One picture of what the window shows; a picture that is too heavy for the repository is refused."""
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size
    sys.stdout.write(f"{path.name:24} {size:>7}\n")
    if size > LIMIT:
        raise SystemExit(f"{path.name} has more than {LIMIT} bytes.")


def sign_in(page: Page, start: str, user: str, password: str) -> None:
    page.goto(f"{start}/admin/")
    keep(page, "sign-in")
    page.fill("#f-username", user)
    page.fill("#f-password", password)
    page.click("button[type=submit]")
    page.wait_for_selector(".mk-side")


def work(page: Page, start: str) -> str:
    """The operator's day; the address of the job that tags every order."""
    page.goto(f"{start}/admin/orders/?limit=25")
    page.wait_for_selector("[data-count]:not(:text('…'))")
    page.check("[data-all]")
    page.check("[name=everything]")
    keep(page, "orders")
    page.click(".mk-bulk button:has-text('Add tags')")
    page.fill("dialog[open] input[type=text]", "gift")
    page.click("dialog[open] button.mk-btn-p")
    page.wait_for_url("**/admin/jobs/*")
    job = page.url
    page.wait_for_selector("main progress[value]:not([value='0'])")
    keep(page, "job")
    page.goto(f"{start}/admin/audit/")
    keep(page, "audit-log")
    return job


def mapping(page: Page, start: str) -> None:
    page.goto(f"{start}/admin/imports/new?resource=orders.order")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "orders.csv")
        file.write_text(FOREIGN, encoding="utf-8")
        page.set_input_files("#f-file", file)
        page.click(".mk-save button.mk-btn-p")
        page.wait_for_selector("main h1")
    page.wait_for_load_state()
    keep(page, "import-mapping")


def order(page: Page, start: str, name: str) -> None:
    page.goto(f"{start}/admin/orders/?sort=number")
    page.click("a.mk-key >> nth=0")
    page.wait_for_selector("#timeline")
    keep(page, name)


def speak(page: Page, start: str, locale: str) -> None:
    page.goto(f"{start}/admin/profile/")
    page.select_option("#f-locale", locale)
    page.click("button[value=profile]")
    page.wait_for_selector(f"html[lang={locale}]")


def undo(page: Page, job: str) -> None:
    """Takes the tags back; orders that had them before keep them, then there is nothing to undo."""
    page.goto(job)
    page.wait_for_selector("#progress:not([hx-get])", timeout=120_000)
    button = page.locator(".mk-head-a button:has-text('Undo')")
    if button.count():
        button.click()


def variants(browser: Browser, page: Page, start: str) -> None:
    """The same pages in Arabic, in the dark and on a phone."""
    speak(page, start, "ar")
    try:
        page.goto(f"{start}/admin/orders/?limit=25")
        keep(page, "orders-arabic")
    finally:
        speak(page, start, "en")
    state = page.context.storage_state()
    page.context.add_cookies([{"name": "maktab_theme", "value": "dark", "url": start}])
    order(page, start, "order-dark")
    small = browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]}, storage_state=state)
    small.goto(f"{start}/admin/orders/?limit=25")
    keep(small, "orders-phone")


def main(start: str = "http://127.0.0.1:8000", user: str = "owner") -> None:
    password = os.environ.get("MAKTAB_PASSWORD")
    if not password:
        raise SystemExit("Please set MAKTAB_PASSWORD to the password that `make run` printed.")
    path = os.environ.get("MAKTAB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]}, locale="en-GB")
        sign_in(page, start.rstrip("/"), user, password)
        job = work(page, start)
        order(page, start, "order")
        mapping(page, start)
        variants(browser, page, start)
        undo(page, job)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
