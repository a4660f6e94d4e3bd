"""Texts that mean harm, in every field and on every road: read back equal or refused with a reason, never run."""

from __future__ import annotations

import csv
import io
import itertools
import re
import threading
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import flask
import pytest
from werkzeug.serving import make_server

from core import audit, auth, jobs
from core import runtime as runtime_room
from core.context import Context
from core.jobs.worker import Worker
from core.resources import tags_of, traits
from core.wsgi import Switch
from plugins.transfer import api as transfer
from plugins.transfer.models import Import, Reject, SavedMapping
from plugins.transfer.reading.values import escape
from tests import hostile
from tests.conftest import PASSWORD, confirmed
from tests.test_sweep import Caller

RESOURCE, LIST, API = "suppliers.supplier", "/admin/suppliers/", "/api/v1/suppliers"
_codes = itertools.count()


@pytest.fixture
def house(app_db: Any, settings: Any) -> Iterator[flask.Flask]:
    with hostile.whole_house(settings) as made:
        yield made


@pytest.fixture
def runtime(house: flask.Flask) -> Any:
    return runtime_room.current()


@pytest.fixture
def owner(house: flask.Flask, make_user: Any, ctx: Context) -> Caller:
    user = make_user("owner")
    return Caller(house, user, auth.create_token(ctx, user, ["*"]))


@pytest.fixture(params=["own", "blns"])
def texts(request: pytest.FixtureRequest) -> list[str]:
    """Our own list, and the public ones where they are: a sample, or all of them in the deep form."""
    if request.param == "own":
        return hostile.NAUGHTY
    known = hostile.naughty_strings(request.getfixturevalue("shared"))
    return known if hostile.DEEP else known[::9]


def send(caller: Caller, method: str, url: str, **options: Any) -> Any:
    headers = {"X-CSRFToken": caller.csrf}
    if url.startswith("/api/"):
        headers["Authorization"] = f"Bearer {caller.token}"
    answer = caller.browser.open(url, method=method, headers=headers, **options)
    assert answer.status_code < 500, (url, options, answer.text[:300])
    return answer


def work_off() -> None:
    Worker(runtime_room.current().settings).drain()


def make(caller: Caller, texts: list[str]) -> dict[int, str]:
    """A supplier for each text that is no longer than a name; {id: text}."""
    made = {}
    for text in texts:
        answer = send(caller, "POST", API, json={"code": f"T-{next(_codes)}", "name": text})
        if answer.status_code == 422:
            assert answer.get_json()["errors"]["name"], text
        else:
            made[answer.get_json()["id"]] = text
    assert len(made) > len(texts) * 0.9
    return made


def test_the_api_gives_back_what_it_took(owner: Caller, texts: list[str]) -> None:
    made = make(owner, texts)
    for record_id, text in made.items():
        assert send(owner, "GET", f"{API}/{record_id}").get_json()["name"] == text
        assert send(owner, "PATCH", f"{API}/{record_id}", json={"name": text + "."}).status_code in (200, 422)
        found = send(owner, "GET", f"{API}?country__prefix={quote(text)}&q={quote(text)}")
        assert found.status_code in (200, 422)
    after = [entry.diff["after"].get("name") for entry in audit.Entry.select().order_by(audit.Entry.id)]
    assert [text for text in after if text in made.values()][: len(made)] == list(made.values())


def test_the_form_gives_back_what_it_took(owner: Caller, texts: list[str]) -> None:
    for number, text in enumerate(texts):
        form = {"code": f"F-{number}", "name": text, "currency": "GBP", "tags": text}
        answer = send(owner, "POST", LIST + "new", data=form)
        if answer.status_code == 302:
            stored = send(owner, "GET", API + "/" + answer.location.rsplit("/", 1)[1]).get_json()
            assert stored["name"] == text.strip()
            page = send(owner, "GET", answer.location + "/edit").text
            assert values_of(page)["name"] == stored["name"]
        else:
            assert answer.status_code == 422
            assert 'id="e-name"' in answer.text or 'id="e-tags"' in answer.text, text
            assert values_of(answer.text)["name"] == text


def values_of(page: str) -> dict[str, str]:
    """The texts in a page's inputs as a browser would send them."""
    found: dict[str, str] = {}

    class Inputs(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "input" and given.get("name"):
                found[str(given["name"])] = given.get("value") or ""

    Inputs().feed(page)
    return found


def test_tags_notes_and_mappings_keep_their_text(owner: Caller, texts: list[str]) -> None:
    (record_id,) = make(owner, ["One"])
    for text in texts:
        body = {"ids": [record_id], "arguments": {"tags": [text]}}
        answer = send(owner, "POST", f"{API}/actions/add_tags", json=body)
        tag = " ".join(text.split())
        stored = tags_of(RESOURCE, [record_id])[record_id]
        assert (stored == [tag]) if answer.status_code == 200 else answer.get_json()["errors"], text
        send(owner, "POST", f"{API}/actions/remove_tags", json=body)
        noted = send(owner, "POST", f"{API}/{record_id}/notes", json={"text": text})
        assert (noted.get_json()["text"] == text.strip()) if noted.status_code == 201 else noted.get_json()["errors"]
        send(owner, "POST", f"{LIST}{record_id}/notes", data={"text": text})
        newest = traits.notes_of(RESOURCE, record_id, 1)[0].text
        assert newest == text.strip() or len(text.strip()) > 10_000
    mapping = transfer.Mapping(columns=(("code", "code"), ("name", "name")))
    who = auth.context_for(owner.user, "ui")  # type: ignore[arg-type]
    names = [text.strip() for text in texts if 0 < len(text.strip()) <= 100]
    for name in names:
        transfer.save_mapping(who, RESOURCE, name, mapping)
    assert {saved.name for saved in SavedMapping.select()} == set(names)


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl"])
def test_an_export_is_escaped_and_comes_back_unchanged(owner: Caller, texts: list[str], form: str) -> None:
    made = make(owner, [text for text in texts if form != "xlsx" or not re.search("[\ufffe\uffff]", text)])
    for record_id, text in made.items():
        body = {"ids": [record_id], "arguments": {"tags": [text]}}
        send(owner, "POST", f"{API}/actions/add_tags", json=body)
    content = exported(owner, form)
    if form == "csv":
        cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")) for cell in row]
        assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r\n")]
    if form == "xlsx":
        sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
        assert b"<f" not in sheet
        assert b"<hyperlink" not in sheet
    import_ = imported(owner, content, f"suppliers.{form}")
    reasons = [row.reason for row in Reject.select()]
    assert (import_.unchanged, import_.updated, import_.created, reasons) == (len(made), 0, 0, [])


@pytest.mark.parametrize("text", ["a\ufffe", "\uffff", "_x005F_x0041_"])
def test_a_text_that_a_sheet_would_change_is_not_exported_as_one(owner: Caller, text: str) -> None:
    make(owner, [text])
    answer = send(owner, "POST", f"{API}/exports", json={"all": True, "format": "xlsx"})
    work_off()
    job = jobs.Job.get_by_id(answer.get_json()["job"]["id"])
    assert job.status == "failed"
    assert "export as CSV" in job.error


def exported(owner: Caller, form: str) -> bytes:
    answer = send(owner, "POST", f"{API}/exports", json={"all": True, "format": form})
    work_off()
    result = jobs.Job.get_by_id(answer.get_json()["job"]["id"]).result
    return bytes(send(owner, "GET", f"/admin/jobs/file/{result['file_id']}").data)


def imported(owner: Caller, content: bytes, name: str, **form: str) -> Import:
    upload = {"file": (io.BytesIO(content), name)} | form
    answer = send(owner, "POST", f"{API}/imports", data=upload)
    assert answer.status_code == 202, answer.text
    work_off()
    found: Import = Import.get(Import.job_id == answer.get_json()["job"]["id"])
    return found


def test_an_import_takes_each_cell_as_it_stands(owner: Caller, texts: list[str]) -> None:
    out = io.StringIO(newline="")
    rows = [[f"I-{number}", escape(text)] for number, text in enumerate(texts)]
    csv.writer(out).writerows([["code", "name"], *rows])
    import_ = imported(owner, out.getvalue().encode("utf-8-sig"), "texts.csv")
    model = runtime_room.current().resource(RESOURCE).model
    kept = dict(model.select(model.code, model.name).tuples())
    told = Reject.select().where(Reject.import_id == import_.id, Reject.reason != "").count()
    assert import_.created + import_.rejected == len(texts)
    assert told == import_.rejected == len(texts) - len(kept)
    assert kept.items() <= {f"I-{number}": text for number, text in enumerate(texts)}.items()
    assert import_.created > len(texts) * 0.9


# Pages


class Shape(HTMLParser):
    """Which elements a page has with which attributes, and where its links and scripts lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[tuple[str, ...]] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add((tag, *sorted({name for name, _value in attrs})))
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post") and not re.match(
                r"[/?#]|$", value or ""
            ):
                self.found.add((tag, name, value or ""))


def fill_house(owner: Caller, texts: list[str]) -> list[str]:
    """Put `texts` wherever a person can put a text; the addresses of the pages that show them."""
    made = make(owner, texts)
    first, pages = next(iter(made)), [LIST + "?limit=100", "/admin/audit/?limit=100", "/admin/jobs/", "/admin/imports/"]
    for text in texts:
        send(owner, "POST", f"{API}/{first}/notes", json={"text": text})
        send(owner, "POST", f"{API}/actions/add_tags", json={"ids": [first], "arguments": {"tags": [text]}})
        pages += [f"{LIST}?q={quote(text)}", f"{LIST}?country={quote(text)}&tag={quote(text)}&sort={quote(text)}"]
        pages += [f"/admin/imports/export?resource={RESOURCE}&q={quote(text)}", f"/admin/sign-in?next={quote(text)}"]
    for record_id in [*list(made)[:10], first]:
        pages += [f"{LIST}{record_id}", f"{LIST}{record_id}/edit", f"{LIST}{record_id}/delete"]
    send(owner, "PATCH", f"{API}/{first}", json={"name": texts[0] + "'"})
    newest = audit.Entry.select().order_by(audit.Entry.id.desc()).limit(5)
    pages += [f"/admin/audit/{entry.id}" for entry in newest]
    order = {
        "number": texts[0][:60],
        "sales_channel": texts[1][:60],
        "currency": "GBP",
        "customer_name": texts[2][:200],
    }
    order |= {
        "extra": {text: text for text in texts},
        "billing_address": {"name": texts[3][:200], "city": texts[4][:99]},
    }
    order |= {"lines": [{"sku": text[:100], "title": text[:200], "line_total_minor": 1} for text in texts]}
    sold = send(owner, "POST", "/api/v1/orders", json=order)
    assert sold.status_code == 201, sold.text
    pages += [f"/admin/orders/{sold.get_json()['id']}", f"/admin/orders/{sold.get_json()['id']}/edit", "/admin/orders/"]
    pages += import_pages(owner, texts) + job_pages(owner, texts)
    profile = {"what": "create_token", "token_name": texts[0], "days": "30"}
    made = confirmed(owner.browser, "/admin/profile/", send(owner, "POST", "/admin/profile/", data=profile), **profile)
    assert "fresh-token" in made.text
    return [*pages, "/admin/profile/"]


def import_pages(owner: Caller, texts: list[str]) -> list[str]:
    """A file whose name, headers and cells are the texts: its mapping, its saved mapping, its dry run, its rejects."""
    out, pages = io.StringIO(newline=""), []
    headers = ["code", "name", "currency", *dict.fromkeys(text for text in texts if text.strip())]
    csv.writer(out).writerows([headers, *[[f"C-{n}", text, text, *texts] for n, text in enumerate(texts)]])
    for number, text in enumerate(texts[:6]):
        upload = {
            "resource": RESOURCE,
            "file": (io.BytesIO(out.getvalue().encode("utf-8-sig")), re.sub("""[/"]""", "", text) + ".csv"),
        }
        where = send(owner, "POST", "/admin/imports/new", data=upload).location
        form = {
            "t0": "code",
            "t1": "name",
            "t2": "currency" if number else "",
            "save_as": text[:90],
            "do": "try",
            "timezone": text,
        }
        pages.append(where)
        assert send(owner, "POST", where, data=form).status_code == 422  # no time zone is called so
        assert send(owner, "POST", where, data=form | {"timezone": ""}).status_code == 302
        work_off()
        pages.append(where.removesuffix("/mapping"))
    return pages


def job_pages(owner: Caller, texts: list[str]) -> list[str]:
    """Bulk jobs whose arguments and rows carry the texts."""
    for text in texts[:3]:
        body = {"all": True, "arguments": {"tags": [text]}}
        send(owner, "POST", f"{API}/actions/add_tags", json=body)
    work_off()
    return [f"/admin/jobs/{job.id}?rows={rows}" for job in jobs.Job.select() for rows in ("done", "failed", "skipped")]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_no_text_becomes_an_element_an_attribute_or_a_link(house: flask.Flask, owner: Caller) -> None:
    """The pages of a house full of such texts have the elements that the same pages have with harmless ones."""
    harmless: set[tuple[str, ...]] = set()
    shown, texts = 0, hostile.SCRIPTS + hostile.FORMULAS[:3]
    plain = [f"plain {letter}" for letter in "abcdefghijklmno"]  # enough for a long order, which folds its lines
    for page in [*fill_house(owner, plain), "/admin/audit/?limit=2"]:
        for headers in ({}, {"HX-Request": "true"}):
            harmless |= Shape(owner.browser.get(page, headers=headers).text).found
    for page in fill_house(owner, texts):
        for headers in ({}, {"HX-Request": "true"}):
            answer = owner.browser.get(page, headers=headers)
            assert answer.status_code < 500, page
            assert Shape(answer.text).found <= harmless, (page, Shape(answer.text).found - harmless)
            shown += answer.text.count("alert(1)")
    assert shown > 200  # they were there to be seen


@pytest.fixture
def address(house: flask.Flask, runtime: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, Switch(runtime.settings), threaded=True)
    server.daemon_threads, server.block_on_close = False, True  # the end waits for a request that still runs
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_real_browser_runs_none_of_it(house: flask.Flask, owner: Caller, address: str, browser: Any) -> None:
    """No dialog opens, no script of theirs runs, the content security policy has nothing to say."""
    texts = [text.replace("alert(1)", "alert(document.title='run')") for text in hostile.SCRIPTS] + hostile.FORMULAS[:2]
    pages = [page for page in fill_house(owner, texts) if "sign-in" not in page]
    page = browser.new_page(base_url=address)
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "console",
        lambda line: said.append(line.text) if re.search("Content Security|Refused|violat", line.text) else None,
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith((address, "data:")) else said.append(sent.url))
    page.goto("/admin/sign-in")
    page.fill("[name=username]", owner.user.username)  # type: ignore[union-attr]
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    seen = 0
    for url in pages if hostile.DEEP else [*pages[:4], *pages[4:-40:9], *pages[-40:]]:
        page.goto(url)
        assert page.title() != "run", url
        assert said == [], url
        seen += "alert(" in page.content()
    assert seen > 20
    page.goto(LIST)
    page.keyboard.press("/")
    page.keyboard.type("<img src=x onerror=alert(1)>")  # the table comes back through htmx
    page.wait_for_url("**onerror**")
    page.locator("[name=ids]").first.wait_for(state="detached")
    page.goto(LIST)
    page.locator("[name=ids]").first.check()
    page.click("[data-bulk] >> text=Add tags")
    page.fill("dialog [name='argument.tags']", '"><script>alert(1)</script>')
    page.keyboard.press("Enter")
    page.get_by_text("1 record changed.").wait_for()
    assert said == []
    for planted in ("alert(1)", "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(2)>')"):
        page.evaluate(planted)  # that we would have heard of either
        page.wait_for_timeout(200)
    assert [line[:7] for line in said] == ["dialog ", "Executi"], said
