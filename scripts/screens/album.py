"""Takes one shot in every look and keeps small files."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Page, Playwright
from playwright.sync_api import TimeoutError as TooLate
from shop import PASSWORD, PEOPLE, ROOT, Shop

from core.testing import pages as checks

FOLDER = ROOT / "docs" / "screens"
LIMIT, QUALITIES = 70_000, (72, 58, 46, 38)
HEAD = """# Screens

Every type of page, as it looks. `make screens` takes these pictures again, of a demo shop that it makes in a passing
folder (`ONLY=list,record`: some of them; `SHOP=folder`: a shop that stays), and writes this page. What axe-core finds
on them stands in [checks](checks.md).
"""
CHECKS = """# Checks

How much is wrong on each of the [pictured pages](README.md) as it stood there, in each look: what axe-core finds (rules
{rules}),
a page that scrolls sideways (360 px wide on the phone), a menu that leaves the window. `make screens` without `ONLY`
writes this page, and ends with an error for any other number than 0.

| page | wide | dark | phone | Arabic |
| --- | --- | --- | --- | --- |
"""
NEUTRAL = """folder => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(folder, "/srv/maktab");
}"""  # no picture says where it was taken
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


class Look(NamedTuple):
    """How somebody sees the admin."""

    name: str
    locale: str
    theme: str
    size: tuple[int, int]


LOOKS = [
    Look("wide", "en", "light", (1200, 760)),
    Look("dark", "en", "dark", (1200, 760)),
    Look("phone", "en", "light", (360, 740)),
    Look("arabic", "ar", "light", (1200, 760)),
]
Show = Callable[[Page], Any]


@dataclass(frozen=True)
class Shot:
    """One picture: `show(page)` brings a signed-in page to what is to be seen.

    `once(page)`: done before, by the first look alone, to make what is to be seen. `after(page)`: done by each, to
    leave things as they were. `is_public`: by somebody who is not signed in.
    """

    name: str
    title: str
    show: Show
    once: Show | None = None
    after: Show | None = None
    is_public: bool = False


@dataclass
class Album:
    """`with Album(driver, shop) as album`: a browser with a page for each look."""

    driver: Playwright
    shop: Shop
    pages: dict[Look, Page] = field(default_factory=dict)
    strangers: dict[Look, Page] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    wrong: dict[str, list[list[str]]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Album:
        path = os.environ.get("MAKTAB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        browser = self.driver.chromium.launch(executable_path=path, args=FLAGS)
        self._stack.callback(browser.close)
        FOLDER.mkdir(parents=True, exist_ok=True)
        for look in LOOKS:
            width, height = look.size
            options = {"base_url": self.shop.address, "locale": {"ar": "ar-SA"}.get(look.locale, "en-GB")}
            for kept in (self.strangers, self.pages):
                page = browser.new_page(viewport={"width": width, "height": height}, **options)
                page.on("dialog", lambda dialog: dialog.accept())  # yes, leave what was typed
                page.set_default_timeout(40_000)
                theme = {"name": "maktab_theme", "value": look.theme, "url": self.shop.address}
                page.context.add_cookies([theme])
                kept[look] = page
            _enter(self.pages[look], look.locale)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def take(self, shot: Shot) -> None:
        """The shot in every look; what cannot be shown is named at the end, the others are taken all the same."""
        pages = self.strangers if shot.is_public else self.pages
        try:
            if shot.once:
                shot.once(pages[LOOKS[0]])
            found = self.wrong[shot.title] = []
            for look, page in pages.items():
                shot.show(page)
                self._keep(page, FOLDER / f"{shot.name}-{look.name}.jpg")
                found.append(checks.seen(page))
                if shot.after:
                    shot.after(page)
        except (TooLate, TooHeavy) as problem:
            self.failed.append(f"{shot.name}: {problem}")
            sys.stdout.write(f"{shot.name}: not taken\n")

    def _keep(self, page: Page, path: Path) -> None:
        page.wait_for_load_state("networkidle")
        page.evaluate("document.fonts.ready")
        page.evaluate(NEUTRAL, str(self.shop.folder))
        for quality in QUALITIES:
            picture = page.screenshot(type="jpeg", quality=quality, animations="disabled", caret="hide")
            if len(picture) <= LIMIT:
                break
        else:
            raise TooHeavy(f"{path.name} has {len(picture)} bytes, more than {LIMIT}.")
        path.write_bytes(picture)
        self.sizes.append(len(picture))
        sys.stdout.write(f"{path.name:32} {len(picture):>7} {quality}\n")
        sys.stdout.flush()

    def report(self) -> None:
        sys.stdout.write(f"{len(self.sizes)} pictures, {sum(self.sizes):,} bytes\n")
        found = [f"{title}: {text}" for title, looks in self.wrong.items() for texts in looks for text in texts]
        if self.failed or found:
            raise SystemExit("\n".join(["Not taken:", *self.failed, "Found:", *found]))

    def check_list(self) -> None:
        """The page that says how many things were wrong, of all shots."""
        rows = [
            f"| {title} | {' | '.join(str(len(texts)) for texts in looks)} |\n" for title, looks in self.wrong.items()
        ]
        text = CHECKS.format(rules=", ".join(checks.RULES)) + "".join(rows)
        (FOLDER / "checks.md").write_text(text, encoding="utf-8")


def index(shots: Iterable[Shot]) -> None:
    """The page that shows all pictures."""
    lines = [HEAD]
    for shot in shots:
        pictures = [f"{shot.name}-{look.name}.jpg" for look in LOOKS]
        shown = " | ".join(f"[![{shot.title}]({picture})]({picture})" for picture in pictures)
        lines.append(f"\n## {shot.title}\n\n| wide | dark | phone | Arabic |\n| --- | --- | --- | --- |\n| {shown} |\n")
    (FOLDER / "README.md").write_text("".join(lines), encoding="utf-8")


class TooHeavy(Exception):
    """A picture that does not belong into a repository."""


def _enter(page: Page, locale: str) -> None:
    page.goto("/admin/sign-in")
    page.fill("#f-username", PEOPLE[locale][0])
    page.fill("#f-password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".mk-side", state="attached")
    if page.get_attribute("html", "lang") != locale:
        page.goto("/admin/profile/")
        page.select_option("#f-locale", locale)
        page.click("button[value=profile]")
        page.wait_for_selector(f"html[lang={locale}]")
