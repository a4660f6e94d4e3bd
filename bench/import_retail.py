"""The whole Online Retail file, by the command line or through the pages in a browser, against an independent recount.

    .venv/bin/python bench/import_retail.py ../shared/data/orders/online_retail_uci.csv.gz [--ui]

A fresh install in a temporary directory; MAKTAB_DATABASE_URL: in that (empty) PostgreSQL database instead. Imports the
file, compares every invoice with the raw file, imports it again (nothing may change), and with --ui rolls it back
(nothing may be left). Prints a line of JSON per step: seconds, rows/s, peak memory.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

MAPPING = Path(__file__).parents[1] / "plugins" / "orders" / "demo" / "online_retail.json"
PENNY = Decimal("0.01")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
LONGEST_S = 1800
COUNTS = ("created", "updated", "unchanged", "rejected")


def say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def maktab(*arguments: str, environ: dict[str, str]) -> str:
    command = [sys.executable, "-P", "-m", "core.cli", *arguments]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}")
    return done.stdout


def recount(file: str) -> dict[str, tuple[int, int]]:
    """{invoice: (total in pence, lines)} with csv and Decimal alone."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    lines: defaultdict[str, int] = defaultdict(int)
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            amount = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"])
            sums[row["InvoiceNo"]] += amount.quantize(PENNY, ROUND_HALF_EVEN)
            lines[row["InvoiceNo"]] += 1
    return {number: (int(total * 100), lines[number]) for number, total in sums.items()}


def kept(environ: dict[str, str], home: str) -> dict[str, tuple[int, int]]:
    """The same of what the install gives back."""
    out = Path(home, "back.jsonl")
    maktab("export", "orders.order", "--out", str(out), environ=environ)
    found = {}
    with out.open(encoding="utf-8") as lines:
        for line in lines:  # one at a time: the peak of a child counts the memory of the process that started it
            doc = json.loads(line)
            found[doc["number"]] = (sum(item["line_total_minor"] for item in doc["lines"]), len(doc["lines"]))
    return found


def compare(file: str, environ: dict[str, str], home: str) -> None:
    ours, theirs = kept(environ, home), recount(file)
    wrong = sorted(number for number in ours.keys() | theirs.keys() if ours.get(number) != theirs.get(number))
    if wrong:
        sys.exit(f"{len(wrong)} invoices differ from the raw file: {', '.join(wrong[:5])}")
    total = sum(total for total, _lines in ours.values())
    say(step="recount", invoices=len(ours), lines=sum(lines for _total, lines in ours.values()), total_minor=total)


def by_command(file: str, environ: dict[str, str], home: str) -> None:
    for step in ("first", "again"):
        began = time.monotonic()
        answer = maktab("import", "orders.order", file, "--mapping", str(MAPPING), "--json", environ=environ)
        seconds, result = time.monotonic() - began, json.loads(answer)
        # The largest child so far: the import itself is by far the largest.
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // (1024 if sys.platform == "linux" else 2**20)
        counts = {name: result[name] for name in COUNTS}
        say(step=step, **counts, seconds=round(seconds, 1), rows_per_s=round(result["rows"] / seconds), peak_mb=peak)
        if step == "first":
            compare(file, environ, home)


def by_page(file: str, environ: dict[str, str], home: str, password: str) -> None:
    from playwright.sync_api import sync_playwright

    start = f"http://127.0.0.1:{environ['PORT']}/admin"
    with served(environ) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        page.goto(f"{start}/sign-in")
        page.fill("[name=username]", "owner")
        page.fill("[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_selector(".mk-side")
        for step in ("first", "again"):
            import_through(page, server, start, file, step)
            if step == "first":
                compare(file, environ, home)
        first = page.goto(f"{start}/imports/") and page.locator("main a[href$='/imports/1']").first
        if not first:
            sys.exit("The first import is not in the list.")
        first.click()
        page.once("dialog", lambda question: question.accept())
        began = time.monotonic()
        page.click("button:has-text('Roll back')")
        ended(page)
        say(step="rollback", seconds=round(time.monotonic() - began, 1), left=len(kept(environ, home)))


def import_through(page: Page, server: subprocess.Popen[bytes], start: str, file: str, step: str) -> None:
    """Upload, mapping file, dry run, import: as an operator does it."""
    page.goto(f"{start}/imports/new?resource=orders.order")
    page.set_input_files("[name=file]", file)
    began = time.monotonic()
    page.click("button:has-text('Upload')")
    page.wait_for_selector("[name=mapping_file]")
    uploaded = time.monotonic()
    page.set_input_files("[name=mapping_file]", MAPPING)
    page.click("button:has-text('Show the chosen mapping')")
    page.wait_for_selector("button:has-text('Start the dry run')")
    page.click("button:has-text('Start the dry run')")
    tried_s = ended(page)
    page.click("main a:has-text('See the import')")
    tried = counts(page)
    page.click("button:has-text('Import now')")
    seconds = ended(page)
    page.click("main a:has-text('See the import')")
    say(
        step=step, upload_s=round(uploaded - began, 1), dry_run_s=round(tried_s, 1), dry_run=tried,
        seconds=round(seconds, 1), **counts(page), peak_mb=peak_mb(server),
    )  # fmt: skip


def ended(page: Page) -> float:
    """Wait on the job's page until it has ended; the seconds it took."""
    began = time.monotonic()
    page.wait_for_url("**/admin/jobs/*")
    page.wait_for_selector("main dt:has-text('Ended')", timeout=LONGEST_S * 1000)
    return time.monotonic() - began


def counts(page: Page) -> dict[str, int]:
    texts = {name: page.inner_text(f"[data-count={name}]") for name in COUNTS}
    return {name: int(text.replace(",", "")) for name, text in texts.items()}


def peak_mb(server: subprocess.Popen[bytes]) -> int:
    """The highest that any process of the install has needed so far."""
    import psutil

    processes = psutil.Process(server.pid).children(recursive=True)
    marks = [Path(f"/proc/{one.pid}/status").read_text() for one in processes]
    return max(int(mark.split("VmHWM:")[1].split()[0]) for mark in marks) // 1024


@contextmanager
def served(environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen([sys.executable, "-P", "-m", "core.cli", "serve"], env=environ)
    try:
        end = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", int(environ["PORT"]))):
            if time.monotonic() > end:
                sys.exit("The server does not answer.")
            time.sleep(0.2)
        yield server
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


def main() -> None:
    files = [argument for argument in sys.argv[1:] if argument != "--ui"]
    if len(files) != 1:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as home, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        environ = os.environ | {"MAKTAB_DATA_DIR": home, "PORT": str(free.getsockname()[1])}
        free.close()
        password = json.loads(maktab("init", "--json", environ=environ))["password"]
        kind = "postgresql" if environ.get("MAKTAB_DATABASE_URL") else "sqlite"
        say(database=kind, through="pages" if "--ui" in sys.argv else "command", python=platform.python_version())
        if "--ui" in sys.argv:
            by_page(files[0], environ, home, password)
        else:
            by_command(files[0], environ, home)


if __name__ == "__main__":
    main()
