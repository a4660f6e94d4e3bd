"""What a job writes down is read by each in his own language: its log, its error, the reason of a row."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import auth, jobs
from core.auth.models import User
from core.context import Context
from core.errors import Invalid
from core.i18n import _, _n, remembering, speaking, written
from core.jobs.models import Job, JobItem
from core.jobs.worker import Worker
from core.kept import Said
from core.resources import Selection
from tests.helpers import make_suppliers, suppliers_on

ENGLISH, ARABIC = "There is no role chief.", "لا يوجد دور باسم chief."
runtime = suppliers_on()


@pytest.fixture
def kinds(runtime: Any) -> Iterator[Callable[..., None]]:
    """kinds(name, run): a kind of job for this test."""
    before = dict(runtime.jobs)

    def make(name: str, run: Callable[[jobs.JobRun], Any]) -> None:
        runtime.jobs[name] = jobs.JobType(name, run)

    yield make
    runtime.jobs.clear()
    runtime.jobs.update(before)


def ended(ctx: Context, settings: Any, kind: str) -> int:
    job = jobs.enqueue(ctx, kind, {})
    Worker(settings).drain()
    return int(job.id)


def read(job_id: int, name: str, code: str) -> str:
    with speaking(code):
        return str(getattr(Job.get_by_id(job_id), name))


def test_the_error_of_a_job_is_read_in_the_language_of_the_reader(kinds: Any, ctx: Context, settings: Any) -> None:
    def run(_run: jobs.JobRun) -> None:
        raise Invalid({"role": [_("There is no role %(name)s.", name="chief")]})

    kinds("core.refused", run)
    job_id = ended(ctx, settings, "core.refused")
    assert read(job_id, "error", "en") == f"role: {ENGLISH}"
    assert read(job_id, "error", "ar") == f"role: {ARABIC}"


def test_so_are_the_lines_of_its_log(kinds: Any, ctx: Context, settings: Any) -> None:
    def run(run: jobs.JobRun) -> None:
        run.log(_("There is no role %(name)s.", name="chief"))
        run.log("A line of somebody else\nin two")
        run.log(_n("%(n)s record changed.", "%(n)s records changed.", 1200))

    kinds("core.told", run)
    job_id = ended(ctx, settings, "core.told")
    lines = [line[20:] for line in read(job_id, "log", "en").splitlines()]
    assert lines == [ENGLISH, "A line of somebody else in two", "1,200 records changed."]
    lines = [line[20:] for line in read(job_id, "log", "ar").splitlines()]
    assert lines == [ARABIC, "A line of somebody else in two", "تغيّر 1,200 سجل."]


def test_so_is_the_reason_of_a_row(ctx: Context, signed_in: Any, settings: Any) -> None:
    ids = make_suppliers(*({"code": f"S-{n}", "name": "One"} for n in range(21)))
    owner = signed_in("owner")
    mine = auth.context_for(owner.user, "ui")
    given = {"tags": ["x"]}
    job: Any = jobs.start_action(
        mine, "suppliers.supplier", "add_tags", Selection("suppliers.supplier", ids=ids), given
    )
    Worker(settings).drain()
    make_changed = Selection("suppliers.supplier", ids=ids[:1])
    jobs.start_action(mine, "suppliers.supplier", "add_tags", make_changed, {"tags": ["y"]})
    undone: Any = jobs.undo(mine, Job.get_by_id(job.id))
    Worker(settings).drain()
    item = JobItem.select().where(JobItem.job_id == undone.id, JobItem.state == "skipped")
    with speaking("en"):
        assert item.get().reason == "Changed or deleted since."
    User.update(locale="ar").where(User.id == owner.user.id).execute()
    page = owner.get(f"/admin/jobs/{undone.id}?rows=skipped").text
    assert "Changed or deleted since." not in page
    with speaking("ar"):
        assert item.get().reason in page


def test_what_was_written_before_or_is_broken_stays_as_it_is(runtime: Any, ctx: Context) -> None:
    job = jobs.enqueue(ctx, "core.reindex", {})
    Job.update(error="Es fehlt etwas.", log="2026-01-01 10:00:00 Es fehlt etwas.\n").where(Job.id == job.id).execute()
    assert read(job.id, "error", "ar") == "Es fehlt etwas."
    assert read(job.id, "log", "ar") == "2026-01-01 10:00:00 Es fehlt etwas.\n"
    for broken in ('{"text": 1}', "[", json.dumps({"text": "Cancel", "by": "core/", "values": 3})):
        Job.update(log=f"\x1f{broken}\n").where(Job.id == job.id).execute()
        assert broken in read(job.id, "log", "ar")


def test_a_stranger_s_text_is_never_taken_for_ours() -> None:
    assert written('\x1f{"text": "Cancel"}') == ' {"text": "Cancel"}'


def test_a_text_that_knows_its_parts_is_a_text_like_others() -> None:
    plain = _("There is no role %(name)s.", name="chief")
    assert type(plain) is str
    with remembering():
        said = _("There is no role %(name)s.", name="chief")
    assert isinstance(said, Said)
    assert (said, json.dumps(said), f"{said}", hash(said)) == (plain, json.dumps(plain), plain, hash(plain))
    assert isinstance(str(ValueError(said)), Said)
    assert type(copy.deepcopy(said)) is str
