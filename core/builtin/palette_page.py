"""The command bar's results: a part of every page, and a page of its own where there is no script."""

from __future__ import annotations

from typing import Any

import flask
from flask_admin import expose

from core.access import SIGNED_IN
from core.i18n import __, _n
from core.web import palette
from core.web.base import AdminView, context, is_partial


class PaletteView(AdminView):
    """`/admin/palette/`; `q`: what is looked for; `recent`: addresses that the browser has kept, the last one first."""

    permission = SIGNED_IN

    def __init__(self) -> None:
        super().__init__(name=__("Search or run a command"), endpoint="core_palette", url="/admin/palette")

    @expose("/")
    def index_view(self) -> Any:
        args = flask.request.args
        groups = palette.find(context(), args.get("q", ""), args.getlist("recent"))
        number = sum(len(group.hits) for group in groups)
        said = _n("%(n)s result", "%(n)s results", number)
        template = "admin/palette/results.html" if is_partial() else "admin/palette/page.html"
        return self.render(template, groups=groups, said=said, asked=args.get("q", "").strip())
