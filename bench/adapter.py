"""Maktab as a target of the performance harness: how each operation of its ops.py is asked for, and its answer checked.

The harness loads this file (BENCH_ADAPTER) in its own environment: nothing of Maktab can be imported here. `run.py`
starts the servers and says in the environment where they are. Operations that the harness lacks are added to its
list, for the peers too where they have such a thing.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from ops import OPS, Op, Request  # type: ignore[import-not-found]
from targets import Django, FlaskAdmin, Floor, Running  # type: ignore[import-not-found]

sys.path.insert(0, str(Path(__file__).parent))
import sheet

ORDERS, JOBS, IMPORTS = "/admin/orders/", "/admin/jobs/", "/admin/imports/"
ROW, PAGE = b'<a class="mk-key"', 50
WRONG_PAGE = b"This is the whole list instead"
SORTS = ("placed_at", "number", "customer_name", "items", "total_minor", "updated_at")
FILTERS = {
    "two": {"status": "open", "payment_status": "unpaid"},
    "channel": {"sales_channel": "marketplace"},
    "date": {"placed_at__gte": "2025-06-01", "placed_at__lte": "2025-06-30"},
    "total": {"total_minor__gte": "50000"},
    "tag": {"tags": "gift"},
    "rare": {"fulfillment_status": "in_progress", "sales_channel": "marketplace"},
}
BUSY_ORDERS, BUSY_ROWS, EXPORTED = 10_000, 30_000, 100_000
_SEARCHES = [
    Op("search_part_name", "free text: part of a name, 'mar Khal'", 10, 1),
    Op("search_part_number", "free text: six digits of an order number", 10, 1),
    Op("search_whole_email", "free text: a whole e-mail address", 10, 1),
]
_OURS = [
    *_SEARCHES,
    *(Op(f"first_{name}{way}", f"order list by {name}", 8, 2) for name in SORTS for way in ("_down", "_up")),
    *(Op(f"mid_{name}", f"order list by {name}, page at half depth", 8, 2) for name in SORTS),
    *(Op(f"filter_{name}", f"order list, {urlencode(given)}", 8, 2) for name, given in FILTERS.items()),
    Op("count", "the late count beside the list", 8, 2),
]
_AFTERWARDS = [
    Op("bulk_locks", "how long the write lock is held during a bulk action (SQLite)", 1, 0),
    Op("list_busy", "order list, first page, while an import, an export and a bulk action run", 60, 3),
]
OPS[[op.name for op in OPS].index("detail") : 0] = _OURS
OPS.extend(_AFTERWARDS)


def _part_number(rows: int) -> str:
    return f"{rows // 2:08d}"[2:]


def _peer_searches(peer: Any) -> None:
    """The same additional terms for a target of the harness, whose search takes any text."""
    peer.search_part_name = lambda self, **_given: self.search_name("mar Khal")
    peer.search_part_number = lambda self, **_given: self.search_name(_part_number(self.rows))
    peer.search_whole_email = lambda self, **_given: self.search_name(_an_email(self))


def _an_email(peer: Any) -> str:
    """The address of the customer in the middle, from the harness's own data."""
    with (peer.scratch / "data" / str(peer.rows) / "customer.csv").open() as lines:
        found: str = next(line for n, line in enumerate(lines, 1) if n == peer.rows // 8).split(",")[1]
        return found


for _peer in (Floor, Django, FlaskAdmin):
    _peer_searches(_peer)


class Store:
    """Maktab's database, read from the side: what a job has done, and whether all of it is there."""

    def __init__(self, place: str) -> None:
        self.place, self.is_sqlite = place, place.endswith(".db")
        if self.is_sqlite:
            self._db: Any = sqlite3.connect(f"file:{place}?mode=ro", uri=True, timeout=30)
        else:
            import psycopg

            self._db = psycopg.connect(place, autocommit=True)

    def rows(self, statement: str, *bound: Any) -> list[Any]:
        text = statement if self.is_sqlite else statement.replace("?", "%s")
        return list(self._db.execute(text, bound).fetchall())

    def one(self, statement: str, *bound: Any) -> Any:
        found = self.rows(statement, *bound)
        return found[0][0] if found else None


class Adapter(Running):  # type: ignore[misc]
    """`clicks`, `noted`: milliseconds until each bulk action was answered, and until its rows stood in the job."""

    name = "maktab"

    def start(self) -> None:
        self.port = int(os.environ["BENCH_URL_PORT"])
        self.web, self.worker = (psutil.Process(int(os.environ[f"BENCH_{name}_PID"])) for name in ("WEB", "WORKER"))
        self.store, self.cursors = Store(os.environ["BENCH_MAKTAB_DB"]), json.loads(os.environ["BENCH_CURSORS"])
        self.with_worker, self.next_id, self.number = False, 1, 0
        self.clicks: list[float] = []
        self.noted: list[float] = []
        self.busy: dict[str, int] = {}
        self.wait(self.ready)
        self._sign_in()

    def _sign_in(self) -> None:
        """Like a person: the form, its CSRF token, name and password."""
        token = _token(self.send(Request("/admin/sign-in")))
        self._keep_cookie()
        form = {"username": os.environ["BENCH_USER"], "password": os.environ["BENCH_PASSWORD"], "csrf_token": token}
        self.send(Request("/admin/sign-in", "POST", urlencode(form).encode(), status=(302,)))
        self._keep_cookie()
        self.token = _token(self.send(self.list_first()))
        self._keep_cookie()

    def _keep_cookie(self) -> None:
        given = [value.split(";")[0] for name, value in self.last.getheaders() if name.lower() == "set-cookie"]
        self.headers["Cookie"] = "; ".join(given)

    def children(self) -> list[psutil.Process]:
        """Whose CPU and memory count: the web workers, and the job worker where an operation is a job."""
        return [*self.web.children(recursive=True), *([self.worker] if self.with_worker else [])]

    def send(self, request: Any) -> bytes:
        answer: bytes = super().send(request)
        assert WRONG_PAGE not in answer, (request.path, "the list refused what was asked for")
        return answer

    # Lists and search

    def _list(self, want: int | None = PAGE, **args: str) -> Any:
        return Request(f"{ORDERS}?{urlencode(args)}" if args else ORDERS, want=(ROW, want))

    def list_first(self, **_given: Any) -> Any:
        self._calm()
        return self._list()

    def list_mid(self, **_given: Any) -> Any:
        return self._middle("placed_at")

    def list_status(self, **_given: Any) -> Any:
        return self._list(status="open")

    def sort_total(self, **_given: Any) -> Any:
        return self._list(sort="-total_minor")

    def search_name(self, q: str, **_given: Any) -> Any:
        return self._list(None, q=self.terms(q))

    search_email = search_name

    def search_number(self, q: str, **_given: Any) -> Any:
        return self._list(1, q=self.terms(q))

    def search_part_name(self, **_given: Any) -> Any:
        return self._list(None, q="mar Khal")

    def search_part_number(self, **_given: Any) -> Any:
        return self._list(None, q=_part_number(self.rows))

    def search_whole_email(self, **_given: Any) -> Any:
        return self._list(None, q=_an_email(self))

    def count(self, **_given: Any) -> Any:
        return Request(f"{ORDERS}count", want=(f"{min(10_000, self.rows):,}".encode(), None))

    def detail(self, **_given: Any) -> Any:
        lines = self.store.one("SELECT count(*) FROM orders_line WHERE order_id = ?", self.rows // 2)
        return Request(f"{ORDERS}{self.rows // 2}", want=(b"<bdi>SKU-", lines))

    def _middle(self, sort: str) -> Any:
        """The page behind the row at half depth."""
        usual = {} if sort == "placed_at" else {"sort": f"-{sort}"}  # a link leaves out what the list does anyway
        return self._list(cursor=self.cursors[sort], **usual)

    # Jobs

    def _post(self, path: str, form: dict[str, Any]) -> str:
        """Post a form like a browser; where the answer leads to."""
        body = urlencode(form | {"csrf_token": self.token}).encode()
        self.send(Request(path, "POST", body, status=(302,)))
        return str(self.last.getheader("Location"))

    def _confirmed(self, path: str, form: dict[str, Any]) -> str:
        """Post a form and say yes to the question that comes back; where the answer leads to."""
        body = urlencode(form | {"csrf_token": self.token}).encode()
        grant = re.findall(rb'name="confirm.grant" value="([^"]+)"', self.send(Request(path, "POST", body)))[0]
        yes = {"confirm.grant": grant.decode(), "confirm.password": os.environ["BENCH_PASSWORD"]}
        where = self._post(path, form | yes)
        if self.last.getheader("Set-Cookie"):  # the password was asked for again, and the session has another secret
            self._keep_cookie()
        return where

    def _started(self, place: str) -> int:
        return int(place.rpartition("/")[2])

    def _wait(self, job: int) -> tuple[Any, ...]:
        """Until the job has ended: (status, done, failed, result)."""
        began, is_noted = time.perf_counter(), False
        ask = "SELECT status, done, failed, result, total FROM core_job WHERE id = ?"
        while True:
            *found, total = self.store.rows(ask, job)[0]
            if total is not None and not is_noted:
                self.noted.append((time.perf_counter() - began) * 1000)
                is_noted = True
            if found[0] not in ("waiting", "running"):
                return tuple(found)
            time.sleep(0.01)

    def _bulk(self, count: int) -> Callable[[], bytes]:
        """Archive `count` completed orders: "all that match" a time span, which no earlier call had."""
        chosen = "SELECT id, placed_at FROM orders_order WHERE status = 'completed' AND id >= ? ORDER BY id LIMIT ?"
        found = self.store.rows(chosen, self.next_id, count)
        assert len(found) == count, f"only {len(found)} completed orders are left"
        self.next_id, (begin, end) = found[-1][0] + 1, (found[0][1], found[-1][1])
        span = "FROM orders_order WHERE status = ? AND placed_at >= ? AND placed_at <= ?"
        expected = self.store.one(f"SELECT count(*) {span}", "completed", begin, end)
        last_entry = self.store.one("SELECT max(id) FROM core_audit_entry")
        self.with_worker = True

        def run() -> bytes:
            match = {"status": "completed", "placed_at__gte": _moment(begin), "placed_at__lte": _moment(end)}
            clicked = time.perf_counter()
            job = self._started(self._post(f"{ORDERS}actions/archive", {"everything": "1", "query": urlencode(match)}))
            self.clicks.append((time.perf_counter() - clicked) * 1000)
            status, done, failed, _result = self._wait(job)
            entries = "SELECT count(*) FROM core_audit_entry WHERE id > ? AND resource = ? AND action = ?"
            noted = self.store.one(entries, last_entry, "orders.order", "archive")
            assert (status, done, failed, noted) == ("done", expected, 0, expected), (status, done, failed, noted)
            assert self.store.one(f"SELECT count(*) {span}", "archived", begin, end) >= expected
            return b""

        return run

    def bulk_100(self, n: int, **_given: Any) -> Callable[[], bytes]:
        return self._bulk(n)

    bulk_1000 = bulk_10000 = bulk_100

    def bulk_locks(self, **_given: Any) -> Any:
        """Another writer looks each half millisecond whether he could write."""
        if not self.store.is_sqlite:
            return lambda: b""
        work, ended, held = self._bulk(1000), threading.Event(), []

        def probe() -> None:
            with sqlite3.connect(self.store.place, isolation_level=None, timeout=0) as other:
                since = 0.0
                while not ended.wait(0.0005):
                    try:
                        other.execute("BEGIN IMMEDIATE")
                        other.execute("ROLLBACK")
                    except sqlite3.OperationalError:
                        since = since or time.perf_counter()
                        continue
                    if since:
                        held.append((time.perf_counter() - since) * 1000)
                    since = 0.0

        def run() -> bytes:
            watcher = threading.Thread(target=probe)
            watcher.start()
            try:
                return work()
            finally:
                ended.set()
                watcher.join()
                if held:
                    self._note("bulk_lock_held", held)

        return run

    def _note(self, name: str, figures: list[float]) -> None:
        """A line beside those of the harness, for what it does not time itself."""
        ordered = sorted(figures)
        line = {"target": self.name, "db": "sqlite" if self.store.is_sqlite else "pg", "rows": self.rows, "op": name}
        line |= {"p50": ordered[len(ordered) // 2], "p95": ordered[int(len(ordered) * 0.95)], "max": ordered[-1]}
        with (self.scratch / "results.jsonl").open("a") as out:
            out.write(json.dumps(line | {"n": len(ordered)}) + "\n")

    def export_100k(self, **_given: Any) -> Callable[[], bytes]:
        """Start the export of the list's columns, wait for its job, download the file."""
        last = self.store.one("SELECT placed_at FROM orders_order WHERE id = ?", min(EXPORTED, self.rows))
        expected = self.store.one("SELECT count(*) FROM orders_order WHERE placed_at <= ?", last)
        self.with_worker = True
        for process in self.children():  # the peak from here on, not that of what ran before
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")

        def run() -> bytes:
            status, _done, _failed, result = self._wait(self._export(_moment(last)))
            assert status == "done", status
            file = self.send(Request(f"{JOBS}file/{json.loads(result)['file_id']}"))
            assert file.count(b"\r\n") == expected + 1, (file.count(b"\r\n"), expected)
            return file

        return run

    def _export(self, until: str) -> int:
        form = {"resource": "orders.order", "format": "list", "placed_at__lte": until}
        return self._started(self._confirmed(f"{IMPORTS}export", form))

    # Lists while jobs run

    def list_busy(self, **_given: Any) -> Any:
        """The first page; before it is asked for, an import, an export and a bulk action are under way."""
        self.with_worker = False
        for begin in (self._tag, self._export_all, self._import):
            self._keep_running(begin)
        return self._list()

    def _keep_running(self, begin: Callable[[], int]) -> None:
        """Begin a job when the last one of its sort has ended, and wait until it runs."""
        status = "SELECT status FROM core_job WHERE id = ?"
        if self.store.one(status, self.busy.get(begin.__name__, 0)) == "running":
            return
        self.busy[begin.__name__] = job = begin()
        while self.store.one(status, job) == "waiting":
            time.sleep(0.01)

    def _tag(self) -> int:
        until = self.store.one("SELECT placed_at FROM orders_order WHERE id = ?", min(BUSY_ORDERS, self.rows))
        form = {"everything": "1", "query": urlencode({"placed_at__lte": _moment(until)}), "confirmed": "1"}
        return self._started(self._post(f"{ORDERS}actions/add_tags", form | {"argument.tags": secrets.token_hex(4)}))

    def _export_all(self) -> int:
        return self._export(_moment(self.store.one("SELECT max(placed_at) FROM orders_order")))

    def _import(self) -> int:
        self.number += 1
        file = sheet.write(self.scratch / "busy.csv", BUSY_ROWS, f"busy {self.number} {secrets.token_hex(3)}")
        body, kind = _multipart({"csrf_token": self.token, "resource": "orders.order"}, file)
        self.send(Request(f"{IMPORTS}new", "POST", body, kind, status=(302,)))
        return self._started(self._post(self.last.getheader("Location"), {"do": "run"} | self._mapping()))

    def _mapping(self) -> dict[str, str]:
        return {f"t{place}": name for place, name in enumerate(sheet.HEADER)}

    def _calm(self) -> None:
        """Cancel what runs and wait until all is quiet and sealed: the next figures are those of an idle server."""
        self.with_worker = False
        for (job,) in self.store.rows("SELECT id FROM core_job WHERE status IN ('waiting', 'running') AND user_id > 0"):
            self._post(f"{JOBS}{job}/cancel", {})
        left = "(SELECT count(*) FROM core_job WHERE status = 'running')"
        unsealed = "(SELECT count(*) FROM core_audit_entry WHERE seq IS NULL)"
        end = time.monotonic() + 60
        while self.store.one(f"SELECT {left} + {unsealed}") and time.monotonic() < end:
            time.sleep(0.1)

    def stop(self) -> None:
        for name, figures in (("bulk_click", self.clicks), ("bulk_noted", self.noted)):
            if figures:
                self._note(name, figures)
        self._calm()


def _sorted_list(name: str, way: str) -> Callable[..., Any]:
    return lambda self, **_given: self._list(sort=name if way == "up" else f"-{name}")


def _filtered_list(given: dict[str, str]) -> Callable[..., Any]:
    return lambda self, **_given: self._list(None, **given)


def _middle_list(name: str) -> Callable[..., Any]:
    return lambda self, **_given: self._middle(name)


for _sort in SORTS:
    for _way in ("down", "up"):
        setattr(Adapter, f"first_{_sort}_{_way}", _sorted_list(_sort, _way))
    setattr(Adapter, f"mid_{_sort}", _middle_list(_sort))
for _name, _filter in FILTERS.items():
    setattr(Adapter, f"filter_{_name}", _filtered_list(_filter))


def _token(page: bytes) -> str:
    found = re.search(rb'name="csrf_token" value="([^"]+)"', page)
    assert found, page[:300]
    return found.group(1).decode()


def _moment(value: Any) -> str:
    """A time as the database gives it, as a filter takes it."""
    return f"{str(value).replace(' ', 'T')}+00:00"


def _multipart(fields: dict[str, str], file: Path) -> tuple[bytes, str]:
    mark = secrets.token_hex(12)
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
    text = "".join(parts) + head + "Content-Type: text/csv\r\n\r\n"
    return text.encode() + file.read_bytes() + f"\r\n--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
