"""A plugin of somebody else, as a distribution of its own: model, schema and ten lines give it everything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.settings import Settings
from tests.process_kit import Browser, Served, environ_of, eventually, free_port

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent / "outside" / "maktab-showrooms"
PASSWORD = "blue kettle on a warm stove"
LIST = "/admin/showrooms/"


class Shop:
    """A running install whose Python also looks into `site`; somebody at its terminal, its pages and its API."""

    def __init__(self, settings: Settings, site: Path) -> None:
        self.site, port = site, free_port()
        self.environ = environ_of(settings, port) | {"PYTHONPATH": str(site), "MAKTAB_PASSWORD": PASSWORD}
        self.password = self.maktab("init")["password"]
        self.token = self.maktab("token", "create", "--user", "owner", "--scope", "*")["token"]
        self.served = Served(settings, port, self.environ)

    def maktab(self, *arguments: str) -> Any:
        command = [sys.executable, "-P", "-m", "core.cli", *arguments, "--json"]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def state(self) -> dict[str, Any]:
        return next(line for line in self.maktab("plugin", "list") if line["name"] == "showrooms")

    def person(self, name: str, password: str = PASSWORD) -> Browser:
        browser = Browser(self.served.address)
        assert browser.sign_in(name, password)[0] == 200
        return browser

    def api(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.served.address}/api/v1{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            return error.code, None


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder into which pip has built and installed the distribution, without an index."""
    source, target = tmp_path / "source", tmp_path / "site"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))  # the build leaves its traces there
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    return target


@pytest.fixture
def shop(new_install: Settings, site: Path) -> Iterator[Shop]:
    opened = Shop(new_install, site)
    yield opened
    opened.served.end()


def test_a_distribution_becomes_a_whole_part_of_the_admin_and_leaves_without_harm(shop: Shop, tmp_path: Path) -> None:
    owner = shop.person("owner", shop.password)
    assert shop.state()["status"] == "off"
    assert owner.get(LIST)[0] == 404
    assert shop.maktab("plugin", "enable", "showrooms")
    eventually(lambda: owner.get(LIST)[0] == 200, 10, "the list of showrooms")
    assert f'href="{LIST}"' in owner.get("/admin/")[1]
    by_form_and_api(shop, owner)
    by_files(shop, owner, tmp_path)
    found_and_told(owner)
    only_for_those_who_may(shop)
    gone_and_back(shop, owner)


def by_form_and_api(shop: Shop, owner: Browser) -> None:
    owner.get(f"{LIST}new")
    assert owner.post(f"{LIST}new", code="", name="Nameless")[0] == 422
    assert owner.post(f"{LIST}new", code="LON", name="London Bridge", city="London", is_open="1")[0] == 200
    number = shop.api("GET", "/showrooms")[1]["data"][0]["id"]
    form = owner.get(f"{LIST}{number}/edit")[1]
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version
    changed = {"code": "LON", "name": "London Bridge", "city": "Southwark", "is_open": "1"}
    assert owner.post(f"{LIST}{number}/edit", version=version[1], **changed)[0] == 200
    assert owner.post(f"{LIST}{number}/edit", version=version[1], **changed | {"city": "York"})[0] == 409  # outdated
    made = shop.api("POST", "/showrooms", {"code": "MAN", "name": "Piccadilly", "city": "Manchester"})
    assert (made[0], made[1]["is_open"]) == (201, True)
    assert shop.api("POST", "/showrooms", {"code": "X" * 17, "name": "Too long"})[0] == 422
    assert shop.api("PATCH", f"/showrooms/{made[1]['id']}", {"is_open": False})[1]["is_open"] is False
    assert [doc["city"] for doc in shop.api("GET", "/showrooms?sort=name")[1]["data"]] == ["Southwark", "Manchester"]


def by_files(shop: Shop, owner: Browser, tmp_path: Path) -> None:
    """What was exported is known again without a mapping; a bad row is told, a known key updates."""
    file, out = tmp_path / "showrooms.csv", tmp_path / "all.csv"
    file.write_text("code,name,city,is_open\nDUB,Temple Bar,Dublin,true\nMAN,Piccadilly,Salford,true\n,No code,,true\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "core.cli", "import", "showrooms.showroom", str(file), "--json"],
        env=shop.environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert (done.returncode, told["created"], told["updated"], told["rejected"]) == (3, 1, 1, 1)
    assert shop.maktab("export", "showrooms.showroom", "--out", str(out))["records"] == 3
    assert "Salford" in out.read_text()
    again = shop.maktab("import", "showrooms.showroom", str(out))
    assert (again["unchanged"], again["created"], again["rejected"]) == (3, 0, 0)
    assert {"Import", "Export"} <= set(re.findall(r">(Import|Export)<", owner.get(LIST)[1]))


def found_and_told(owner: Browser) -> None:
    assert [name in owner.get(f"{LIST}?q=temple")[1] for name in ("Temple Bar", "Piccadilly")] == [True, False]
    assert "Piccadilly" in owner.get(f"{LIST}?q=MAN")[1]
    assert [name in owner.get(f"{LIST}?city=Dublin")[1] for name in ("Temple Bar", "Piccadilly")] == [True, False]
    log = owner.get("/admin/audit/?resource=showrooms.showroom")[1]
    assert "Temple Bar" in log
    assert "London Bridge" in log


def only_for_those_who_may(shop: Shop) -> None:
    shop.maktab("user", "add", "reader", "--role", "viewer")
    shop.maktab("user", "add", "nobody")
    reader, nobody = shop.person("reader"), shop.person("nobody")
    assert (reader.get(LIST)[0], reader.get(f"{LIST}new")[0], reader.post(f"{LIST}new", code="A")[0]) == (200, 403, 403)
    assert nobody.get(LIST)[0] == 403
    assert f'href="{LIST}"' not in nobody.get("/admin/")[1]


def gone_and_back(shop: Shop, owner: Browser) -> None:
    """pip uninstall, then a restart: the admin is up, the list of plugins says why, the data wait."""
    away = shop.site.with_name("away")
    away.mkdir()
    move(shop.site, away)
    web = shop.served.children("web")
    for process in web:
        process.kill()
    eventually(lambda: owner.get("/admin/")[0] == 200 if shop.served.answers() else False, 30, "the admin again")
    assert owner.get("/admin/orders/")[0] == 200
    assert owner.get(LIST)[0] == 404
    assert f'href="{LIST}"' not in owner.get("/admin/")[1]
    page = owner.get("/admin/plugins/")[1]
    assert "Its folder or package is gone: put it back and enable it, or disable it." in page
    assert shop.state()["status"] == "missing"
    assert owner.get("/admin/audit/?resource=showrooms.showroom")[0] == 200
    move(away, shop.site)
    assert "Its folder or package is gone" in owner.get("/admin/plugins/")[1]  # nobody has loaded it yet
    owner.post("/admin/plugins/showrooms/enable")
    eventually(lambda: owner.get(LIST)[0] == 200, 30, "the list of showrooms again")
    assert len(shop.api("GET", "/showrooms")[1]["data"]) == 3


def move(source: Path, target: Path) -> None:
    """pip can uninstall nothing from a folder of its own: package and metadata go, the folder stays."""
    for path in source.iterdir():
        path.rename(target / path.name)
