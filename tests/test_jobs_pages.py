"""The pages of jobs, through a real client of the whole app."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core import access, files, jobs
from core import runtime as runtime_room
from core.context import SYSTEM, Context, system_context
from core.db import utcnow
from core.jobs import lease
from core.jobs.models import Job
from core.resources.sets import Selection
from core.settings import Settings
from tests.ledger_kit import again, install, things, work_off


@pytest.fixture
def runtime(app_db: Any, settings: Settings) -> Iterator[Any]:
    built = install(settings)
    access.ensure_default_roles(system_context("cli"))
    with runtime_room.bound(built):
        yield built


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def stamp(user: Any = None, bad: Any = (), count: int = 60) -> Job:
    ctx = Context(actor=SYSTEM, source="ui")
    things(count)
    made = jobs.start_action(
        ctx, "ledger.thing", "stamp", Selection("ledger.thing", everything=True), {"label": "x", "bad": list(bad)}
    )
    assert isinstance(made, Job)
    if user is not None:
        Job.update(user_id=user.id).where(Job.id == made.id).execute()
    return made


def post(browser: Any, url: str) -> Any:
    from tests.conftest import csrf_of

    token = csrf_of(browser.get("/admin/jobs/").get_data(as_text=True))
    return browser.post(url, data={"csrf_token": token}, headers={"Referer": "http://localhost/admin/jobs/"})


def test_the_list_shows_jobs_and_says_what_an_empty_one_means(owner: Any) -> None:
    assert "No jobs yet" in owner.get("/admin/jobs/").get_data(as_text=True)
    assert "No dead letters" in owner.get("/admin/jobs/?tab=dead").get_data(as_text=True)
    stamp(owner.user)
    assert "Things: Stamp" in owner.get("/admin/jobs/").get_data(as_text=True)


def test_what_the_machine_does_by_the_clock_does_not_bury_what_people_started(owner: Any, signed_in: Any) -> None:
    stamp(owner.user, count=30)
    made = stamp(bad=[3])
    Job.update(status="dead").where(Job.id == made.id).execute()
    page = owner.get("/admin/jobs/").get_data(as_text=True)
    assert page.count("Things: Stamp") == 1
    tabs = dict(re.findall(r'tab=(\w+)"[^>]*>[^<]*<span class="mk-count">(\d+)<', page))
    assert tabs == {"open": "1", "trouble": "1", "dead": "1"}
    assert f"/admin/jobs/{made.id}" in owner.get("/admin/jobs/?tab=system").get_data(as_text=True)
    page = signed_in("operator").get("/admin/jobs/").get_data(as_text=True)
    assert "tab=system" not in page
    assert ">0<" in page


def test_a_job_page_polls_while_it_is_open_and_ends_with_rows_reasons_and_links(owner: Any, settings: Settings) -> None:
    job = stamp(bad=[3])
    page = owner.get(f"/admin/jobs/{job.id}").get_data(as_text=True)
    assert 'hx-trigger="every 1s"' in page
    assert "Cancel" in page
    assert "Started by the system" in page[: page.index('id="head-actions"')]
    part = owner.get(f"/admin/jobs/{job.id}", headers={"HX-Request": "true"})
    assert "<html" not in part.get_data(as_text=True)
    assert re.search(r'id="job-state" hx-swap-oob="true"><span class="mk-badge mk-neutral">.*Waiting', part.text)
    assert "every 1s" in part.get_data(as_text=True)
    assert "mk-pill" not in owner.get("/admin/jobs/pill").get_data(as_text=True)  # not his own
    work_off(runtime_room.current().settings)
    part = owner.get(f"/admin/jobs/{job.id}", headers={"HX-Request": "true"})
    assert part.headers["HX-Retarget"] == "#job"
    assert "<html" not in part.get_data(as_text=True)
    assert "Retry failed rows" in part.get_data(as_text=True)
    assert re.search(r'id="job-state" hx-swap-oob="true"><span class="mk-badge mk-warn">.*Part failed', part.text)
    page = owner.get(f"/admin/jobs/{job.id}").get_data(as_text=True)
    assert "Part failed" in page
    assert "ValueError" in page
    assert "/admin/things/3" in page
    assert "Retry failed rows" in page
    assert re.search(r'<progress max="60" value="59" class="mk-done mk-short"', page)
    assert "thing 10" in owner.get(f"/admin/jobs/{job.id}?rows=done").get_data(as_text=True)


def test_a_job_without_a_row_that_went_well_has_failed_and_says_each_reason_once(owner: Any) -> None:
    job = stamp(bad=range(1, 61))
    work_off(runtime_room.current().settings)
    assert (again(job).status, again(job).failed) == ("failed", 60)
    page = owner.get(f"/admin/jobs/{job.id}").text
    assert re.search(r'id="job-state"><span class="mk-badge mk-bad">.*Failed', page)
    assert re.search(r'<progress max="60" value="0" class="mk-done mk-short"', page)
    assert page.count("ValueError") == 1
    assert re.search(r"<li>60 records: <bdi>[^<]*ValueError", page)
    assert "Retry failed rows" in page


def waited(job: Job, **changes: Any) -> None:
    """As if it had been made a minute ago, and `changes`."""
    Job.update(due_at=lease.moment(-60), **changes).where(Job.id == job.id).execute()


def test_a_job_that_has_not_begun_says_what_it_waits_for(owner: Any) -> None:
    job = stamp(owner.user)

    def shown() -> str:
        page: str = owner.get(f"/admin/jobs/{job.id}").get_data(as_text=True)
        return page.partition('id="progress"')[2].partition("</section>")[0]

    bar = '<progress aria-label="Progress">'  # no value: it moves
    assert bar in shown()
    assert "Waiting for a worker" in shown()
    assert "No worker runs" not in shown()
    waited(job)
    assert "No worker runs: the job waits until whoever runs the shop starts one (maktab worker)." in shown()
    other = stamp(count=0)
    Job.update(status="running", due_at=lease.lease_end()).where(Job.id == other.id).execute()
    assert "The workers are busy with other jobs" in shown()
    Job.update(due_at=lease.moment(-60)).where(Job.id == other.id).execute()
    assert "No worker runs" in shown(), "what held the other one has not renewed its lease"
    waited(job, status="running", attempts=1, started_at=utcnow())
    assert ("Starting" in shown(), bar in shown(), "worker" in shown()) == (True, True, False)
    waited(job, started_at=utcnow() - timedelta(minutes=1))
    assert ("Running" in shown(), bar in shown()) == (True, True)
    waited(job, done=6, total=60)
    assert ("6 of 60" in shown(), "10 %" in shown(), bar in shown()) == (True, True, False)
    waited(job, status="waiting")
    assert ("Waiting for" in shown(), "10 %" in shown()) == (False, True)


def test_cancel_retry_and_undo_by_button(owner: Any) -> None:
    job = stamp()
    assert post(owner, f"/admin/jobs/{job.id}/cancel").status_code == 302
    assert again(job).status == "canceled"
    post(owner, f"/admin/jobs/{job.id}/retry")
    work_off(runtime_room.current().settings)
    assert again(job).status == "done"
    answer = post(owner, f"/admin/jobs/{job.id}/undo")
    assert answer.headers["Location"] != f"/admin/jobs/{job.id}"
    work_off(runtime_room.current().settings)
    back = Job.get(Job.kind == "core.undo")
    assert back.done == 60
    assert f"/admin/jobs/{job.id}" in owner.get(f"/admin/jobs/{back.id}").get_data(as_text=True)
    assert f"/admin/jobs/{job.id}/undo" not in owner.get(f"/admin/jobs/{job.id}").get_data(as_text=True)
    assert post(owner, f"/admin/jobs/{job.id}/cancel").status_code == 302  # too late: said in a message


def test_a_job_page_says_what_it_did_to_which_records_and_who_took_it_back(owner: Any) -> None:
    job = stamp(owner.user)
    work_off(runtime_room.current().settings)
    page = owner.get(f"/admin/jobs/{job.id}").get_data(as_text=True)
    told = page[page.index("About this job") :]
    assert re.search(r"<dt>Label</dt><dd><bdi>x</bdi></dd>", told)
    assert "<dt>Records</dt><dd><bdi>All of the list</bdi></dd>" in told
    assert "Taken back by" not in told
    post(owner, f"/admin/jobs/{job.id}/undo")
    back = Job.select().order_by(Job.id.desc()).get()
    assert "<dt>Label</dt><dd><bdi>x</bdi></dd>" in owner.get(f"/admin/jobs/{back.id}").text, "what is taken back"
    page = owner.get(f"/admin/jobs/{job.id}").get_data(as_text=True)
    assert f'<dt>Taken back by</dt><dd><a href="/admin/jobs/{back.id}">Job {back.id}</a></dd>' in page


def test_without_a_token_nothing_is_changed(owner: Any) -> None:
    job = stamp()
    assert owner.post(f"/admin/jobs/{job.id}/cancel").status_code in (400, 403)
    assert again(job).status == "waiting"


def test_a_person_sees_only_his_own_jobs_and_files(signed_in: Any, owner: Any) -> None:
    other = signed_in("operator")
    job = stamp(user=owner.user)
    assert "mk-pill" in owner.get("/admin/jobs/pill").get_data(as_text=True)
    for number in (job.id, 10**25):
        assert other.get(f"/admin/jobs/{number}").status_code == 404
        assert other.get(f"/admin/jobs/file/{number}").status_code == 404
    assert owner.get(f"/admin/jobs/?before={10**25}").status_code == 200
    ctx = Context(actor=SYSTEM)
    kept = files.store(ctx, io.BytesIO(b"<script>"), "عربي.html", "text/html")
    assert other.get(f"/admin/jobs/file/{kept.id}").status_code == 404
    answer = owner.get(f"/admin/jobs/file/{kept.id}")
    assert answer.data == b"<script>"
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_list_takes_few_statements(owner: Any) -> None:
    from tests.test_jobs import counting

    for _ in range(3):
        stamp(count=30)
    with counting() as statements:
        owner.get("/admin/jobs/")
    assert len(statements) <= 12, statements
