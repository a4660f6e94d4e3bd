"""The cards of a form are the parts of the record's page; what lies in none of them comes last."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core.resources import Section
from core.web import forms
from core.web.form_parts import parts
from tests.helpers import make_suppliers, suppliers_on

NEW = "/admin/suppliers/new"


runtime = suppliers_on()


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def cards(page: str) -> list[tuple[str, list[str]]]:
    """(heading, names of its inputs) of every card of the form."""
    sections = re.split(r'<section class="mk-card"', page.partition('<form class="mk-form')[2].partition("</form>")[0])
    heading = re.compile(r"<h2[^>]*>(.*?)</h2>")
    return [
        (found[1] if (found := heading.search(one)) else "", re.findall(r'id="f-([^"]+)"', one)) for one in sections[1:]
    ]


SAME = [
    ("Supplier", ["code", "name", "parent"]),
    ("", ["is_active", "tags"]),
    ("Terms", ["country", "currency", "credit_minor"]),
]


def test_a_form_has_the_parts_of_the_record(owner: Any) -> None:
    (one,) = make_suppliers(count=1)
    assert cards(owner.get(NEW).text) == SAME
    assert cards(owner.get(f"/admin/suppliers/{one}/edit").text) == SAME
    page = owner.get(f"/admin/suppliers/{one}").text
    assert re.findall(r'<h2 id="s-[^"]+">(.*?)</h2>', page) == ["Supplier", "Terms"]


def test_the_summary_of_errors_leads_into_every_part(owner: Any) -> None:
    page = owner.send(NEW, code="", name="", country="Spain", currency="GBP", credit_minor="x").text
    links = re.findall(r'<li><a href="#(f-[^"]+)">', page)
    assert links == ["f-code", "f-name", "f-country", "f-credit_minor"]
    for name in links:
        assert f'id="{name}"' in page
    assert [heading for heading, _inputs in cards(page)] == ["Supplier", "", "Terms"]


def test_a_field_stands_in_the_first_part_that_names_it_and_none_is_lost(runtime: Any) -> None:
    form = forms.form_of(runtime.resource("suppliers.supplier").schema)
    form.fixed = {"name": "It is printed."}
    sections = [
        Section("a", "A", ["code", "no_field"]),
        Section("b", "B", ["code", "name"]),
        Section("c", "C", ["tags"]),
    ]
    found = [(part.name, [info.path for info in part.single]) for part in parts(form, sections)]
    rest = ["country", "currency", "credit_minor", "is_active", "parent"]
    assert found == [("a", ["code"]), ("c", ["tags"]), ("", rest)]
