"""Saved views of lists: tabs, what they keep, who sees and changes them, and which one opens first."""
# fmt: off

from core.views.models import EVERYBODY, FirstView, SavedView
from core.views.service import ViewService, document, open_first
from core.views.setup import ARGUMENTS, DENSITIES, Setup, changed, differences, usual
from core.views.tabs import ALL, SHARE, Tab, first, firsts, fitting, may_edit, opened, tabs, visible

__all__ = [
    "ALL", "ARGUMENTS", "DENSITIES", "EVERYBODY", "SHARE", "FirstView", "SavedView", "Setup", "Tab", "ViewService",
    "changed", "differences", "document", "first", "firsts", "fitting", "may_edit", "open_first", "opened", "tabs",
    "usual", "visible",
]
