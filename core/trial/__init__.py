"""What a plugin declares, compared with what there is: before it is enabled, so that no page pays for it."""

from __future__ import annotations

from core import plugins
from core.app import create_app
from core.plugins.blame import blaming
from core.runtime import bound
from core.settings import Settings
from core.trial import declared, pages, resources, tables
from core.trial.case import Case


def examine(settings: Settings, name: str) -> list[str]:
    """Assemble the plugins as if `name` were on; hints about it.

    Raises PluginFailed with everything that would fail when it is used.
    """
    built = plugins.build(settings, trial=name)
    case = Case(built, name)
    with bound(built):
        # What is declared first: pages and API made of what is wrong there would fail in words that help nobody.
        with blaming(name, "It cannot be checked"):
            for check in (declared.check, resources.check, tables.check):
                check(case)
        case.close()
        app = create_app(built)
        with app.test_request_context("/admin/"), blaming(name, "It cannot be checked"):
            pages.check(case, app)
        case.close()
    return case.hints
