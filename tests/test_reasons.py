"""Why something was done is asked for and kept; what ends many records wants their number, and the password."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core import auth, db
from core import runtime as runtime_room
from core.audit import Entry
from core.auth.models import Session
from core.db import bulk
from core.jobs import Job
from tests.conftest import PASSWORD, csrf_of, yes_to
from tests.helpers import make_suppliers, suppliers_on

DELETE = "/admin/suppliers/actions/delete"
CARD = "4242 4242 4242 4242"


runtime = suppliers_on()


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def post(browser: Any, url: str, **form: Any) -> Any:
    return browser.post(url, data={"csrf_token": csrf_of(browser.get("/admin/profile/").text)} | form)


def left() -> int:
    return int(runtime_room.current().resource("suppliers.supplier").model.select().count())


def reasons(action: str = "deleted") -> list[str]:
    found = Entry.select(Entry.reason).where(Entry.resource == "suppliers.supplier", Entry.action == action)
    return [one.reason for one in found.order_by(Entry.id)]


def test_a_deletion_of_many_names_the_number_and_keeps_the_reason(owner: Any) -> None:
    form = {"ids": make_suppliers(count=3)[:2]}
    page = post(owner, DELETE, **form).text
    assert ">Delete: 2 suppliers</button>" in page
    answer = owner.post(DELETE, data=form | yes_to(page) | {"argument.reason": "Doubles of S-0003"})
    assert answer.status_code == 302
    assert (left(), reasons()) == (1, ["Doubles of S-0003"] * 2)
    entry = Entry.select().where(Entry.action == "deleted").first()
    assert "Doubles of S-0003" in owner.get(f"/admin/audit/{entry.id}").text


@pytest.mark.parametrize("typed", ["", "3", "two", "2 suppliers"])
def test_another_text_deletes_nothing(owner: Any, typed: str) -> None:
    form = {"ids": make_suppliers(count=3)[:2]}
    yes = yes_to(post(owner, DELETE, **form).text)
    answer = owner.post(DELETE, data=form | yes | {"confirm.typed": typed})
    assert (answer.status_code, left()) == (422, 3)
    assert "Type 2 to go on." in answer.text


def test_the_text_alone_deletes_nothing(owner: Any) -> None:
    form = {"ids": make_suppliers(count=2), "confirmed": "1", "confirm.typed": "2", "confirm.password": PASSWORD}
    assert post(owner, DELETE, **form).status_code == 200
    assert post(owner, DELETE, **form, **{"confirm.grant": "made up"}).status_code == 409
    assert left() == 2


def test_its_grant_is_good_once_and_for_these_records_alone(owner: Any) -> None:
    one, two, three = make_suppliers(count=3)
    yes = yes_to(post(owner, DELETE, ids=[one, two]).text)
    assert owner.post(DELETE, data={"ids": [two, three]} | yes).status_code == 409
    assert owner.post(DELETE, data={"everything": "1", "query": ""} | yes | {"confirm.typed": "3"}).status_code == 409
    assert left() == 3
    assert owner.post(DELETE, data={"ids": [one, two]} | yes).status_code == 302
    make_suppliers({"code": "later", "name": "Later"})
    assert owner.post(DELETE, data={"ids": [one, two]} | yes).status_code == 409
    assert left() == 2


ALL = {"everything": "1", "query": "is_active=true"}


def suppliers() -> Any:
    return runtime_room.current().resource("suppliers.supplier").model


def delete_all(browser: Any, yes: dict[str, str], work_off: Callable[[], None]) -> Any:
    answer = browser.post(DELETE, data=ALL | yes)
    work_off()
    return answer


def test_what_came_after_the_question_is_not_deleted(owner: Any, work_off: Callable[[], None]) -> None:
    make_suppliers(count=2)
    yes = yes_to(post(owner, DELETE, **ALL).text)
    (late,) = make_suppliers({"code": "later", "name": "Later"})
    assert delete_all(owner, yes, work_off).status_code == 302
    assert [row.id for row in suppliers().select()] == [late]


def test_when_more_match_than_were_asked_about_it_asks_again(owner: Any, work_off: Callable[[], None]) -> None:
    ids = make_suppliers(*({"code": code, "name": code, "is_active": code != "off"} for code in ("off", "one", "two")))
    yes = yes_to(post(owner, DELETE, **ALL).text)
    suppliers().update(is_active=True).where(suppliers().id == ids[0]).execute()
    answer = delete_all(owner, yes, work_off)
    assert (answer.status_code, left()) == (422, 3)
    assert "Type 3 to go on." in answer.text
    assert delete_all(owner, yes_to(answer.text), work_off).status_code == 302
    assert left() == 0


def test_when_fewer_match_than_were_asked_about_the_job_says_so(owner: Any, work_off: Callable[[], None]) -> None:
    ids = make_suppliers(count=3)
    yes = yes_to(post(owner, DELETE, **ALL).text)
    suppliers().update(is_active=False).where(suppliers().id == ids[0]).execute()
    job = delete_all(owner, yes, work_off).location
    assert [row.id for row in suppliers().select()] == ids[:1]
    assert "3 records were asked about; fewer still matched." in owner.get(job).text
    again = delete_all(owner, yes_to(post(owner, DELETE, **ALL | {"query": ""}).text) | {"query": ""}, work_off)
    assert "fewer still matched" not in owner.get(again.location).text


@pytest.mark.parametrize("forged", [{"mark": "999999"}, {"number": "9"}, {"excluded": "1"}, {"query": ""}])
def test_its_grant_is_for_the_records_that_it_told_of(
    owner: Any, work_off: Callable[[], None], forged: dict[str, str]
) -> None:
    make_suppliers(count=3)
    yes = yes_to(post(owner, DELETE, **ALL).text) | forged
    assert delete_all(owner, yes, work_off).status_code in (409, 422)
    assert left() == 3


def test_of_very_many_the_true_number_is_to_be_typed(owner: Any) -> None:
    now = db.utcnow()
    row = {"name": "Many", "created_at": now, "updated_at": now}
    bulk.insert(suppliers(), [row | {"code": f"M-{number}"} for number in range(10_012)])
    page = post(owner, DELETE, **ALL).text
    assert ">Delete: 10,012 suppliers</button>" in page
    assert "For 10,012 records that match:" in page
    assert yes_to(page)["confirm.typed"] == "10012"
    answer = owner.post(DELETE, data=ALL | yes_to(page) | {"confirm.typed": "10000"})
    assert (answer.status_code, left()) == (422, 10_012)


def test_an_undo_later_touches_what_was_counted_and_nothing_later(owner: Any, work_off: Callable[[], None]) -> None:
    make_suppliers(count=2)
    url = "/admin/suppliers/actions/add_tags"
    page = post(owner, url, **ALL).text
    assert "For 2 records that match:" in page
    told = dict(re.findall(r'name="(mark|number)" value="(\d+)"', page))
    make_suppliers({"code": "later", "name": "Later"})
    assert post(owner, url, **ALL, **told, confirmed="1", **{"argument.tags": "vip"}).status_code == 302
    work_off()
    assert Job.get(Job.kind == "core.action").done == 2


def test_rows_ticked_one_by_one_over_many_pages_may_be_more_than_a_thousand(owner: Any) -> None:
    form = {"csrf_token": csrf_of(owner.get("/admin/profile/").text), "ids": list(range(1, 1_501))}
    page = owner.post(DELETE, data=form, content_type="multipart/form-data")
    assert (page.status_code, ">Delete: 1,500 suppliers</button>" in page.text) == (200, True)


def test_it_wants_the_password_too_when_that_is_long_ago(owner: Any) -> None:
    Session.update(step_up_at=db.utcnow() - timedelta(hours=1)).where(Session.user == owner.user).execute()
    form = {"ids": make_suppliers(count=2)}
    yes = yes_to(post(owner, DELETE, **form).text)
    answer = owner.post(DELETE, data=form | yes | {"confirm.password": ""})
    assert (answer.status_code, left()) == (422, 2)
    assert 'name="confirm.typed" required value="2"' in answer.text, "what was typed is kept"
    assert owner.post(DELETE, data=form | yes).status_code == 302
    assert left() == 0


def test_a_job_carries_the_reason_to_every_record(owner: Any, work_off: Callable[[], None]) -> None:
    form = {"ids": make_suppliers(count=25)}
    yes = yes_to(post(owner, DELETE, **form).text)
    assert owner.post(DELETE, data=form | yes | {"argument.reason": "Season over"}).status_code == 302
    work_off()
    assert (left(), reasons()) == (0, ["Season over"] * 25)


def test_the_api_takes_a_reason_from_a_token_that_names_the_act(app: Any, make_user: Any, ctx: Any) -> None:
    body = {"ids": make_suppliers(count=2), "arguments": {"reason": "Doubles"}}
    user, url = make_user("owner"), "/api/v1/suppliers/actions/delete"
    all_of_it, named = (auth.create_token(ctx, user, scopes) for scopes in (["*"], ["suppliers.supplier.delete"]))
    caller = app.test_client()
    for token, status in ((all_of_it, 403), (named, 200)):
        answer = caller.post(url, json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status, answer.text
    assert (left(), reasons()) == (0, ["Doubles"] * 2)


@pytest.mark.parametrize("reason", ["x" * 501, f"Card {CARD}"])
def test_what_may_not_come_in_is_refused_as_a_reason_too(owner: Any, reason: str) -> None:
    (one,) = make_suppliers(count=1)
    form = {"ids": one}
    yes = yes_to(post(owner, DELETE, **form).text)
    assert owner.post(DELETE, data=form | yes | {"argument.reason": reason}).status_code == 422
    page = f"/admin/suppliers/{one}/delete"
    answer = owner.post(page, data=yes_to(post(owner, page).text) | {"confirm.reason": reason})
    assert answer.status_code == 422
    assert left() == 1


def test_the_page_of_a_record_asks_why_it_is_deleted(owner: Any) -> None:
    (one,) = make_suppliers(count=1)
    page = f"/admin/suppliers/{one}/delete"
    owner.post(page, data=yes_to(owner.get(page).text) | {"confirm.reason": "Never delivered"})
    assert (left(), reasons()) == (0, ["Never delivered"])
    assert "actions/delete" not in owner.get(f"/admin/suppliers/{make_suppliers(count=1)[0]}").text


def test_a_reason_stands_in_the_timeline(owner: Any, make_user: Any) -> None:
    user = make_user("viewer")
    owner.send("/admin/users/actions/disable", ids=user.id, **{"argument.reason": "Left the company"})
    assert "Left the company" in owner.get(f"/admin/users/{user.id}").text
