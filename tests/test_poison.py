"""Plugins that turn bad in running processes: every page of core stays, the plugin goes off and the list says why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core import db
from core.settings import Settings
from tests import chaos_kit
from tests.plugin_kit import MerchantFolder
from tests.poison_kit import BY_NAME, POISONS, Poison
from tests.process_kit import Browser, Served, eventually, family, free_port, kill, start

pytestmark = pytest.mark.slow

PASSWORD = "blue kettle on a warm stove"
PAGES = ["/admin/", "/admin/orders/", "/admin/users/", "/admin/users/1", "/admin/plugins/", "/admin/jobs/"]
OFF_S = 60


class House:
    """A served install with all poisons on, none of them bad yet, and somebody who looks at its pages."""

    def __init__(self, settings: Settings) -> None:
        db.connect(settings.url)
        self.merchant = MerchantFolder(settings)
        for poison in POISONS:
            poison.put(self.merchant)
        self.merchant.turn_on(*BY_NAME)
        chaos_kit.make_owner("owner", PASSWORD)
        environ = {"MAKTAB_WEB_WORKERS": "2", "MAKTAB_WEB_THREADS": "4", "MAKTAB_MEMORY_MB": "400"}
        self.served = Served(settings, free_port(), environ)
        self.owner = Browser(self.served.address)
        assert self.owner.sign_in("owner", PASSWORD)[0] == 200

    def end(self) -> None:
        self.served.end()
        self.merchant.forget()

    def look_round(self) -> None:
        assert {page: status for page in PAGES if (status := self.owner.get(page)[0]) != 200} == {}

    def is_off(self, poison: Poison) -> bool:
        self.look_round()
        page = self.owner.get("/admin/plugins/")[1]
        card = page.partition(f'id="plugin-{poison.name}"')[2].partition("</section>")[0]
        return "Quarantined" in card and poison.reason in card

    def goes_off(self, *poisons: Poison) -> None:
        began = time.monotonic()
        for poison in poisons:
            eventually(lambda poison=poison: self.is_off(poison), OFF_S, f"{poison.name} off and its reason shown")
        assert time.monotonic() - began < OFF_S

    def another_comes(self, at_start: list[Poison]) -> None:
        """A second web server, as in a deploy, loads them anew; the first one has loaded them while they were good."""
        port = free_port()
        log = self.served.log.with_name("second.log")
        second = start("web", self.served.environ | {"PORT": str(port)}, log)
        try:
            self.goes_off(*at_start)
            self.look_round()
            guest = Browser(f"http://127.0.0.1:{port}")
            eventually(lambda: guest.answers(), 30, "the second web server")
            assert guest.sign_in("owner", PASSWORD)[0] == 200
            assert {page: status for page in PAGES if (status := guest.get(page)[0]) != 200} == {}
        finally:
            kill(family(second.pid))
            second.wait()


@pytest.fixture
def house(new_install: Settings) -> Iterator[House]:
    opened = House(new_install)
    yield opened
    opened.end()


@pytest.mark.parametrize("database_kind", ["sqlite"])  # on PostgreSQL, under load: tests/prove/test_poison.py
def test_plugins_that_turn_bad_go_off_one_by_one_and_no_page_fails(house: House) -> None:
    house.look_round()
    for poison in (poison for poison in POISONS if not poison.at_start):
        poison.turn(house.merchant)
        house.goes_off(poison)
    at_start = [poison for poison in POISONS if poison.at_start]
    for poison in at_start:
        poison.turn(house.merchant)
    house.another_comes(at_start)


DEAF = """
import ctypes
import time
from pathlib import Path

@hookimpl
def nav_items(actor):
    if Path(__file__).with_name("bad").exists():
        {wait}
    return []
"""
WAITS = {
    "time.sleep(3600)  # as a call over the network that nobody limits": "nav_items: it did not end in time",
    "ctypes.PyDLL(None).sleep(3600)  # as an expression that takes for ever": "nav_items: it held a whole process",
}


@pytest.mark.parametrize("database_kind", ["sqlite"])  # nothing in it depends on the database
@pytest.mark.parametrize(("wait", "reason"), WAITS.items(), ids=["waits", "holds the interpreter"])
def test_a_hook_that_never_comes_back_costs_its_process(new_install: Settings, wait: str, reason: str) -> None:
    """What waits in C cannot be stopped: the plugin goes off; a process of which no thread is left is replaced."""
    db.connect(new_install.url)
    merchant = MerchantFolder(new_install)
    folder = merchant.on("deaf", hooks=DEAF.format(wait=wait))
    chaos_kit.make_owner("owner", PASSWORD)
    served = Served(new_install, free_port(), {"MAKTAB_WEB_THREADS": "2", "MAKTAB_HANG_S": "8"})
    try:
        owner = Browser(served.address)
        assert owner.sign_in("owner", PASSWORD)[0] == 200
        workers = served.web_workers()
        folder.joinpath("bad").touch()
        with ThreadPoolExecutor(2) as pool:
            lost = [pool.submit(owner.answers, "/admin/") for _ in range(2)]
            assert [one.result() for one in lost] == [False, False]
        eventually(lambda: owner.answers("/admin/orders/"), 30, "pages again")
        assert reason in owner.get("/admin/plugins/")[1]
        assert not workers & served.web_workers()
    finally:
        served.end()
        merchant.forget()
