"""Every text of core, themes and plugins has its Arabic; the compiled catalogues are those of the sources."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from core import plugins
from core.db import utcnow
from core.i18n import _n, format_day, speaking
from core.runtime import bound
from tests.plugin_kit import MerchantFolder

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import translations  # noqa: E402

CATALOGUES = [
    pytest.param(po, sources, id=str(po.relative_to(ROOT)))
    for folder, sources in translations.rooms().items()
    for po in sorted(folder.glob("*/LC_MESSAGES/messages.po"))
]


def test_core_speaks_arabic() -> None:
    assert any("core/locale/ar" in str(one.id) for one in CATALOGUES)


@pytest.mark.parametrize(("po", "sources"), CATALOGUES)
def test_every_text_is_translated(po: Path, sources: list[Path]) -> None:
    catalogue = translations.updated(po, translations.template(sources))
    assert translations.missing(catalogue) == []


@pytest.mark.parametrize(("po", "sources"), CATALOGUES)
def test_a_translation_names_the_same_values(po: Path, sources: list[Path]) -> None:
    def values(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)[a-z]", text))

    for message in translations.updated(po, translations.template(sources)):
        if isinstance(message.id, str) and message.id:
            assert values(message.string or message.id) == values(message.id), message.id


@pytest.mark.parametrize(("po", "sources"), CATALOGUES)
def test_a_number_is_a_text_for_it_may_come_in_other_digits(po: Path, sources: list[Path]) -> None:
    texts = [str(message.id) for message in translations.updated(po, translations.template(sources))]
    assert [text for text in texts if re.search(r"%\(\w+\)[dif]", text)] == []


@pytest.mark.parametrize(("po", "sources"), CATALOGUES)
def test_the_compiled_catalogue_is_that_of_the_source(po: Path, sources: list[Path]) -> None:
    with po.open("rb") as source:
        assert po.with_suffix(".mo").read_bytes() == translations.as_mo(translations.read_po(source))


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "لم يتغيّر أي سجل."),
        (1, "تغيّر سجل واحد."),
        (2, "تغيّر سجلان."),
        (3, "تغيّرت 3 سجلات."),
        (11, "تغيّر 11 سجلًا."),
        (100, "تغيّر 100 سجل."),
    ],
)
def test_arabic_has_six_forms_of_plural(n: int, said: str) -> None:
    with speaking("ar"):
        assert _n("%(n)s record changed.", "%(n)s records changed.", n) == said


def test_days_are_said_in_the_language() -> None:
    with speaking("ar"):
        assert format_day(utcnow().date()) == "اليوم"


def test_the_list_of_plugins_speaks_arabic_also_of_one_that_is_off(ctx: Any, runtime: Any, signed_in: Any) -> None:
    plugins.disable(ctx, "orders")
    browser = signed_in("owner")
    browser.send("/admin/profile/", what="profile", locale="ar")
    page = browser.get("/admin/plugins/").text
    assert "الطلبات من كل قنوات البيع" in page
    assert "الاستيراد والتصدير" in page


@pytest.mark.parametrize(
    ("url", "said", "latin"),
    [
        ("/admin/imports/export?resource=no.such", "لا يوجد نوع سجلات باسم no.such", "There is"),
        ("/admin/orders/?placed_at__gte=abc", "تاريخ الطلب: اكتب تاريخًا", "placed_at__gte:"),
        ("/admin/orders/?limit=9999", "اطلب من 1 إلى 200 سجل", "limit:"),
    ],
)
def test_what_an_address_is_refused_for_is_said_in_arabic(signed_in: Any, url: str, said: str, latin: str) -> None:
    browser = signed_in("owner")
    answer = browser.send("/admin/profile/", what="profile", locale="ar")
    assert "تم الحفظ." in browser.get(answer.location).text, "in the language that was chosen, not in the one before"
    page = browser.get(url).text
    assert said in page
    assert latin not in page


def test_why_a_plugin_stays_as_it_is_is_said_in_arabic(ctx: Any, runtime: Any, merchant: MerchantFolder) -> None:
    merchant.on("needy", manifest='requires = { orders = ">=0" }')
    with bound(merchant.build()), speaking("ar"):
        with pytest.raises(plugins.PluginRefused, match="تحتاج needy إلى orders"):
            plugins.disable(ctx, "orders")
        merchant.add("broken", hooks="import nothing_of_this_name")
        with pytest.raises(plugins.PluginRefused, match="لا يمكن تفعيل broken"):
            plugins.enable(ctx, "broken")
