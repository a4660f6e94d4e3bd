"""Pictures of every page type for docs/screens, in four looks, of a demo shop that is made for them.

python scripts/screens [--only list,order] [--shop FOLDER]     # FOLDER: a data directory to keep; else a passing one
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from album import Album, index
from playwright.sync_api import sync_playwright
from shop import Shop
from shots import SHOTS


def main() -> None:
    asked = argparse.ArgumentParser(prog="screens")
    asked.add_argument("--only", default="", help="names of pictures, with commas")
    asked.add_argument("--shop", type=Path, help="a data directory that stays for the next time")
    given = asked.parse_args()
    only = {name for name in given.only.split(",") if name}
    if unknown := only - {shot.name for shot in SHOTS}:
        raise SystemExit(f"There is no picture {', '.join(sorted(unknown))}.")
    with (
        tempfile.TemporaryDirectory(prefix="maktab-screens-") as passing,
        sync_playwright() as driver,
        Shop(given.shop or Path(passing)) as shop,
        Album(driver, shop) as album,
    ):
        for shot in SHOTS:
            if not only or shot.name in only:
                album.take(shot)
    index(SHOTS)
    if not only:
        album.check_list()
    album.report()


if __name__ == "__main__":
    main()
