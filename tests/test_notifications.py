"""The bell: who is told what, in which language, and when it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import auth, jobs, notifications
from core.context import Context
from core.db import utcnow
from core.errors import Invalid
from core.events import Event
from core.i18n import speaking
from core.jobs import Job, deliveries, run
from core.jobs.worker import Worker
from core.notifications import Notification
from core.plugins.state import quarantine
from core.resources import Selection
from tests.helpers import count_statements, make_suppliers, taking_no_writes
from tests.plugin_kit import unload

SUPPLIER = "suppliers.supplier"


@pytest.fixture
def plugin_folder() -> Iterator[Path]:
    unload("suppliers")
    yield Path(__file__).parent / "plugins" / "suppliers"
    unload("suppliers")


@pytest.fixture
def work_off(runtime: Any) -> Callable[[], Any]:
    return Worker(runtime.settings).drain


def told(user: Any) -> list[tuple[str, str]]:
    return [(one.said, one.tone) for one in notifications.of(user.id)]


def bell(browser: Any) -> str:
    """The number in the top bar; empty for none."""
    found = re.search(r'class="mk-bell-n">([^<]+)<', browser.get("/admin/jobs/pill").text)
    return found.group(1) if found else ""


def start(user: Any, kind: str = "core.reindex", **args: Any) -> Job:
    return jobs.enqueue(auth.context_for(user, "ui"), kind, args, title="Rebuild")


def test_who_started_a_job_hears_of_its_end_once(make_user: Any, work_off: Any) -> None:
    user, other = make_user("owner"), make_user("owner")
    job = start(user, resource=SUPPLIER)
    assert told(user) == []
    work_off()
    work_off()
    assert told(user) == [("Rebuild: done.", "ok")]
    assert notifications.of(user.id)[0].url == f"/admin/jobs/{job.id}"
    assert told(other) == []


def test_of_a_job_with_failed_rows_and_of_one_that_failed(make_user: Any, work_off: Any, ctx: Context) -> None:
    user = make_user("owner")
    start(user, resource="no.such")
    work_off()
    assert told(user) == [("Rebuild: failed.", "bad")]
    job = start(user, resource=SUPPLIER)
    Job.update(done=1, failed=1).where(Job.id == job.id).execute()
    work_off()
    assert told(user)[0] == ("Rebuild: ended, some rows failed.", "warn")


def test_a_job_that_is_given_up_is_told_of_too(make_user: Any, runtime: Any) -> None:
    user = make_user("owner")
    job = start(user, resource=SUPPLIER)
    Job.update(attempts=run.ATTEMPTS, status="running").where(Job.id == job.id).execute()
    run._retry_or_bury(run.JobRun(Job.get_by_id(job.id)), ValueError("x"))
    assert told(user) == [("Rebuild: given up after many tries.", "bad")]


def test_nobody_hears_of_what_the_system_or_a_program_started(make_user: Any, work_off: Any, ctx: Context) -> None:
    user = make_user("owner")
    jobs.enqueue(ctx, "core.reindex", {"resource": SUPPLIER})
    jobs.enqueue(auth.context_for(user, "api"), "core.reindex", {"resource": SUPPLIER})
    work_off()
    assert Notification.select().count() == 0


def test_the_bell_counts_until_the_page_of_the_job_is_opened(signed_in: Any, work_off: Any) -> None:
    browser = signed_in("owner")
    make_suppliers(count=1)
    job = start(browser.user, resource=SUPPLIER)
    assert bell(browser) == ""
    work_off()
    assert bell(browser) == "1"
    assert "Rebuild: done." in browser.get("/admin/notifications/").text
    assert bell(browser) == "1"
    browser.get(f"/admin/jobs/{job.id}")
    assert bell(browser) == ""


def test_one_is_read_by_following_it_and_all_by_a_button(signed_in: Any, ctx: Context) -> None:
    browser, other = signed_in("viewer"), signed_in("viewer")
    for number in range(3):
        notifications.tell(ctx, [browser.user.id], "%(n)s parcels", {"n": number}, url="/admin/profile/")
    newest = notifications.of(browser.user.id)[0].id
    assert other.get(f"/admin/notifications/{newest}").status_code == 404
    assert bell(browser) == "3"
    assert browser.get(f"/admin/notifications/{newest}").headers["Location"] == "/admin/profile/"
    assert bell(browser) == "2"
    browser.send("/admin/notifications/read")
    assert bell(browser) == ""
    assert "2 parcels" in browser.get("/admin/notifications/").text


def test_one_is_followed_also_while_no_writes_are_taken(signed_in: Any, ctx: Context) -> None:
    browser = signed_in("viewer")
    notifications.tell(ctx, [browser.user.id], "A parcel", url="/admin/profile/")
    with taking_no_writes():
        answer = browser.get(f"/admin/notifications/{notifications.of(browser.user.id)[0].id}")
    assert answer.headers["Location"] == "/admin/profile/"


def test_the_list_is_paged_and_the_bell_capped(signed_in: Any, ctx: Context) -> None:
    browser = signed_in("viewer")
    for number in range(120):
        notifications.tell(ctx, [browser.user.id], "Parcel %(n)s", {"n": number})
    assert bell(browser) == "99+"
    page = browser.get("/admin/notifications/").text
    assert ("Parcel 119<" in page, "Parcel 69<" in page) == (True, False)
    older = re.search(r'href="(/admin/notifications/\?before=\d+)"', page)
    assert older
    assert "Parcel 69<" in browser.get(older.group(1)).text


def test_holders_of_a_permission_are_told_in_their_own_language(make_user: Any, ctx: Context) -> None:
    owner, viewer = make_user("owner"), make_user("viewer")
    gone = make_user("owner")
    auth.User.update(is_active=False).where(auth.User.id == gone.id).execute()
    assert notifications.tell(ctx, "core.plugin.manage", "%(title)s: done.", {"title": "X"}) == 1
    with speaking("ar"):
        arabic = told(owner)[0][0]
    assert arabic != "X: done."
    assert "X" in arabic
    assert told(viewer) == told(gone) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "%(n)s", "arguments": {"m": 1}}, {"text": ""}, {"text": "x" * 3000}, {"text": "\0"},
        {"text": "x", "url": "//evil.test/"}, {"text": "x", "url": "https://evil.test"}, {"text": "x", "tone": "loud"},
        {"text": "x", "url": "/\\evil.test"},
    ],
)  # fmt: skip
def test_what_could_not_be_shown_is_refused(make_user: Any, ctx: Context, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        notifications.tell(ctx, [make_user("owner").id], **wrong)
    assert Notification.select().count() == 0


def test_a_quarantined_plugin_is_told_to_those_who_manage_plugins(make_user: Any, work_off: Any, runtime: Any) -> None:
    owner, viewer = make_user("owner"), make_user("viewer")
    quarantine("suppliers", "it broke")
    assert Event.select().where(Event.name == "core.plugin_quarantined.v1").count() == 1
    deliveries.relay()
    work_off()
    assert [text for text, _tone in told(owner)] == [
        "The plugin suppliers was switched off after failures. Everything else goes on."
    ]
    assert told(viewer) == []


def test_old_ones_are_removed(make_user: Any, ctx: Context, work_off: Any) -> None:
    user = make_user("owner")
    for age in (89, 91):
        notifications.tell(ctx, [user.id], "%(age)s days", {"age": age})
        Notification.update(at=utcnow() - timedelta(days=age)).where(Notification.text == "%(age)s days").where(
            Notification.id == notifications.of(user.id)[0].id
        ).execute()
    jobs.enqueue(ctx, "core.cleanup", {})
    work_off()
    assert [text for text, _tone in told(user)] == ["89 days"]


def test_a_list_page_asks_nothing_more_for_the_bell(signed_in: Any, ctx: Context) -> None:
    browser = signed_in("owner")
    browser.get("/admin/suppliers/")
    with count_statements() as seen:
        browser.get("/admin/suppliers/")
    assert not any("core_notification" in sql for sql in seen)
    with count_statements() as seen:
        browser.get("/admin/jobs/pill")
    assert sum("core_notification" in sql for sql in seen) == 1


def test_a_bulk_action_of_the_page_is_told_of(make_user: Any, work_off: Any) -> None:
    user = make_user("owner")
    make_suppliers(count=30)
    everything = Selection(SUPPLIER, everything=True)
    jobs.start_action(auth.context_for(user, "ui"), SUPPLIER, "add_tags", everything, {"tags": ["x"]})
    work_off()
    assert [tone for _text, tone in told(user)] == ["ok"]
