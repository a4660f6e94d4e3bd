"""What there is to be seen: a shot for every type of page, in the order in which the shop lives through them."""

from __future__ import annotations

import tempfile
from itertools import cycle
from pathlib import Path

from album import Shot, Show
from playwright.sync_api import Page

FOREIGN = """Order no;Order date;Customer name;E-mail;Item;SKU;Quantity;Unit price;Currency;Gift wrap
B-1;01.03.2024;Mona Weber;mona@example.com;Mug, blue;MUG-BLUE;2;12,50;EUR;yes
B-1;01.03.2024;Mona Weber;mona@example.com;Mug, red;MUG-RED;1;12,50;EUR;yes
B-2;02.03.2024;Jan Hoff;jan@example.com;Robe M;ROBE-M;1;59,90;EUR;no
"""
SUPPLIERS = """code,name,country,currency,credit,is_active,tags
ATLAS,Atlas Ceramics,PT,EUR,12500.00,true,"tableware, audited"
DHAHAB,مصنع الذهب للنسيج,SA,SAR,84000.00,true,linen
HOFF,Hoff & Söhne Glas,DE,EUR,3200.50,true,glass
KYOTO,Kyoto Paper Works,JP,JPY,950000,true,"paper, gift"
LOOM,The Loom House,GB,GBP,7600.00,true,linen
MAISON,Maison Lavande,FR,EUR,0.00,false,
NILE,Nile Cotton Mills,EG,USD,26000.00,true,"linen, audited"
OAK,Oak & Iron Furniture,GB,GBP,15250.00,true,furniture
"""
TAGS = cycle(["spring", "summer", "autumn", "winter"])


def at(address: str) -> Show:
    return lambda page: page.goto(address)


def upload(page: Page, resource: str, text: str, name: str) -> None:
    """To the page that maps the columns of a file."""
    page.goto(f"/admin/imports/new?resource={resource}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(text, encoding="utf-8")
        page.set_input_files("#f-file", file)
        page.click(".mk-save button.mk-btn-p")
        page.wait_for_url("**/mapping")


def fetch_suppliers(page: Page) -> None:
    upload(page, "suppliers.supplier", SUPPLIERS, "suppliers.csv")
    page.click(".mk-save button >> nth=0")
    page.wait_for_url("**/jobs/*")
    ended(page)
    page.goto("/admin/imports/")
    page.click("main a.mk-key >> nth=0")
    page.click("form[action$='/run'] button")
    page.wait_for_url("**/jobs/*")
    ended(page)


def ended(page: Page) -> None:
    page.wait_for_selector("#progress:not([hx-get])", timeout=300_000)


def select_all(page: Page) -> None:
    page.goto("/admin/orders/?limit=25")
    page.wait_for_selector("[data-count]:not(:text('…'))")
    page.check("[name=ids] >> nth=0")  # a phone has no box for the whole page
    page.check("[name=everything]")


def bulk(page: Page, action: str) -> None:
    """Do something with what is selected; a phone has most of it in a menu."""
    button = f"[data-bulk] button[formaction$='/{action}']:visible"
    if not page.locator(button).count():
        page.click("[data-bulk] details[data-popup] > summary")
    page.click(button)


def filter_menu(page: Page) -> None:
    page.goto("/admin/orders/?limit=25&placed_at=last_30_days")
    page.click(".mk-chip-add > summary")
    page.wait_for_selector(".mk-filter-list details")
    page.click(".mk-filter-list details >> nth=0")


def columns(page: Page) -> None:
    page.goto("/admin/orders/?limit=25&payment_status=paid")
    page.click(".mk-setup >> xpath=.. >> summary")
    page.wait_for_selector(".mk-order li")


def save_view(page: Page) -> None:
    page.goto("/admin/orders/?limit=25&payment_status=paid")
    page.click("a[data-dialog][href*='/views/new']")
    page.fill("dialog[open] #f-name", "Gifts, paid")


def keep_view(page: Page) -> None:
    save_view(page)
    page.click("dialog[open] button.mk-btn-p")
    page.wait_for_url("**view=*")


def order(page: Page) -> None:
    page.goto("/admin/orders/?q=10440")
    page.click("a.mk-key >> nth=0")
    page.wait_for_selector("#timeline")


def order_form(page: Page) -> None:
    order(page)
    page.click("a[data-edit]")
    page.fill("#f-customer_phone", "+44 113 496 0000")


def refused(page: Page) -> None:
    page.goto("/admin/suppliers/new")
    page.fill("#f-code", "ATLAS")
    page.fill("#f-country", "Portugal")
    page.click(".mk-save button.mk-btn-p")
    page.wait_for_selector("[data-summary]")


def cell(page: Page) -> None:
    page.goto("/admin/suppliers/?sort=code")
    if page.viewport_size and page.viewport_size["width"] < 860:  # a phone's cards are edited in the form
        return
    page.click("tbody tr >> nth=2 >> td[data-cell=country]")
    page.fill("[data-cell=country] input[name=country]", "Germany")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-cell=country] .mk-err")


def picker(page: Page) -> None:
    first_of("/admin/suppliers/?sort=code")(page)
    page.click("a[data-edit]")
    page.fill("#f-parent", "loom")
    page.wait_for_selector("[role=option]")


def weave(page: Page) -> None:
    """A fabric in two colors, three widths each."""
    page.goto("/admin/fabrics/new")
    form = {"csrf_token": page.get_attribute("form[data-form] [name=csrf_token]", "value") or ""}
    form |= {"code": "LINEN", "currency": "GBP"}
    widths = {"Single": "449.00", "Queen": "649.00", "King": "749.00"}
    made = [(color, width, price) for color in ("sand", "clay") for width, price in widths.items()]
    for number, (color, width, price) in enumerate(made):
        row = {"color": color, "width": width, "sku": f"LIN-{color[:1]}{width[:1]}".upper()}
        row |= {"price_minor": price, "reorder_at": "6", "is_sold": "true"}
        form |= {f"variants.{number}.{name}": text for name, text in row.items()}
    page.request.post("/admin/fabrics/new", form=form, headers={"Referer": page.url})


def matrix(page: Page) -> None:
    first_of("/admin/fabrics/")(page)
    page.click("a[data-edit]")
    page.check("[data-choose] >> nth=1")
    page.check("[data-choose] >> nth=4")
    page.fill("[data-chosen] [data-fill] >> nth=0", "699.00")


def typed(page: Page) -> None:
    page.goto("/admin/suppliers/?sort=code")
    page.check("[name=ids] >> nth=5")
    page.check("[name=ids] >> nth=6")
    bulk(page, "delete")
    page.wait_for_selector("dialog[open] input[name='confirm.typed']")


def undo(page: Page) -> None:
    page.goto("/admin/orders/?limit=25")
    page.check("[name=ids] >> nth=3")
    bulk(page, "add_tags")
    page.fill("dialog[open] input[type=text]", next(TAGS))
    page.click("dialog[open] button.mk-btn-p")
    page.wait_for_selector("#toasts [data-passing]")


def signed_out(page: Page) -> None:
    page.goto("/admin/orders/")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.fill("[data-find]", "linen")
    page.wait_for_selector("dialog[open] input[name=password]")
    page.context.add_cookies(cookies)  # for the pictures after this one


def running_job(page: Page) -> None:
    """Each look tags all orders, with a word of its own, so that there is work left while it looks."""
    select_all(page)
    bulk(page, "add_tags")
    page.fill("dialog[open] input[type=text]", next(TAGS))
    page.click("dialog[open] button.mk-btn-p")
    page.wait_for_url("**/admin/jobs/*")
    for _look in range(50):  # it is done within two seconds; the page asks each second only
        if page.locator("#progress[hx-get] progress[value]:not([value='0'])").count():
            break
        page.reload()
    page.evaluate("for (const one of document.querySelectorAll('[hx-get]')) one.replaceWith(one.cloneNode(true))")


def ended_anew(page: Page) -> None:
    """What stands still for its picture learns of the end by loading anew."""
    page.reload()
    ended(page)


def finished_job(page: Page) -> None:
    page.goto("/admin/jobs/")
    page.click("main a.mk-key >> nth=0")
    ended(page)


def password(page: Page) -> None:
    """The shop of the pictures asks for the password each time."""
    page.goto("/admin/plugins/visits")
    page.click("form[action$='/visits/disable'] button")
    page.wait_for_selector("dialog[open] input[type=password]")


def palette(page: Page) -> None:
    page.goto("/admin/orders/?limit=25")
    page.click("[data-palette]")
    page.fill("#palette-q", "10440")
    page.wait_for_selector("#palette-list [role=option]")


def shortcuts(page: Page) -> None:
    page.goto("/admin/orders/?limit=25")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open] .mk-keys-l")


def escape(page: Page) -> None:
    page.keyboard.press("Escape")


def look_as(page: Page) -> None:
    page.goto("/admin/roles/?sort=name")
    page.click("a.mk-key >> nth=1")
    page.click("form[action='/admin/view-as'] button")
    page.wait_for_url("**/admin/")
    page.goto("/admin/orders/?limit=25")


def leave(page: Page) -> None:
    page.click("form[action='/admin/view-as/leave'] button")


def question(page: Page) -> None:
    first_of("/admin/suppliers/?sort=code")(page)
    page.goto(page.url + "/delete")


def first_of(address: str) -> Show:
    """The page of the first record of a list."""

    def show(page: Page) -> None:
        page.goto(address)
        page.click("a.mk-key >> nth=0")
        page.wait_for_selector(".mk-crumb")

    return show


SHOTS = [
    Shot("sign-in", "Signing in", at("/admin/"), is_public=True),
    Shot("list-empty", "A list without records", at("/admin/fabrics/")),
    Shot(
        "plugin-list",
        "A plugin's list: a declaration alone",
        at("/admin/suppliers/"),
        once=fetch_suppliers,
    ),
    Shot("plugin-record", "A plugin's record: the same declaration", first_of("/admin/suppliers/?sort=code")),
    Shot("form-errors", "A form that was refused", refused),
    Shot("list", "A list, all that match selected", select_all),
    Shot("list-filter", "Choosing a filter", filter_menu),
    Shot("list-columns", "Choosing columns", columns),
    Shot("view-save", "Keeping a view", save_view),
    Shot("views", "Views that were kept", at("/admin/views/"), once=keep_view),
    Shot("list-cell", "A cell edited in its list", cell, after=escape),
    Shot("toast", "What was done, with its undo", undo),
    Shot("list-no-match", "Nothing matches", at("/admin/orders/?q=nothing+like+this")),
    Shot("home", "Home", at("/admin/")),
    Shot("home-customize", "Arranging Home", at("/admin/home/")),
    Shot("menu-customize", "Arranging the menu", at("/admin/menu/")),
    Shot("record", "A record", order),
    Shot("form", "A form", order_form),
    Shot("form-picker", "Choosing another record", picker, after=escape),
    Shot("form-matrix", "Rows of a form in groups", matrix, once=weave),
    Shot("delete", "Asked before a delete", question),
    Shot("delete-typed", "Asked before many are deleted", typed, after=escape),
    Shot("import-mapping", "Columns of a file", lambda page: upload(page, "orders.order", FOREIGN, "orders.csv")),
    Shot("import-upload", "Uploading a file", at("/admin/imports/new")),
    Shot("imports", "Imports", at("/admin/imports/")),
    Shot("import-result", "What an import did", first_of("/admin/imports/")),
    Shot("export", "Export", at("/admin/imports/export?resource=orders.order&currency=GBP")),
    Shot("users", "Users", at("/admin/users/")),
    Shot("user", "A user, his roles and sessions", first_of("/admin/users/?sort=username")),
    Shot("roles", "Roles", at("/admin/roles/")),
    Shot("role", "A role and its permissions", first_of("/admin/roles/?sort=-name")),
    Shot("view-as", "Looking as somebody else", look_as, after=leave),
    Shot("audit", "Audit log", at("/admin/audit/")),
    Shot("audit-entry", "An entry of the audit log", first_of("/admin/audit/")),
    Shot("plugins", "Plugins", at("/admin/plugins/")),
    Shot("plugin", "A plugin: what it wants, how it does", at("/admin/plugins/orders")),
    Shot("confirm-password", "Asked for the password", password, after=escape),
    Shot("plugin-page", "A plugin's own page: macros alone", at("/admin/visits/")),
    Shot("profile", "Profile and language", at("/admin/profile/")),
    Shot("job-running", "A running job", running_job, after=ended_anew),
    Shot("jobs", "Jobs", at("/admin/jobs/")),
    Shot("job-done", "A job that is done", finished_job),
    Shot("palette", "The command bar", palette, after=escape),
    Shot("shortcuts", "Shortcuts of the present page", shortcuts, after=escape),
    Shot("shortcuts-edit", "Changing the shortcuts", at("/admin/shortcuts/")),
    Shot("notifications", "Notifications", at("/admin/notifications/")),
    Shot("settings", "Settings", at("/admin/settings/")),
    Shot("not-found", "Nothing at this address", at("/admin/no-such-page")),
    Shot("signed-out", "A session that has ended", signed_out, after=escape),
    Shot("offline", "Without a network", at("/admin/offline")),
]
