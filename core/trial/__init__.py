"""What a plugin declares, compared with what there is: before it is enabled, so that no page pays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import flask

from core import plugins
from core.app import create_app
from core.plugins.manifest import Plugin, blaming
from core.runtime import Runtime, bound
from core.settings import Settings
from core.trial import contributions, manifests, resources, tables, templates, workflows
from core.trial.findings import Finding

_DECLARED: tuple[Callable[[Runtime, Plugin], Iterator[Finding]], ...] = (
    manifests.check, resources.check, workflows.check, tables.check,
)  # fmt: skip
_ASSEMBLED: tuple[Callable[[Runtime, flask.Flask, Plugin], Iterator[Finding]], ...] = (
    contributions.check, templates.check,
)  # fmt: skip


def examine(settings: Settings, name: str) -> list[str]:
    """Assemble the plugins as if `name` were on; hints about it.

    Raises PluginFailed with everything that would fail when it is used.
    """
    hints: list[str] = []

    def checked(built: Runtime) -> flask.Flask:
        """What is declared first: pages and API made of what is wrong there would fail in words that help nobody."""
        with blaming(name, "It cannot be checked"):
            hints.extend(_judge(name, [one for check in _DECLARED for one in check(built, built.plugins[name])]))
        return create_app(built)

    built, app = plugins.assemble(settings, checked, trial=name)
    with bound(built), app.test_request_context("/admin/"), blaming(name, "It cannot be checked"):
        found = [one for check in _ASSEMBLED for one in check(built, app, built.plugins[name])]
        return hints + _judge(name, found)


def _judge(name: str, found: list[Finding]) -> list[str]:
    errors = [one.text for one in found if not one.is_hint]
    if errors:
        many = f"{len(errors)} things are wrong:\n- " if len(errors) > 1 else ""
        raise plugins.PluginFailed(name, many + "\n- ".join(errors))
    return [one.text for one in found]
