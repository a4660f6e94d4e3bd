"""Work for processes that are disturbed meanwhile, and the books that must balance afterwards."""

from __future__ import annotations

import io
import json
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from core import access, audit, auth, files, jobs
from core.audit import Entry
from core.context import SYSTEM, Context
from core.events import Event
from core.jobs.models import Job, JobItem
from plugins.transfer import api as transfer

CTX = Context(actor=SYSTEM, source="cli")
REPEAT = (409, 429, 502, 503)
"""The answers after which a caller sends the same again, with the same key."""


def make_owner(username: str = "clicker", password: str = "") -> auth.User:
    access.ensure_default_roles(CTX)
    user = auth.create_user(CTX, username, password or secrets.token_urlsafe())
    access.assign(CTX, user, "owner")
    return user


class Caller:
    """A program with an API token that repeats each call with its key until it is answered."""

    def __init__(self, place: int | str, user: auth.User, trust: ssl.SSLContext | None = None) -> None:
        """`place`: a port of this machine, or an address; `trust`: for TLS."""
        self.address = f"{place if isinstance(place, str) else f'http://127.0.0.1:{place}'}/api/v1"
        self.token, self.trust = auth.create_token(CTX, user, ["*"]), trust

    def once(self, path: str, body: Any = None, key: str = "", timeout_s: float = 10) -> Any:
        """`body`: JSON, or (bytes, content type)."""
        data, kind = body if isinstance(body, tuple) else (json.dumps(body).encode(), "application/json")
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        headers |= {"Idempotency-Key": key} if key else {}
        request = urllib.request.Request(self.address + path, None if body is None else data, headers)
        with urllib.request.urlopen(request, timeout=timeout_s, context=self.trust) as answer:
            return json.load(answer)

    def call(self, path: str, body: Any, key: str, meanwhile: Callable[[], Any] = lambda: None) -> Any:
        end = time.monotonic() + 180
        while True:
            try:
                return self.once(path, body, key)
            except (OSError, urllib.error.URLError) as problem:
                if isinstance(problem, urllib.error.HTTPError) and problem.code not in REPEAT:
                    raise AssertionError(problem.read()) from problem
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
                meanwhile()

    def click(self, number: int, meanwhile: Callable[[], Any] = lambda: None) -> int:
        """One press of the button `Stamp` for all things; the job's number."""
        asked = {"all": True, "filters": {"name__prefix": "thing"}, "arguments": {"label": f"click {number}"}}
        return int(self.call("/things/actions/stamp", asked, f"k{number}", meanwhile)["job"]["id"])


def open_jobs() -> int:
    """Jobs that have not ended, and events of which none has been made yet (asked first: they become jobs)."""
    events = int(Event.select().where(Event.relayed_at.is_null()).count())
    return events + int(Job.select().where(Job.status.in_(["waiting", "running", "parked"])).count())


def start_import(rows: int) -> int:
    """`rows` good rows, one that is there twice and one without its name."""
    text = "name,stamps\n" + "".join(f"row {number},0\n" for number in range(rows)) + "row 7,0\n,1\n"
    file = files.store(CTX, io.BytesIO(text.encode()), "rows.csv")
    mapping = transfer.Mapping(columns=(("name", "name"), ("stamps", "stamps")), key=("name",))
    return int(transfer.start(CTX, "ledger.thing", file.id, mapping).id)


def check_import(number: int, rows: int, others: int = 0) -> None:
    """All rows are there once, with their audit entries, and the bad ones are not; `others`: made by hand meanwhile."""
    from ledger.models import Thing

    made = transfer.Import.get_by_id(number)
    assert (made.state, made.created, made.rejected) == ("completed_with_errors", rows, 1)
    names = [row[0] for row in Thing.select(Thing.name).where(Thing.name.startswith("row ")).tuples()]
    assert sorted(names) == sorted(f"row {row}" for row in range(rows))
    created = Entry.select().where(Entry.resource == "ledger.thing", Entry.action == "created")
    assert created.count() == rows + others


def check_clicks(ids: list[int], clicked: dict[int, int]) -> None:
    """Each click (number: job) has stamped each thing once, with one audit entry each and its events delivered."""
    from ledger.models import Effect, Thing

    assert Job.select().where(Job.kind == "core.action").count() == len(clicked) == len(set(clicked.values()))
    for number, job_id in clicked.items():
        job = Job.get_by_id(job_id)
        done = sorted(row[0] for row in Effect.select(Effect.thing_id).where(Effect.what == f"click {number}").tuples())
        assert (job.status, job.done, job.failed) == ("done", len(ids), 0)
        assert done == ids, f"click {number}: {len(done)} effects"
        assert JobItem.select().where(JobItem.job_id == job_id, JobItem.state == "done").count() == len(ids)
    assert {row[0] for row in Thing.select(Thing.stamps).where(Thing.id.in_(ids)).tuples()} == {len(clicked)}
    stamped = Entry.select().where(Entry.resource == "ledger.thing", Entry.action == "stamped")
    assert stamped.count() == len(ids) * len(clicked)
    told = Event.select().where(Event.name == "ledger.thing_stamped.v1").count()
    delivered = Job.select().where(Job.kind == "core.deliver", Job.status == "done").count()
    assert told == delivered == len(clicked) * -(-len(ids) // 200)


def check_audit() -> None:
    """Every entry is sealed, and the chain holds."""
    while audit.seal():
        pass
    assert audit.verify().ok


def walk(count: int, steps: int, pause_s: float = 0.0) -> list[int]:
    """`count` jobs that leave one effect per step; their numbers."""
    args = {"steps": steps, "pause_s": pause_s}
    return [jobs.enqueue(CTX, "ledger.walk", args).id for _ in range(count)]


def check_walks(numbers: list[int], steps: int) -> None:
    """Every job is done, each of its steps exactly once."""
    from ledger.models import Effect

    for number in numbers:
        assert Job.get_by_id(number).status == "done"
        rows = Effect.select(Effect.thing_id).where(Effect.what == f"walk:{number}").order_by(Effect.thing_id)
        assert [row[0] for row in rows.tuples()] == list(range(steps)), f"job {number}"
