"""plugin.toml, and which plugins fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.plugins.manifest import Plugin, misfit, read
from core.plugins.resolver import dependents, resolve

GOOD = 'name = "acme"\ntitle = "Acme"\nversion = "1.2"\ncontract = 1\n'


def manifest(tmp_path: Path, text: str) -> Plugin:
    folder = tmp_path / "acme"
    folder.mkdir(exist_ok=True)
    (folder / "plugin.toml").write_text(text, encoding="utf-8")
    return read(folder, "acme")


def plugin(name: str, version: str = "1.0", **values: object) -> Plugin:
    return Plugin(name=name, path=Path(), module=name, version=version, **values)  # type: ignore[arg-type]


def test_a_small_manifest_is_enough(tmp_path: Path) -> None:
    found = manifest(tmp_path, GOOD)
    assert (found.name, found.version, found.error) == ("acme", "1.2", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name = ", "Invalid value"),
        ("", "Missing data"),
        (GOOD.replace("acme", "other"), "must equal the name of its folder"),
        (GOOD.replace('"acme"', '"Acme!"'), "must be a slug"),
        (GOOD.replace('"acme"', '"core"'), "name"),
        (GOOD.replace("contract = 1", "contract = 2"), "contract"),
        (GOOD.replace("contract = 1", "contract = true"), "contract"),
        (GOOD.replace('"1.2"', '"one two"'), "Invalid version"),
        (GOOD.replace('"Acme"', "3"), "title"),
        (GOOD + "reqires = {}", "reqires"),
        (GOOD + 'requires = { orders = "new" }', "Invalid specifier"),
        (GOOD + "requires = { orders = 1 }", "requires"),
        (GOOD + 'packages = ["two words"]', "Expected"),
        (GOOD + 'category = "game"', "category"),
        (GOOD + 'databases = ["oracle"]', "databases"),
        (GOOD + 'provides = ["carrier"]', "provides"),
        (GOOD + '[permissions]\n"orders.steal" = "Steal"', "must begin with the plugin"),
    ],
)
def test_a_bad_manifest_gives_a_reason_and_no_crash(tmp_path: Path, text: str, reason: str) -> None:
    found = manifest(tmp_path, text)
    assert found.name == "acme"
    assert reason in found.error
    assert "plugin.toml" in found.error


def test_a_manifest_that_is_not_utf8_gives_a_reason(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "plugin.toml").write_bytes(b'name = "\xff"')
    assert "utf-8" in read(tmp_path / "acme", "acme").error


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"core": ">=99"}, "It needs Maktab >=99"),
        ({"python": "<3"}, "It needs Python <3"),
        ({"databases": ("postgresql",)}, "It does not run on sqlite"),
        ({"packages": ("no-such-distribution>=1",)}, "no-such-distribution>=1"),
        ({"packages": ("flask<1",)}, "flask<1"),
        ({"packages": ("flask>=3",)}, ""),
    ],
)
def test_what_this_install_cannot_run_is_named(values: dict[str, object], reason: str) -> None:
    found = misfit(plugin("acme", **values), "sqlite")
    assert reason in found
    assert bool(reason) == bool(found)


def resolved(*plugins: Plugin) -> tuple[list[str], dict[str, str]]:
    return resolve({one.name: one for one in plugins}, "sqlite")


def test_a_plugin_loads_after_all_that_it_requires() -> None:
    order, reasons = resolved(
        plugin("a", requires={"c": ""}), plugin("b", requires={"a": ">=1"}), plugin("c"), plugin("d")
    )
    assert not reasons
    assert order.index("c") < order.index("a") < order.index("b")


def test_a_missing_plugin_takes_its_dependents_along_and_nobody_else() -> None:
    order, reasons = resolved(plugin("a", requires={"x": ""}), plugin("b", requires={"a": ""}), plugin("c"))
    assert order == ["c"]
    assert "'x'" in reasons["a"]
    assert "'a'" in reasons["b"]


@pytest.mark.parametrize("key", ["requires", "optional"])
def test_a_wrong_version_is_refused(key: str) -> None:
    _, reasons = resolved(plugin("a", **{key: {"b": ">=2"}}), plugin("b"))
    assert "b >=2" in reasons["a"]
    assert "there is 1.0" in reasons["a"]


def test_an_optional_plugin_may_be_absent() -> None:
    assert resolved(plugin("a", optional={"b": ">=2"})) == (["a"], {})


def test_a_circle_is_told_and_the_others_go_on() -> None:
    order, reasons = resolved(plugin("a", requires={"b": ""}), plugin("b", requires={"a": ""}), plugin("c"))
    assert order == ["c"]
    assert "circle" in reasons["a"]
    assert "→" in reasons["b"]


def test_a_conflict_stops_the_one_that_declares_it() -> None:
    order, reasons = resolved(plugin("a", conflicts={"b": "<2"}), plugin("b"))
    assert order == ["b"]
    assert "conflicts with b 1.0" in reasons["a"]


def test_a_contract_needs_a_provider() -> None:
    dhl = plugin("carriers_dhl", implements=("carriers.carrier.v1",))
    assert "no enabled plugin provides" in resolved(dhl)[1]["carriers_dhl"]
    assert not resolved(dhl, plugin("carriers", provides=("carriers.carrier.v1",)))[1]


def test_dependents_go_before_what_they_require() -> None:
    plugins = {one.name: one for one in (plugin("a"), plugin("b", requires={"a": ""}), plugin("c", requires={"b": ""}))}
    assert dependents("a", plugins) == ["c", "b"]
    assert dependents("c", plugins) == []
