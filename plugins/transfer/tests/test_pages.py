"""The import wizard and the export page in a real client."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from core import access, files, jobs
from plugins.transfer import api as transfer
from plugins.transfer.models import Import, SavedMapping
from plugins.transfer.tests import kit
from plugins.transfer.tests.kit import SALE, Sale
from tests.conftest import confirmed, csrf_of
from tests.helpers import count_statements

FILE = b"Order no,SKU,Qty,Gift\n1,A,2,yes\n2,,1,no\n"


@pytest.fixture
def app(runtime: Any) -> Iterator[Any]:
    from core import app as assembly

    with kit.shop(runtime) as made:
        site = assembly.create_app(made)
        site.config.update(TESTING=True)
        yield site


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def post(client: Any, url: str, page: str, **data: Any) -> Any:
    token = csrf_of(client.get(page).get_data(as_text=True))
    sent = client.post(url, data=data | {"csrf_token": token}, headers={"Referer": "http://localhost" + page})
    return confirmed(client, url, sent, **data)


def upload(client: Any, content: bytes = FILE) -> str:
    answer = post(
        client, "/admin/imports/new", "/admin/imports/new", resource=SALE.name, file=(io.BytesIO(content), "list.csv")
    )
    assert answer.status_code == 302, answer.get_data(as_text=True)
    return str(answer.headers["Location"])


def run_job(answer: Any) -> None:
    assert answer.status_code == 302, answer.get_data(as_text=True)
    kit.execute(int(answer.headers["Location"].rsplit("/", 1)[1]))


def form_of(page: str) -> dict[str, str]:
    """What a browser would send: the chosen option of every select."""
    values = {}
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.S):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>', inside)
        values[name] = (chosen[1] or "") if chosen else ""
    return values


def test_from_upload_to_rollback(owner: Any) -> None:
    address = upload(owner)
    page = owner.get(address).get_data(as_text=True)
    form = form_of(page)
    assert (form["t0"], form["t1"], form["t2"], form["t3"]) == ("number", "lines.sku", "lines.quantity", "")
    form |= {"c0": "channel", "v0": "shop", "save_as": "my list", "do": "try"}
    run_job(post(owner, address, address, **form))
    import_ = Import.get()
    result = f"/admin/imports/{import_.id}"
    job = owner.get(f"/admin/jobs/{import_.job_id}").get_data(as_text=True)
    assert f'href="{result}"' in job
    assert f'href="{result}/rejects"' in job
    shown = owner.get(result).get_data(as_text=True)
    assert 'data-count="created">1<' in shown
    assert 'data-count="rejected">1<' in shown
    assert "SKU" in shown
    assert Sale.select().count() == 0
    run_job(post(owner, f"{result}/run", result))
    assert [sale.channel for sale in Sale.select()] == ["shop"]
    rejected = owner.get(f"{result}/rejects")
    assert "attachment" in rejected.headers["Content-Disposition"]
    assert b"2,,1,no,3," in rejected.data
    run_job(post(owner, f"{result}/rollback", result))
    assert Sale.select().count() == 0
    assert "Rolled back" in owner.get("/admin/imports/").get_data(as_text=True)
    saved = SavedMapping.get()
    file = json.loads(owner.get(f"/admin/imports/mappings/{saved.id}.json").data)
    assert transfer.Mapping.from_json(file).constants == {"channel": "shop"}


def test_a_mapping_that_cannot_work_is_shown_at_its_field(owner: Any) -> None:
    address = upload(owner)
    page = owner.get(address).get_data(as_text=True)
    assert re.search(
        r'<optgroup label="[^"]+">(<option value="lines\.\w+"[^>]*>[^<]+: [^<]+</option>)+</optgroup>', page
    )
    answer = post(owner, address, address, t1="lines.sku", timezone="Moon", do="try")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Moon" in text
    assert "number" in text
    assert Import.get().state == "uploaded"


def test_a_saved_mapping_file_can_be_brought_in(owner: Any) -> None:
    address = upload(owner)
    made = json.dumps(kit.mapped(("Order no", "number"), ("SKU", "lines.sku")).to_json()).encode()
    page = post(owner, address, address, do="show", mapping_file=(io.BytesIO(made), "m.json"))
    assert 'value="web"' in page.get_data(as_text=True)
    wrong = post(owner, address, address, do="show", mapping_file=(io.BytesIO(b"[1]"), "m.json"))
    assert wrong.status_code == 422


def test_an_empty_file_is_refused_where_it_is_chosen(owner: Any) -> None:
    page = "/admin/imports/new"
    answer = post(owner, page, page, resource=SALE.name, file=(io.BytesIO(b""), "empty.csv"))
    assert answer.status_code == 422
    assert "The file is empty." in answer.get_data(as_text=True)
    assert Import.select().count() == 0


def test_a_file_that_is_no_table_says_why(owner: Any) -> None:
    page = "/admin/imports/new"
    noise = random.Random(7).randbytes(5000)
    for content, why in [(b"%PDF-1.7 x", "XLSX or CSV"), (noise, "XLSX or CSV")]:
        answer = post(owner, page, page, resource=SALE.name, file=(io.BytesIO(content), "list.xlsx"))
        assert answer.status_code == 422
        assert why in answer.text
    assert Import.select().count() == files.StoredFile.select().count() == 0


def test_without_a_file_the_upload_asks_for_one(owner: Any) -> None:
    answer = post(owner, "/admin/imports/new", "/admin/imports/new", resource=SALE.name)
    assert answer.status_code == 422
    assert "Choose a file" in answer.get_data(as_text=True)


def test_export_from_the_list_is_a_job_with_a_file(owner: Any) -> None:
    kit.bring_in("No\n1\n2\n", kit.mapped(("No", "number")))
    page = f"/admin/imports/export?resource={SALE.name}"
    assert "2 records" in owner.get(page).get_data(as_text=True)
    run_job(post(owner, page, page, resource=SALE.name, format="csv"))
    job = jobs.Job.select().order_by(jobs.Job.id.desc()).get()
    assert job.result["count"] == 2
    with kit.files.open_file(job.result["file_id"]) as stream:
        assert stream.read() == kit.export()


def test_an_export_in_a_format_that_there_is_not_begins_no_job(owner: Any) -> None:
    page = f"/admin/imports/export?resource={SALE.name}"
    assert post(owner, page, page, resource=SALE.name, format="pdf").status_code == 422
    assert not jobs.Job.select().exists()


def test_who_may_not_import_sees_no_import(owner: Any, signed_in: Any) -> None:
    address = upload(owner)
    viewer = signed_in("viewer")
    assert viewer.get(address).status_code == 404
    assert "list.csv" not in viewer.get("/admin/imports/").get_data(as_text=True)


def test_a_role_that_reaches_some_rows_sees_only_its_own_imports(owner: Any, signed_in: Any) -> None:
    address = upload(owner)
    narrowed = signed_in("manager")
    mine = access.UserRole.user == narrowed.user
    access.UserRole.update(scopes={SALE.name: {"channel": ["pos"]}}).where(mine).execute()
    assert narrowed.get(address).status_code == 404
    assert "list.csv" not in narrowed.get("/admin/imports/").get_data(as_text=True)
    assert narrowed.get(upload(narrowed)).status_code == 200


@pytest.mark.parametrize("page", ["{}", "{}/rejects", "mappings/{}.json"])
def test_a_number_too_large_for_the_database_is_no_import(owner: Any, page: str) -> None:
    assert owner.get("/admin/imports/" + page.format(10**30)).status_code == 404
    assert owner.get(f"/admin/imports/?before={10**30}").status_code == 200


def test_a_mapping_file_nested_without_end_is_refused(owner: Any) -> None:
    page, deep = upload(owner), io.BytesIO(b"[" * 100_000)
    answer = post(owner, page, page, mapping_file=(deep, "deep.json"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("permission", "is_there"), [(SALE.permission("import"), True), (SALE.permission("view"), False)]
)
def test_imports_stand_in_the_menu_of_who_may_import_something(
    signed_in: Any, ctx: Any, permission: str, is_there: bool
) -> None:
    access.Role.create(name="hand", label="Hand")
    access.grant(ctx, "hand", permission)
    assert ('href="/admin/imports/"' in signed_in("hand").get("/admin/").text) == is_there


def test_to_look_at_an_import_writes_nothing_also_when_its_job_was_canceled(owner: Any) -> None:
    address = upload(owner)
    post(owner, address, address, **form_of(owner.get(address).text) | {"c0": "channel", "v0": "shop", "do": "run"})
    import_ = Import.get()
    jobs.cancel(kit.CTX, jobs.Job.get_by_id(import_.job_id))
    pages = (f"/admin/imports/{import_.id}", address, "/admin/imports/")
    owner.get(pages[0])  # the session notes that it is in use
    with count_statements() as sent:
        shown = [owner.get(page).text for page in pages]
    assert [sql for sql in sent if not sql.lstrip("(").startswith("SELECT")] == []
    assert "Canceled" in shown[0]
    assert "Canceled" in shown[2]
    assert Import.get().state == "running"
    run_job(post(owner, f"/admin/imports/{import_.id}/run", pages[0]))
    assert Import.get().state == "completed_with_errors"
