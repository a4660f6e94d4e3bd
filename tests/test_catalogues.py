"""Whose words: two plugins and core translate the same one differently, and each says its own."""

from __future__ import annotations

import importlib
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog, mofile

from core import auth, jobs, notifications
from core.app import create_app
from core.audit import words
from core.auth.models import User
from core.context import Context
from core.i18n import _, __, packed, speaking, unpacked
from core.jobs.models import Job
from core.resources import Selection
from core.runtime import Runtime, bound
from tests.plugin_kit import MerchantFolder

pytestmark = pytest.mark.usefixtures("runtime")
CORE, MARK = "إلغاء", {"alpha": "ألفا", "beta": "بيتا"}
HOOKS = """
    from core import notifications
    from core.i18n import N_, _, __, _n

    LAZY = __("Cancel")
    LONG = __("Stop: %(what)s", what=LAZY)

    def said():
        return _("Cancel")

    def counted(n):
        return _n("Cancel", "Cancel all", n)

    def tell(ctx, user):
        notifications.tell(ctx, [user], N_("Cancel"))
"""
BASE = """{% macro word() %}{{ _("Cancel") }}{% endmacro %}{{ _("Cancel") }}|{% block main %}{% endblock %}"""
PAGE = """{% extends "beta/base.html" %}{% import "beta/base.html" as b with context %}
{% macro mine() %}{{ _("Cancel") }}{% endmacro %}
{% block main %}{{ _("Cancel") }}|{{ mine() }}|{{ ngettext("Cancel", "Cancel all", 1) }}|{{ b.word() }}{% endblock %}"""


def catalogue(folder: Path, texts: dict[Any, Any]) -> None:
    """A compiled one, as translators deliver it."""
    made, target = Catalog(locale="ar"), folder / "locale/ar/LC_MESSAGES"
    for one, said in texts.items():
        made.add(one, said)
    target.mkdir(parents=True)
    with (target / "messages.mo").open("wb") as out:
        mofile.write_mo(out, made)


@pytest.fixture
def built(runtime: Runtime, merchant: MerchantFolder) -> Iterator[Runtime]:
    """Two plugins that both say "Cancel", "Updated" and "Sign in" in their own way."""
    for name, mark in MARK.items():
        files = {"templates/alpha/page.html": PAGE, "templates/beta/base.html": BASE}
        folder = merchant.on(name, hooks=HOOKS, files={path: text for path, text in files.items() if name in path})
        texts: dict[Any, Any] = {"Updated": mark, "Sign in": mark, "Stop: %(what)s": f"{mark}: %(what)s"}
        texts["Cancel", "Cancel all"] = (mark,) * 6
        catalogue(folder, texts | ({"Only alpha": mark} if name == "alpha" else {}))
    with bound(merchant.build()) as made:
        yield made


def hooks(name: str) -> Any:
    return importlib.import_module(f"{name}.hooks")


def test_the_code_of_each_says_its_own_word(built: Runtime) -> None:
    with speaking("ar"):
        assert _("Cancel") == CORE
        for name, mark in MARK.items():
            assert (hooks(name).said(), hooks(name).counted(3), str(hooks(name).LAZY)) == (mark, mark, mark)
    assert hooks("alpha").said() == "Cancel"


def test_the_templates_of_each_do_too_also_where_one_extends_another(built: Runtime) -> None:
    app = create_app(built)
    with app.test_request_context(), speaking("ar"):
        found = app.jinja_env.get_template("alpha/page.html").render()
    one, other = MARK["alpha"], MARK["beta"]
    assert [part.strip() for part in found.split("|")] == [other, one, one, one, other]
    page = app.test_client().get("/admin/sign-in", headers={"Accept-Language": "ar"}).text
    assert "تسجيل الدخول" in page
    assert not any(mark in page for mark in MARK.values())


def test_what_core_says_for_a_plugin_is_in_the_words_of_that(built: Runtime, make_user: Any, ctx: Context) -> None:
    user = make_user("owner")
    for name in MARK:
        hooks(name).tell(ctx, user.id)
    with speaking("ar"):
        assert [one.said for one in notifications.of(user.id)] == [MARK["beta"], MARK["alpha"]]
        assert [words.action(f"{name}.thing", "updated") for name in MARK] == list(MARK.values())
        assert words.action("orders.order", "updated") not in MARK.values()


def test_a_word_that_only_another_plugin_has_is_still_translated(built: Runtime) -> None:
    with speaking("ar"):
        assert _("Only alpha") == MARK["alpha"]
        assert _("Nobody has this") == "Nobody has this"


def test_a_text_that_is_kept_is_said_later_in_the_words_of_who_wrote_it(built: Runtime) -> None:
    kept = packed(hooks("beta").LONG)
    assert kept == {"text": "Stop: %(what)s", "by": "beta/", "values": {"what": packed(hooks("beta").LAZY)}}
    assert str(unpacked(kept)) == "Stop: Cancel"
    with speaking("ar"):
        assert str(unpacked(kept)) == "بيتا: بيتا"
        assert packed(unpacked(kept)) == kept
    assert packed(__("Cancel"))["by"] == "/"


def test_to_translate_a_word_costs_microseconds(built: Runtime) -> None:
    with speaking("ar"):
        assert min(timeit.repeat(lambda: _("Cancel"), number=2_000, repeat=5)) / 2_000 < 20e-6


# Titles of jobs


def archived(ctx: Context, many: int) -> Any:
    ids = tuple(range(1, many + 1))
    return jobs.start_action(ctx, "core.user", "disable", Selection("core.user", ids=ids), {})


def test_each_reads_the_title_of_a_job_in_his_own_language(signed_in: Any, make_user: Callable[..., User]) -> None:
    browser = signed_in("owner")
    job = archived(auth.context_for(browser.user, "ui"), 30)
    assert (job.title, str(job.said)) == ("Users: Switch off", "Users: Switch off")
    assert "Users: Switch off" in browser.get(f"/admin/jobs/{job.id}").text
    browser.send("/admin/profile/", what="profile", locale="ar")
    for url in (f"/admin/jobs/{job.id}", "/admin/jobs/", "/admin/jobs/pill"):
        page = browser.get(url).text
        assert "المستخدمون: " in page, url
        assert "Switch off" not in page, url


def test_a_title_of_before_stays_as_it_is(signed_in: Any) -> None:
    browser = signed_in("owner")
    job = archived(auth.context_for(browser.user, "ui"), 30)
    Job.update(title_parts=None).where(Job.id == job.id).execute()
    browser.send("/admin/profile/", what="profile", locale="ar")
    assert "Users: Switch off" in browser.get(f"/admin/jobs/{job.id}").text


def test_the_end_of_a_job_is_told_in_the_language_of_who_is_told(
    make_user: Callable[..., User], work_off: Callable[[], None]
) -> None:
    user = make_user("owner")
    job = archived(auth.context_for(user, "ui"), 30)
    work_off()
    (told,) = [one for one in notifications.of(user.id) if one.url == f"/admin/jobs/{job.id}"]
    assert told.said.startswith("Users: Switch off: ")
    with speaking("ar"):
        assert "المستخدمون" in told.said
        assert "Users" not in told.said
